using System.Text.Json;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>The instances of a zone of Google Compute Engine, by their private address.</summary>
internal sealed class GceDiscoverer : IDiscoverer
{
    private readonly GceOptions options;
    private readonly DiscoveryHttp http;
    private readonly GoogleLogin login;

    public GceDiscoverer(GceOptions options, DiscoveryContext context, Func<string, string?>? environment = null)
    {
        this.options = options;
        http = new DiscoveryHttp(context, HttpClientOptions.Default with { ProxyFromEnvironment = true }, options.RefreshInterval);
        login = new GoogleLogin(http, context.Time, "https://www.googleapis.com/auth/compute.readonly", environment);
    }

    public async Task<FoundTargets> RefreshAsync(CancellationToken cancel)
    {
        string root = $"https://compute.googleapis.com/compute/v1/projects/{Uri.EscapeDataString(options.Project)}/zones/{Uri.EscapeDataString(options.Zone)}/instances?maxResults=500"
            + (options.Filter.Length > 0 ? "&filter=" + Uri.EscapeDataString(options.Filter) : "");
        var targets = new List<Labels>();
        await foreach (var page in http.PagesAsync(
            root, p => p.Text("nextPageToken") is { Length: > 0 } next ? $"{root}&pageToken={Uri.EscapeDataString(next)}" : null, cancel, ("Authorization", "Bearer " + await login.TokenAsync(cancel))))
        {
            targets.AddRange(page.Items("items").Where(i => i.Items("networkInterfaces").Any()).Select(Target));
        }
        return targets;
    }

    public ValueTask DisposeAsync() => http.DisposeAsync();

    private Labels Target(JsonElement instance)
    {
        var first = instance.Items("networkInterfaces").First();
        return new MetaLabels("__meta_gce_")
            .Set("project", options.Project).Set("zone", instance.Text("zone")).Set("instance_id", instance.Text("id")).Set("instance_name", instance.Text("name"))
            .Set("instance_status", instance.Text("status")).Set("machine_type", instance.Text("machineType")).Set("network", first.Text("network")).Set("subnetwork", first.Text("subnetwork"))
            .Set("private_ip", first.Text("networkIP")).Set("public_ip", first.Items("accessConfigs").FirstOrDefault(a => a.Text("type") == "ONE_TO_ONE_NAT").Text("natIP"))
            .SetEach("interface_ipv4_", instance.Items("networkInterfaces").Select(i => (i.Text("name"), i.Text("networkIP"))))
            .SetList("tags", instance.Texts("tags", "items"), options.TagSeparator)
            .SetEach("metadata_", instance.Items("metadata", "items").Select(m => (m.Text("key"), m.Text("value"))))
            .SetEach("label_", instance.Pairs("labels"))
            .At(first.Text("networkIP"), options.Port);
    }
}
