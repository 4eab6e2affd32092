using System.Text;
using Pharos.Core;

namespace Pharos.Metrics.Head;

internal enum ExemplarCheck
{
    Good,
    Known,
    OutOfOrder,
    TooLong,
}

/// <summary>The newest exemplars of a tenant, bounded; the oldest give way. Used under the head's <see cref="TenantHead.Extras"/>.</summary>
internal sealed class ExemplarRing(int capacity)
{
    /// <summary>Characters of all label names and values together. Source: OpenMetrics.</summary>
    public const int LabelCharactersMax = 128;

    private readonly List<(Labels Series, Exemplar Exemplar)> ring = [];
    private readonly Dictionary<Labels, Exemplar> newest = [];
    private int next;

    /// <summary>How many are kept. Lowering it drops the oldest.</summary>
    public int Capacity
    {
        get => capacity;
        set
        {
            if (value == capacity) return;
            var kept = ring.Skip(next).Concat(ring.Take(next)).TakeLast(value).ToList();
            ring.Clear();
            ring.AddRange(kept);
            next = 0;
            newest.Clear();
            foreach (var (series, exemplar) in kept) newest[series] = exemplar;
            capacity = value;
        }
    }

    public int Count => ring.Count;

    public ExemplarCheck Check(Labels series, Exemplar exemplar)
    {
        int characters = 0;
        foreach (var label in exemplar.Labels)
        {
            characters += Encoding.UTF8.GetCharCount(label.NameUtf8) + Encoding.UTF8.GetCharCount(label.ValueUtf8);
        }
        if (characters > LabelCharactersMax) return ExemplarCheck.TooLong;
        if (!newest.TryGetValue(series, out var last)) return ExemplarCheck.Good;
        if (last.Equals(exemplar)) return ExemplarCheck.Known;
        return exemplar.TimestampMs < last.TimestampMs ? ExemplarCheck.OutOfOrder : ExemplarCheck.Good;
    }

    public void Add(Labels series, Exemplar exemplar)
    {
        if (capacity == 0) return;
        newest[series] = exemplar;
        if (ring.Count < capacity)
        {
            ring.Add((series, exemplar));
            return;
        }
        var gone = ring[next];
        if (newest.TryGetValue(gone.Series, out var last) && ReferenceEquals(last, gone.Exemplar)) newest.Remove(gone.Series);
        ring[next] = (series, exemplar);
        next = (next + 1) % capacity;
    }

    /// <summary>All, in the order in which they came.</summary>
    public IReadOnlyList<(Labels Series, Exemplar Exemplar)> OldestFirst() => ring.Count < capacity ? ring : [.. ring[next..], .. ring[..next]];

    /// <summary>Exemplars of series that a test accepts, inside a range, oldest first for each series, series sorted.</summary>
    public IReadOnlyList<(Labels Series, IReadOnlyList<Exemplar> Exemplars)> Read(Func<Labels, bool> wanted, TimeRange range)
    {
        var found = new SortedDictionary<Labels, List<Exemplar>>();
        foreach (var (series, exemplar) in ring)
        {
            if (!range.Contains(exemplar.TimestampMs)) continue;
            if (!found.TryGetValue(series, out var list))
            {
                if (!wanted(series)) continue;
                found[series] = list = [];
            }
            list.Add(exemplar);
        }
        return [.. found.Select(f => (f.Key, (IReadOnlyList<Exemplar>)f.Value.OrderBy(e => e.TimestampMs).ToList()))];
    }
}
