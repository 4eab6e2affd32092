using Pharos.Core;

namespace Pharos.Collector.Relabeling;

/// <summary>
/// Rewrites the labels of samples on their way to other receivers: <c>prometheus.relabel</c>. What becomes of a series is remembered,
/// so rules run once for each; stale markers follow the rewritten series.
/// </summary>
public sealed class MetricsRelabeler : IMetricsReceiver
{
    private readonly IMetricsReceiver next;
    private readonly int cacheSizeMax;
    private readonly Lock gate = new();
    private readonly ByteMap<byte[]> cache = new();
    private readonly LabelsBuilder builder = new();
    private readonly Counter processed;
    private readonly Counter written;
    private readonly Counter hits;
    private readonly Counter misses;
    private readonly Gauge size;
    private IReadOnlyList<RelabelRule> rules;

    public MetricsRelabeler(IReadOnlyList<RelabelRule> rules, IMetricsReceiver next, Instruments instruments, int cacheSizeMax = 100_000)
    {
        this.rules = rules;
        this.next = next;
        this.cacheSizeMax = cacheSizeMax;
        processed = instruments.Counter("alloy_prometheus_relabel_metrics_processed", "Total number of metrics processed");
        written = instruments.Counter("alloy_prometheus_relabel_metrics_written", "Total number of metrics written");
        hits = instruments.Counter("alloy_prometheus_relabel_cache_hits", "Total number of cache hits");
        misses = instruments.Counter("alloy_prometheus_relabel_cache_misses", "Total number of cache misses");
        size = instruments.Gauge("alloy_prometheus_relabel_cache_size", "Total size of relabel cache");
    }

    /// <summary>Takes other rules and forgets what the old ones gave.</summary>
    public void Update(IReadOnlyList<RelabelRule> newRules)
    {
        lock (gate)
        {
            rules = newRules;
            cache.Clear();
        }
    }

    public async ValueTask AppendAsync(MetricBatch batch, CancellationToken cancel)
    {
        using var rewritten = new MetricBatch();
        Rewrite(batch, rewritten);
        if (!rewritten.IsEmpty) await next.AppendAsync(rewritten, cancel);
    }

    private void Rewrite(MetricBatch batch, MetricBatch into)
    {
        var places = new int[batch.SeriesCount];
        lock (gate)
        {
            int found = 0;
            for (int series = 0; series < places.Length; series++)
            {
                var labels = batch.LabelsOf(series);
                if (cache.TryGet(labels, out byte[]? after))
                {
                    found++;
                }
                else
                {
                    builder.Reset(Labels.FromEncoded(labels));
                    after = RelabelRule.Apply(rules, builder) ? builder.ToLabels().Encoded.ToArray() : [];
                    if (cache.Count >= cacheSizeMax) cache.Clear();
                    cache.Add(labels, after);
                }
                places[series] = after.Length == 0 ? -1 : into.AddSeries(after);
            }
            hits.Add(found);
            misses.Add(places.Length - found);
            size.Set(cache.Count);
        }
        var starts = new StartCursor(batch.Starts);
        for (int i = 0; i < batch.Samples.Length; i++)
        {
            ref readonly var sample = ref batch.Samples[i];
            if (places[sample.Series] < 0) continue;
            into.AddSample(places[sample.Series], sample.TimestampMs, sample.Value);
            into.AddSampleStart(starts.Of(i));
        }
        starts = new StartCursor(batch.HistogramStarts);
        for (int i = 0; i < batch.Histograms.Count; i++)
        {
            var histogram = batch.Histograms[i];
            if (places[histogram.Series] < 0) continue;
            into.AddHistogram(places[histogram.Series], histogram.TimestampMs, histogram.Histogram);
            into.AddHistogramStart(starts.Of(i));
        }
        foreach (var exemplar in batch.Exemplars)
        {
            if (places[exemplar.Series] >= 0) into.Exemplars.Add(exemplar with { Series = places[exemplar.Series] });
        }
        into.Metadata.AddRange(batch.Metadata);
        processed.Add(batch.Samples.Length + batch.Histograms.Count);
        written.Add(into.Samples.Length + into.Histograms.Count);
    }
}
