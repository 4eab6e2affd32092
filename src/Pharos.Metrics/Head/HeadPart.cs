using System.Buffers;
using Pharos.Core;
using Pharos.Metrics.Blocks;
using Pharos.Metrics.Chunks;

namespace Pharos.Metrics.Head;

/// <summary>What the head held of a series at one moment. A query takes out very many: they stand in one array, 48 bytes each.</summary>
internal readonly struct HeadPart
{
    private readonly MemChunk[]? closed;
    private readonly ushort openCount;

    /// <summary>Whether it was taken out of a series; nothing else may be asked of one that was not.</summary>
    public bool IsTaken => closed is not null;

    public required MemChunk[] Closed { get => closed!; init => closed = value; }
    public required byte[]? Open { get; init; }
    public required int OpenCount { get => openCount; init => openCount = (ushort)value; }
    public required int OpenLength { get; init; }
    public required long OpenMinMs { get; init; }
    public required long InOrderMaxMs { get; init; }

    /// <summary>What few series have; null for nothing of it.</summary>
    public required SeldomHeld? Seldom { get; init; }

    public (long TimestampMs, Histogram Histogram)[]? Histograms => Seldom?.Histograms;
    public int HistogramCount => Seldom?.HistogramCount ?? 0;
    public OutOfOrderSamples? OutOfOrder => Seldom?.OutOfOrder;
    public OutOfOrderSamples? OutOfOrderLeaving => Seldom?.OutOfOrderLeaving;
    public DeletedRanges? Deleted => Seldom?.Deleted;

    public long InOrderMinMs => Closed.Length > 0 ? Closed[0].MinMs : OpenCount > 0 ? OpenMinMs : Histograms?[0].TimestampMs ?? long.MaxValue;

    public bool IsEmpty => Closed.Length == 0 && OpenCount == 0 && HistogramCount == 0 && OutOfOrder is null && OutOfOrderLeaving is null;

    public long MinMs => Math.Min(InOrderMinMs, Math.Min(OutOfOrder?.MinMs ?? long.MaxValue, OutOfOrderLeaving?.MinMs ?? long.MaxValue));

    public long MaxMs => Math.Max(InOrderMinMs == long.MaxValue ? long.MinValue : InOrderMaxMs,
        Math.Max(OutOfOrder?.MaxMs ?? long.MinValue, OutOfOrderLeaving?.MaxMs ?? long.MinValue));

    /// <summary>Chunks that a read of the range touches.</summary>
    public int ChunkCount(TimeRange range)
    {
        int count = (OpenCount > 0 ? 1 : 0) + (HistogramCount > 0 ? 1 : 0) + (OutOfOrder is null ? 0 : 1) + (OutOfOrderLeaving is null ? 0 : 1);
        foreach (var chunk in Closed)
        {
            if (range.Overlaps(chunk.MinMs, chunk.MaxMs)) count++;
        }
        return count;
    }

    /// <summary>Bytes of finished chunks and the open one, dearer than counting them; histograms and late samples that are not in chunks yet are left out.</summary>
    public long ChunkBytes(TimeRange range)
    {
        long bytes = OpenLength;
        foreach (var chunk in Closed)
        {
            if (range.Overlaps(chunk.MinMs, chunk.MaxMs)) bytes += chunk.Length;
        }
        return bytes;
    }

    public void Read(TimeRange range, SampleColumns into)
    {
        if (Deleted is not null)
        {
            using var all = new SampleColumns();
            ReadAll(range, all);
            Deleted.Filter(all, into);
            return;
        }
        ReadAll(range, into);
    }

    /// <summary>Samples in order only, from chunks that lie in the range, deleted ones too.</summary>
    /// <param name="whole">Whether a chunk that cannot be read is an error; else it is counted and left out.</param>
    /// <exception cref="CorruptChunkException">A chunk cannot be read.</exception>
    private void ReadInOrder(TimeRange range, SampleColumns into, bool whole)
    {
        foreach (var chunk in Closed)
        {
            if (!range.Overlaps(chunk.MinMs, chunk.MaxMs)) continue;
            try
            {
                Read(chunk, range, into);
            }
            catch (CorruptChunkException why) when (!whole && chunk.File is not null)
            {
                chunk.File.Owner.Damaged(chunk, why);
            }
        }
        if (OpenCount > 0 && range.Overlaps(OpenMinMs, InOrderMaxMs)) ChunkReader.ReadXor(Open, OpenCount, range, into);
        for (int i = 0; i < HistogramCount; i++)
        {
            var (t, histogram) = Histograms![i];
            if (range.Contains(t)) into.Add(t, OpenHistograms.AsRead(histogram, i, Seldom!.HistogramHint));
        }
    }

    /// <summary>Samples for a block, deleted ones too: in order, and late ones that leave the head now (for a snapshot: all).</summary>
    /// <exception cref="CorruptChunkException">A finished chunk cannot be read.</exception>
    public void ReadForBlock(TimeRange range, bool snapshot, SampleColumns into) => Read(range, snapshot ? OutOfOrder : null, into, whole: true);

    /// <summary>All samples, deleted ones too.</summary>
    public void ReadWithDeleted(SampleColumns into) => ReadAll(TimeRange.All, into);

    private static void Read(MemChunk chunk, TimeRange range, SampleColumns into)
    {
        if (chunk.File is not { } file)
        {
            ChunkReader.Read(chunk.Encoding, chunk.InMemory, range, into);
            return;
        }
        int bytes = HeadChunkFile.EntryHeaderBytes + chunk.Length;
        byte[] entry = ArrayPool<byte>.Shared.Rent(bytes);
        try
        {
            file.Read(chunk, entry.AsSpan(0, bytes));
            ChunkReader.Read(chunk.Encoding, entry.AsSpan(HeadChunkFile.EntryHeaderBytes, chunk.Length), range, into);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(entry);
        }
    }

    private void ReadAll(TimeRange range, SampleColumns into) => Read(range, OutOfOrder, into, whole: false);

    private void Read(TimeRange range, OutOfOrderSamples? staying, SampleColumns into, bool whole)
    {
        if (staying is null && OutOfOrderLeaving is null)
        {
            ReadInOrder(range, into, whole);
            return;
        }
        using var inOrder = new SampleColumns();
        using var late = new SampleColumns();
        using var leaving = new SampleColumns();
        using var both = new SampleColumns();
        ReadInOrder(range, inOrder, whole);
        staying?.Read(range, late);
        OutOfOrderLeaving?.Read(range, leaving);
        Columns.Merge(leaving, late, both);
        Columns.Merge(inOrder, both, into);
    }

    public sealed class SeldomHeld
    {
        public required (long TimestampMs, Histogram Histogram)[]? Histograms { get; init; }
        public required int HistogramCount { get; init; }
        public required CounterResetHint HistogramHint { get; init; }
        public required OutOfOrderSamples? OutOfOrder { get; init; }
        public required OutOfOrderSamples? OutOfOrderLeaving { get; init; }
        public required DeletedRanges? Deleted { get; init; }
    }
}
