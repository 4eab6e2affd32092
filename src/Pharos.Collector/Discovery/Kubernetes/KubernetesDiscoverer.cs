using System.Text.Json;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>The targets of one role in a Kubernetes cluster, kept by watches.</summary>
internal sealed class KubernetesDiscoverer : IDiscoverer
{
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(5);

    private readonly KubernetesOptions options;
    private readonly KubernetesAccess access;
    private readonly DiscoveryHttp http;
    private readonly Watches watches;
    private readonly Dictionary<string, List<KubernetesStore>> stores = new(StringComparer.Ordinal);
    private bool started;

    public KubernetesDiscoverer(KubernetesOptions options, KubernetesAccess access, DiscoveryContext context)
    {
        this.options = options;
        this.access = access;
        http = new DiscoveryHttp(context, access.Client, options.RefreshInterval);
        watches = new Watches(context.Time, Retry);
        var spaces = options.Namespaces.ToList();
        if (options.OwnNamespace)
        {
            if (access.Namespace.Length == 0) throw new DiscoveryException("namespaces.own_namespace: the namespace of this pod is not known");
            if (!spaces.Contains(access.Namespace)) spaces.Add(access.Namespace);
        }
        Add(options.Role, spaces);
        if (options.Role is "endpoints" or "endpointslice")
        {
            Add("service", spaces);
            Add("pod", spaces);
        }
        bool ofPods = options.Role is "pod" or "endpoints" or "endpointslice";
        if (options.AttachNode && ofPods) Add("node", []);
        if (options.AttachNamespace && options.Role != "node") Add("namespace", []);
    }

    public async Task<FoundTargets> RefreshAsync(CancellationToken cancel)
    {
        if (started)
        {
            await watches.WaitAsync(cancel);
        }
        else
        {
            foreach (var store in stores.Values.SelectMany(s => s)) await store.ListAsync(cancel);
            foreach (var store in stores.Values.SelectMany(s => s)) watches.Start(store.WatchAsync);
            started = true;
        }
        var objects = new KubernetesObjects(Find, options.AttachNode, options.AttachNamespace);
        Func<JsonElement, IEnumerable<Labels>> targets = options.Role switch
        {
            "node" => KubernetesObjects.NodeTargets,
            "service" => objects.ServiceTargets,
            "pod" => new PodTargets(objects).Of,
            "endpoints" => new EndpointTargets(objects).OfEndpoints,
            "endpointslice" => new EndpointTargets(objects).OfSlice,
            _ => objects.IngressTargets,
        };
        return stores[options.Role].SelectMany(s => s.All).SelectMany(targets).ToList();
    }

    public async ValueTask DisposeAsync()
    {
        await watches.DisposeAsync();
        await http.DisposeAsync();
    }

    private JsonElement Find(string kind, string space, string name)
    {
        foreach (var store in stores.GetValueOrDefault(kind, []))
        {
            if (store.Find(space, name) is { ValueKind: JsonValueKind.Object } found) return found;
        }
        return default;
    }

    private void Add(string kind, List<string> spaces)
    {
        var (root, plural) = kind switch
        {
            "endpointslice" => ("/apis/discovery.k8s.io/v1/", "endpointslices"),
            "ingress" => ("/apis/networking.k8s.io/v1/", "ingresses"),
            "endpoints" => ("/api/v1/", "endpoints"),
            _ => ("/api/v1/", kind + "s"),
        };
        string selector = options.Selectors.GetValueOrDefault(kind)?.Query ?? "";
        IEnumerable<string> paths = spaces.Count == 0 || kind is "node" or "namespace" ? [root + plural] : spaces.Select(s => $"{root}namespaces/{Uri.EscapeDataString(s)}/{plural}");
        stores[kind] = [.. paths.Select(p => new KubernetesStore(http, access.Server, p, selector, watches))];
    }
}
