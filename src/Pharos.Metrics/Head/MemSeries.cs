using Pharos.Core;
using Pharos.Metrics.Append;
using Pharos.Metrics.Blocks;
using Pharos.Metrics.Chunks;

namespace Pharos.Metrics.Head;

/// <summary>A series of the head. Changed only under its stripe of the head's locks. There are millions: every field counts.</summary>
internal sealed class MemSeries(int id, int[] pairs)
{
    /// <summary>Samples a chunk aims at, and at most holds; bytes after which it is closed. Source: Prometheus's head.</summary>
    private const int SamplesTarget = 120;
    private const int ChunkBytesMax = 1024 - 19;

    // Knows the newest sample also while no chunk of floats is open.
    private XorAppender open = XorAppender.None;
    private long nextCutMs;
    private Seldom? seldom;

    /// <summary>The series' number in the write log and in postings. Never used again in one head.</summary>
    public int Id { get; } = id;

    /// <summary>Its labels, as numbers of <see cref="LabelPairs"/>. Empty only during replay, before its definition was read.</summary>
    public int[] Pairs { get; set; } = pairs;

    /// <summary>Finished chunks, oldest first; replaced as a whole, so a reader may keep it.</summary>
    public MemChunk[] Closed { get; private set; } = [];

    public OpenHistograms? Histograms => seldom?.Histograms;

    public OutOfOrderSamples? OutOfOrder => seldom?.OutOfOrder;

    /// <summary>Late samples that are being written into a block; still read from here until the block is there.</summary>
    public OutOfOrderSamples? OutOfOrderLeaving => seldom?.OutOfOrderLeaving;

    /// <summary>Ranges that were deleted.</summary>
    public DeletedRanges? Deleted
    {
        get => seldom?.Deleted;
        set
        {
            if (value is not null || seldom is not null) More.Deleted = value;
        }
    }

    /// <summary>Timestamp of the newest sample in order; <see cref="long.MinValue"/> for none.</summary>
    public long MaxMs => open.LastMs;

    /// <summary>The newest sample in order that was checked, maybe not yet written to the log.</summary>
    public long ReservedMs { get; private set; } = long.MinValue;
    public ulong ReservedBits { get; private set; }
    public Histogram? ReservedHistogram => seldom?.Reserved;

    /// <summary>Requests under way that hold this series.</summary>
    public int InFlight { get; set; }

    /// <summary>Whether the write log holds the series' definition.</summary>
    public bool Logged { get; set; }

    public bool HasSamples => Closed.Length > 0 || open.IsOpen || Histograms is not null || OutOfOrder is not null || OutOfOrderLeaving is not null;

    public int ChunkCount => Closed.Length + (open.IsOpen || Histograms is not null ? 1 : 0);

    /// <summary>Time of the oldest sample in order that is still held.</summary>
    public long MinMs =>
        Closed.Length > 0 ? Closed[0].MinMs
        : open.IsOpen ? open.FirstMs
        : Histograms is { } histograms ? histograms.Samples[0].TimestampMs
        : long.MaxValue;

    /// <summary>Fetches the series itself, which stands on two lines of a cache or three.</summary>
    public void FetchAhead()
    {
        Ahead.Fetch(ref open);
        Ahead.Fetch(ref seldom);
    }

    /// <summary>Fetches the numbers of its labels, once the series is there.</summary>
    public void FetchPairsAhead()
    {
        if (Pairs is { Length: > 0 } numbers) Ahead.Fetch(ref numbers[0]);
    }

    /// <summary>Fetches where the next sample is written, once the series is there.</summary>
    public void FetchEndAhead() => open.FetchEndAhead();

    public void Reserve(long timestampMs, double value, Histogram? histogram)
    {
        ReservedMs = timestampMs;
        ReservedBits = BitConverter.DoubleToUInt64Bits(value);
        if (histogram is not null || seldom is not null) More.Reserved = histogram;
    }

    /// <summary>After a failed write: what was reserved is free again.</summary>
    public void Unreserve()
    {
        ReservedMs = MaxMs;
        ReservedBits = open.LastBits;
        if (seldom is not null) seldom.Reserved = seldom.Last;
    }

