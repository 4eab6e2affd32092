using System.Text.Json;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>STACKIT's servers, by their public address or else their first private one; or its PostgreSQL instances.</summary>
internal sealed class StackitDiscoverer : IDiscoverer
{
    private readonly StackitOptions options;
    private readonly DiscoveryHttp http;
    private readonly StackitLogin login;

    public StackitDiscoverer(StackitOptions options, DiscoveryContext context)
    {
        this.options = options;
        http = new DiscoveryHttp(context, options.Client, options.RefreshInterval);
        login = new StackitLogin(options, http, context.Time);
    }

    public async Task<FoundTargets> RefreshAsync(CancellationToken cancel)
    {
        var headers = await login.HeadersAsync(cancel);
        string project = Uri.EscapeDataString(options.Project), region = Uri.EscapeDataString(options.Region);
        if (options.Role == "postgres")
        {
            string root = options.Endpoint.Length > 0 ? options.Endpoint : "https://postgres-flex-service.api.stackit.cloud";
            var instances = await http.GetAsync($"{root}/v2/projects/{project}/regions/{region}/instances?details=true", cancel, headers);
            return instances.Items("items").Select(Postgres).ToList();
        }
        string servers = options.Endpoint.Length > 0 ? options.Endpoint : $"https://iaas.api.{options.Region}.stackit.cloud";
        var list = await http.GetAsync($"{servers}/v1/projects/{project}/servers?details=true", cancel, headers);
        return list.Items("items").Select(Server).OfType<Labels>().ToList();
    }

    public ValueTask DisposeAsync() => http.DisposeAsync();

    /// <summary>Null where it has no address.</summary>
    private Labels? Server(JsonElement server)
    {
        string open = server.Items("nics").Select(n => n.Text("publicIp")).FirstOrDefault(a => a.Length > 0) ?? "";
        string address = open.Length > 0 ? open : server.Items("nics").Select(n => n.Text("ipv4")).FirstOrDefault(a => a.Length > 0) ?? "";
        if (address.Length == 0) return null;
        return new MetaLabels("__meta_stackit_")
            .Set("project", options.Project).Set("id", server.Text("id")).Set("name", server.Text("name")).Set("availability_zone", server.Text("availabilityZone")).Set("status", server.Text("status"))
            .Set("power_status", server.Text("powerStatus")).Set("type", server.Text("machineType")).Set("public_ipv4", open)
            .SetEach("private_ipv4_", server.Items("nics").Select(n => (n.Text("networkName"), n.Text("ipv4"))))
            .SetEach("label_", "labelpresent_", server.Members("labels").Where(l => l.Value.ValueKind == JsonValueKind.String).Select(l => (l.Name, l.Value.GetString()!)))
            .At(address, options.Port);
    }

    /// <summary>The metrics of all instances are at one host, each under a path of its own.</summary>
    private Labels Postgres(JsonElement instance) => new MetaLabels("__meta_stackit_")
        .Set("project", options.Project).Set("id", instance.Text("id")).Set("name", instance.Text("name")).Set("status", instance.Text("status")).Set("type", "postgres")
        .SetPlain("__scheme__", "https").SetPlain("__metrics_path__", $"/v1alpha1/projects/{options.Project}/regions/{options.Region}/instances/{instance.Text("id")}/advanced/metrics")
        .At("postgres-flex-metrics.api.stackit.cloud:443");
}
