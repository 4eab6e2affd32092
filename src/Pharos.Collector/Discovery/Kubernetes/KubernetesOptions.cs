namespace Pharos.Collector.Discovery;

/// <param name="ApiServer">Null: from the kubeconfig file, or the cluster in which this process runs.</param>
/// <param name="Role">node, service, pod, endpoints, endpointslice or ingress.</param>
/// <param name="KubeconfigFile">Empty: none.</param>
/// <param name="Namespaces">Only these; empty: all.</param>
/// <param name="OwnNamespace">The namespace of the pod in which this process runs, besides those named.</param>
/// <param name="Selectors">By the role of the objects they choose.</param>
/// <param name="AttachNode">The labels of a pod's node become labels of its targets.</param>
/// <param name="AttachNamespace">The labels of the namespace become labels of its targets.</param>
internal sealed record KubernetesOptions(
    Uri? ApiServer, string Role, string KubeconfigFile, IReadOnlyList<string> Namespaces, bool OwnNamespace, IReadOnlyDictionary<string, KubernetesSelector> Selectors, bool AttachNode,
    bool AttachNamespace, HttpClientOptions Client) : DiscoveryOptions
{
    private static readonly Dictionary<string, string[]> SelectorRoles = new(StringComparer.Ordinal)
    {
        ["pod"] = ["pod", "node"],
        ["service"] = ["service"],
        ["endpoints"] = ["pod", "service", "endpoints"],
        ["endpointslice"] = ["pod", "service", "endpointslice"],
        ["node"] = ["node"],
        ["ingress"] = ["ingress"],
    };

    public override string Mechanism => "kubernetes";

    /// <summary>Changes come in bursts; they are handed on together.</summary>
    internal override TimeSpan Wait => TimeSpan.FromSeconds(5);

    public static KubernetesOptions? Read(IDiscoverySection section)
    {
        string role = section.Text("role");
        if (role.Length == 0) section.Error("role missing (one of: pod, service, endpoints, endpointslice, node, ingress)");
        else if (!SelectorRoles.ContainsKey(role)) section.Error("role", $"unknown Kubernetes SD role \"{role}\"", $"write one of {string.Join(", ", SelectorRoles.Keys)}");

        string server = section.Text("api_server"), kubeconfig = section.Path("kubeconfig_file");
        Uri? url = null;
        if (server.Length > 0 && !Uri.TryCreate(server, UriKind.Absolute, out url)) section.Error("api_server", $"\"{server}\" is not a URL", "write https://host:6443");
        var client = section.Client();
        bool custom = section.Has("basic_auth") || section.Has("authorization") || section.Has("oauth2") || section.Has("bearer_token") || section.Has("bearer_token_file") || section.Has("tls_config")
            || section.Has("proxy_url") || section.Has("follow_redirects") || section.Has("enable_http2") || section.Has("http_headers");
        if (server.Length > 0 && kubeconfig.Length > 0) section.Error("kubeconfig_file", "cannot use 'kubeconfig_file' and 'api_server' simultaneously");
        else if (kubeconfig.Length > 0 && custom) section.Error("kubeconfig_file", "cannot use a custom HTTP client configuration together with 'kubeconfig_file'");
        else if (server.Length == 0 && kubeconfig.Length == 0 && custom) section.Error("to use custom HTTP client configuration please provide the 'api_server' URL explicitly");

        var namespaces = section.Section("namespaces");
        bool own = namespaces?.Flag("own_namespace") ?? false;
        var names = namespaces?.Texts("names") ?? [];
        if (own && server.Length > 0) namespaces!.Error("own_namespace", "cannot use 'api_server' and 'namespaces.own_namespace' simultaneously");
        if (own && kubeconfig.Length > 0) namespaces!.Error("own_namespace", "cannot use 'kubeconfig_file' and 'namespaces.own_namespace' simultaneously");
        var attach = section.Section("attach_metadata");
        return new KubernetesOptions(
            url, role, kubeconfig, names, own, ReadSelectors(section, role), attach?.Flag("node") ?? false, attach?.Flag("namespace") ?? false, client)
        {
            RefreshInterval = TimeSpan.FromMinutes(1),
        };
    }

    internal override IDiscoverer Open(DiscoveryContext context) => new KubernetesDiscoverer(this, KubernetesAccess.Find(this), context);

    private static Dictionary<string, KubernetesSelector> ReadSelectors(IDiscoverySection section, string role)
    {
        var selectors = new Dictionary<string, KubernetesSelector>(StringComparer.Ordinal);
        foreach (var selector in section.Sections("selectors", "selectors"))
        {
            string of = selector.Text("role"), label = selector.Text("label"), field = selector.Text("field");
            if (SelectorRoles.TryGetValue(role, out string[]? allowed) && !allowed.Contains(of)) selector.Error("role", $"{role} role supports only {string.Join(", ", allowed)} selectors");
            else if (!selectors.TryAdd(of, new KubernetesSelector(label, field))) selector.Error("role", $"duplicated selector role: {of}");
            if (KubernetesSelector.FieldFault(field) is { } wrong) selector.Error("field", wrong);
            if (KubernetesSelector.LabelFault(label) is { } mistake) selector.Error("label", mistake);
        }
        return selectors;
    }
}
