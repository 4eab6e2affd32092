using System.Xml.Linq;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>The monitored endpoints of the systems that a Uyuni server manages.</summary>
internal sealed class UyuniDiscoverer : IDiscoverer
{
    private static readonly TimeSpan TokenLifetime = TimeSpan.FromMinutes(10);

    private readonly UyuniOptions options;
    private readonly TimeProvider time;
    private readonly DiscoveryHttp http;
    private readonly XmlRpc rpc;
    private string token = "";
    private DateTimeOffset tokenUntil;

    public UyuniDiscoverer(UyuniOptions options, DiscoveryContext context)
    {
        this.options = options;
        time = context.Time;
        http = new DiscoveryHttp(context, options.Client, options.RefreshInterval);
        rpc = new XmlRpc(http, options.Server + "/rpc/api");
    }

    public async Task<FoundTargets> RefreshAsync(CancellationToken cancel)
    {
        if (time.GetUtcNow() >= tokenUntil)
        {
            token = XmlRpc.Text(await rpc.CallAsync("auth.login", cancel, options.Username, options.Password, (int)TokenLifetime.TotalSeconds));
            tokenUntil = time.GetUtcNow() + TokenLifetime / 2;
        }
        try
        {
            return await TargetsAsync(cancel);
        }
        catch
        {
            // The token may be the cause.
            tokenUntil = default;
            throw;
        }
    }

    public ValueTask DisposeAsync() => http.DisposeAsync();

    private async Task<List<Labels>> TargetsAsync(CancellationToken cancel)
    {
        var groups = XmlRpc.Items(await rpc.CallAsync("system.listSystemGroupsForSystemsWithEntitlement", cancel, token, options.Entitlement))
            .ToDictionary(s => Number(s, "id"), s => string.Join(options.Separator, XmlRpc.Items(XmlRpc.Member(s, "system_groups")).Select(g => Text(g, "name"))));
        var endpoints = XmlRpc.Items(await rpc.CallAsync("system.monitoring.listEndpoints", cancel, token, groups.Keys));
        var networks = XmlRpc.Items(await rpc.CallAsync("system.getNetworkForSystems", cancel, token, groups.Keys)).ToDictionary(n => Number(n, "system_id"));
        return endpoints.Select(e => Target(e, groups, networks)).ToList();
    }

    private static Labels Target(XElement endpoint, Dictionary<int, string> groups, Dictionary<int, XElement> networks)
    {
        int system = Number(endpoint, "system_id");
        var network = networks.GetValueOrDefault(system);
        return new MetaLabels("__meta_uyuni_")
            .Set("minion_hostname", Text(network, "hostname")).Set("primary_fqdn", Text(network, "primary_fqdn")).Set("system_id", $"{system}")
            .Set("groups", groups.GetValueOrDefault(system, "")).Set("endpoint_name", Text(endpoint, "endpoint_name")).Set("exporter", Text(endpoint, "exporter_name"))
            .Set("proxy_module", Text(endpoint, "module")).Set("metrics_path", Text(endpoint, "path")).Set("scheme", Text(endpoint, "tls_enabled") is "1" or "true" ? "https" : "http")
            .At(MetaLabels.Join(Text(network, "hostname"), Text(endpoint, "port")));
    }

    private static string Text(XElement? of, string member) => XmlRpc.Text(XmlRpc.Member(of, member));

    private static int Number(XElement of, string member) => int.Parse(Text(of, member));
}
