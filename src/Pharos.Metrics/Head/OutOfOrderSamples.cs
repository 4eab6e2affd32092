using Pharos.Core;
using Pharos.Metrics.Append;

namespace Pharos.Metrics.Head;

/// <summary>Samples of one series that came late, sorted by time, one for each timestamp.</summary>
internal sealed class OutOfOrderSamples
{
    private long[] timestamps = new long[8];
    private double[] values = new double[8];
    private Histogram?[]? histograms;

    public int Count { get; private set; }

    public long MinMs => timestamps[0];

    public long MaxMs => timestamps[Count - 1];

    /// <summary>False where the timestamp is already there: the first one stays.</summary>
    public bool Insert(long timestampMs, double value, Histogram? histogram)
    {
        int at = Array.BinarySearch(timestamps, 0, Count, timestampMs);
        if (at >= 0) return false;
        at = ~at;
        if (histogram is not null) histograms ??= new Histogram?[timestamps.Length];
        if (Count == timestamps.Length)
        {
            Array.Resize(ref timestamps, Count * 2);
            Array.Resize(ref values, Count * 2);
            if (histograms is not null) Array.Resize(ref histograms, Count * 2);
        }
        Array.Copy(timestamps, at, timestamps, at + 1, Count - at);
        Array.Copy(values, at, values, at + 1, Count - at);
        timestamps[at] = timestampMs;
        values[at] = value;
        if (histograms is not null)
        {
            Array.Copy(histograms, at, histograms, at + 1, Count - at);
            histograms[at] = histogram;
        }
        Count++;
        return true;
    }

    /// <summary>A copy that no later insert touches.</summary>
    public OutOfOrderSamples Copy() => new()
    {
        timestamps = [.. timestamps],
        values = [.. values],
        histograms = histograms is null ? null : [.. histograms],
        Count = Count,
    };

    /// <summary>A copy of the samples of a range, which holds at least one.</summary>
    public OutOfOrderSamples Part(TimeRange range)
    {
        var part = new OutOfOrderSamples();
        for (int i = 0; i < Count; i++)
        {
            if (range.Contains(timestamps[i])) part.Insert(timestamps[i], values[i], histograms?[i]);
        }
        return part;
    }

    public void InsertAll(OutOfOrderSamples others)
    {
        for (int i = 0; i < others.Count; i++) Insert(others.timestamps[i], others.values[i], others.histograms?[i]);
    }

    public void Read(TimeRange range, SampleColumns into)
    {
        for (int i = 0; i < Count; i++)
        {
            long t = timestamps[i];
            if (t < range.MinMs) continue;
            if (t > range.MaxMs) return;
            if (histograms?[i] is { } histogram) into.Add(t, histogram);
            else into.Add(t, values[i]);
        }
    }

    public void Save(ByteBuffer into)
    {
        into.Uvarint((ulong)Count);
        for (int i = 0; i < Count; i++)
        {
            into.Varint(timestamps[i]);
            into.Byte(histograms?[i] is null ? (byte)0 : (byte)1);
            if (histograms?[i] is { } histogram) HistogramCodec.Write(into, histogram);
            else into.Double(values[i]);
        }
    }

    /// <summary>Null where there are none.</summary>
    public static OutOfOrderSamples? Load(ref ByteReader bytes)
    {
        int count = bytes.Count();
        if (count == 0) return null;
        var loaded = new OutOfOrderSamples();
        for (; count > 0; count--)
        {
            long t = bytes.Varint();
            bool isHistogram = bytes.Byte() != 0;
            loaded.Insert(t, isHistogram ? 0 : bytes.Double(), isHistogram ? HistogramCodec.Read(ref bytes) : null);
        }
        return loaded;
    }
}
