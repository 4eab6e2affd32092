using Pharos.Core;

namespace Pharos.Metrics;

/// <summary>The store's own metrics, under Prometheus's names. Cells are looked up once: adding to them costs nothing else.</summary>
internal sealed class MetricInstruments
{
    public MetricInstruments(Instruments instruments)
    {
        var appended = instruments.Counter("prometheus_tsdb_head_samples_appended_total", "Total number of appended samples.", "type");
        FloatsAppended = appended.With("float");
        HistogramsAppended = appended.With("histogram");
        OutOfOrderAppended = instruments.Counter("prometheus_tsdb_head_out_of_order_samples_appended_total", "Total number of appended out of order samples.", "type").With("float");
        ExemplarsAppended = instruments.Counter("prometheus_tsdb_exemplar_exemplars_appended_total", "Total number of appended exemplars.").With();
        OutOfOrderExemplars = instruments.Counter("prometheus_tsdb_exemplar_out_of_order_exemplars_total", "Total number of out of order exemplar ingestion failed attempts.").With();
        OutOfOrder = instruments.Counter("prometheus_tsdb_out_of_order_samples_total", "Total number of out of order samples ingestion failed attempts due to out of order being disabled.", "type").With("float");
        OutOfBounds = instruments.Counter("prometheus_tsdb_out_of_bound_samples_total", "Total number of out of bound samples ingestion failed attempts with out of order support disabled.", "type").With("float");
        TooOld = instruments.Counter("prometheus_tsdb_too_old_samples_total", "Total number of out of order samples ingestion failed attempts with out of support enabled, but sample outside of time window.", "type").With("float");
        Duplicates = instruments.Counter("pharos_tsdb_duplicate_samples_total", "Samples refused because another value with the same timestamp was there.").With();
        SeriesCreated = instruments.Counter("prometheus_tsdb_head_series_created_total", "Total number of series created in the head").With();
        SeriesRemoved = instruments.Counter("prometheus_tsdb_head_series_removed_total", "Total number of series removed in the head").With();
        HeadSeries = instruments.Gauge("prometheus_tsdb_head_series", "Total number of series in the head block.").With();
        HeadStaleSeries = instruments.Gauge("prometheus_tsdb_head_stale_series", "Total number of stale series in the head block, when they were last counted.").With();
        HeadChunks = instruments.Gauge("prometheus_tsdb_head_chunks", "Total number of chunks in the head block.").With();
        HeadMinTime = instruments.Gauge("prometheus_tsdb_head_min_time", "Minimum time bound of the head block. The unit is decided by the library consumer.").With();
        HeadMaxTime = instruments.Gauge("prometheus_tsdb_head_max_time", "Maximum timestamp of the head block. The unit is decided by the library consumer.").With();
        HeadMaxTimeSeconds = instruments.Gauge("prometheus_tsdb_head_max_time_seconds", "Maximum timestamp of the head block.").With();
        HeadMinTimeSeconds = instruments.Gauge("prometheus_tsdb_head_min_time_seconds", "Minimum time bound of the head block.").With();
        TenantSeries = instruments.Gauge("cortex_ingester_active_series", "Number of currently active series per user.", "user");
        TrackedSeries = instruments.Gauge("cortex_ingester_active_series_custom_tracker", "Number of currently active series matching a pre-configured label matchers per user.", "user", "name");
        MemorySeries = instruments.Gauge("cortex_ingester_memory_series", "The current number of series in memory.").With();
        MemoryUsers = instruments.Gauge("cortex_ingester_memory_users", "The current number of users in memory.").With();
        Discarded = Discards.Samples(instruments);
        Ingested = instruments.Counter("cortex_ingester_ingested_samples_total", "The total number of samples ingested per user.", "user");
        IngestFailures = instruments.Counter("cortex_ingester_ingested_samples_failures_total", "The total number of samples that errored on ingestion per user.", "user");
        TenantHeadMaxTime = instruments.Gauge("cortex_ingester_tsdb_head_max_timestamp_seconds", "Maximum timestamp of the head block, by tenant.", "user");
        DiscardedMetadata = Discards.Metadata(instruments);
        BlocksLoaded = instruments.Gauge("prometheus_tsdb_blocks_loaded", "Number of currently loaded data blocks").With();
        BlockBytes = instruments.Gauge("prometheus_tsdb_storage_blocks_bytes", "The number of bytes that are currently used for local storage by all blocks.").With();
        BlocksDamaged = instruments.Counter("pharos_tsdb_blocks_damaged_total", "Blocks that could not be opened and are left out.").With();
        SnapshotsDamaged = instruments.Counter("pharos_tsdb_head_snapshots_damaged_total", "Snapshots of heads that could not be loaded; the write log was read instead.").With();
        HeadChunkFilesDamaged = instruments.Counter("pharos_tsdb_head_chunk_files_damaged_total", "Files of the heads' finished chunks that were damaged and are set aside; the write log was read instead.").With();
        HeadChunkWrites = instruments.Counter("pharos_tsdb_head_chunk_writes_total", "Times that finished chunks of a head were written into a file.").With();
        HeadChunkWritesFailed = instruments.Counter("pharos_tsdb_head_chunk_writes_failed_total", "Times that finished chunks of a head could not be written; they stay in memory and it is tried again.").With();
        HeadChunkBytes = instruments.Gauge("prometheus_tsdb_head_chunks_storage_size_bytes", "Size of the chunks_head directory.").With();
        ChunksDamaged = instruments.Counter("pharos_tsdb_corrupt_chunks_total", "Chunks whose bytes were damaged and that were left out of a query.").With();
        Compactions = instruments.Counter("prometheus_tsdb_compactions_total", "Total number of compactions that were executed for the partition.").With();
        CompactionsFailed = instruments.Counter("prometheus_tsdb_compactions_failed_total", "Total number of compactions that failed for the partition.").With();
        HeadCutsFailed = instruments.Counter("prometheus_tsdb_head_truncations_failed_total", "Total number of head truncations that failed.").With();
        HeadCuts = instruments.Counter("prometheus_tsdb_head_truncations_total", "Total number of head truncations attempted.").With();
        CompactionSeconds = instruments.Histogram("prometheus_tsdb_compaction_duration_seconds", "Duration of compaction runs", [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]);
        TimeRetentions = instruments.Counter("prometheus_tsdb_time_retentions_total", "The number of times that blocks were deleted because the maximum time limit was exceeded.").With();
        SizeRetentions = instruments.Counter("prometheus_tsdb_size_retentions_total", "The number of times that blocks were deleted because the maximum number of bytes was exceeded.").With();
        LowestTimestamp = instruments.Gauge("prometheus_tsdb_lowest_timestamp_seconds", "Lowest timestamp value stored in the database.").With();
        ReplaySeconds = instruments.Gauge("prometheus_tsdb_data_replay_duration_seconds", "Time taken to replay the data on disk.").With();
    }

