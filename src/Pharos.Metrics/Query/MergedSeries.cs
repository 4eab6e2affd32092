using Pharos.Core;

namespace Pharos.Metrics;

/// <summary>A series as a query sees it: its parts in the head and in blocks, merged by time.</summary>
internal sealed class MergedSeries(Labels labels) : ISeries
{
    private ISeriesPart? first;
    private List<ISeriesPart>? more;

    public Labels Labels { get; } = labels;

    /// <summary>Adds a part; where two parts have a sample of the same time, the part added first counts.</summary>
    public void Add(ISeriesPart part)
    {
        if (first is null) first = part;
        else (more ??= []).Add(part);
    }

    public void Read(TimeRange range, SampleColumns into)
    {
        if (more is null)
        {
            if (first is not null && range.Overlaps(first.MinMs, first.MaxMs)) first.Read(range, into);
            return;
        }
        var parts = new List<ISeriesPart>(more.Count + 1);
        if (range.Overlaps(first!.MinMs, first.MaxMs)) parts.Add(first);
        foreach (var part in more)
        {
            if (range.Overlaps(part.MinMs, part.MaxMs)) parts.Add(part);
        }
        // A stable sort: among equal starts the order of adding stays.
        parts = [.. parts.OrderBy(p => p.MinMs)];
        for (int i = 0; i < parts.Count;)
        {
            int end = i + 1;
            long maxMs = parts[i].MaxMs;
            while (end < parts.Count && parts[end].MinMs <= maxMs) maxMs = Math.Max(maxMs, parts[end++].MaxMs);
            if (end == i + 1) parts[i].Read(range, into);
            else ReadOverlapping(parts.GetRange(i, end - i), range, into);
            i = end;
        }
    }

    /// <summary>Merges parts of one time, pair by pair.</summary>
    private void ReadOverlapping(List<ISeriesPart> parts, TimeRange range, SampleColumns into)
    {
        parts.Sort((a, b) => Rank(a).CompareTo(Rank(b)));
        var merged = new SampleColumns();
        var next = new SampleColumns();
        using var one = new SampleColumns();
        try
        {
            parts[0].Read(range, merged);
            for (int i = 1; i < parts.Count; i++)
            {
                one.Clear();
                next.Clear();
                parts[i].Read(range, one);
                Columns.Merge(merged, one, next);
                (merged, next) = (next, merged);
            }
            Columns.CopyAll(merged, into);
        }
        finally
        {
            merged.Dispose();
            next.Dispose();
        }
    }

    private int Rank(ISeriesPart part) => ReferenceEquals(part, first) ? -1 : more!.IndexOf(part);
}
