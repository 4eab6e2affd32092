using Pharos.Core;

namespace Pharos.Metrics.Blocks;

/// <summary>Chooses blocks to merge, as Prometheus's leveled compactor does.</summary>
internal static class CompactionPlan
{
    /// <summary>Block widths: each three times the one before, up to the widest allowed.</summary>
    public static long[] Widths(long blockRangeMs, long widestMs)
    {
        var widths = new List<long>();
        for (long width = blockRangeMs; width <= Math.Max(widestMs, blockRangeMs); width *= 3) widths.Add(width);
        return [.. widths];
    }

    /// <summary>The next blocks to merge into one; empty where there is nothing to do.</summary>
    /// <param name="blocks">All blocks, sorted by start.</param>
    /// <param name="worthCleaning">Blocks of which so much is deleted that a rewrite pays, where nothing else is to do.</param>
    public static IReadOnlyList<BlockMeta> Next(IReadOnlyList<BlockMeta> blocks, long[] widths, IReadOnlySet<string>? worthCleaning = null)
    {
        var usable = blocks.Where(b => !b.Failed).ToList();
        var overlapping = Overlapping(usable);
        if (overlapping.Count > 0) return overlapping;
        // Series that left the head early wait for the rest of their range.
        return Level(usable.FindAll(b => !b.Hints.Contains(BlockMeta.FromStaleSeries)), widths) is { Count: > 0 } level ? level : [.. usable.Where(b => worthCleaning?.Contains(b.Id) ?? false).Take(1)];
    }

    private static List<BlockMeta> Level(List<BlockMeta> usable, long[] widths)
    {
        // The newest block waits for its neighbours.
        if (usable.Count < 2) return [];
        long newestStart = usable[^1].MinMs;
        var settled = usable.GetRange(0, usable.Count - 1);
        foreach (long width in widths.Skip(1))
        {
            foreach (var group in Groups(settled, width))
            {
                if (group.Count < 2) continue;
                long start = TimeRanges.Floor(group[0].MinMs, width);
                bool whole = group[0].MinMs == start && group[^1].EndMs == start + width;
                if (whole || group[^1].EndMs <= newestStart && start + width <= newestStart) return group;
            }
        }
        return [];
    }

    private static List<BlockMeta> Overlapping(List<BlockMeta> blocks)
    {
        for (int i = 0; i < blocks.Count; i++)
        {
            long end = blocks[i].EndMs;
            int next = i + 1;
            while (next < blocks.Count && blocks[next].MinMs < end) end = Math.Max(end, blocks[next++].EndMs);
            if (next > i + 1) return blocks.GetRange(i, next - i);
        }
        return [];
    }

    /// <summary>Blocks by the range of the grid that they lie in; wider ones are left out.</summary>
    private static IEnumerable<List<BlockMeta>> Groups(List<BlockMeta> blocks, long width)
    {
        List<BlockMeta> group = [];
        long start = long.MinValue;
        foreach (var block in blocks)
        {
            long at = TimeRanges.Floor(block.MinMs, width);
            if (block.EndMs > at + width) continue;
            if (at != start)
            {
                if (group.Count > 0) yield return group;
                group = [];
                start = at;
            }
            group.Add(block);
        }
        if (group.Count > 0) yield return group;
    }
}
