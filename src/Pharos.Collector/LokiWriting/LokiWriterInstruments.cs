using Pharos.Core;

namespace Pharos.Collector.LokiWriting;

/// <summary>The metrics of <c>loki.write</c>, by Alloy's names.</summary>
internal sealed class LokiWriterInstruments(Instruments registry, string host)
{
    private readonly Counter sentEntries = registry.Counter("loki_write_sent_entries_total", "Number of log entries sent to the ingester.", "host", "tenant");
    private readonly Counter sentBytes = registry.Counter("loki_write_sent_bytes_total", "Number of bytes sent.", "host", "tenant");
    private readonly Counter encodedBytes = registry.Counter("loki_write_encoded_bytes_total", "Number of bytes encoded and ready to send.", "host");
    private readonly Counter droppedEntries = registry.Counter("loki_write_dropped_entries_total", "Number of log entries dropped because failed to be sent to the ingester.", "host", "tenant", "reason");
    private readonly Counter droppedBytes = registry.Counter("loki_write_dropped_bytes_total", "Number of bytes dropped because failed to be sent to the ingester.", "host", "tenant", "reason");
    private readonly Counter retries = registry.Counter("loki_write_batch_retries_total", "Number of times batches has had to be retried.", "host", "tenant");
    private readonly HistogramInstrument duration = registry.Histogram("loki_write_request_duration_seconds", "Duration of send requests.", HistogramInstrument.DefaultBounds, "status_code", "host");
    private readonly Gauge pending = registry.Gauge("loki_write_queue_bytes", "Bytes that wait on disk.", "host");

    public void Sent(string tenant, int entries, long bytes, int encoded)
    {
        sentEntries.With(host, tenant).Add(entries);
        sentBytes.With(host, tenant).Add(bytes);
        encodedBytes.With(host).Add(encoded);
    }

    public void Dropped(string tenant, string reason, int entries, long bytes)
    {
        string code = reason.StartsWith("429", StringComparison.Ordinal) ? "rate_limited" : "ingester_error";
        droppedEntries.With(host, tenant, code).Add(entries);
        droppedBytes.With(host, tenant, code).Add(bytes);
    }

    public void Retried(string tenant) => retries.With(host, tenant).Add(1);

    public void Answered(TimeSpan took, int status) => duration.Observe(took.TotalSeconds, status.ToString(), host);

    public void Pending(long bytes) => pending.With(host).Set(bytes);
}