    /// <summary>Appends a float sample newer than all others. Returns how many chunks were begun.</summary>
    public int Append(long timestampMs, double value, long rangeMs, ChunkArena arena)
    {
        int begun = 0;
        if (Histograms is not null) CloseOpen(arena);
        if (open.IsOpen && (timestampMs >= nextCutMs || open.Count >= SamplesTarget * 2 || open.Length > ChunkBytesMax)) CloseOpen(arena);
        if (!open.IsOpen)
        {
            open = XorAppender.Start();
            nextCutMs = EndOfRange(timestampMs, rangeMs);
            begun = 1;
        }
        open.Append(timestampMs, value);
        if (seldom is not null) seldom.Last = null;
        if (open.Count == SamplesTarget / 4) nextCutMs = PredictEnd(open.FirstMs, timestampMs, nextCutMs);
        Appended();
        return begun;
    }

    /// <inheritdoc cref="Append(long, double, long, ChunkArena)"/>
    public int Append(long timestampMs, Histogram histogram, long rangeMs, ChunkArena arena)
    {
        var hint = histogram.ResetHint == CounterResetHint.Gauge ? CounterResetHint.Gauge : CounterResetHint.Unknown;
        if (open.IsOpen) CloseOpen(arena);
        if (Histograms is { } current)
        {
            bool fits = HistogramChunk.Fits(current.Samples[current.Count - 1].Histogram, histogram, out bool reset);
            if (!fits || current.IsFull || timestampMs >= nextCutMs)
            {
                if (hint != CounterResetHint.Gauge && !histogram.IsStale) hint = reset ? CounterResetHint.Reset : fits ? CounterResetHint.NotReset : CounterResetHint.Unknown;
                CloseOpen(arena);
            }
        }
        int begun = 0;
        if (Histograms is null)
        {
            More.Histograms = new OpenHistograms(hint);
            nextCutMs = EndOfRange(timestampMs, rangeMs);
            begun = 1;
        }
        More.Histograms!.Append(timestampMs, histogram);
        open.Note(timestampMs, 0);
        More.Last = histogram;
        Appended();
        return begun;
    }

    /// <summary>Finished chunks were written into a file and leave memory; those that left the series meanwhile are not looked for.</summary>
    public void Moved(ReadOnlySpan<(MemSeries Series, MemChunk From, MemChunk To)> moves)
    {
        var chunks = (MemChunk[])Closed.Clone();
        int at = 0;
        foreach (var (_, from, to) in moves)
        {
            int found = Array.FindIndex(chunks, at, c => c.IsSame(from));
            if (found < 0) continue;
            chunks[found] = to;
            at = found + 1;
        }
        Closed = chunks;
    }

    public bool InsertOutOfOrder(long timestampMs, double value, Histogram? histogram) =>
        (More.OutOfOrder ??= new OutOfOrderSamples()).Insert(timestampMs, value, histogram);

    /// <summary>What a reader needs; unaffected by later appends and truncation.</summary>
    /// <remarks>Each field is read once: without a lock the outcome may be a mixture of two moments, but nothing worse.</remarks>
    public HeadPart Capture()
    {
        var closed = Closed;
        var chunk = open;
        var more = seldom;
        return new HeadPart
        {
            Closed = closed,
            Open = chunk.IsOpen ? chunk.Bytes : null,
            OpenCount = chunk.IsOpen ? chunk.Count : 0,
            OpenLength = chunk.IsOpen ? chunk.Length : 0,
            OpenMinMs = chunk.IsOpen ? chunk.FirstMs : 0,
            InOrderMaxMs = chunk.LastMs,
            Seldom = more?.Capture(),
        };
    }

    /// <summary>Puts late samples before a time aside for a block.</summary>
    public void StartOutOfOrderCut(long belowMs)
    {
        if (OutOfOrder is not { } late || OutOfOrderLeaving is not null || late.MinMs >= belowMs) return;
        bool whole = late.MaxMs < belowMs;
        More.OutOfOrderLeaving = whole ? late : late.Part(new TimeRange(long.MinValue, belowMs - 1));
        More.OutOfOrder = whole ? null : late.Part(new TimeRange(belowMs, long.MaxValue));
    }

