using System.Buffers.Binary;
using System.Text;
using Pharos.Core;
using Pharos.LogQL.Pipeline;

namespace Pharos.LogQL.Engine;

/// <summary>Finds the series that a line's sample belongs to. Belongs to one thread.</summary>
internal sealed class SeriesOfLabels
{
    private readonly RangePlan plan;
    private readonly string[]? names;
    private readonly string?[] values = [];
    private readonly Dictionary<string?[], SampleSeries> byValues = new(ValuesComparer.Instance);
    private readonly Dictionary<byte[], SampleSeries> byStreamValues = new(ByteKeys.Instance);
    private readonly Dictionary<byte[], SampleSeries> series = new(ByteKeys.Instance);
    private readonly byte[][] namesUtf8 = [];
    private readonly List<ParsedLabel> all = [];
    private readonly List<ParsedLabel> kept = [];
    private byte[] key = new byte[256];
    private byte[] encoded = new byte[256];

    // Of the dictionary that the last line's value stands in.
    private LogFieldColumn? column;
    private SampleSeries?[] byId = [];

    public SeriesOfLabels(RangePlan plan)
    {
        this.plan = plan;
        if (plan.Grouping is not { Without: false } by || by.Labels.Any(n => n.StartsWith("__error", StringComparison.Ordinal))) return;
        names = [.. by.Labels.Distinct(StringComparer.Ordinal)];
        values = new string?[names.Length];
        namesUtf8 = [.. names.Select(Encoding.UTF8.GetBytes)];
    }

    public IReadOnlyCollection<SampleSeries> All => series.Values;

    /// <summary>
    /// The series of entries of a stream, by its labels as they are stored; null where it was not met before, or where the stream's labels do not say it.
    /// Only for entries without metadata, whose labels no stage changes.
    /// </summary>
    /// <param name="met">Where to put what <see cref="Find"/> gives instead.</param>
    public SampleSeries? FindStored(Labels stream, out ReadOnlySpan<byte> met)
    {
        met = default;
        if (names is null) return null;
        // Never empty, also where there are no names.
        int at = 1;
        foreach (byte[] name in namesUtf8)
        {
            stream.TryGetUtf8(name, out var value);
            if (key.Length < at + 4 + value.Length) Array.Resize(ref key, (2 * key.Length) + value.Length);
            BinaryPrimitives.WriteInt32LittleEndian(key.AsSpan(at), value.Length);
            value.CopyTo(key.AsSpan(at + 4));
            at += 4 + value.Length;
        }
        met = key.AsSpan(0, at);
        return byStreamValues.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(met, out var found) ? found : null;
    }

    /// <summary>Keeps the series of streams with the same values.</summary>
    public void Keep(ReadOnlySpan<byte> met, SampleSeries found)
    {
        if (!met.IsEmpty) byStreamValues[met.ToArray()] = found;
    }

    public SampleSeries Find(LabelState labels)
    {
        if (names is null) return FindByAll(labels);
        if (names is not [var only] || only == plan.Syntax.Range.Unwrap?.Label || !labels.TryGetId(only, out var dictionary, out int id)) return FindByValues(labels, names);
        if (!ReferenceEquals(dictionary, column))
        {
            column = dictionary;
            byId = new SampleSeries?[dictionary.Distinct + 1];
        }
        return byId[id] ??= FindByValues(labels, names);
    }

    private SampleSeries FindByValues(LabelState labels, string[] names)
    {
        for (int i = 0; i < names.Length; i++) values[i] = names[i] == plan.Syntax.Range.Unwrap?.Label ? null : labels.Get(names[i]);
        if (byValues.TryGetValue(values, out var found)) return found;
        return byValues[[.. values]] = FindByAll(labels);
    }

    private SampleSeries FindByAll(LabelState labels)
    {
        labels.CopyTo(all);
        kept.Clear();
        foreach (var label in all)
        {
            if (label.Name == plan.Syntax.Range.Unwrap?.Label) continue;
            if (plan.Grouping is { } grouping && grouping.Labels.Contains(label.Name) == grouping.Without) continue;
            kept.Add(label);
        }
        var bytes = LabelEncoding.Encode(kept, ref encoded);
        if (series.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(bytes, out var found)) return found;
        byte[] own = bytes.ToArray();
        return series[own] = plan.NewSeries(Labels.FromEncoded(own));
    }

    private sealed class ValuesComparer : IEqualityComparer<string?[]>
    {
        public static ValuesComparer Instance { get; } = new();

        public bool Equals(string?[]? x, string?[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(string?[] obj)
        {
            int hash = 17;
            foreach (string? value in obj) hash = (hash * 31) + (value is null ? 1 : string.GetHashCode(value, StringComparison.Ordinal));
            return hash;
        }
    }
}
