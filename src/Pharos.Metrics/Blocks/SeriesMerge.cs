using Pharos.Core;
using Pharos.Metrics.Chunks;

namespace Pharos.Metrics.Blocks;

/// <summary>Merges blocks into one: series by labels, chunks by time, without what was deleted.</summary>
internal static class SeriesMerge
{
    /// <summary>Writes the merged block. Null where nothing is left.</summary>
    public static BlockMeta? Write(BlockWriter writer, IReadOnlyList<Block> blocks, BlockMeta frame, CancellationToken cancel)
    {
        foreach (var (labels, _) in Walk(blocks, cancel)) writer.Announce(labels);
        var chunks = new List<ChunkToWrite>();
        foreach (var (labels, parts) in Walk(blocks, cancel))
        {
            chunks.Clear();
            Collect(labels, parts, chunks);
            writer.AddSeries(labels, chunks);
        }
        return writer.Finish(frame);
    }

    /// <summary>Series of all blocks, sorted, with the parts of each.</summary>
    private static IEnumerable<(Labels Labels, List<BlockPart> Parts)> Walk(IReadOnlyList<Block> blocks, CancellationToken cancel)
    {
        var queue = new PriorityQueue<IEnumerator<(Labels Labels, BlockPart Part)>, Labels>();
        foreach (var block in blocks)
        {
            var series = block.Select([], TimeRange.All, cancel).GetEnumerator();
            if (series.MoveNext()) queue.Enqueue(series, series.Current.Labels);
        }
        var parts = new List<BlockPart>();
        while (queue.TryDequeue(out var next, out var labels))
        {
            parts.Clear();
            parts.Add(next.Current.Part);
            if (next.MoveNext()) queue.Enqueue(next, next.Current.Labels);
            while (queue.TryPeek(out var same, out var its) && its.Equals(labels))
            {
                queue.Dequeue();
                parts.Add(same.Current.Part);
                if (same.MoveNext()) queue.Enqueue(same, same.Current.Labels);
            }
            yield return (labels, parts);
        }
    }

    private static void Collect(Labels labels, List<BlockPart> parts, List<ChunkToWrite> into)
    {
        var all = new List<(ChunkMeta Meta, Block Block)>();
        bool rewrite = false;
        foreach (var part in parts)
        {
            var metas = new List<ChunkMeta>();
            part.Block.Index.Chunks(part.Series, TimeRange.All, metas);
            foreach (var meta in metas) all.Add((meta, part.Block));
            if (part.Block.Deleted.TryGetValue(part.Series, out var gone)) rewrite |= metas.Exists(m => gone.Touches(m.MinMs, m.MaxMs));
        }
        all.Sort((a, b) => a.Meta.MinMs.CompareTo(b.Meta.MinMs));
        for (int i = 1; i < all.Count; i++) rewrite |= all[i].Meta.MinMs <= all[i - 1].Meta.MaxMs;
        if (!rewrite)
        {
            foreach (var (meta, block) in all)
            {
                var bytes = block.Chunk(meta, out var encoding).ToArray();
                into.Add(new ChunkToWrite(encoding, meta.MinMs, meta.MaxMs, bytes));
            }
            return;
        }
        var series = new MergedSeries(labels);
        foreach (var part in parts) series.Add(part);
        using var samples = new SampleColumns();
        series.Read(TimeRange.All, samples);
        ChunkEncoder.Encode(samples, into);
    }
}