    /// <summary>The block with the late samples is there; or it failed, and they come back.</summary>
    public void EndOutOfOrderCut(bool written)
    {
        if (OutOfOrderLeaving is not { } leaving) return;
        More.OutOfOrderLeaving = null;
        if (written) return;
        if (OutOfOrder is { } newer) leaving.InsertAll(newer);
        More.OutOfOrder = leaving;
    }

    /// <summary>Lets go of chunks that end before a time. Returns how many.</summary>
    public int Truncate(long beforeMs)
    {
        int closed = 0;
        while (closed < Closed.Length && Closed[closed].MaxMs < beforeMs) closed++;
        int gone = closed;
        if (closed > 0) Closed = Closed[closed..];
        if (MaxMs < beforeMs && (open.IsOpen || Histograms is not null))
        {
            DropOpen();
            gone++;
        }
        if (Deleted is not null && Deleted.MaxMs < beforeMs) Deleted = null;
        return gone;
    }

    /// <summary>Whether the newest sample says that the series has ended, and nothing of it is late or under way.</summary>
    public bool IsStale =>
        InFlight == 0 && ReservedMs == MaxMs && OutOfOrder is null && OutOfOrderLeaving is null
        && (seldom?.Last is { } histogram ? histogram.IsStale : open.LastBits == SampleValue.StaleBits);

    /// <summary>Lets go of everything. Returns how many chunks.</summary>
    public int Empty()
    {
        int gone = ChunkCount;
        DropOpen();
        Closed = [];
        open = XorAppender.None;
        nextCutMs = 0;
        seldom = null;
        ReservedMs = long.MinValue;
        ReservedBits = 0;
        return gone;
    }

    /// <summary>Writes everything but number and labels. Layout: docs/formats/head-snapshot.md.</summary>
    public void Save(ByteBuffer into)
    {
        into.Varint(nextCutMs);
        open.Save(into);
        into.Uvarint((ulong)Closed.Length);
        foreach (var chunk in Closed) SaveChunk(into, chunk);
        into.Byte(seldom is null ? (byte)0 : (byte)1);
        seldom?.Save(into);
    }

    /// <exception cref="InvalidDataException">The bytes are not as <see cref="Save"/> writes them.</exception>
    /// <param name="files">Those in which the finished chunks are that the snapshot does not hold itself.</param>
    /// <param name="arena">Takes the finished chunks that it holds.</param>
    public static MemSeries Load(ref ByteReader bytes, HeadChunks files, ChunkArena arena, int id, int[] pairs)
    {
        var series = new MemSeries(id, pairs) { nextCutMs = bytes.Varint(), open = XorAppender.Load(ref bytes), Logged = true };
        int closed = bytes.Count();
        if (closed > 0) series.Closed = new MemChunk[closed];
        bool waiting = false;
        for (int i = 0; i < closed; i++)
        {
            series.Closed[i] = LoadChunk(ref bytes, files, arena);
            waiting |= series.Closed[i].File is null;
        }
        if (waiting) arena.Finished(series);
        if (bytes.Byte() != 0) series.seldom = Seldom.Load(ref bytes);
        series.ReservedMs = series.open.LastMs;
        series.ReservedBits = series.open.LastBits;
        return series;
    }

    private static void SaveChunk(ByteBuffer into, MemChunk chunk)
    {
        into.Uvarint((ulong)(chunk.File?.Number ?? 0));
        into.Byte((byte)chunk.Encoding);
        into.Varint(chunk.MinMs);
        into.Uvarint((ulong)(chunk.MaxMs - chunk.MinMs));
        into.Uvarint((ulong)chunk.Length);
        if (chunk.File is null) into.Bytes(chunk.InMemory);
        else into.Uvarint(chunk.FileOffset);
    }

    private static MemChunk LoadChunk(ref ByteReader bytes, HeadChunks files, ChunkArena arena)
    {
        int number = (int)bytes.Uvarint();
        var encoding = (ChunkEncoding)bytes.Byte();
        long minMs = bytes.Varint(), maxMs = minMs + (long)bytes.Uvarint();
        ulong length = bytes.Uvarint();
        if (number == 0) return MemChunk.Of(arena, encoding, minMs, maxMs, bytes.Take(checked((int)length)));
        uint offset = checked((uint)bytes.Uvarint());
        return MemChunk.In(files.Find(number, offset + HeadChunkFile.EntryHeaderBytes + (long)length), offset, checked((int)length), encoding, minMs, maxMs);
    }

