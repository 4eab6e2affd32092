using System.Text;
using System.Text.Json;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>The hypervisors, instances or load balancers of an OpenStack region. Who asks logs in for each look; the answer says where the services are.</summary>
internal sealed class OpenStackDiscoverer : IDiscoverer
{
    private readonly OpenStackOptions options;
    private readonly DiscoveryHttp http;
    private readonly Func<string, string?> environment;
    private string token = "";
    private JsonElement catalogue;

    public OpenStackDiscoverer(OpenStackOptions options, DiscoveryContext context, Func<string, string?>? environment = null)
    {
        this.options = options;
        this.environment = environment ?? Environment.GetEnvironmentVariable;
        http = new DiscoveryHttp(context, HttpClientOptions.Default with { Tls = options.Tls }, options.RefreshInterval);
    }

    public async Task<FoundTargets> RefreshAsync(CancellationToken cancel)
    {
        await LogInAsync(cancel);
        return options.Role switch
        {
            "hypervisor" => await HypervisorsAsync(cancel),
            "instance" => await InstancesAsync(cancel),
            _ => await LoadBalancersAsync(cancel),
        };
    }

    public ValueTask DisposeAsync() => http.DisposeAsync();

    private async Task LogInAsync(CancellationToken cancel)
    {
        string endpoint = options.IdentityEndpoint;
        var identity = options.Identity;
        if (endpoint.Length == 0)
        {
            endpoint = environment("OS_AUTH_URL")?.TrimEnd('/') ?? throw new DiscoveryException("identity_endpoint is not set, nor is OS_AUTH_URL");
            identity = OpenStackIdentity.OfEnvironment(environment);
        }
        if (!endpoint.EndsWith("/v3", StringComparison.Ordinal)) endpoint += "/v3";
        using var request = DiscoveryHttp.Request(HttpMethod.Post, endpoint + "/auth/tokens");
        request.Content = new StringContent(JsonSerializer.Serialize(identity.Request()), Encoding.UTF8, "application/json");
        var (body, headers) = await http.SendForHeadersAsync(request, cancel);
        token = headers.TryGetValues("X-Subject-Token", out var values) ? values.First() : throw new DiscoveryException("the identity service gave no token");
        catalogue = body.At("token", "catalog");
    }

    /// <summary>Where a service of the region is, without a slash at the end.</summary>
    private string Endpoint(params ReadOnlySpan<string> types)
    {
        foreach (var service in catalogue.Items())
        {
            if (!types.Contains(service.Text("type"))) continue;
            foreach (var endpoint in service.Items("endpoints"))
            {
                bool here = endpoint.Text("region") == options.Region || endpoint.Text("region_id") == options.Region;
                if (here && endpoint.Text("interface") == options.Availability) return endpoint.Text("url").TrimEnd('/');
            }
        }
        throw new DiscoveryException($"there is no {options.Availability} endpoint of {types[0]} in region {options.Region}");
    }

    private async Task<List<JsonElement>> AllAsync(string url, string member, CancellationToken cancel)
    {
        var all = new List<JsonElement>();
        await foreach (var page in http.PagesAsync(
            url, p => p.Items(member + "_links").FirstOrDefault(l => l.Text("rel") == "next").Text("href"), cancel, ("X-Auth-Token", token), ("X-OpenStack-Nova-API-Version", "2.1")))
        {
            all.AddRange(page.Items(member));
        }
        return all;
    }

    private string Network()
    {
        string root = Endpoint("network");
        return root.EndsWith("/v2.0", StringComparison.Ordinal) ? root : root + "/v2.0";
    }

    private async Task<List<Labels>> HypervisorsAsync(CancellationToken cancel)
    {
        var hypervisors = await AllAsync(Endpoint("compute") + "/os-hypervisors/detail", "hypervisors", cancel);
        return hypervisors.Select(h => new MetaLabels("__meta_openstack_hypervisor_")
            .Set("host_ip", h.Text("host_ip")).Set("hostname", h.Text("hypervisor_hostname")).Set("id", h.Text("id")).Set("state", h.Text("state")).Set("status", h.Text("status"))
            .Set("type", h.Text("hypervisor_type")).At(h.Text("host_ip"), options.Port)).ToList();
    }

