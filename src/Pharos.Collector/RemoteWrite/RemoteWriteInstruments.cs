using Pharos.Core;

namespace Pharos.Collector.RemoteWrite;

/// <summary>The metrics of one endpoint, under Prometheus's names.</summary>
internal sealed class RemoteWriteInstruments
{
    private readonly HistogramInstrument duration;
    private readonly Counter dropped;
    private readonly string[] labels;

    public RemoteWriteInstruments(Instruments instruments, string name, string url)
    {
        labels = [name, url];
        Samples = Cell(instruments.Counter("prometheus_remote_storage_samples_total", "Total number of samples sent to remote storage.", "remote_name", "url"));
        Histograms = Cell(instruments.Counter("prometheus_remote_storage_histograms_total", "Total number of histograms sent to remote storage.", "remote_name", "url"));
        Exemplars = Cell(instruments.Counter("prometheus_remote_storage_exemplars_total", "Total number of exemplars sent to remote storage.", "remote_name", "url"));
        Metadata = Cell(instruments.Counter("prometheus_remote_storage_metadata_total", "Total number of metadata entries sent to remote storage.", "remote_name", "url"));
        Failed = Cell(instruments.Counter("prometheus_remote_storage_samples_failed_total", "Total number of samples which failed on send to remote storage, non-recoverable errors.", "remote_name", "url"));
        Retried = Cell(instruments.Counter("prometheus_remote_storage_samples_retried_total", "Total number of samples which failed on send to remote storage but were retried because the send error was recoverable.", "remote_name", "url"));
        MetadataFailed = Cell(instruments.Counter("prometheus_remote_storage_metadata_failed_total", "Total number of metadata entries which failed on send to remote storage.", "remote_name", "url"));
        Bytes = Cell(instruments.Counter("prometheus_remote_storage_bytes_total", "The total number of bytes of data (not metadata) sent by the queue after compression.", "remote_name", "url"));
        Pending = Cell(instruments.Gauge("prometheus_remote_storage_samples_pending", "The number of samples pending in the queues shards to be sent to the remote storage.", "remote_name", "url"));
        Shards = Cell(instruments.Gauge("prometheus_remote_storage_shards", "The number of shards used for parallel sending to the remote storage.", "remote_name", "url"));
        ShardsDesired = Cell(instruments.Gauge("prometheus_remote_storage_shards_desired", "The number of shards that the queues shard calculation wants to run based on the rate of samples in vs. samples out.", "remote_name", "url"));
        ShardsMax = Cell(instruments.Gauge("prometheus_remote_storage_shards_max", "The maximum number of shards that the queue is allowed to run.", "remote_name", "url"));
        ShardsMin = Cell(instruments.Gauge("prometheus_remote_storage_shards_min", "The minimum number of shards that the queue is allowed to run.", "remote_name", "url"));
        ShardCapacity = Cell(instruments.Gauge("prometheus_remote_storage_shard_capacity", "The capacity of each shard of the queue used for parallel sending to the remote storage.", "remote_name", "url"));
        HighestSent = Cell(instruments.Gauge("prometheus_remote_storage_queue_highest_sent_timestamp_seconds", "Timestamp from a WAL sample, the highest timestamp successfully sent by this queue, in seconds since epoch.", "remote_name", "url"));
        MaxSamplesPerSend = Cell(instruments.Gauge("prometheus_remote_storage_max_samples_per_send", "The maximum number of samples to be sent, in a single request, to the remote storage.", "remote_name", "url"));
        Corruptions = Cell(instruments.Counter("prometheus_remote_write_wal_corruptions_total", "Damaged places of the queue on disk that were passed over.", "remote_name", "url"));
        duration = instruments.Histogram("prometheus_remote_storage_sent_batch_duration_seconds", "Duration of send calls to the remote storage.",
            [.. HistogramInstrument.DefaultBounds, 25, 60, 120, 300], "remote_name", "url");
        dropped = instruments.Counter("prometheus_remote_storage_samples_dropped_total", "Total number of samples which were dropped after being read from the WAL before being sent via remote write.", "remote_name", "url", "reason");
    }

    public InstrumentCell Samples { get; }
    public InstrumentCell Histograms { get; }
    public InstrumentCell Exemplars { get; }
    public InstrumentCell Metadata { get; }
    public InstrumentCell Failed { get; }
    public InstrumentCell Retried { get; }
    public InstrumentCell MetadataFailed { get; }
    public InstrumentCell Bytes { get; }
    public InstrumentCell Pending { get; }
    public InstrumentCell Shards { get; }
    public InstrumentCell ShardsDesired { get; }
    public InstrumentCell ShardsMax { get; }
    public InstrumentCell ShardsMin { get; }
    public InstrumentCell ShardCapacity { get; }
    public InstrumentCell HighestSent { get; }
    public InstrumentCell MaxSamplesPerSend { get; }
    public InstrumentCell Corruptions { get; }

    public void Took(TimeSpan time) => duration.Observe(time.TotalSeconds, labels);

    public void Dropped(string reason, long samples) => dropped.With(labels[0], labels[1], reason).Add(samples);

    private InstrumentCell Cell(Counter counter) => counter.With(labels);

    private InstrumentCell Cell(Gauge gauge) => gauge.With(labels);
}
