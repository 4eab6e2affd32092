using System.Text.Json;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>
/// Targets from a Docker engine's list of containers: one for each TCP port that a container opens in a network, or one with the default
/// port.
/// </summary>
internal sealed class DockerDiscoverer(DockerOptions options, DiscoveryContext context) : IDiscoverer
{
    private readonly DockerEngine engine = new(options.Host, options.Filters, options.Client, options.RefreshInterval, context);

    public async Task<FoundTargets> RefreshAsync(CancellationToken cancel)
    {
        var containers = await engine.ListAsync("/containers/json", cancel, filtered: true);
        var networks = await engine.NetworksAsync(cancel);
        var byId = containers.Items().ToDictionary(c => c.Text("Id"));
        var targets = new List<Labels>();
        foreach (var container in byId.Values)
        {
            if (container.Texts("Names").FirstOrDefault() is not { } name) continue;
            var common = new MetaLabels("__meta_docker_").Set("container_id", container.Text("Id")).Set("container_name", name)
                .Set("container_network_mode", Mode(container)).SetEach("container_label_", container.Pairs("Labels"));
            foreach (var network in NetworksOf(container, byId))
            {
                string address = network.Text("IPAddress");
                var labels = common.Copy().Set("network_ip", address).SetEach("", networks.GetValueOrDefault(network.Text("NetworkID"), []));
                bool any = false;
                foreach (var port in container.Items("Ports").Where(p => p.Text("Type") == "tcp"))
                {
                    any = true;
                    var ofPort = labels.Copy().Set("port_private", port.Text("PrivatePort"));
                    if (port.Number("PublicPort") > 0) ofPort.Set("port_public", port.Text("PublicPort")).Set("port_public_ip", port.Text("IP"));
                    targets.Add(ofPort.At(address, (int)port.Number("PrivatePort")));
                }
                if (!any) targets.Add(Mode(container) == "host" ? labels.At(options.HostNetworkingHost) : labels.At(address, options.Port));
            }
        }
        return targets;
    }

    public ValueTask DisposeAsync() => engine.DisposeAsync();

    /// <summary>A container's networks by name; those of the container whose network it shares where it has none of its own.</summary>
    private List<JsonElement> NetworksOf(JsonElement container, Dictionary<string, JsonElement> byId)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (seen.Add(container.Text("Id")))
        {
            var networks = container.Members("NetworkSettings", "Networks").Where(n => n.Value.ValueKind == JsonValueKind.Object)
                .OrderBy(n => n.Name, StringComparer.Ordinal).Select(n => n.Value).ToList();
            if (networks.Count > 0) return options.MatchFirstNetwork ? networks[..1] : networks;
            string mode = Mode(container);
            if (!mode.StartsWith("container:", StringComparison.Ordinal) || !byId.TryGetValue(mode["container:".Length..], out container)) break;
        }
        return [];
    }

    private static string Mode(JsonElement container) => container.Text("HostConfig", "NetworkMode");
}
