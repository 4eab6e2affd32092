using System.Text.Json;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>
/// The instances of Consul's services. The catalogue and each service are watched by blocking queries: a query names the index that is
/// known, and the answer waits for another.
/// </summary>
internal sealed class ConsulDiscoverer : IDiscoverer
{
    private static readonly TimeSpan WatchTimeout = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(15);

    private readonly ConsulOptions options;
    private readonly TimeProvider time;
    private readonly DiscoveryHttp http;
    private readonly Watches watches;
    private readonly Lock gate = new();
    private readonly Dictionary<string, Service> services = new(StringComparer.Ordinal);
    private string datacenter;
    private ulong catalogueIndex;
    private bool started;

    public ConsulDiscoverer(ConsulOptions options, DiscoveryContext context)
    {
        this.options = options;
        time = context.Time;
        datacenter = options.Datacenter;
        // What a connection may cost besides the waiting.
        http = new DiscoveryHttp(context, options.Client, WatchTimeout + TimeSpan.FromSeconds(15));
        watches = new Watches(context.Time, Retry);
    }

    public async Task<FoundTargets> RefreshAsync(CancellationToken cancel)
    {
        if (started)
        {
            await watches.WaitAsync(cancel);
        }
        else
        {
            await StartAsync(cancel);
            started = true;
        }
        lock (gate) return services.OrderBy(s => s.Key, StringComparer.Ordinal).SelectMany(s => s.Value.Targets).ToList();
    }

    public async ValueTask DisposeAsync()
    {
        await watches.DisposeAsync();
        await http.DisposeAsync();
        foreach (var service in services.Values) service.End.Dispose();
    }

    private async Task StartAsync(CancellationToken cancel)
    {
        if (datacenter.Length == 0) datacenter = (await AskAsync("agent/self", "", cancel)).Body.Text("Config", "Datacenter");
        if (options.Services.Count > 0 && options.Tags.Count == 0)
        {
            // All that is wanted is known by name, so the catalogue need not be asked.
            foreach (string name in options.Services.Where(s => !services.ContainsKey(s))) await AddAsync(name, cancel);
            return;
        }
        await CatalogueAsync(cancel);
        watches.Start(async end =>
        {
            await Task.Delay(options.RefreshInterval, time, end);
            if (await CatalogueAsync(end)) watches.Changed();
        });
    }

    /// <summary>Waits for another state of the catalogue, and takes it over; false where no service came or went.</summary>
    private async Task<bool> CatalogueAsync(CancellationToken cancel)
    {
        var (body, index) = await AskAsync("catalog/services", Query(catalogueIndex, options.Filter), cancel);
        if (index == catalogueIndex && index > 0) return false;
        var wanted = body.Members().Where(s => IsWanted(s.Name, [.. s.Value.Texts()])).Select(s => s.Name).ToHashSet(StringComparer.Ordinal);
        List<Service> gone;
        List<string> added;
        lock (gate)
        {
            gone = [.. services.Where(s => !wanted.Contains(s.Key)).Select(s => s.Value)];
            foreach (var service in gone) services.Remove(service.Name);
            added = [.. wanted.Where(w => !services.ContainsKey(w))];
        }
        foreach (var service in gone) await service.End.CancelAsync();
        foreach (string name in added) await AddAsync(name, cancel);
        // Not before all of it is taken over: what failed is asked for again.
        catalogueIndex = index;
        return gone.Count + added.Count > 0;
    }

    private bool IsWanted(string name, HashSet<string> tags) =>
        (options.Services.Count == 0 || options.Services.Contains(name)) && options.Tags.All(tags.Contains);

    private async Task AddAsync(string name, CancellationToken cancel)
    {
        var service = new Service(name);
        await InstancesAsync(service, cancel);
        lock (gate) services[name] = service;
        watches.Start(
            async end =>
            {
                await Task.Delay(options.RefreshInterval, time, end);
                if (await InstancesAsync(service, end)) watches.Changed();
            },
            service.End);
    }

    /// <summary>Waits for another state of a service, and takes it over; false where there is none.</summary>
    private async Task<bool> InstancesAsync(Service service, CancellationToken cancel)
    {
        string tags = string.Concat(options.Tags.Select(t => "&tag=" + Uri.EscapeDataString(t)));
        var (body, index) = await AskAsync("health/service/" + Uri.EscapeDataString(service.Name), Query(service.Index, options.HealthFilter) + tags, cancel);
        if (index == service.Index && index > 0) return false;
        service.Index = index;
        var targets = body.Items().Select(i => Target(service.Name, i)).ToList();
        lock (gate) service.Targets = targets;
        return true;
    }

    private string Query(ulong index, string filter)
    {
        var query = new List<string>();
        void Add(string name, string value)
        {
            if (value.Length > 0) query.Add($"{name}={Uri.EscapeDataString(value)}");
        }

        Add("dc", datacenter);
        Add("ns", options.Namespace);
        Add("partition", options.Partition);
        if (options.AllowStale) query.Add("stale=");
        foreach (var (key, value) in options.NodeMeta.OrderBy(m => m.Key, StringComparer.Ordinal)) Add("node-meta", $"{key}:{value}");
        Add("filter", filter);
        if (index > 0) query.Add($"index={index}&wait={(long)WatchTimeout.TotalMilliseconds}ms");
        return string.Join('&', query);
    }

    private async Task<(JsonElement Body, ulong Index)> AskAsync(string path, string query, CancellationToken cancel)
    {
        using var request = DiscoveryHttp.Request(HttpMethod.Get, $"{options.Server}/v1/{path}{(query.Length > 0 ? "?" + query : "")}");
        if (options.Token.Length > 0) request.Headers.TryAddWithoutValidation("X-Consul-Token", options.Token);
        var (body, headers) = await http.SendForHeadersAsync(request, cancel);
        return (body, headers.TryGetValues("X-Consul-Index", out var index) && ulong.TryParse(index.First(), out ulong known) ? known : 0);
    }

    private Labels Target(string name, JsonElement instance)
    {
        var service = instance.At("Service");
        var node = instance.At("Node");
        string own = service.Text("Address");
        return new MetaLabels("__meta_consul_")
            .Set("address", node.Text("Address")).Set("dc", datacenter).Set("health", Health(instance)).Set("namespace", service.Text("Namespace")).Set("partition", service.Text("Partition"))
            .Set("node", node.Text("Node")).Set("service", name).Set("service_address", own).Set("service_id", service.Text("ID")).Set("service_port", service.Text("Port"))
            .SetList("tags", service.Texts("Tags"), options.TagSeparator)
            .SetEach("metadata_", node.Pairs("Meta")).SetEach("service_metadata_", service.Pairs("Meta")).SetEach("tagged_address_", node.Pairs("TaggedAddresses"))
            .At(own.Length > 0 ? own : node.Text("Address"), (int)service.Number("Port"));
    }

    /// <summary>The worst state of the checks; maintenance stands over all.</summary>
    private static string Health(JsonElement instance)
    {
        string worst = "passing";
        foreach (var check in instance.Items("Checks"))
        {
            string id = check.Text("CheckID");
            if (id == "_node_maintenance" || id.StartsWith("_service_maintenance:", StringComparison.Ordinal)) return "maintenance";
            string status = check.Text("Status");
            if (status == "critical" || (status == "warning" && worst == "passing")) worst = status;
        }
        return worst;
    }

    private sealed class Service(string name)
    {
        public string Name => name;

        public ulong Index { get; set; }

        public IReadOnlyList<Labels> Targets { get; set; } = [];

        public CancellationTokenSource End { get; } = new();
    }
}
