using Pharos.Collector;
using Pharos.Core;

namespace Pharos.Server.LocalPrometheus;

/// <summary>
/// Where everything that this process produces goes: the local store first, then each remote-write queue. The queues may be
/// replaced while samples flow; one that fails takes nothing from the store.
/// </summary>
/// <param name="startsAsZeros">Whether the store puts a sample of 0 where a counter began; the queues get start timestamps as they are.</param>
internal sealed class LocalSink(IMetricSink store, bool startsAsZeros) : IMetricSink, IMetricsReceiver
{
    private volatile IReadOnlyList<IMetricsReceiver> queues = [];

    public IReadOnlyList<IMetricsReceiver> Queues { get => queues; set => queues = value; }

    public async ValueTask<AppendResult> AppendAsync(TenantId tenant, MetricBatch batch, CancellationToken cancel)
    {
        BatchStart[] starts = [], histogramStarts = [];
        if (!startsAsZeros)
        {
            if (queues.Count > 0) (starts, histogramStarts) = ([.. batch.Starts], [.. batch.HistogramStarts]);
            batch.Starts.Clear();
            batch.HistogramStarts.Clear();
        }
        var result = await store.AppendAsync(tenant, batch, cancel);
        batch.Starts.AddRange(starts);
        batch.HistogramStarts.AddRange(histogramStarts);
        foreach (var queue in queues) await queue.AppendAsync(batch, cancel);
        return result;
    }

    async ValueTask IMetricsReceiver.AppendAsync(MetricBatch batch, CancellationToken cancel)
    {
        try
        {
            await AppendAsync(TenantId.Anonymous, batch, cancel);
        }
        catch (StoreUnavailableException e)
        {
            throw new IOException(e.Message, e);
        }
    }
}
