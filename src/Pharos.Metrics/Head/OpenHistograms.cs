using Pharos.Core;
using Pharos.Metrics.Append;
using Pharos.Metrics.Chunks;

namespace Pharos.Metrics.Head;

/// <summary>
/// The open chunk of a series of histograms: kept as it came until the chunk is closed, because its bucket layout
/// is known only then. The list only grows, so a reader that knows how many samples there are may read beside the writer.
/// </summary>
internal sealed class OpenHistograms(CounterResetHint hint)
{
    private const int SamplesMax = 120;
    private const int SamplesMin = 10;
    private const int BytesTarget = 1024;

    private (long TimestampMs, Histogram Histogram)[] samples = new (long, Histogram)[4];
    private int bytes;

    /// <summary>What the first sample is against the one before it.</summary>
    public CounterResetHint Hint { get; } = hint;

    public int Count { get; private set; }

    public long MinMs => samples[0].TimestampMs;

    public long MaxMs => samples[Count - 1].TimestampMs;

    public (long TimestampMs, Histogram Histogram)[] Samples => samples;

    /// <summary>About as large as Prometheus makes such chunks: 1 KiB, but at least ten samples.</summary>
    public bool IsFull => Count >= SamplesMax || (Count >= SamplesMin && bytes >= BytesTarget);

    public void Append(long timestampMs, Histogram histogram)
    {
        if (Count == samples.Length) Array.Resize(ref samples, Count * 2);
        samples[Count++] = (timestampMs, histogram);
        // A guess: four bytes of fields and a byte for each bucket.
        bytes += 4 + histogram.PositiveBuckets.Length + histogram.NegativeBuckets.Length;
    }

    /// <summary>The finished chunk's bytes.</summary>
    public ChunkEncoding Close(out byte[] data)
    {
        data = HistogramChunk.Write(new ArraySegment<(long, Histogram)>(samples, 0, Count), Hint, out var encoding);
        return encoding;
    }

    public void Save(ByteBuffer into)
    {
        into.Byte((byte)Hint);
        into.Uvarint((ulong)Count);
        for (int i = 0; i < Count; i++)
        {
            into.Varint(samples[i].TimestampMs);
            HistogramCodec.Write(into, samples[i].Histogram);
        }
    }

    public static OpenHistograms Load(ref ByteReader bytes)
    {
        var loaded = new OpenHistograms((CounterResetHint)bytes.Byte());
        int count = bytes.Count();
        if (count == 0) throw new InvalidDataException("an open chunk of histograms is empty");
        for (; count > 0; count--) loaded.Append(bytes.Varint(), HistogramCodec.Read(ref bytes));
        return loaded;
    }

    /// <summary>A sample as a reader of the closed chunk would see it.</summary>
    public static Histogram AsRead(Histogram histogram, int index, CounterResetHint hint)
    {
        var seen = hint == CounterResetHint.Gauge || index == 0 ? hint : CounterResetHint.NotReset;
        if (histogram.IsStale || histogram.ResetHint == seen) return histogram;
        return new Histogram
        {
            ResetHint = seen,
            Schema = histogram.Schema,
            ZeroThreshold = histogram.ZeroThreshold,
            ZeroCount = histogram.ZeroCount,
            Count = histogram.Count,
            Sum = histogram.Sum,
            PositiveSpans = histogram.PositiveSpans,
            NegativeSpans = histogram.NegativeSpans,
            PositiveBuckets = histogram.PositiveBuckets,
            NegativeBuckets = histogram.NegativeBuckets,
            CustomValues = histogram.CustomValues,
            IsFloat = histogram.IsFloat,
        };
    }
}
