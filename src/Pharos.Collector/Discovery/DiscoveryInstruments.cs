using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>Metrics of all discoveries, under Prometheus's names.</summary>
internal sealed class DiscoveryInstruments(Instruments instruments)
{
    /// <summary>Mechanisms whose failures Prometheus counts under a name of their own as well.</summary>
    private static readonly Dictionary<string, (string Name, string Help)> OwnFailures = new(StringComparer.Ordinal)
    {
        ["azure"] = ("prometheus_sd_azure_failures_total", "Number of Azure service discovery refresh failures."),
        ["consul"] = ("prometheus_sd_consul_rpc_failures_total", "The number of Consul RPC call failures."),
        ["dns"] = ("prometheus_sd_dns_lookup_failures_total", "The number of DNS-SD lookup failures."),
        ["file"] = ("prometheus_sd_file_read_errors_total", "The number of File-SD read errors."),
        ["http"] = ("prometheus_sd_http_failures_total", "Number of HTTP service discovery refresh failures."),
        ["kubernetes"] = ("prometheus_sd_kubernetes_failures_total", "The number of failed WATCH/LIST requests."),
        ["kuma"] = ("prometheus_sd_kuma_fetch_failures_total", "The number of Kuma MADS fetch call failures."),
        ["linode"] = ("prometheus_sd_linode_failures_total", "Number of Linode service discovery refresh failures."),
        ["nomad"] = ("prometheus_sd_nomad_failures_total", "Number of nomad service discovery refresh failures."),
    };

    private readonly Counter failures = instruments.Counter("prometheus_sd_refresh_failures_total", "Number of refresh failures for the given SD mechanism.", "mechanism");
    private readonly HistogramInstrument durations = instruments.Histogram(
        "prometheus_sd_refresh_duration_histogram_seconds", "The duration of a refresh for the given SD mechanism.", HistogramInstrument.DefaultBounds, "mechanism");

    /// <summary>Makes the counters visible at 0.</summary>
    public void Announce(string mechanism)
    {
        failures.With(mechanism).Add(0);
        if (OwnFailures.TryGetValue(mechanism, out var own)) instruments.Counter(own.Name, own.Help);
    }

    public void Refreshed(string mechanism, TimeSpan took) => durations.Observe(took.TotalSeconds, mechanism);

    public void Failed(string mechanism)
    {
        failures.With(mechanism).Add(1);
        if (OwnFailures.TryGetValue(mechanism, out var own)) instruments.Counter(own.Name, own.Help).Add();
    }
}
