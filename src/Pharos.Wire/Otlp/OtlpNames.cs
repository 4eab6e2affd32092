using System.Text;
using Pharos.Core;

namespace Pharos.Wire.Otlp;

/// <summary>
/// Names of metrics, units and labels as Prometheus makes them of OTLP's. A result is empty where nothing legal is left.
/// Source of the rules: the OpenTelemetry specification's "Prometheus and OpenMetrics compatibility", and Prometheus 3.
/// </summary>
internal sealed class OtlpNames(OtlpSettings settings)
{
    private static readonly Dictionary<string, string> Units = new(StringComparer.Ordinal)
    {
        ["d"] = "days", ["h"] = "hours", ["min"] = "minutes", ["s"] = "seconds", ["ms"] = "milliseconds", ["us"] = "microseconds", ["ns"] = "nanoseconds",
        ["By"] = "bytes", ["KiBy"] = "kibibytes", ["MiBy"] = "mebibytes", ["GiBy"] = "gibibytes", ["TiBy"] = "tibibytes",
        ["KBy"] = "kilobytes", ["MBy"] = "megabytes", ["GBy"] = "gigabytes", ["TBy"] = "terabytes",
        ["m"] = "meters", ["V"] = "volts", ["A"] = "amperes", ["J"] = "joules", ["W"] = "watts", ["g"] = "grams",
        ["Cel"] = "celsius", ["Hz"] = "hertz", ["1"] = "", ["%"] = "percent",
    };

    private static readonly Dictionary<string, string> PerUnits = new(StringComparer.Ordinal)
    {
        ["s"] = "second", ["m"] = "minute", ["h"] = "hour", ["d"] = "day", ["w"] = "week", ["mo"] = "month", ["y"] = "year",
    };

    private readonly bool escape = settings.Translation is OtlpTranslation.UnderscoreEscapingWithSuffixes or OtlpTranslation.UnderscoreEscapingWithoutSuffixes;
    private readonly bool suffixes = settings.Translation is OtlpTranslation.UnderscoreEscapingWithSuffixes or OtlpTranslation.NoUTF8EscapingWithSuffixes;
    private readonly Dictionary<string, string> labels = new(StringComparer.Ordinal);

    public string Metric(OtlpMetric metric)
    {
        bool counter = metric is { Kind: OtlpMetricKind.Sum, Monotonic: true };
        bool ratio = metric is { Kind: OtlpMetricKind.Gauge, Unit: "1" };
        if (!escape) return suffixes ? Suffixed(metric.Name, metric.Unit, counter, ratio) : metric.Name;
        string name = suffixes ? Tokens(metric.Name, metric.Unit, counter, ratio) : string.Join('_', Parts(metric.Name, underscoreIsLegal: true));
        if (name.Length > 0 && char.IsAsciiDigit(name[0])) name = "_" + name;
        return name != metric.Name && name.AsSpan().IndexOfAnyExcept('_') < 0 ? "" : name;
    }

    /// <summary>The unit in words, for metadata.</summary>
    public string Unit(string unit)
    {
        var (main, per) = UnitWords(unit);
        if (escape) (main, per) = (CleanUnit(main), CleanUnit(per));
        return (main.Length > 0 && per.Length > 0 ? $"{main}_{per}" : main + per).Trim('_');
    }

    public string Label(string key)
    {
        if (!escape || key.Length == 0) return key;
        if (labels.TryGetValue(key, out string? known)) return known;
        string name = Sanitize(key);
        if (char.IsAsciiDigit(name[0])) name = "key_" + name;
        else if (settings.LabelUnderscoreSanitization && name[0] == '_' && !name.StartsWith("__", StringComparison.Ordinal)) name = "key" + name;
        if (name != key && name.AsSpan().IndexOfAnyExcept('_') < 0) name = "";
        // A decoder lives for one request, and attribute keys are few; a hostile sender gets no larger cache than this.
        if (labels.Count < 10_000) labels[key] = name;
        return name;
    }

