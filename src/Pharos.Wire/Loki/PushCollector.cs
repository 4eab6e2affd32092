using System.Text;
using Pharos.Core;

namespace Pharos.Wire.Loki;

/// <summary>Puts streams into a batch, and remembers those whose labels are wrong.</summary>
internal sealed class PushCollector(LokiPushOptions options, LogBatch batch)
{
    private readonly List<AppendError> errors = [];

    /// <summary>Adds a stream by its label text; −1 and a message where the text is wrong.</summary>
    public int AddStream(ReadOnlySpan<byte> labelText, LabelScratch scratch, out AppendError? error)
    {
        error = null;
        if (labelText.Length > options.LabelBytesMax)
        {
            throw new WireFormatException(
                WireErrorKind.TooLarge, $"stream labels have {labelText.Length} bytes, over the limit of {options.LabelBytesMax} bytes");
        }
        if (!LabelText.TryParse(labelText, scratch, out string? wrong))
        {
            error = new AppendError(AppendErrorKind.BadData, "invalid_labels", wrong, 0);
            return -1;
        }
        return AddStream(scratch, out error);
    }

    /// <summary>Adds a stream by pairs whose names may be anything; −1 and a message where one is no label name.</summary>
    public int AddPairs(LabelScratch labels, out AppendError? error)
    {
        if (!labels.TryFindBadName(out var bad)) return AddStream(labels, out error);
        string name = Encoding.UTF8.GetString(bad), all = Labels.FromEncoded(labels.ToCanonical(out _)).ToString();
        error = new AppendError(
            AppendErrorKind.BadData, "invalid_labels",
            $"error parsing labels: {(all.Length > 256 ? all[..256] + "…" : all)}: {GoString.Quote(name.Length > 256 ? name[..256] + "…" : name)} is no label name; use letters, digits and _, and no digit first", 0);
        return -1;
    }

    /// <inheritdoc cref="AddStream(ReadOnlySpan{byte}, LabelScratch, out AppendError?)"/>
    public int AddStream(LabelScratch labels, out AppendError? error)
    {
        error = null;
        var canonical = labels.ToCanonical(out var duplicate);
        if (!duplicate.IsEmpty)
        {
            string name = Encoding.UTF8.GetString(duplicate);
            error = new AppendError(
                AppendErrorKind.BadData, "duplicate_label_names",
                $"stream '{Labels.FromEncoded(canonical)}' has duplicate label name: '{name}'", 0);
            return -1;
        }
        return batch.AddStream(canonical);
    }

    public void LeftOut(AppendError error, int entries) => errors.Add(error with { Samples = entries });

    public LokiPushResult Result() => new(batch.StreamCount, batch.Entries.Length, errors);
}
