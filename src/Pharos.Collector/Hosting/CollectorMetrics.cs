using System.Security.Cryptography;
using System.Text;
using Pharos.Collector.Syntax;
using Pharos.Core;

namespace Pharos.Collector.Hosting;

/// <summary>The collector's metrics about itself, under Alloy's names.</summary>
internal sealed class CollectorMetrics
{
    private readonly TimeProvider time;
    private readonly Gauge hash;
    private readonly Gauge successful;
    private readonly Gauge successTime;
    private readonly Counter failures;
    private readonly Gauge running;

    public CollectorMetrics(Instruments instruments, CollectorOptions options)
    {
        time = options.Time;
        instruments.Gauge("alloy_build_info", "The version of the collector.", "version", "goos", "goarch")
            .With(options.Facts.Version, options.Facts.Os, options.Facts.Architecture).Set(1);
        hash = instruments.Gauge("alloy_config_hash", "Hash of the currently active config file.", "sha256", "cluster_name");
        successful = instruments.Gauge("alloy_config_last_load_successful", "Config loaded successfully.");
        successTime = instruments.Gauge("alloy_config_last_load_success_timestamp_seconds", "Timestamp of the last successful configuration load.");
        failures = instruments.Counter("alloy_config_load_failures_total", "Configuration load failures.");
        running = instruments.Gauge("alloy_component_controller_running_components", "Total number of running components.", "health_type");
    }

    private string shown = "";

    public void Loaded(IReadOnlyList<SourceText> sources)
    {
        string now = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\0', sources.Select(s => s.Text)))));
        if (now != shown && shown.Length > 0) hash.Remove(shown, "");
        shown = now;
        hash.With(now, "").Set(1);
        successful.Set(1);
        successTime.Set(time.UnixMs() / 1000.0);
    }

    public void LoadFailed()
    {
        successful.Set(0);
        failures.Add();
    }

    public void Count(IEnumerable<HealthState> states)
    {
        var counts = states.CountBy(s => s).ToDictionary();
        foreach (var state in Enum.GetValues<HealthState>())
            running.With(state.ToString().ToLowerInvariant()).Set(counts.GetValueOrDefault(state));
    }
}
