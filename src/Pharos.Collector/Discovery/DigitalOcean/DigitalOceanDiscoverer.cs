using System.Text.Json;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>DigitalOcean's droplets, by their public IPv4 address.</summary>
internal sealed class DigitalOceanDiscoverer(DigitalOceanOptions options, DiscoveryContext context) : IDiscoverer
{
    private readonly DiscoveryHttp http = new(context, options.Client, options.RefreshInterval);

    public async Task<FoundTargets> RefreshAsync(CancellationToken cancel)
    {
        var targets = new List<Labels>();
        await foreach (var page in http.PagesAsync("https://api.digitalocean.com/v2/droplets?per_page=200", p => p.Text("links", "pages", "next"), cancel))
        {
            targets.AddRange(page.Items("droplets").Where(d => d.Items("networks", "v4").Any()).Select(Target));
        }
        return targets;
    }

    public ValueTask DisposeAsync() => http.DisposeAsync();

    private Labels Target(JsonElement droplet)
    {
        string address = Address(droplet, "v4", "public");
        return new MetaLabels("__meta_digitalocean_")
            .Set("droplet_id", droplet.Text("id")).Set("droplet_name", droplet.Text("name"))
            .Set("image", droplet.Text("image", "slug")).Set("image_name", droplet.Text("image", "name"))
            .Set("private_ipv4", Address(droplet, "v4", "private")).Set("public_ipv4", address).Set("public_ipv6", Address(droplet, "v6", "public"))
            .Set("region", droplet.Text("region", "slug")).Set("size", droplet.Text("size", "slug")).Set("status", droplet.Text("status")).Set("vpc", droplet.Text("vpc_uuid"))
            .SetList("features", droplet.Texts("features"), ",").SetList("tags", droplet.Texts("tags"), ",")
            .At(address, options.Port);
    }

    private static string Address(JsonElement droplet, string family, string type) =>
        droplet.Items("networks", family).FirstOrDefault(n => n.Text("type") == type).Text("ip_address");
}