    private async Task<List<Labels>> InstancesAsync(CancellationToken cancel)
    {
        string network = Network();
        var devices = (await AllAsync(network + "/ports", "ports", cancel)).ToDictionary(p => p.Text("id"), p => p.Text("device_id"));
        var floating = new Dictionary<(string Device, string Address), string>();
        var open = new HashSet<string>(StringComparer.Ordinal);
        foreach (var ip in await AllAsync(network + "/floatingips", "floatingips", cancel))
        {
            if (ip.Text("fixed_ip_address").Length == 0 || !devices.TryGetValue(ip.Text("port_id"), out string? device)) continue;
            floating[(device, ip.Text("fixed_ip_address"))] = ip.Text("floating_ip_address");
            open.Add(ip.Text("floating_ip_address"));
        }
        var targets = new List<Labels>();
        foreach (var server in await AllAsync(Endpoint("compute") + "/servers/detail" + (options.AllTenants ? "?all_tenants=true" : ""), "servers", cancel))
        {
            string id = server.Text("id"), flavor = server.Text("flavor", "original_name");
            var common = new MetaLabels("__meta_openstack_")
                .Set("instance_id", id).Set("instance_name", server.Text("name")).Set("instance_status", server.Text("status")).Set("instance_image", server.Text("image", "id"))
                .Set("instance_flavor", flavor.Length > 0 ? flavor : server.Text("flavor", "id")).Set("project_id", server.Text("tenant_id")).Set("user_id", server.Text("user_id"))
                .SetEach("tag_", server.Pairs("metadata"));
            foreach (var pool in server.Members("addresses"))
            {
                foreach (string address in pool.Value.Items().Select(a => a.Text("addr")).Where(a => a.Length > 0 && !open.Contains(a)))
                {
                    targets.Add(common.Copy().Set("address_pool", pool.Name).Set("private_ip", address).Set("public_ip", floating.GetValueOrDefault((id, address), "")).At(address, options.Port));
                }
            }
        }
        return targets;
    }

    /// <summary>Those that have a listener of the protocol PROMETHEUS.</summary>
    private async Task<List<Labels>> LoadBalancersAsync(CancellationToken cancel)
    {
        string root = Endpoint("load-balancer") + "/v2.0/lbaas/";
        var balancers = await AllAsync(root + "loadbalancers", "loadbalancers", cancel);
        var listeners = (await AllAsync(root + "listeners", "listeners", cancel)).Where(l => l.Text("protocol") == "PROMETHEUS")
            .SelectMany(l => l.Items("loadbalancers").Select(b => (Balancer: b.Text("id"), Port: (int)l.Number("protocol_port")))).ToLookup(l => l.Balancer, l => l.Port);
        var floating = (await AllAsync(Network() + "/floatingips", "floatingips", cancel)).Where(i => i.Text("port_id").Length > 0).ToDictionary(i => i.Text("port_id"), i => i.Text("floating_ip_address"));
        return balancers.Where(b => listeners.Contains(b.Text("id"))).Select(b => new MetaLabels("__meta_openstack_")
            .Set("loadbalancer_id", b.Text("id")).Set("loadbalancer_name", b.Text("name")).Set("loadbalancer_operating_status", b.Text("operating_status"))
            .Set("loadbalancer_provisioning_status", b.Text("provisioning_status")).Set("loadbalancer_availability_zone", b.Text("availability_zone")).Set("loadbalancer_vip", b.Text("vip_address"))
            .Set("loadbalancer_provider", b.Text("provider")).Set("project_id", b.Text("project_id")).Set("loadbalancer_tags", string.Join(',', b.Texts("tags")))
            .Set("loadbalancer_floating_ip", floating.GetValueOrDefault(b.Text("vip_port_id"), ""))
            .At(b.Text("vip_address"), listeners[b.Text("id")].First())).ToList();
    }
}
