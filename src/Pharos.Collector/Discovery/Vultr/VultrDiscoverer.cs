using System.Text.Json;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>Vultr's instances, by their main IPv4 address.</summary>
internal sealed class VultrDiscoverer(VultrOptions options, DiscoveryContext context) : IDiscoverer
{
    private const string Root = "https://api.vultr.com/v2/instances?per_page=500";

    private readonly DiscoveryHttp http = new(context, options.Client, options.RefreshInterval);

    public async Task<FoundTargets> RefreshAsync(CancellationToken cancel)
    {
        var targets = new List<Labels>();
        await foreach (var page in http.PagesAsync(Root, p => p.Text("meta", "links", "next") is { Length: > 0 } next ? $"{Root}&cursor={Uri.EscapeDataString(next)}" : null, cancel))
        {
            targets.AddRange(page.Items("instances").Select(Target));
        }
        return targets;
    }

    public ValueTask DisposeAsync() => http.DisposeAsync();

    private Labels Target(JsonElement instance) => new MetaLabels("__meta_vultr_instance_")
        .Set("id", instance.Text("id")).Set("label", instance.Text("label")).Set("os", instance.Text("os")).Set("os_id", instance.Text("os_id"))
        .Set("region", instance.Text("region")).Set("plan", instance.Text("plan")).Set("main_ip", instance.Text("main_ip")).Set("internal_ip", instance.Text("internal_ip"))
        .Set("main_ipv6", instance.Text("v6_main_ip")).Set("hostname", instance.Text("hostname")).Set("server_status", instance.Text("server_status"))
        .Set("vcpu_count", instance.Text("vcpu_count")).Set("ram_mb", instance.Text("ram")).Set("disk_gb", instance.Text("disk"))
        .Set("allowed_bandwidth_gb", instance.Text("allowed_bandwidth"))
        .SetList("features", instance.Texts("features"), ",").SetList("tags", instance.Texts("tags"), ",")
        .At(instance.Text("main_ip"), options.Port);
}
