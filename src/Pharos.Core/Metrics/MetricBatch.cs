using System.Buffers;

namespace Pharos.Core;

public enum MetricType : byte
{
    Unknown = 0,
    Counter = 1,
    Gauge = 2,
    Histogram = 3,
    GaugeHistogram = 4,
    Summary = 5,
    Info = 6,
    StateSet = 7,
}

/// <summary>What a metric family is.</summary>
public sealed record MetricMetadata(string Family, MetricType Type, string Help, string Unit);

/// <summary>A float sample of a batch. <see cref="Series"/> indexes the batch's series.</summary>
public readonly record struct BatchSample(int Series, long TimestampMs, double Value);

/// <summary>A native histogram sample of a batch.</summary>
public readonly record struct BatchHistogram(int Series, long TimestampMs, Histogram Histogram);

/// <summary>The time at which the counter behind a sample began to count, from 0. <see cref="Sample"/> indexes the batch's samples, or its histograms.</summary>
public readonly record struct BatchStart(int Sample, long StartMs);

/// <summary>Finds the starts of a batch's samples, asked for in the samples' order.</summary>
public struct StartCursor(List<BatchStart> starts)
{
    private int next;

    /// <summary>Unix milliseconds; 0 where the sample has none.</summary>
    public long Of(int sample)
    {
        while (next < starts.Count && starts[next].Sample < sample) next++;
        return next < starts.Count && starts[next].Sample == sample ? starts[next].StartMs : 0;
    }
}

/// <summary>An exemplar of a batch.</summary>
public readonly record struct BatchExemplar(int Series, long TimestampMs, double Value, Labels Labels);

/// <summary>
/// Samples on their way into a store: series as canonical label bytes in one pooled buffer, samples beside them.
/// Reused by <see cref="Clear"/>; gives its buffers back on <see cref="Dispose"/>. Not safe for several threads.
/// </summary>
public sealed class MetricBatch : IDisposable
{
    private byte[] labelBytes = ArrayPool<byte>.Shared.Rent(4096);
    private int[] seriesEnds = ArrayPool<int>.Shared.Rent(64);
    private BatchSample[] samples = ArrayPool<BatchSample>.Shared.Rent(64);
    private int seriesCount;
    private int sampleCount;

    public int SeriesCount => seriesCount;

    /// <summary>Samples in the order in which they were added.</summary>
    public ReadOnlySpan<BatchSample> Samples => samples.AsSpan(0, sampleCount);

    public List<BatchHistogram> Histograms { get; } = [];

    /// <summary>Starts of samples, in the order of the samples. A store puts a sample of 0 at each that is new to the series, and refuses nothing because of it.</summary>
    public List<BatchStart> Starts { get; } = [];

    /// <summary>As <see cref="Starts"/>, for <see cref="Histograms"/>.</summary>
    public List<BatchStart> HistogramStarts { get; } = [];

    public List<BatchExemplar> Exemplars { get; } = [];
    public List<MetricMetadata> Metadata { get; } = [];

    public bool IsEmpty => sampleCount == 0 && Histograms.Count == 0 && Exemplars.Count == 0 && Metadata.Count == 0;

    /// <summary>Canonical label bytes (<see cref="LabelCodec"/>) of a series.</summary>
    public ReadOnlySpan<byte> LabelsOf(int series)
    {
        int start = series == 0 ? 0 : seriesEnds[series - 1];
        return labelBytes.AsSpan(start, seriesEnds[series] - start);
    }

    /// <summary>Adds a series; returns its index. The caller vouches that the bytes are canonical.</summary>
    public int AddSeries(ReadOnlySpan<byte> canonicalLabels)
    {
        canonicalLabels.CopyTo(LabelRoom(canonicalLabels.Length));
        return AddSeriesInRoom(canonicalLabels.Length);
    }

    /// <summary>Room for at least so many bytes of canonical labels, for a series that <see cref="AddSeriesInRoom"/> then adds, or does not.</summary>
    public Span<byte> LabelRoom(int bytes)
    {
        int start = seriesCount == 0 ? 0 : seriesEnds[seriesCount - 1];
        Grow(ref labelBytes, start, bytes);
        return labelBytes.AsSpan(start);
    }

    /// <summary>Adds the series whose labels were written to <see cref="LabelRoom"/>; returns its index.</summary>
    public int AddSeriesInRoom(int labelBytes)
    {
        int start = seriesCount == 0 ? 0 : seriesEnds[seriesCount - 1];
        Grow(ref seriesEnds, seriesCount, 1);
        seriesEnds[seriesCount] = start + labelBytes;
        return seriesCount++;
    }

    public int AddSeries(Labels labels) => AddSeries(labels.Encoded);

    public void AddSample(int series, long timestampMs, double value)
    {
        Grow(ref samples, sampleCount, 1);
        samples[sampleCount++] = new BatchSample(series, timestampMs, value);
    }

    public void AddHistogram(int series, long timestampMs, Histogram histogram) =>
        Histograms.Add(new BatchHistogram(series, timestampMs, histogram));

    /// <summary>Says when the counter of the sample added last began. A start that is not before the sample says nothing.</summary>
    /// <param name="startMs">Unix milliseconds; 0 for not known.</param>
    public void AddSampleStart(long startMs)
    {
        if (startMs > 0 && startMs < samples[sampleCount - 1].TimestampMs) Starts.Add(new BatchStart(sampleCount - 1, startMs));
    }

    /// <inheritdoc cref="AddSampleStart"/>
    public void AddHistogramStart(long startMs)
    {
        if (startMs > 0 && startMs < Histograms[^1].TimestampMs) HistogramStarts.Add(new BatchStart(Histograms.Count - 1, startMs));
    }

    public void Clear()
    {
        seriesCount = 0;
        sampleCount = 0;
        Histograms.Clear();
        Starts.Clear();
        HistogramStarts.Clear();
        Exemplars.Clear();
        Metadata.Clear();
    }

    public void Dispose()
    {
        Clear();
        ArrayPool<byte>.Shared.Return(labelBytes);
        ArrayPool<int>.Shared.Return(seriesEnds);
        ArrayPool<BatchSample>.Shared.Return(samples);
        labelBytes = [];
        seriesEnds = [];
        samples = [];
    }

    private static void Grow<T>(ref T[] array, int used, int more)
    {
        if (used + more <= array.Length) return;
        var larger = ArrayPool<T>.Shared.Rent(Math.Max(used + more, array.Length * 2));
        array.AsSpan(0, used).CopyTo(larger);
        if (array.Length > 0) ArrayPool<T>.Shared.Return(array);
        array = larger;
    }
}
