using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>The containers or compute nodes of a Triton account; who asks is known by the client certificate.</summary>
internal sealed class TritonDiscoverer(TritonOptions options, DiscoveryContext context) : IDiscoverer
{
    private readonly DiscoveryHttp http = new(context, HttpClientOptions.Default with { Tls = options.Tls }, options.RefreshInterval);

    public async Task<FoundTargets> RefreshAsync(CancellationToken cancel)
    {
        string root = $"https://{options.Endpoint}:{options.Port}/v{options.Version}";
        if (options.Role == "cn")
        {
            var nodes = await http.GetAsync(root + "/gz/discover", cancel);
            return nodes.Items("cns").Select(n => Machine(n.Text("server_uuid")).Set("machine_alias", n.Text("server_hostname"))).Select(At).ToList();
        }
        string groups = options.Groups.Count == 0 ? "" : "?groups=" + Uri.EscapeDataString(string.Join(',', options.Groups));
        var containers = await http.GetAsync(root + "/discover" + groups, cancel);
        return containers.Items("containers").Select(c => At(
            Machine(c.Text("vm_uuid")).Set("machine_alias", c.Text("vm_alias")).Set("machine_brand", c.Text("vm_brand")).Set("machine_image", c.Text("vm_image_uuid"))
                .Set("server_id", c.Text("server_uuid")).SetList("groups", c.Texts("groups"), ","))).ToList();
    }

    public ValueTask DisposeAsync() => http.DisposeAsync();

    private static MetaLabels Machine(string id) => new MetaLabels("__meta_triton_").Set("machine_id", id);

    private Labels At(MetaLabels labels) => labels.At($"{labels.Get("machine_id")}.{options.DnsSuffix}:{options.Port}");
}
