using Pharos.Core;

namespace Pharos.Wire.Starts;

/// <summary>
/// Samples of 0 at the times at which counters began to count, so that the first increase of a counter is seen. Remembers, for one
/// tenant, the start of each series: a start is stored once. Bounded. Safe for several threads.
/// </summary>
/// <remarks>
/// The samples belong into a batch of their own, appended before the counters' samples; that a series has a later sample already
/// (after a restart of this process, for example) is then no error of the sender.
/// </remarks>
public sealed class StartTimestamps
{
    private const int SeriesMax = 1_000_000;

    private readonly Lock gate = new();
    private readonly Dictionary<ulong, long> starts = [];

    /// <summary>Adds a sample of 0 where the start is before the sample and was not stored yet.</summary>
    public void Add(ReadOnlySpan<byte> series, long startMs, long sampleMs, MetricBatch zeros)
    {
        if (IsNew(series, startMs, sampleMs)) zeros.AddSample(zeros.AddSeries(series), startMs, 0);
    }

    /// <summary>As the other, with an empty histogram of the same kind as the sample.</summary>
    public void Add(ReadOnlySpan<byte> series, long startMs, long sampleMs, Histogram sample, MetricBatch zeros)
    {
        if (!IsNew(series, startMs, sampleMs)) return;
        zeros.AddHistogram(zeros.AddSeries(series), startMs, new Histogram
        {
            ResetHint = CounterResetHint.Reset,
            Schema = sample.Schema,
            ZeroThreshold = sample.ZeroThreshold,
            CustomValues = sample.CustomValues,
            IsFloat = sample.IsFloat,
        });
    }

    private bool IsNew(ReadOnlySpan<byte> series, long startMs, long sampleMs)
    {
        if (startMs <= 0 || startMs >= sampleMs) return false;
        ulong hash = LabelCodec.Hash(series);
        lock (gate)
        {
            if (starts.TryGetValue(hash, out long known) && known == startMs) return false;
            if (starts.Count >= SeriesMax) starts.Clear();
            starts[hash] = startMs;
            return true;
        }
    }
}
