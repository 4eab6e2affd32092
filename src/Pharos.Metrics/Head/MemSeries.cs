using Pharos.Core;
using Pharos.Metrics.Blocks;
using Pharos.Metrics.Chunks;

namespace Pharos.Metrics.Head;

/// <summary>A series of the head. Changed only under the head's gate.</summary>
internal sealed class MemSeries(int id, Labels labels)
{
    /// <summary>Samples a chunk aims at, and at most holds; bytes after which it is closed. Source: Prometheus's head.</summary>
    private const int SamplesTarget = 120;
    private const int ChunkBytesMax = 1024 - 19;

    private XorAppender open;
    private long openMinMs;
    private long nextCutMs;

    /// <summary>The series' number in the write log and in postings. Never used again in one head.</summary>
    public int Id { get; } = id;

    /// <summary>Empty only during replay, before the series' definition was read.</summary>
    public Labels Labels { get; set; } = labels;

    /// <summary>Finished chunks, oldest first; replaced as a whole, so a reader may keep it.</summary>
    public MemChunk[] Closed { get; private set; } = [];

    public OpenHistograms? Histograms { get; private set; }

    public OutOfOrderSamples? OutOfOrder { get; private set; }

    /// <summary>Late samples that are being written into a block; still read from here until the block is there.</summary>
    public OutOfOrderSamples? OutOfOrderLeaving { get; private set; }

    /// <summary>Ranges that were deleted.</summary>
    public DeletedRanges? Deleted { get; set; }

    /// <summary>Timestamp of the newest sample in order; <see cref="long.MinValue"/> for none.</summary>
    public long MaxMs { get; private set; } = long.MinValue;

    /// <summary>The newest sample in order that was checked, maybe not yet written to the log.</summary>
    public long ReservedMs { get; private set; } = long.MinValue;
    public ulong ReservedBits { get; private set; }
    public Histogram? ReservedHistogram { get; private set; }

    private ulong lastBits;
    private Histogram? lastHistogram;

    /// <summary>Requests under way that hold this series.</summary>
    public int InFlight { get; set; }

    /// <summary>Whether the write log holds the series' definition.</summary>
    public bool Logged { get; set; }

    public bool HasSamples => Closed.Length > 0 || open.IsOpen || Histograms is not null || OutOfOrder is not null || OutOfOrderLeaving is not null;

    public int ChunkCount => Closed.Length + (open.IsOpen || Histograms is not null ? 1 : 0);

    /// <summary>Time of the oldest sample in order that is still held.</summary>
    public long MinMs =>
        Closed.Length > 0 ? Closed[0].MinMs
        : open.IsOpen ? openMinMs
        : Histograms is { } histograms ? histograms.Samples[0].TimestampMs
        : long.MaxValue;

    public void Reserve(long timestampMs, double value, Histogram? histogram)
    {
        ReservedMs = timestampMs;
        ReservedBits = BitConverter.DoubleToUInt64Bits(value);
        ReservedHistogram = histogram;
    }

    /// <summary>After a failed write: what was reserved is free again.</summary>
    public void Unreserve()
    {
        ReservedMs = MaxMs;
        ReservedBits = lastBits;
        ReservedHistogram = lastHistogram;
    }

    /// <summary>Appends a float sample newer than all others. Returns how many chunks were begun.</summary>
    public int Append(long timestampMs, double value, long rangeMs)
    {
        int begun = 0;
        if (Histograms is not null) CloseOpen();
        if (open.IsOpen && (timestampMs >= nextCutMs || open.Count >= SamplesTarget * 2 || open.Length > ChunkBytesMax)) CloseOpen();
        if (!open.IsOpen)
        {
            open = XorAppender.Start();
            openMinMs = timestampMs;
            nextCutMs = EndOfRange(timestampMs, rangeMs);
            begun = 1;
        }
        open.Append(timestampMs, value);
        if (open.Count == SamplesTarget / 4) nextCutMs = PredictEnd(openMinMs, timestampMs, nextCutMs);
        Appended(timestampMs, BitConverter.DoubleToUInt64Bits(value), null);
        return begun;
    }

