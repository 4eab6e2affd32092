using Pharos.Core;
using Pharos.Metrics.Chunks;

namespace Pharos.Metrics.Blocks;

/// <summary>Merges blocks into one: series by labels, chunks by time, without what was deleted. Damage in any of them ends it: nothing is left out silently.</summary>
internal static class SeriesMerge
{
    /// <summary>Writes the merged block. Null where nothing is left.</summary>
    /// <exception cref="CorruptBlockException">A block is damaged.</exception>
    public static BlockMeta? Write(BlockWriter writer, IReadOnlyList<IBlock> blocks, BlockMeta frame, CancellationToken cancel)
    {
        foreach (var (labels, _) in Walk(blocks, cancel)) writer.Announce(labels);
        var chunks = new List<ChunkToWrite>();
        foreach (var (labels, parts) in Walk(blocks, cancel))
        {
            chunks.Clear();
            Collect(parts, chunks);
            writer.AddSeries(labels, chunks);
        }
        return writer.Finish(frame);
    }

    /// <summary>Whether everything can be read that a merge reads.</summary>
    public static bool IsWhole(IBlock block, CancellationToken cancel)
    {
        using var samples = new SampleColumns();
        var chunks = new List<ChunkToWrite>();
        try
        {
            foreach (var series in block.All(cancel))
            {
                chunks.Clear();
                samples.Clear();
                block.ReadChunks(series.Number, chunks, out _);
                block.ReadWhole(series.Number, samples);
            }
            return true;
        }
        catch (Exception wrong) when (wrong is CorruptBlockException or InvalidDataException)
        {
            return false;
        }
    }

    /// <summary>Series of all blocks, sorted, with the parts of each.</summary>
    private static IEnumerable<(Labels Labels, List<(IBlock Block, uint Series)> Parts)> Walk(IReadOnlyList<IBlock> blocks, CancellationToken cancel)
    {
        var queue = new PriorityQueue<(IBlock Block, IEnumerator<BlockSeries> Series), Labels>();
        foreach (var block in blocks)
        {
            var series = block.All(cancel).GetEnumerator();
            if (series.MoveNext()) queue.Enqueue((block, series), series.Current.Labels);
        }
        var parts = new List<(IBlock Block, uint Series)>();
        while (queue.TryPeek(out _, out var labels))
        {
            parts.Clear();
            while (queue.TryPeek(out var next, out var its) && its.Equals(labels))
            {
                queue.Dequeue();
                parts.Add((next.Block, next.Series.Current.Number));
                if (next.Series.MoveNext()) queue.Enqueue(next, next.Series.Current.Labels);
            }
            yield return (labels, parts);
        }
    }

    private static void Collect(List<(IBlock Block, uint Series)> parts, List<ChunkToWrite> into)
    {
        bool rewrite = false;
        foreach (var (block, series) in parts)
        {
            block.ReadChunks(series, into, out bool touched);
            rewrite |= touched;
        }
        into.Sort((a, b) => a.MinMs.CompareTo(b.MinMs));
        for (int i = 1; i < into.Count; i++) rewrite |= into[i].MinMs <= into[i - 1].MaxMs;
        if (!rewrite) return;
        into.Clear();
        var merged = new SampleColumns();
        var next = new SampleColumns();
        using var one = new SampleColumns();
        try
        {
            // As queries do: where two blocks have a sample of one time, the newer block's counts.
            foreach (var (block, series) in parts.OrderByDescending(p => p.Block.Meta.Id, StringComparer.Ordinal))
            {
                one.Clear();
                next.Clear();
                block.ReadWhole(series, one);
                Columns.Merge(merged, one, next);
                (merged, next) = (next, merged);
            }
            ChunkEncoder.Encode(merged, into);
        }
        finally
        {
            merged.Dispose();
            next.Dispose();
        }
    }
}
