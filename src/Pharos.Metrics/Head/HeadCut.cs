using System.Buffers.Binary;
using Pharos.Core;
using Pharos.Metrics.Blocks;
using Pharos.Metrics.Chunks;
using Pharos.Storage.Files;

namespace Pharos.Metrics.Head;

/// <summary>Writes ranges of the head into blocks; the head itself stays as it is.</summary>
internal static class HeadCut
{
    /// <summary>Writes one block for each range of the grid that holds samples before a time.</summary>
    /// <param name="belowMs">First timestamp that is not written.</param>
    /// <param name="snapshot">All late samples are written too, not only those put aside for this cut.</param>
    /// <param name="some">Only these series, into blocks that say so; null for all.</param>
    public static IReadOnlyList<BlockMeta> Write(
        TenantHead head, IDisk disk, string folder, long belowMs, long rangeMs, bool snapshot, long nowMs, CancellationToken cancel, IReadOnlyList<MemSeries>? some = null)
    {
        MemSeries[] series;
        var ranges = new SortedSet<long>();
        using (head.Locks.HoldAll()) series = [.. some ?? head.Table.All()];
        foreach (var one in series)
        {
            using (head.Locks.Hold(HeadLocks.BitOf(one.Id))) AddRanges(one, belowMs, rangeMs, snapshot, ranges);
        }
        Array.Sort(series, (a, b) => head.Pairs.Compare(a.Pairs, b.Pairs));
        var written = new List<BlockMeta>();
        try
        {
            foreach (long start in ranges)
            {
                if (WriteRange(head, disk, folder, series, start, Math.Min(start + rangeMs, belowMs), snapshot, some is null ? [] : [BlockMeta.FromStaleSeries], nowMs, cancel) is { } meta) written.Add(meta);
            }
        }
        catch
        {
            foreach (var meta in written) disk.DeleteFolder(Path.Combine(folder, meta.Id));
            throw;
        }
        return written;
    }

    private static void AddRanges(MemSeries series, long belowMs, long rangeMs, bool snapshot, SortedSet<long> ranges)
    {
        var part = series.Capture();
        foreach (var chunk in part.Closed) Add(chunk.MinMs, chunk.MaxMs);
        if (part.OpenCount > 0) Add(part.OpenMinMs, part.InOrderMaxMs);
        if (part.HistogramCount > 0) Add(part.Histograms![0].TimestampMs, part.InOrderMaxMs);
        AddLate(part.OutOfOrderLeaving);
        if (snapshot) AddLate(part.OutOfOrder);

        void Add(long minMs, long maxMs)
        {
            for (long at = TimeRanges.Floor(minMs, rangeMs); at <= maxMs && at < belowMs; at += rangeMs) ranges.Add(at);
        }

        void AddLate(OutOfOrderSamples? late)
        {
            if (late is null) return;
            using var samples = new SampleColumns();
            late.Read(new TimeRange(long.MinValue, belowMs - 1), samples);
            foreach (long t in samples.Timestamps) ranges.Add(TimeRanges.Floor(t, rangeMs));
        }
    }

    private static BlockMeta? WriteRange(
        TenantHead head, IDisk disk, string folder, MemSeries[] series, long startMs, long endMs, bool snapshot, IReadOnlyList<string> hints, long nowMs, CancellationToken cancel)
    {
        using var writer = new BlockWriter(disk, folder, Ulid.New(nowMs));
        var range = new TimeRange(startMs, endMs - 1);
        var chunks = new List<ChunkToWrite>();
        foreach (var one in series) writer.Announce(head.LabelsOf(one));
        foreach (var one in series)
        {
            cancel.ThrowIfCancellationRequested();
            HeadPart part;
            using (head.Locks.Hold(HeadLocks.BitOf(one.Id))) part = one.Capture();
            chunks.Clear();
            try
            {
                Collect(part, range, snapshot, chunks);
            }
            catch (CorruptChunkException damage)
            {
                // The write log has the samples as long as they are not in a block.
                throw new IOException($"{damage.Message}; restart, so that its samples are read from the write log", damage);
            }
            writer.AddSeries(head.LabelsOf(one), chunks);
        }
        return writer.Finish(new BlockMeta { Id = writer.Id, MinMs = startMs, EndMs = endMs, Hints = hints });
    }

    private static void Collect(HeadPart part, TimeRange range, bool snapshot, List<ChunkToWrite> into)
    {
        var late = snapshot ? part.OutOfOrder : null;
        bool rewrite = Touches(late) || Touches(part.OutOfOrderLeaving)
            || (part.Deleted?.Touches(range.MinMs, range.MaxMs) ?? false)
            || Array.Exists(part.Closed, c => range.Overlaps(c.MinMs, c.MaxMs) && !(range.Contains(c.MinMs) && range.Contains(c.MaxMs)))
            || (part.OpenCount > 0 && range.Contains(part.OpenMinMs) && !range.Contains(part.InOrderMaxMs))
            || (part.HistogramCount > 0 && range.Contains(part.Histograms![0].TimestampMs));
        if (!rewrite)
        {
            foreach (var chunk in part.Closed)
            {
                if (range.Contains(chunk.MinMs)) into.Add(new ChunkToWrite(chunk.Encoding, chunk.MinMs, chunk.MaxMs, chunk.Load()));
            }
            if (part.OpenCount > 0 && range.Contains(part.OpenMinMs))
            {
                var data = part.Open.AsSpan(0, part.OpenLength).ToArray();
                BinaryPrimitives.WriteUInt16BigEndian(data, (ushort)part.OpenCount);
                into.Add(new ChunkToWrite(ChunkEncoding.Xor, part.OpenMinMs, part.InOrderMaxMs, data));
            }
            return;
        }
        using var samples = new SampleColumns();
        using var kept = new SampleColumns();
        part.ReadForBlock(range, snapshot, samples);
        var wanted = samples;
        if (part.Deleted is not null)
        {
            part.Deleted.Filter(samples, kept);
            wanted = kept;
        }
        ChunkEncoder.Encode(wanted, into);

        bool Touches(OutOfOrderSamples? some) => some is not null && range.Overlaps(some.MinMs, some.MaxMs);
    }
}
