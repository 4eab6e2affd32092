using Pharos.Core;

namespace Pharos.Collector.Remote;

/// <summary>Metrics of the remote configuration, under Alloy's names.</summary>
internal sealed class RemoteMetrics(Instruments instruments)
{
    private readonly Gauge hash = instruments.Gauge("remotecfg_hash", "Hash of the currently loaded remote configuration.", "hash");
    private readonly Gauge received = instruments.Gauge("remotecfg_last_received_hash", "Hash of the last received remote configuration.", "hash");
    private readonly Gauge successful = instruments.Gauge("remotecfg_last_load_successful", "Remote config loaded successfully.");
    private readonly Gauge notModified = instruments.Gauge("remotecfg_last_load_not_modified", "Remote config not modified since last fetched.");
    private readonly Counter attempts = instruments.Counter("remotecfg_load_attempts_total", "Attempts to load remote configuration.");
    private readonly Counter failures = instruments.Counter("remotecfg_load_failures_total", "Remote configuration load failures.");
    private readonly Gauge successTime = instruments.Gauge("remotecfg_last_load_success_timestamp_seconds", "Timestamp of the last successful remote configuration load.");
    private readonly HistogramInstrument duration = instruments.Histogram("remotecfg_request_duration_seconds", "Duration of remote configuration requests.", HistogramInstrument.DefaultBounds);
    private string shownHash = "";
    private string shownReceived = "";

    public void Asked(TimeSpan took) => duration.Observe(took.TotalSeconds);

    public void NotModified() => notModified.Set(1);

    public void Received(string value)
    {
        notModified.Set(0);
        if (shownReceived.Length > 0) received.Remove(shownReceived);
        shownReceived = value;
        received.With(value).Set(1);
    }

    public void Attempt() => attempts.Add();

    public void Failed()
    {
        failures.Add();
        successful.Set(0);
    }

    public void Succeeded(string value, double unixSeconds)
    {
        if (shownHash.Length > 0) hash.Remove(shownHash);
        shownHash = value;
        hash.With(value).Set(1);
        successful.Set(1);
        successTime.Set(unixSeconds);
    }
}
