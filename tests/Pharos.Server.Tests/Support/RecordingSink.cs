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

    public SemaphoreSlim Changed { get; } = new(0);

    public AppendResult? Answer { get; set; }

    public Exception? Fails { get; set; }

    public ValueTask<AppendResult> AppendAsync(TenantId tenant, MetricBatch batch, CancellationToken cancel)
    {
        if (Fails is not null) throw Fails;
        lock (gate)
        {
            foreach (var sample in batch.Samples) seen.Add($"{Labels.FromEncoded(batch.LabelsOf(sample.Series))} {sample.TimestampMs} {sample.Value}");
        }
        Changed.Release();
        return ValueTask.FromResult(Answer ?? new AppendResult(batch.Samples.Length, batch.Histograms.Count, batch.Exemplars.Count, []));
    }
}