    private Seldom More => seldom ??= new Seldom();

    /// <summary>The newest sample may be one of a replay, which reserved nothing.</summary>
    private void Appended()
    {
        if (open.LastMs < ReservedMs) return;
        ReservedMs = open.LastMs;
        ReservedBits = open.LastBits;
        if (seldom is not null) seldom.Reserved = seldom.Last;
    }

    private void CloseOpen(ChunkArena arena)
    {
        arena.Finished(this);
        var chunk = Histograms is { } histograms
            ? MemChunk.Of(arena, histograms.Close(out byte[] data), histograms.MinMs, histograms.MaxMs, data)
            : MemChunk.Of(arena, ChunkEncoding.Xor, open.FirstMs, open.LastMs, open.Close().Span);
        DropOpen();
        Closed = [.. Closed, chunk];
    }

    private void DropOpen()
    {
        open.Drop();
        if (seldom is not null) seldom.Histograms = null;
    }

    private static long EndOfRange(long timestampMs, long rangeMs) => TimeRanges.Floor(timestampMs, rangeMs) + rangeMs;

    /// <summary>After a quarter of the samples: where to end, so that chunks share the range evenly.</summary>
    private static long PredictEnd(long startMs, long currentMs, long maxMs)
    {
        double chunks = (double)(maxMs - startMs) / ((currentMs - startMs + 1) * 4);
        return chunks <= 1 ? maxMs : (long)(startMs + ((maxMs - startMs) / Math.Floor(chunks)));
    }

    /// <summary>What few series have.</summary>
    private sealed class Seldom
    {
        public OpenHistograms? Histograms { get; set; }
        public OutOfOrderSamples? OutOfOrder { get; set; }
        public OutOfOrderSamples? OutOfOrderLeaving { get; set; }
        public DeletedRanges? Deleted { get; set; }

        /// <summary>The newest sample, where it is a histogram; and the newest that was checked.</summary>
        public Histogram? Last { get; set; }
        public Histogram? Reserved { get; set; }

        public HeadPart.SeldomHeld Capture()
        {
            var histograms = Histograms;
            return new HeadPart.SeldomHeld
            {
                Histograms = histograms?.Samples,
                HistogramCount = histograms?.Count ?? 0,
                HistogramHint = histograms?.Hint ?? CounterResetHint.Unknown,
                OutOfOrder = OutOfOrder?.Copy(),
                OutOfOrderLeaving = OutOfOrderLeaving,
                Deleted = Deleted,
            };
        }

        public void Save(ByteBuffer into)
        {
            into.Byte(Histograms is null ? (byte)0 : (byte)1);
            Histograms?.Save(into);
            into.Byte(Last is null ? (byte)0 : (byte)1);
            if (Last is not null) HistogramCodec.Write(into, Last);
            SaveLate(OutOfOrder, into);
            SaveLate(OutOfOrderLeaving, into);
            var ranges = Deleted?.Ranges ?? [];
            into.Uvarint((ulong)ranges.Count);
            foreach (var range in ranges)
            {
                into.Varint(range.MinMs);
                into.Varint(range.MaxMs);
            }
        }

        public static Seldom Load(ref ByteReader bytes)
        {
            var loaded = new Seldom();
            if (bytes.Byte() != 0) loaded.Histograms = OpenHistograms.Load(ref bytes);
            if (bytes.Byte() != 0) loaded.Last = loaded.Reserved = HistogramCodec.Read(ref bytes);
            loaded.OutOfOrder = OutOfOrderSamples.Load(ref bytes);
            // What was on its way into a block that never came to be stays late.
            if (OutOfOrderSamples.Load(ref bytes) is { } leaving)
            {
                if (loaded.OutOfOrder is null) loaded.OutOfOrder = leaving;
                else loaded.OutOfOrder.InsertAll(leaving);
            }
            for (int left = bytes.Count(); left > 0; left--) loaded.Deleted = DeletedRanges.Add(loaded.Deleted, new TimeRange(bytes.Varint(), bytes.Varint()));
            return loaded;
        }

        private static void SaveLate(OutOfOrderSamples? late, ByteBuffer into)
        {
            if (late is null) into.Uvarint(0);
            else late.Save(into);
        }
    }
}
