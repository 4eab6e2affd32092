using System.Text.Json;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>The servers of Hetzner Cloud, by their public IPv4 address.</summary>
internal sealed class HetznerCloudDiscoverer(HetznerOptions options, DiscoveryContext context) : IDiscoverer
{
    private const string Root = "https://api.hetzner.cloud/v1";

    private readonly DiscoveryHttp http = new(context, options.Client, options.RefreshInterval);

    public async Task<FoundTargets> RefreshAsync(CancellationToken cancel)
    {
        string selector = options.LabelSelector.Length == 0 ? "" : "&label_selector=" + Uri.EscapeDataString(options.LabelSelector);
        var servers = await AllAsync("servers", selector, cancel);
        var networks = (await AllAsync("networks", "", cancel)).ToDictionary(n => n.Text("id"), n => n.Text("name"));
        return servers.Select(s => Target(s, networks)).ToList();
    }

    public ValueTask DisposeAsync() => http.DisposeAsync();

    private async Task<List<JsonElement>> AllAsync(string kind, string more, CancellationToken cancel)
    {
        var all = new List<JsonElement>();
        await foreach (var page in http.PagesAsync(Url(1), p => p.Number("meta", "pagination", "next_page") is > 0 and var next ? Url(next) : null, cancel)) all.AddRange(page.Items(kind));
        return all;

        string Url(long number) => $"{Root}/{kind}?page={number}&per_page=50{more}";
    }

    private Labels Target(JsonElement server, Dictionary<string, string> networks)
    {
        string address = server.Text("public_net", "ipv4", "ip");
        // The place moved from the data centre to the server itself; both are given while the API has both.
        var location = server.At("location").ValueKind == JsonValueKind.Object ? server.At("location") : server.At("datacenter", "location");
        var labels = new MetaLabels("__meta_hetzner_")
            .Set("role", "hcloud").Set("server_id", server.Text("id")).Set("server_name", server.Text("name")).Set("server_status", server.Text("status"))
            .Set("public_ipv4", address).Set("public_ipv6_network", server.Text("public_net", "ipv6", "ip")).Set("datacenter", server.Text("datacenter", "name"))
            .Set("hcloud_datacenter_location", location.Text("name")).Set("hcloud_datacenter_location_network_zone", location.Text("network_zone"))
            .Set("hcloud_location", location.Text("name")).Set("hcloud_location_network_zone", location.Text("network_zone"))
            .Set("hcloud_server_type", server.Text("server_type", "name")).Set("hcloud_cpu_cores", server.Text("server_type", "cores")).Set("hcloud_cpu_type", server.Text("server_type", "cpu_type"))
            .Set("hcloud_memory_size_gb", Whole(server.At("server_type", "memory"))).Set("hcloud_disk_size_gb", Whole(server.At("server_type", "disk")))
            .Set("hcloud_image_name", server.Text("image", "name")).Set("hcloud_image_description", server.Text("image", "description"))
            .Set("hcloud_image_os_version", server.Text("image", "os_version")).Set("hcloud_image_os_flavor", server.Text("image", "os_flavor"))
            .SetEach("hcloud_label_", "hcloud_labelpresent_", server.Pairs("labels"));
        foreach (var net in server.Items("private_net"))
        {
            if (networks.TryGetValue(net.Text("network"), out string? name)) labels.Set("hcloud_private_ipv4_" + MetaLabels.Sanitize(name), net.Text("ip"));
        }
        return labels.At(address, options.Port);
    }

    private static string Whole(JsonElement number) => number.ValueKind == JsonValueKind.Number ? $"{(long)number.GetDouble()}" : "";
}
