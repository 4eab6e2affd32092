using System.Text.Json;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>Scaleway's instances or bare metal servers in one zone.</summary>
internal sealed class ScalewayDiscoverer(ScalewayOptions options, DiscoveryContext context) : IDiscoverer
{
    private const int PageSize = 100;

    private readonly DiscoveryHttp http = new(context, options.Client, options.RefreshInterval);

    public async Task<FoundTargets> RefreshAsync(CancellationToken cancel)
    {
        string secret = options.SecretKeyFile.Length > 0 ? (await File.ReadAllTextAsync(options.SecretKeyFile, cancel)).Trim() : options.SecretKey;
        return options.Role == "instance" ? await InstancesAsync(secret, cancel) : await BareMetalAsync(secret, cancel);
    }

    public ValueTask DisposeAsync() => http.DisposeAsync();

    private async Task<List<Labels>> InstancesAsync(string secret, CancellationToken cancel)
    {
        string tags = options.TagsFilter.Count == 0 ? "" : "&tags=" + Uri.EscapeDataString(string.Join(',', options.TagsFilter));
        var servers = await AllAsync($"instance/v1/zones/{options.Zone}/servers", "servers", $"&per_page={PageSize}&project={Uri.EscapeDataString(options.ProjectId)}{Name()}{tags}", secret, cancel);
        return servers.Select(Instance).OfType<Labels>().ToList();
    }

    private async Task<List<Labels>> BareMetalAsync(string secret, CancellationToken cancel)
    {
        string root = $"baremetal/v1/zones/{options.Zone}/";
        string tags = string.Concat(options.TagsFilter.Select(t => "&tags=" + Uri.EscapeDataString(t)));
        var servers = await AllAsync(root + "servers", "servers", $"&page_size={PageSize}&project_id={Uri.EscapeDataString(options.ProjectId)}{Name()}{tags}", secret, cancel);
        var systems = (await AllAsync(root + "os", "os", $"&page_size={PageSize}", secret, cancel)).ToDictionary(o => o.Text("id"));
        var offers = (await AllAsync(root + "offers", "offers", $"&page_size={PageSize}", secret, cancel)).ToDictionary(o => o.Text("id"));
        return servers.Select(s => BareMetal(s, systems, offers)).OfType<Labels>().ToList();
    }

    private string Name() => options.NameFilter.Length == 0 ? "" : "&name=" + Uri.EscapeDataString(options.NameFilter);

    private async Task<List<JsonElement>> AllAsync(string path, string member, string query, string secret, CancellationToken cancel)
    {
        var all = new List<JsonElement>();
        int number = 1;
        await foreach (var page in http.PagesAsync(Url(), p => p.Items(member).Count() < PageSize ? null : Next(), cancel, ("X-Auth-Token", secret))) all.AddRange(page.Items(member));
        return all;

        string Url() => $"{options.ApiUrl}/{path}?page={number}{query}";

        string Next()
        {
            number++;
            return Url();
        }
    }

    /// <summary>Null where it has no address.</summary>
    private Labels? Instance(JsonElement server)
    {
        var open = server.Items("public_ips").ToList();
        string public4 = First(open.Where(i => i.Text("family") == "inet").Select(i => i.Text("address")).Append(server.Text("public_ip", "address")));
        string public6 = First(open.Where(i => i.Text("family") == "inet6").Select(i => i.Text("address")).Append(server.Text("ipv6", "address")));
        string own = server.Text("private_ip");
        string address = First([own, public4, public6]);
        if (address.Length == 0) return null;
        string zone = server.Text("zone");
        return new MetaLabels("__meta_scaleway_instance_")
            .Set("boot_type", server.Text("boot_type")).Set("hostname", server.Text("hostname")).Set("id", server.Text("id"))
            .Set("image_arch", server.Text("image", "arch")).Set("image_id", server.Text("image", "id")).Set("image_name", server.Text("image", "name"))
            .Set("location_cluster_id", server.Text("location", "cluster_id")).Set("location_hypervisor_id", server.Text("location", "hypervisor_id"))
            .Set("location_node_id", server.Text("location", "node_id")).Set("name", server.Text("name")).Set("organization_id", server.Text("organization"))
            .Set("private_ipv4", own).Set("project_id", server.Text("project")).Set("public_ipv4", public4).Set("public_ipv6", public6)
            .SetList("public_ipv4_addresses", open.Where(i => i.Text("family") == "inet").Select(i => i.Text("address")), ",")
            .SetList("public_ipv6_addresses", open.Where(i => i.Text("family") == "inet6").Select(i => i.Text("address")), ",")
            .Set("region", zone.Contains('-', StringComparison.Ordinal) ? zone[..zone.LastIndexOf('-')] : "")
            .Set("security_group_id", server.Text("security_group", "id")).Set("security_group_name", server.Text("security_group", "name"))
            .Set("status", server.Text("state")).Set("type", server.Text("commercial_type")).Set("zone", zone).SetList("tags", server.Texts("tags"), ",")
            .At(address, options.Port);
    }

    private Labels? BareMetal(JsonElement server, Dictionary<string, JsonElement> systems, Dictionary<string, JsonElement> offers)
    {
        string public4 = First(server.Items("ips").Where(i => i.Text("version") == "IPv4").Select(i => i.Text("address")));
        string public6 = First(server.Items("ips").Where(i => i.Text("version") == "IPv6").Select(i => i.Text("address")));
        string address = First([public4, public6]);
        if (address.Length == 0) return null;
        var system = systems.GetValueOrDefault(server.Text("install", "os_id"));
        return new MetaLabels("__meta_scaleway_baremetal_")
            .Set("id", server.Text("id")).Set("name", server.Text("name")).Set("os_name", system.Text("name")).Set("os_version", system.Text("version"))
            .Set("project_id", server.Text("project_id")).Set("public_ipv4", public4).Set("public_ipv6", public6).Set("status", server.Text("status"))
            .Set("type", offers.GetValueOrDefault(server.Text("offer_id")).Text("name")).Set("zone", server.Text("zone")).SetList("tags", server.Texts("tags"), ",")
            .At(address, options.Port);
    }

    private static string First(IEnumerable<string> texts) => texts.FirstOrDefault(t => t.Length > 0) ?? "";
}
