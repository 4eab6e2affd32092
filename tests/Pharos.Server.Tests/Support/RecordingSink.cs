using Pharos.Core;

namespace Pharos.Server.Tests.Support;

/// <summary>A sink that remembers the float samples it was given, and answers as told.</summary>
internal sealed class RecordingSink : IMetricSink
{
    private readonly Lock gate = new();
    private readonly List<string> seen = [];

    public IReadOnlyList<string> Seen
    {
        get
        {
            lock (gate) return [.. seen];
        }
    }

    /// <summary>Batches that it was given.</summary>
    public int Batches { get; private set; }

    public SemaphoreSlim Changed { get; } = new(0);

    public AppendResult? Answer { get; set; }

    public Exception? Fails { get; set; }

    public ValueTask<AppendResult> AppendAsync(TenantId tenant, MetricBatch batch, CancellationToken cancel)
    {
        if (Fails is not null) throw Fails;
        lock (gate)
        {
            Batches++;
            var starts = new StartCursor(batch.Starts);
            for (int i = 0; i < batch.Samples.Length; i++)
            {
                var sample = batch.Samples[i];
                long startMs = starts.Of(i);
                seen.Add($"{Labels.FromEncoded(batch.LabelsOf(sample.Series))} {sample.TimestampMs} {sample.Value}{(startMs == 0 ? "" : $" since {startMs}")}");
            }
        }
        Changed.Release();
        return ValueTask.FromResult(Answer ?? new AppendResult(batch.Samples.Length, batch.Histograms.Count, batch.Exemplars.Count, []));
    }
}
