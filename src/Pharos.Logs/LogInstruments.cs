using Pharos.Core;

namespace Pharos.Logs;

/// <summary>The store's own metrics, under Loki's names so that its dashboards and alerts work.</summary>
internal sealed class LogInstruments(Instruments instruments)
{
    public Counter BytesReceived { get; } = instruments.Counter("loki_distributor_bytes_received_total", "The total number of uncompressed bytes received per tenant. Includes structured metadata bytes.", "tenant");
    public Counter LinesReceived { get; } = instruments.Counter("loki_distributor_lines_received_total", "The total number of lines received per tenant", "tenant");
    public Counter DiscardedSamples { get; } = instruments.Counter("loki_discarded_samples_total", "The total number of samples that were discarded.", "reason", "tenant");
    public Counter DiscardedBytes { get; } = instruments.Counter("loki_discarded_bytes_total", "The total number of bytes that were discarded.", "reason", "tenant");
    public Counter DuplicateLines { get; } = instruments.Counter("loki_ingester_duplicate_log_bytes_total", "The total number of bytes that were the same as an entry already stored.", "tenant");
    public Gauge MemoryStreams { get; } = instruments.Gauge("loki_ingester_memory_streams", "The total number of streams in memory per tenant.", "tenant");
    public Gauge MemoryBytes { get; } = instruments.Gauge("pharos_logs_memory_bytes", "Bytes of log entries, and of what their streams take, that are in memory and in the write log, and in no part yet.");
    public Counter StreamsCreated { get; } = instruments.Counter("loki_ingester_streams_created_total", "The total number of streams created per tenant.", "tenant");
    public Counter ChunksFlushed { get; } = instruments.Counter("loki_ingester_chunks_flushed_total", "Total flushed chunks per reason.", "reason");
    public Counter PartsMerged { get; } = instruments.Counter("pharos_logs_parts_merged_total", "Log parts that were written anew, to merge them or to take entries out.");
    public Counter IndexPagesRead { get; } = instruments.Counter("pharos_logs_index_pages_read_total", "Pages of the indexes of log parts that were read from the disk.");
    public Counter FlushFailures { get; } = instruments.Counter("loki_ingester_chunks_flush_failures_total", "Total number of flush failures.");
    public HistogramInstrument FlushSeconds { get; } = instruments.Histogram("pharos_logs_flush_duration_seconds", "How long flushes to parts took.", HistogramInstrument.DefaultBounds);
    public Counter Corruptions { get; } = instruments.Counter("loki_ingester_wal_corruptions_total", "Total number of log records and parts that were found damaged.");
    public Gauge ReplaySeconds { get; } = instruments.Gauge("loki_ingester_wal_replay_duration_seconds", "Time taken to replay the checkpoint and the WAL.");
    public Gauge RetentionRun { get; } = instruments.Gauge("loki_compactor_apply_retention_last_successful_run_timestamp_seconds", "Unix timestamp of the last successful retention run");
}
