using Pharos.Core;

namespace Pharos.Storage.WriteLog;

/// <summary>The write log's own metrics, under Prometheus's names where it has one for the same thing.</summary>
internal sealed class WriteLogInstruments(Instruments instruments)
{
    public Counter Corruptions { get; } = instruments.Counter(
        "prometheus_tsdb_wal_corruptions_total", "Total number of WAL corruptions.");

    public Counter TornTails { get; } = instruments.Counter(
        "pharos_write_log_torn_tails_total", "Times the last segment ended in the middle of a record when it was opened.");

    public Counter WritesFailed { get; } = instruments.Counter(
        "prometheus_tsdb_wal_writes_failed_total", "Total number of WAL writes that failed.");

    public Counter Truncations { get; } = instruments.Counter(
        "prometheus_tsdb_wal_truncations_total", "Total number of WAL truncations attempted.");

    public Gauge Segment { get; } = instruments.Gauge(
        "prometheus_tsdb_wal_segment_current", "Write log segment that is currently written to.");

    public Gauge Bytes { get; } = instruments.Gauge(
        "prometheus_tsdb_wal_storage_size_bytes", "Size of the write log directory.");

    public HistogramInstrument Syncs { get; } = instruments.Histogram(
        "pharos_write_log_fsync_duration_seconds", "Duration of write log fsync.", [.0001, .0005, .001, .0025, .005, .01, .025, .05, .1, .5, 1, 5]);

    public Gauge Writable { get; } = Writing(instruments);

    private static Gauge Writing(Instruments instruments)
    {
        var gauge = instruments.Gauge("pharos_write_log_writable", "1 while the write log takes records, 0 while the disk is full or fails.");
        gauge.Set(1);
        return gauge;
    }
}
