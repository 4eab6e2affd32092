using Pharos.Core;

namespace Pharos.Wire.Exposition;

/// <summary>
/// The <c>_created</c> lines of one family of OpenMetrics text. They stand behind the samples that they are about, so the family is
/// looked through when its type is read. Lines belong together by the bytes of their labels, which a writer writes in one order.
/// </summary>
internal sealed class CreatedTimes
{
    // By the hash of the labels as written, without le and quantile.
    private readonly Dictionary<ulong, long> startsMs = [];
    private byte[] family = [];
    private byte[] scratch = new byte[256];
    private MetricType type;

    public void Clear()
    {
        startsMs.Clear();
        type = MetricType.Unknown;
    }

    /// <param name="from">Behind the line that gives the type.</param>
    public void Learn(ReadOnlySpan<byte> text, int from, ReadOnlySpan<byte> name, MetricType of)
    {
        Clear();
        if (of is not (MetricType.Counter or MetricType.Histogram or MetricType.Summary)) return;
        (type, family) = (of, name.ToArray());
        var rest = text[from..];
        int end = rest.IndexOf("\n# TYPE "u8);
        if (end >= 0) rest = rest[..(end + 1)];
        while (!rest.IsEmpty)
        {
            int length = rest.IndexOf((byte)'\n');
            var line = length < 0 ? rest : rest[..length];
            if (IsCreated(line)) Add(line);
            rest = length < 0 ? default : rest[(length + 1)..];
        }
    }

    /// <summary>Whether a line of the family gives a start.</summary>
    public bool IsCreated(ReadOnlySpan<byte> line) =>
        type != MetricType.Unknown && line.StartsWith(family) && line[family.Length..].StartsWith("_created"u8)
        && line.Length > family.Length + 8 && line[family.Length + 8] is (byte)'{' or (byte)' ';

    /// <summary>The start of a series of the family as it is written, Unix milliseconds; 0 where there is none.</summary>
    public long Of(ReadOnlySpan<byte> series)
    {
        if (startsMs.Count == 0 || !series.StartsWith(family)) return 0;
        var behind = series[family.Length..];
        int brace = behind.IndexOf((byte)'{');
        var suffix = brace < 0 ? behind : behind[..brace];
        bool counts = type switch
        {
            MetricType.Counter => suffix.SequenceEqual("_total"u8),
            MetricType.Histogram => suffix.SequenceEqual("_bucket"u8) || suffix.SequenceEqual("_count"u8) || suffix.SequenceEqual("_sum"u8),
            _ => suffix.SequenceEqual("_count"u8) || suffix.SequenceEqual("_sum"u8),
        };
        return counts && startsMs.TryGetValue(LabelCodec.Hash(Key(brace < 0 ? default : behind[brace..])), out long startMs) ? startMs : 0;
    }

    private void Add(ReadOnlySpan<byte> line)
    {
        var behind = line[(family.Length + "_created".Length)..];
        int labelsEnd = behind[0] == '{' ? behind.LastIndexOf((byte)'}') + 1 : 0;
        if (labelsEnd == 0 && behind[0] == '{') return;
        var value = behind[labelsEnd..].TrimStart((byte)' ');
        int end = value.IndexOf((byte)' ');
        if (GoFloat.TryParse(end < 0 ? value : value[..end], out double seconds) && seconds is > 0 and < 1e12)
            startsMs[LabelCodec.Hash(Key(behind[..labelsEnd]))] = (long)(seconds * 1000);
    }

    /// <summary>The labels in braces without braces, commas at the end, and the pair that tells a bucket.</summary>
    private ReadOnlySpan<byte> Key(ReadOnlySpan<byte> braced)
    {
        if (braced.Length < 2) return default;
        var inner = braced[1..^1].TrimEnd((byte)',');
        if (type != MetricType.Histogram) return inner;
        int at = inner.StartsWith("le=\""u8) ? 0 : inner.IndexOf(",le=\""u8);
        if (at < 0) return inner;
        int open = at + inner[at..].IndexOf((byte)'"') + 1;
        int close = open + inner[open..].IndexOf((byte)'"');
        if (close < open) return inner;
        var before = inner[..at];
        var after = inner[(close + 1)..];
        if (before.IsEmpty) return after.TrimStart((byte)',');
        if (scratch.Length < inner.Length) scratch = new byte[inner.Length * 2];
        before.CopyTo(scratch);
        after.CopyTo(scratch.AsSpan(before.Length));
        return scratch.AsSpan(0, before.Length + after.Length);
    }
}
