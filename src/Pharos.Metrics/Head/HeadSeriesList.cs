using System.Buffers;
using Pharos.Core;

namespace Pharos.Metrics.Head;

/// <summary>
/// Series of the head as a query took them out: a few pooled arrays for all of them, which collections of garbage need not move, and an
/// object of a series only while it is looked at. Safe for several threads until it is disposed of.
/// </summary>
/// <param name="parts">Of <see cref="TenantHead.Capture"/>; given back with the labels.</param>
/// <param name="labels">Pooled; null for series that left.</param>
/// <param name="found">How many of both there are.</param>
internal sealed class HeadSeriesList(HeadPart[] parts, Labels?[] labels, int found) : ISeriesList
{
    private HeadPart[] parts = parts;
    private Labels?[] labels = labels;

    /// <summary>Where the part of each label set stands, once they are sorted.</summary>
    private int[] places = [];

    public int Count { get; private set; }

    public long LabelBytes { get; private set; }

    public ISeries this[int index] => index < Count ? new HeadSeries(this, index) : throw new ArgumentOutOfRangeException(nameof(index));

    /// <summary>Keeps only series with samples that may be in the range, and counts them.</summary>
    public void Narrow(TimeRange range, QueryBudget? budget)
    {
        const int perCount = 256;
        int count = 0, chunks = 0, counted = 0;
        long bytes = 0;
        Labels? last = null;
        for (int i = 0; i < found; i++)
        {
            ref readonly var part = ref parts[i];
            if (labels[i] is not { } name || !part.IsTaken || part.IsEmpty || !range.Overlaps(part.MinMs, part.MaxMs)) continue;
            if (part.Deleted is { } deleted && deleted.Covers(part.MinMs, part.MaxMs)) continue;
            // Where sets are shared, those with one set often come in a row.
            if (!ReferenceEquals(name, last)) LabelBytes += name.Encoded.Length;
            last = name;
            if (budget is not null)
            {
                chunks += part.ChunkCount(range);
                if (budget.CountsBytes) bytes += part.ChunkBytes(range);
            }
            labels[count] = name;
            if (count != i) parts[count] = part;
            if (++count - counted == perCount) Counted();
        }
        Counted();
        Count = count;

        void Counted()
        {
            budget?.Take(count - counted, chunks, bytes);
            (counted, chunks, bytes) = (count, 0, 0);
        }
    }

    /// <summary>Sorts the series by labels.</summary>
    public void Sort()
    {
        places = ArrayPool<int>.Shared.Rent(Count);
        for (int i = 0; i < Count; i++) places[i] = i;
        labels.AsSpan(0, Count).Sort(places.AsSpan(0, Count), static (a, b) => a!.CompareTo(b));
    }

    public IEnumerator<ISeries> GetEnumerator()
    {
        for (int i = 0; i < Count; i++) yield return new HeadSeries(this, i);
    }

    System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Gives the arrays back: none of the series may be read any more.</summary>
    public void Dispose()
    {
        Count = 0;
        if (parts.Length > 0) HeadCapture.Return(parts, found);
        if (labels.Length > 0)
        {
            labels.AsSpan(0, found).Clear();
            ArrayPool<Labels?>.Shared.Return(labels);
        }
        if (places.Length > 0) ArrayPool<int>.Shared.Return(places);
        (parts, labels, places) = ([], [], []);
    }

    /// <summary>One of them, to a reader and, where blocks have more of it, as a part.</summary>
    private sealed class HeadSeries(HeadSeriesList list, int index) : ISeries, ISeriesPart
    {
        private ref readonly HeadPart Part => ref list.parts[list.places.Length == 0 ? index : list.places[index]];

        public Labels Labels => list.labels[index]!;

        public long MinMs => Part.MinMs;
        public long MaxMs => Part.MaxMs;

        public void Read(TimeRange range, SampleColumns into) => Part.Read(range, into);
    }
}