    private string Sanitize(string key)
    {
        // Names such as __tenant__ keep their underscores whatever the setting.
        bool collapse = !settings.LabelKeepsMultipleUnderscores && !(key.StartsWith("__", StringComparison.Ordinal) && key.EndsWith("__", StringComparison.Ordinal));
        var name = new StringBuilder(key.Length);
        foreach (var rune in key.EnumerateRunes())
        {
            char c = rune.IsAscii && char.IsAsciiLetterOrDigit((char)rune.Value) ? (char)rune.Value : '_';
            if (!collapse || c != '_' || name.Length == 0 || name[^1] != '_') name.Append(c);
        }
        return name.ToString();
    }

    private static string Tokens(string name, string unit, bool counter, bool ratio)
    {
        var tokens = Parts(name, underscoreIsLegal: false);
        var (main, per) = UnitWords(unit);
        (main, per) = (CleanUnit(main), CleanUnit(per));
        per = per == "per_" ? "" : per.EndsWith('_') ? per[..^1] : per;
        if (tokens.Contains(main)) main = "";
        if (tokens.Contains(per)) per = "";
        if (per.Length > 0 && main.EndsWith('_')) main = main[..^1];
        if (main.Length > 0) tokens.Add(main);
        if (per.Length > 0) tokens.Add(per);
        if (counter) MoveToEnd(tokens, "total");
        if (ratio) MoveToEnd(tokens, "ratio");
        return string.Join('_', tokens);
    }

    private static void MoveToEnd(List<string> tokens, string word)
    {
        tokens.RemoveAll(t => t == word);
        tokens.Add(word);
    }

    private static string Suffixed(string name, string unit, bool counter, bool ratio)
    {
        var (main, per) = UnitWords(unit);
        string end = "";
        if (ratio) name = Without(name, "ratio", ref end);
        if (counter) name = Without(name, "total", ref end);
        if (per.Length > 0) name = Without(name, per, ref end);
        if (main.Length > 0 && !name.EndsWith(main, StringComparison.Ordinal)) name += "_" + main;
        return name + end;
    }

    /// <summary>Takes a word and the character before it off the end, and puts it before what is to be appended.</summary>
    private static string Without(string name, string word, ref string end)
    {
        end = "_" + word + end;
        return name.EndsWith(word, StringComparison.Ordinal) && name.Length > word.Length + 1 ? name[..^(word.Length + 1)] : name;
    }

    private static (string Main, string Per) UnitWords(string unit)
    {
        int slash = unit.IndexOf('/', StringComparison.Ordinal);
        string main = Word(slash < 0 ? unit : unit[..slash], Units);
        string per = slash < 0 ? "" : Word(unit[(slash + 1)..], PerUnits);
        return (main, per.Length > 0 ? "per_" + per : "");

        // An annotation in braces is no unit.
        static string Word(string part, Dictionary<string, string> words)
        {
            part = part.Trim();
            return part.AsSpan().IndexOfAny('{', '}') >= 0 ? "" : words.GetValueOrDefault(part, part);
        }
    }

    private static string CleanUnit(string word)
    {
        var clean = new StringBuilder(word.Length);
        foreach (var rune in word.EnumerateRunes())
        {
            char c = IsNameRune(rune) ? (char)rune.Value : '_';
            if (c != '_' || clean.Length == 0 || clean[^1] != '_') clean.Append(c);
        }
        return clean.Length > 0 && clean[0] == '_' ? clean.ToString(1, clean.Length - 1) : clean.ToString();
    }

    private static List<string> Parts(string name, bool underscoreIsLegal)
    {
        var parts = new List<string>();
        int start = -1;
        for (int i = 0; i <= name.Length; i++)
        {
            bool legal = i < name.Length && name[i] < 128 && (IsNameRune(new Rune(name[i])) || (underscoreIsLegal && name[i] == '_'));
            if (legal && start < 0) start = i;
            if (legal || start < 0) continue;
            parts.Add(name[start..i]);
            start = -1;
        }
        return parts;
    }

    private static bool IsNameRune(Rune rune) => rune.IsAscii && (char.IsAsciiLetterOrDigit((char)rune.Value) || rune.Value == ':');
}