    /// <inheritdoc cref="Append(long, double, long)"/>
    public int Append(long timestampMs, Histogram histogram, long rangeMs)
    {
        var hint = histogram.ResetHint == CounterResetHint.Gauge ? CounterResetHint.Gauge : CounterResetHint.Unknown;
        if (open.IsOpen) CloseOpen();
        if (Histograms is { } current)
        {
            bool fits = HistogramChunk.Fits(current.Samples[current.Count - 1].Histogram, histogram, out bool reset);
            if (!fits || current.IsFull || timestampMs >= nextCutMs)
            {
                if (hint != CounterResetHint.Gauge && !histogram.IsStale) hint = reset ? CounterResetHint.Reset : fits ? CounterResetHint.NotReset : CounterResetHint.Unknown;
                CloseOpen();
            }
        }
        int begun = 0;
        if (Histograms is null)
        {
            Histograms = new OpenHistograms(hint);
            nextCutMs = EndOfRange(timestampMs, rangeMs);
            begun = 1;
        }
        Histograms.Append(timestampMs, histogram);
        Appended(timestampMs, 0, histogram);
        return begun;
    }

    public bool InsertOutOfOrder(long timestampMs, double value, Histogram? histogram) =>
        (OutOfOrder ??= new OutOfOrderSamples()).Insert(timestampMs, value, histogram);

    /// <summary>What a reader needs; unaffected by later appends and truncation.</summary>
    public HeadPart Capture() => new()
    {
        Closed = Closed,
        Open = open.Bytes,
        OpenCount = open.IsOpen ? open.Count : 0,
        OpenLength = open.IsOpen ? open.Length : 0,
        OpenMinMs = openMinMs,
        Histograms = Histograms?.Samples,
        HistogramCount = Histograms?.Count ?? 0,
        HistogramHint = Histograms?.Hint ?? CounterResetHint.Unknown,
        InOrderMinMs = MinMs,
        InOrderMaxMs = MaxMs,
        OutOfOrder = OutOfOrder?.Copy(),
        OutOfOrderLeaving = OutOfOrderLeaving,
        Deleted = Deleted,
    };

    /// <summary>Puts late samples before a time aside for a block.</summary>
    public void StartOutOfOrderCut(long belowMs)
    {
        if (OutOfOrder is not { } late || OutOfOrderLeaving is not null || late.MinMs >= belowMs) return;
        OutOfOrder = null;
        if (late.MaxMs < belowMs)
        {
            OutOfOrderLeaving = late;
            return;
        }
        OutOfOrderLeaving = late.Part(new TimeRange(long.MinValue, belowMs - 1));
        OutOfOrder = late.Part(new TimeRange(belowMs, long.MaxValue));
    }

    /// <summary>The block with the late samples is there; or it failed, and they come back.</summary>
    public void EndOutOfOrderCut(bool written)
    {
        var leaving = OutOfOrderLeaving;
        OutOfOrderLeaving = null;
        if (written || leaving is null) return;
        if (OutOfOrder is { } newer) leaving.InsertAll(newer);
        OutOfOrder = leaving;
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
            open = default;
            Histograms = null;
            gone++;
        }
        if (Deleted is not null && Deleted.MaxMs < beforeMs) Deleted = null;
        return gone;
    }

    private void Appended(long timestampMs, ulong bits, Histogram? histogram)
    {
        MaxMs = timestampMs;
        lastBits = bits;
        lastHistogram = histogram;
        if (timestampMs >= ReservedMs) (ReservedMs, ReservedBits, ReservedHistogram) = (timestampMs, bits, histogram);
    }

    private void CloseOpen()
    {
        var chunk = Histograms is { } histograms ? histograms.Close() : new MemChunk(ChunkEncoding.Xor, openMinMs, open.LastMs, open.Close());
        open = default;
        Histograms = null;
        Closed = [.. Closed, chunk];
    }

    private static long EndOfRange(long timestampMs, long rangeMs) => TimeRanges.Floor(timestampMs, rangeMs) + rangeMs;

    /// <summary>After a quarter of the samples: where to end, so that chunks share the range evenly.</summary>
    private static long PredictEnd(long startMs, long currentMs, long maxMs)
    {
        double chunks = (double)(maxMs - startMs) / ((currentMs - startMs + 1) * 4);
        return chunks <= 1 ? maxMs : (long)(startMs + ((maxMs - startMs) / Math.Floor(chunks)));
    }
}
