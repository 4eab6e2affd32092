using Pharos.Core;

namespace Pharos.Metrics.Blocks;

/// <summary>Deleted time ranges of one series, sorted, not touching, both ends inclusive. Never changed.</summary>
internal sealed class DeletedRanges
{
    private readonly TimeRange[] ranges;

    public DeletedRanges(IEnumerable<TimeRange> any)
    {
        var merged = new List<TimeRange>();
        foreach (var range in any.OrderBy(r => r.MinMs))
        {
            if (merged.Count > 0 && range.MinMs <= (merged[^1].MaxMs == long.MaxValue ? long.MaxValue : merged[^1].MaxMs + 1))
                merged[^1] = merged[^1] with { MaxMs = Math.Max(merged[^1].MaxMs, range.MaxMs) };
            else merged.Add(range);
        }
        ranges = [.. merged];
    }

    public IReadOnlyList<TimeRange> Ranges => ranges;

    public long MaxMs => ranges[^1].MaxMs;

    public static DeletedRanges Add(DeletedRanges? to, TimeRange range) => new([.. to?.ranges ?? [], range]);

    public bool Covers(long minMs, long maxMs)
    {
        foreach (var range in ranges)
        {
            if (range.MinMs <= minMs && maxMs <= range.MaxMs) return true;
        }
        return false;
    }

    public bool Touches(long minMs, long maxMs)
    {
        foreach (var range in ranges)
        {
            if (range.Overlaps(minMs, maxMs)) return true;
        }
        return false;
    }

    /// <summary>How many of the milliseconds from one time to another, both inclusive, are deleted.</summary>
    public double CoveredMs(long minMs, long maxMs)
    {
        double covered = 0;
        foreach (var range in ranges)
        {
            if (range.Overlaps(minMs, maxMs)) covered += (double)Math.Min(range.MaxMs, maxMs) - Math.Max(range.MinMs, minMs) + 1;
        }
        return covered;
    }

    /// <summary>Copies the samples that are not deleted.</summary>
    public void Filter(SampleColumns from, SampleColumns into)
    {
        int at = 0;
        for (int i = 0; i < from.Count; i++)
        {
            long t = from.Timestamps[i];
            while (at < ranges.Length && ranges[at].MaxMs < t) at++;
            if (at < ranges.Length && ranges[at].MinMs <= t) continue;
            Columns.CopyOne(from, i, into);
        }
    }
}
