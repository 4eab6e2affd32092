using System.Security.Cryptography;
using System.Text;
using Pharos.Collector.Runtime;
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
    private readonly Gauge evaluating;
    private HashSet<(string Id, string Path, string Health)> counted = [];

    public CollectorMetrics(Instruments instruments, CollectorOptions options)
    {
        time = options.Time;
        instruments.Gauge("alloy_build_info", "The version of the collector.", "version", "goos", "goarch")
            .With(options.Facts.Version, options.Facts.Os, options.Facts.Architecture).Set(1);
        hash = instruments.Gauge("alloy_config_hash", "Hash of the currently active config file.", "sha256", "cluster_name");
        successful = instruments.Gauge("alloy_config_last_load_successful", "Config loaded successfully.");
        successTime = instruments.Gauge("alloy_config_last_load_success_timestamp_seconds", "Timestamp of the last successful configuration load.");
        failures = instruments.Counter("alloy_config_load_failures_total", "Configuration load failures.");
        running = instruments.Gauge("alloy_component_controller_running_components", "Total number of running components.", "controller_id", "controller_path", "health_type");
        evaluating = instruments.Gauge("alloy_component_controller_evaluating", "Tracks if the controller is currently in the middle of a graph evaluation.", "controller_id", "controller_path");
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

    /// <summary>Counts the components of each module by their health.</summary>
    public void Count(IEnumerable<(Module Module, string Root)> modules)
    {
        var now = new HashSet<(string Id, string Path, string Health)>();
        foreach (var (module, root) in modules)
        {
            int cut = module.Path.LastIndexOf('/');
            string id = module.Path[(cut + 1)..], path = root + (cut < 0 ? "" : module.Path[..cut]);
            evaluating.With(id, path).Set(0);
            now.Add((id, path, ""));
            foreach (var (state, count) in module.Nodes.Values.Where(ComponentView.IsShown).CountBy(n => n.Health.State))
            {
                string health = state.ToString().ToLowerInvariant();
                running.With(id, path, health).Set(count);
                now.Add((id, path, health));
            }
        }
        foreach (var (id, path, health) in counted.Except(now))
        {
            if (health.Length == 0) evaluating.Remove(id, path);
            else running.Remove(id, path, health);
        }
        counted = now;
    }
}
