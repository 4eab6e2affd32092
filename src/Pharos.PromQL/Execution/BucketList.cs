using System.Runtime.InteropServices;
using Pharos.Core;

namespace Pharos.PromQL.Execution;

/// <summary>Buckets of one side by index, rising, with the lost low bits of each sum.</summary>
internal sealed class BucketList
{
    private int[] indexes;
    private double[] counts;
    private double[] lost;

    private BucketList(int capacity)
    {
        indexes = new int[capacity];
        counts = new double[capacity];
        lost = new double[capacity];
    }

    public int Count { get; private set; }

    public ReadOnlySpan<int> Indexes => indexes.AsSpan(0, Count);
    public Span<double> Counts => counts.AsSpan(0, Count);
    public Span<double> Lost => lost.AsSpan(0, Count);

    public static BucketList From(BucketSpan[] spans, double[] buckets)
    {
        var list = new BucketList(buckets.Length);
        int index = 0, at = 0;
        foreach (var span in spans)
        {
            index += span.Offset;
            for (uint i = 0; i < span.Length; i++, index++)
            {
                double count = buckets[at++];
                if (count == 0) continue;
                list.indexes[list.Count] = index;
                list.counts[list.Count++] = count;
            }
        }
        return list;
    }

    public BucketList Clone() => new(0) { indexes = (int[])indexes.Clone(), counts = (double[])counts.Clone(), lost = (double[])lost.Clone(), Count = Count };

    /// <summary>Changes indexes by a function that never falls; buckets that get the same index are summed.</summary>
    public void Remap(Func<int, int> map)
    {
        int n = 0;
        for (int i = 0; i < Count; i++)
        {
            int to = map(indexes[i]);
            if (n > 0 && indexes[n - 1] == to)
            {
                Kahan.Add(counts[i], ref counts[n - 1], ref lost[n - 1]);
                lost[n - 1] += lost[i];
                continue;
            }
            indexes[n] = to;
            counts[n] = counts[i];
            lost[n++] = lost[i];
        }
        Count = n;
    }

    public void RemoveWhere(Func<int, bool> remove)
    {
        int n = 0;
        for (int i = 0; i < Count; i++)
        {
            if (remove(indexes[i])) continue;
            indexes[n] = indexes[i];
            counts[n] = counts[i];
            lost[n++] = lost[i];
        }
        Count = n;
    }

    /// <summary>Adds the other's buckets times a sign.</summary>
    public void Add(BucketList other, double sign)
    {
        if (other.Count == 0) return;
        var merged = new BucketList(Count + other.Count);
        int a = 0, b = 0, n = 0;
        while (a < Count || b < other.Count)
        {
            if (b >= other.Count || (a < Count && indexes[a] < other.indexes[b]))
            {
                merged.indexes[n] = indexes[a];
                merged.counts[n] = counts[a];
                merged.lost[n++] = lost[a++];
            }
            else if (a >= Count || other.indexes[b] < indexes[a])
            {
                merged.indexes[n] = other.indexes[b];
                merged.counts[n] = sign * other.counts[b];
                merged.lost[n++] = sign * other.lost[b++];
            }
            else
            {
                merged.indexes[n] = indexes[a];
                merged.counts[n] = counts[a];
                merged.lost[n] = lost[a++];
                Kahan.Add(sign * other.counts[b], ref merged.counts[n], ref merged.lost[n]);
                merged.lost[n++] += sign * other.lost[b++];
            }
        }
        (indexes, counts, lost, Count) = (merged.indexes, merged.counts, merged.lost, n);
    }

    public void Scale(double factor)
    {
        for (int i = 0; i < Count; i++)
        {
            counts[i] *= factor;
            lost[i] *= factor;
        }
    }

    public void Divide(double divisor)
    {
        for (int i = 0; i < Count; i++)
        {
            counts[i] /= divisor;
            lost[i] /= divisor;
        }
    }

    /// <summary>Spans and counts without empty buckets.</summary>
    public (BucketSpan[] Spans, double[] Buckets) Compact()
    {
        var keep = new List<int>(Count);
        var values = new List<double>(Count);
        for (int i = 0; i < Count; i++)
        {
            double total = double.IsInfinity(counts[i]) ? counts[i] : counts[i] + lost[i];
            if (total == 0) continue;
            keep.Add(indexes[i]);
            values.Add(total);
        }
        return (HistogramBuckets.Spans(CollectionsMarshal.AsSpan(keep)), [.. values]);
    }
}
