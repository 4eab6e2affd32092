using Pharos.Core;
using Pharos.Storage.WriteLog;

namespace Pharos.Metrics.Head;

/// <summary>A sample of the log whose series was found. <paramref name="Histogram"/> is null for a float.</summary>
internal readonly record struct ReplayedSample(MemSeries Series, long TimestampMs, double Value, ReplayedHistogram? Histogram);

/// <param name="At">The record in which it stands.</param>
internal sealed record ReplayedHistogram(Histogram Histogram, WriteLogPosition At);

/// <summary>Samples on their way to one lane; reused.</summary>
internal sealed class ReplayBatch
{
    /// <summary>Under the size of a large object.</summary>
    private const int SamplesMax = 2048;

    private readonly ReplayedSample[] samples = new ReplayedSample[SamplesMax];
    private int count;

    public ReplayLane? Lane { get; set; }

    public bool IsFull => count == SamplesMax;

    public ReadOnlySpan<ReplayedSample> Samples => samples.AsSpan(0, count);

    public void Add(in ReplayedSample sample) => samples[count++] = sample;

    public void Clear()
    {
        Array.Clear(samples, 0, count);
        count = 0;
        Lane = null;
    }
}
