using System.Text.Json;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>The dedicated servers of Hetzner Robot, by their main IPv4 address.</summary>
internal sealed class HetznerRobotDiscoverer(HetznerOptions options, DiscoveryContext context) : IDiscoverer
{
    private readonly DiscoveryHttp http = new(context, options.Client, options.RefreshInterval);

    public async Task<FoundTargets> RefreshAsync(CancellationToken cancel)
    {
        var servers = await http.GetAsync("https://robot-ws.your-server.de/server", cancel);
        return servers.Items().Select(s => Target(s.At("server"))).ToList();
    }

    public ValueTask DisposeAsync() => http.DisposeAsync();

    private Labels Target(JsonElement server)
    {
        var labels = new MetaLabels("__meta_hetzner_")
            .Set("role", "robot").Set("server_id", server.Text("server_number")).Set("server_name", server.Text("server_name")).Set("server_status", server.Text("status"))
            .Set("public_ipv4", server.Text("server_ip")).Set("datacenter", server.Text("dc").ToLowerInvariant())
            .Set("robot_product", server.Text("product")).Set("robot_cancelled", server.Flag("cancelled") || server.Flag("canceled"));
        foreach (var subnet in server.Items("subnet"))
        {
            if (subnet.Text("ip").Contains(':', StringComparison.Ordinal)) labels.Set("public_ipv6_network", $"{subnet.Text("ip")}/{subnet.Text("mask")}");
        }
        return labels.At(server.Text("server_ip"), options.Port);
    }
}
