using System.Text.Json;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>The instances of each service that Nomad knows.</summary>
internal sealed class NomadDiscoverer(NomadOptions options, DiscoveryContext context) : IDiscoverer
{
    private readonly DiscoveryHttp http = new(context, options.Client, options.RefreshInterval);

    public async Task<FoundTargets> RefreshAsync(CancellationToken cancel)
    {
        var targets = new List<Labels>();
        var spaces = await http.GetAsync(Url("services", options.Namespace), cancel);
        foreach (var space in spaces.Items())
        {
            foreach (var service in space.Items("Services"))
            {
                var instances = await http.GetAsync(Url("service/" + Uri.EscapeDataString(service.Text("ServiceName")), space.Text("Namespace")), cancel);
                targets.AddRange(instances.Items().Select(Target));
            }
        }
        return targets;
    }

    public ValueTask DisposeAsync() => http.DisposeAsync();

    private string Url(string path, string space) =>
        $"{options.Server}/v1/{path}?namespace={Uri.EscapeDataString(space)}&region={Uri.EscapeDataString(options.Region)}{(options.AllowStale ? "&stale=" : "")}";

    private Labels Target(JsonElement instance) => new MetaLabels("__meta_nomad_")
        .Set("address", instance.Text("Address")).Set("dc", instance.Text("Datacenter")).Set("node_id", instance.Text("NodeID")).Set("namespace", instance.Text("Namespace"))
        .Set("service", instance.Text("ServiceName")).Set("service_address", instance.Text("Address")).Set("service_id", instance.Text("ID")).Set("service_port", instance.Text("Port"))
        .SetList("tags", instance.Texts("Tags"), options.TagSeparator)
        .At(instance.Text("Address"), (int)instance.Number("Port"));
}
