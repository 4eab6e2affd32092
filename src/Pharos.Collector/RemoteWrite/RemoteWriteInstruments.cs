using Pharos.Core;

namespace Pharos.Collector.RemoteWrite;

/// <summary>The metrics of one endpoint, under Prometheus's names.</summary>
internal sealed class RemoteWriteInstruments
{
    private readonly HistogramInstrument duration;
    private readonly Counter dropped;
    private readonly string[] labels;
    private readonly List<Gauge> gauges = [];

    public RemoteWriteInstruments(Instruments instruments, RemoteWriteNaming naming, string name, string url)
    {
        labels = naming.LabelValues(name, url);
        string[] names = naming.LabelNames("remote_name", "url");
        string storage = naming.Prefix + "prometheus_remote_storage_";
        Samples = Cell(instruments.Counter(storage + "samples_total", "Total number of samples sent to remote storage.", names));
        Histograms = Cell(instruments.Counter(storage + "histograms_total", "Total number of histograms sent to remote storage.", names));
        Exemplars = Cell(instruments.Counter(storage + "exemplars_total", "Total number of exemplars sent to remote storage.", names));
        Metadata = Cell(instruments.Counter(storage + "metadata_total", "Total number of metadata entries sent to remote storage.", names));
        Failed = Cell(instruments.Counter(storage + "samples_failed_total", "Total number of samples which failed on send to remote storage, non-recoverable errors.", names));
        Retried = Cell(instruments.Counter(storage + "samples_retried_total", "Total number of samples which failed on send to remote storage but were retried because the send error was recoverable.", names));
        MetadataFailed = Cell(instruments.Counter(storage + "metadata_failed_total", "Total number of metadata entries which failed on send to remote storage.", names));
        Bytes = Cell(instruments.Counter(storage + "bytes_total", "The total number of bytes of data (not metadata) sent by the queue after compression.", names));
        Pending = Cell(instruments.Gauge(storage + "samples_pending", "The number of samples pending in the queues shards to be sent to the remote storage.", names));
        Shards = Cell(instruments.Gauge(storage + "shards", "The number of shards used for parallel sending to the remote storage.", names));
        ShardsDesired = Cell(instruments.Gauge(storage + "shards_desired", "The number of shards that the queues shard calculation wants to run based on the rate of samples in vs. samples out.", names));
        ShardsMax = Cell(instruments.Gauge(storage + "shards_max", "The maximum number of shards that the queue is allowed to run.", names));
        ShardsMin = Cell(instruments.Gauge(storage + "shards_min", "The minimum number of shards that the queue is allowed to run.", names));
        ShardCapacity = Cell(instruments.Gauge(storage + "shard_capacity", "The capacity of each shard of the queue used for parallel sending to the remote storage.", names));
        HighestSent = Cell(instruments.Gauge(storage + "queue_highest_sent_timestamp_seconds", "Timestamp from a WAL sample, the highest timestamp successfully sent by this queue, in seconds since epoch.", names));
        MaxSamplesPerSend = Cell(instruments.Gauge(storage + "max_samples_per_send", "The maximum number of samples to be sent, in a single request, to the remote storage.", names));
        Corruptions = Cell(instruments.Counter(naming.Prefix + "prometheus_remote_write_wal_corruptions_total", "Damaged places of the queue on disk that were passed over.", names));
        duration = instruments.Histogram(storage + "sent_batch_duration_seconds", "Duration of send calls to the remote storage.",
            [.. HistogramInstrument.DefaultBounds, 25, 60, 120, 300], names);
        dropped = instruments.Counter(storage + "samples_dropped_total", "Total number of samples which were dropped after being read from the WAL before being sent via remote write.", naming.LabelNames("remote_name", "url", "reason"));
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

    public void Dropped(string reason, long samples) => dropped.With([.. labels, reason]).Add(samples);

    /// <summary>Takes the gauges of an endpoint away that is no more; what it counted stays.</summary>
    public void End()
    {
        foreach (var gauge in gauges) gauge.Remove(labels);
    }

    private InstrumentCell Cell(Counter counter) => counter.With(labels);

    private InstrumentCell Cell(Gauge gauge)
    {
        gauges.Add(gauge);
        return gauge.With(labels);
    }
}
