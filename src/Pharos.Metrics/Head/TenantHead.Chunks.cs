namespace Pharos.Metrics.Head;

/// <summary>Writing finished chunks into files, so that they leave memory.</summary>
internal sealed partial class TenantHead
{
    private const int BytesPerWrite = 1 << 20;
    private const int SeriesPerHold = 256;

    // One writer at a time. Taken before stripes.
    private readonly Lock writingChunks = new();

    /// <summary>Bytes of finished chunks that are in memory only.</summary>
    public long WaitingChunkBytes
    {
        get
        {
            long bytes = 0;
            foreach (var arena in arenas) bytes += arena?.WaitingBytes ?? 0;
            return bytes;
        }
    }

    /// <summary>Writes the finished chunks that are in memory, beside running appends.</summary>
    /// <exception cref="IOException">They could not be written, and stay in memory.</exception>
    public void WriteChunks() => WriteChunks(arenas);

    /// <summary>Writes those that wait in some arenas.</summary>
    /// <exception cref="IOException">They could not be written, and stay in memory.</exception>
    public void WriteChunks(params ReadOnlySpan<ChunkArena?> from)
    {
        lock (writingChunks)
        {
            var taken = new List<(ChunkArena Arena, List<MemSeries> Series, long Bytes)>();
            using (Locks.HoldAll())
            {
                foreach (var arena in from)
                {
                    if (arena?.TakeWaiting(out long bytes) is { Count: > 0 } series) taken.Add((arena, series, bytes));
                }
            }
            if (taken.Count == 0) return;
            try
            {
                WriteChunks(taken.SelectMany(t => t.Series));
                instruments.HeadChunkWrites.Add(1);
            }
            catch
            {
                // Those that are in a file already are not written again.
                using (Locks.HoldAll())
                {
                    foreach (var (arena, series, bytes) in taken) arena.GiveBack(series, bytes);
                }
                instruments.HeadChunkWritesFailed.Add(1);
                throw;
            }
        }
    }

    /// <summary>Does work on durable files of finished chunks, into which nobody writes meanwhile.</summary>
    /// <exception cref="IOException">They could not be made durable.</exception>
    public T WithChunksWritten<T>(Func<List<(int Number, long Length)>, T> work)
    {
        lock (writingChunks)
        {
            WriteChunks();
            return work(Chunks.Sync());
        }
    }

    private void WriteChunks(IEnumerable<MemSeries> waiting)
    {
        var entries = new ByteBuffer(BytesPerWrite + (64 << 10));
        var moves = new List<(MemSeries Series, MemChunk From, MemChunk To)>();
        HeadChunkFile? file = null;
        long newestMs = long.MinValue;
        MemSeries? before = null;
        foreach (var series in waiting)
        {
            // Two chunks of one series that were finished in a row.
            if (ReferenceEquals(series, before)) continue;
            before = series;
            foreach (var chunk in series.Closed)
            {
                if (chunk.File is not null) continue;
                file ??= Chunks.Room(BytesPerWrite + (64 << 10));
                uint offset = (uint)(file.Length + entries.Length);
                HeadChunkFile.WriteEntry(entries, series.Id, chunk, chunk.InMemory);
                newestMs = Math.Max(newestMs, chunk.MaxMs);
                moves.Add((series, chunk, MemChunk.In(file, offset, chunk.Length, chunk.Encoding, chunk.MinMs, chunk.MaxMs)));
            }
            if (entries.Length >= BytesPerWrite) Flush();
        }
        if (file is not null) Flush();

        void Flush()
        {
            Chunks.Write(file!, entries.Written, newestMs);
            Move(moves);
            moves.Clear();
            entries.Clear();
            file = null;
            newestMs = long.MinValue;
        }
    }

    private void Move(List<(MemSeries Series, MemChunk From, MemChunk To)> moves)
    {
        var all = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(moves);
        while (!all.IsEmpty)
        {
            ulong stripe = HeadLocks.BitOf(all[0].Series.Id);
            using (Locks.Hold(stripe))
            {
                for (int held = 0; held < SeriesPerHold && !all.IsEmpty && HeadLocks.BitOf(all[0].Series.Id) == stripe; held++)
                {
                    var series = all[0].Series;
                    int count = 1;
                    while (count < all.Length && ReferenceEquals(all[count].Series, series)) count++;
                    series.Moved(all[..count]);
                    all = all[count..];
                }
            }
        }
    }
}