    public InstrumentCell FloatsAppended { get; }
    public InstrumentCell HistogramsAppended { get; }
    public InstrumentCell OutOfOrderAppended { get; }
    public InstrumentCell ExemplarsAppended { get; }
    public InstrumentCell OutOfOrderExemplars { get; }
    public InstrumentCell OutOfOrder { get; }
    public InstrumentCell OutOfBounds { get; }
    public InstrumentCell TooOld { get; }
    public InstrumentCell Duplicates { get; }
    public InstrumentCell SeriesCreated { get; }
    public InstrumentCell SeriesRemoved { get; }
    public InstrumentCell HeadSeries { get; }
    public InstrumentCell HeadStaleSeries { get; }
    public InstrumentCell HeadChunks { get; }
    public InstrumentCell HeadMinTime { get; }
    public InstrumentCell HeadMaxTime { get; }
    public InstrumentCell HeadMinTimeSeconds { get; }
    public InstrumentCell HeadMaxTimeSeconds { get; }
    public Gauge TenantSeries { get; }
    public Gauge TrackedSeries { get; }
    public InstrumentCell MemorySeries { get; }
    public InstrumentCell MemoryUsers { get; }
    public Counter Discarded { get; }
    public Counter DiscardedMetadata { get; }
    public Counter Ingested { get; }
    public Counter IngestFailures { get; }
    public Gauge TenantHeadMaxTime { get; }
    public InstrumentCell BlocksLoaded { get; }
    public InstrumentCell BlockBytes { get; }
    public InstrumentCell BlocksDamaged { get; }
    public InstrumentCell SnapshotsDamaged { get; }
    public InstrumentCell HeadChunkFilesDamaged { get; }
    public InstrumentCell HeadChunkWrites { get; }
    public InstrumentCell HeadChunkWritesFailed { get; }
    public InstrumentCell HeadChunkBytes { get; }
    public InstrumentCell ChunksDamaged { get; }
    public InstrumentCell Compactions { get; }
    public InstrumentCell CompactionsFailed { get; }
    public InstrumentCell HeadCutsFailed { get; }
    public InstrumentCell HeadCuts { get; }
    public HistogramInstrument CompactionSeconds { get; }
    public InstrumentCell TimeRetentions { get; }
    public InstrumentCell SizeRetentions { get; }
    public InstrumentCell LowestTimestamp { get; }
    public InstrumentCell ReplaySeconds { get; }
}
