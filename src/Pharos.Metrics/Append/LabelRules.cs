using System.Text;
using System.Text.Unicode;
using Pharos.Core;

namespace Pharos.Metrics.Append;

/// <summary>What the labels of a new series must be. Looking makes nothing: a request may be refused whole.</summary>
internal static class LabelRules
{
    private const int TextBytesMax = 200;

    /// <summary>The first rule that labels break, by the code of its error; null where they are good.</summary>
    /// <param name="breach">The label that breaks it, and how many were seen.</param>
    public static string? Check(ReadOnlySpan<byte> canonical, TenantLimits limits, out LabelBreach breach)
    {
        breach = default;
        ReadOnlySpan<byte> before = default;
        bool named = false, info = false;
        int count = 0;
        // Lengths under 128 are ASCII, too: one look at everything is enough for nearly all series.
        bool plain = Ascii.IsValid(canonical);
        for (int offset = 0; offset < canonical.Length;)
        {
            var name = LabelCodec.ReadString(canonical, ref offset);
            var value = LabelCodec.ReadString(canonical, ref offset);
            breach = new LabelBreach(name, value, ++count);
            if (name.IsEmpty || (!plain && !(Utf8.IsValid(name) && Utf8.IsValid(value)))) return Refusals.LabelInvalid;
            bool isName = name.SequenceEqual("__name__"u8);
            if (!limits.Utf8Names)
            {
                if (isName && !LabelNames.IsLegacyMetric(Encoding.UTF8.GetString(value))) return Refusals.MetricNameInvalid;
                if (!isName && !LabelNames.IsLegacy(Encoding.UTF8.GetString(name))) return Refusals.LabelInvalid;
            }
            if (count > 1 && before.SequenceCompareTo(name) >= 0) return Refusals.DuplicateLabel;
            if (limits.LabelNameBytesMax > 0 && name.Length > limits.LabelNameBytesMax) return Refusals.LabelNameTooLong;
            if (limits.LabelValueBytesMax > 0 && value.Length > limits.LabelValueBytesMax) return Refusals.LabelValueTooLong;
            named |= isName;
            info |= isName && value.EndsWith("_info"u8);
            before = name;
        }
        if (!named) return Refusals.MissingName;
        if (info && limits.LabelNamesPerInfoSeriesMax > limits.LabelNamesPerSeriesMax)
            return count <= limits.LabelNamesPerInfoSeriesMax || limits.LabelNamesPerSeriesMax == 0 ? null : Refusals.InfoLabelNames;
        return limits.LabelNamesPerSeriesMax > 0 && count > limits.LabelNamesPerSeriesMax ? Refusals.LabelNames : null;
    }

    /// <summary>The error in words.</summary>
    public static string Words(string code, in LabelBreach breach, ReadOnlySpan<byte> canonical, TenantLimits limits)
    {
        bool sound = breach.Name.Length > 0 && Utf8.IsValid(breach.Name) && Utf8.IsValid(breach.Value);
        string name = Text(breach.Name), series = sound ? Refusals.Short(Labels.FromEncoded(canonical)) : Text(canonical);
        return code switch
        {
            Refusals.MetricNameInvalid => $"received a series with invalid metric name: '{Text(breach.Value)}' (err-mimir-{code}). To take any UTF-8 name, set name_validation_scheme: utf8",
            Refusals.LabelInvalid => $"received a series with an invalid label: '{name}' series: '{series}' (err-mimir-{code})"
                + (sound ? ". To take any UTF-8 name, set name_validation_scheme: utf8" : "; names must not be empty, names and values must be UTF-8"),
            Refusals.DuplicateLabel => $"received a series with duplicate label name, label: '{name}' series: '{series}' (err-mimir-{code})",
            Refusals.LabelNameTooLong => $"received a series whose label name length of {breach.Name.Length} exceeds the limit of {limits.LabelNameBytesMax}, label: '{name}' (err-mimir-{code}). To adjust the limit, set max_label_name_length",
            Refusals.LabelValueTooLong => $"received a series whose label value length of {breach.Value.Length} exceeds the limit of {limits.LabelValueBytesMax}, label: '{name}', value: '{Text(breach.Value)}' (err-mimir-{code}). To adjust the limit, set max_label_value_length",
            Refusals.MissingName => $"received series has no metric name: '{series}' (err-mimir-{code})",
            Refusals.InfoLabelNames => $"received a series whose number of labels exceeds the limit for info series (actual: {breach.Count}, limit: {limits.LabelNamesPerInfoSeriesMax}) series: '{series}' (err-mimir-{code}). To adjust the limit, set max_label_names_per_info_series",
            _ => $"received a series whose number of labels exceeds the limit (actual: {breach.Count}, limit: {limits.LabelNamesPerSeriesMax}) series: '{series}' (err-mimir-{code}). To adjust the limit, set max_label_names_per_series",
        };
    }

    private static string Text(ReadOnlySpan<byte> utf8)
    {
        string text = Encoding.UTF8.GetString(utf8[..Math.Min(utf8.Length, TextBytesMax)]);
        return utf8.Length > TextBytesMax ? text + "…" : text;
    }
}
