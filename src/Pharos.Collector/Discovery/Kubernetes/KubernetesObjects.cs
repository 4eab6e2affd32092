using System.Text.Json;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>What objects of a cluster mean as labels, and the targets of those that need no others.</summary>
/// <param name="find">An object by kind, namespace and name.</param>
internal sealed class KubernetesObjects(Func<string, string, string, JsonElement> find, bool attachNode, bool attachNamespace)
{
    private static readonly string[] NodeAddressOrder = ["InternalIP", "InternalDNS", "ExternalIP", "ExternalDNS", "LegacyHostIP", "HostName"];

    public JsonElement Find(string kind, string space, string name) => find(kind, space, name);

    /// <summary>Labels of an object of a namespace: its name and all that its metadata say.</summary>
    public MetaLabels Common(JsonElement item, string kind)
    {
        string space = item.Text("metadata", "namespace");
        var labels = new MetaLabels("__meta_kubernetes_").Set("namespace", space);
        if (attachNamespace && find("namespace", "", space) is { ValueKind: JsonValueKind.Object } of) Metadata(labels, of, "namespace");
        return Metadata(labels.Set(kind + "_name", item.Text("metadata", "name")), item, kind);
    }

    public static MetaLabels Metadata(MetaLabels labels, JsonElement item, string kind) => labels
        .SetEach(kind + "_label_", kind + "_labelpresent_", item.Pairs("metadata", "labels"))
        .SetEach(kind + "_annotation_", kind + "_annotationpresent_", item.Pairs("metadata", "annotations"));

    /// <summary>Adds what is known of a node, where that is asked for.</summary>
    public void AttachNode(MetaLabels labels, string name)
    {
        if (attachNode && name.Length > 0 && find("node", "", name) is { ValueKind: JsonValueKind.Object } node) Metadata(labels.Set("node_name", name), node, "node");
    }

    public static IEnumerable<Labels> NodeTargets(JsonElement node)
    {
        var addresses = node.Items("status", "addresses").GroupBy(a => a.Text("type")).ToDictionary(g => g.Key, g => g.First().Text("address"));
        string? address = NodeAddressOrder.Where(addresses.ContainsKey).Select(t => addresses[t]).FirstOrDefault();
        if (address is null) yield break;
        string name = node.Text("metadata", "name");
        var labels = Metadata(new MetaLabels("__meta_kubernetes_").Set("node_name", name).Set("node_provider_id", node.Text("spec", "providerID")), node, "node")
            .SetEach("node_address_", addresses.Select(a => (a.Key, a.Value))).SetPlain("instance", name);
        yield return labels.At(address, (int)node.Number("status", "daemonEndpoints", "kubeletEndpoint", "Port"));
    }

    public IEnumerable<Labels> ServiceTargets(JsonElement service)
    {
        string type = service.Text("spec", "type");
        var common = Common(service, "service").Set("service_type", type);
        if (type == "ExternalName") common.Set("service_external_name", service.Text("spec", "externalName"));
        else common.Set("service_cluster_ip", service.Text("spec", "clusterIP"));
        if (type == "LoadBalancer") common.Set("service_loadbalancer_ip", service.Text("spec", "loadBalancerIP"));
        string host = $"{service.Text("metadata", "name")}.{service.Text("metadata", "namespace")}.svc";
        foreach (var port in service.Items("spec", "ports"))
        {
            yield return common.Copy().Set("service_port_name", port.Text("name")).Set("service_port_number", port.Text("port")).Set("service_port_protocol", Protocol(port))
                .At(host, (int)port.Number("port"));
        }
    }

    public IEnumerable<Labels> IngressTargets(JsonElement ingress)
    {
        var common = Common(ingress, "ingress").Set("ingress_class_name", ingress.Text("spec", "ingressClassName"));
        var secure = ingress.Items("spec", "tls").SelectMany(t => t.Texts("hosts")).ToList();
        foreach (var rule in ingress.Items("spec", "rules"))
        {
            string host = rule.Text("host");
            string scheme = secure.Any(pattern => Matches(pattern, host)) ? "https" : "http";
            var paths = rule.Items("http", "paths").Select(p => p.Text("path") is { Length: > 0 } path ? path : "/").ToList();
            foreach (string path in paths.Count == 0 ? ["/"] : paths) yield return common.Copy().Set("ingress_scheme", scheme).Set("ingress_host", host).Set("ingress_path", path).At(host);
        }
    }

    public static string Protocol(JsonElement port) => port.Text("protocol") is { Length: > 0 } protocol ? protocol : "TCP";

    /// <summary>Whether a host fits a pattern, whose first part may be <c>*</c>.</summary>
    private static bool Matches(string pattern, string host)
    {
        if (pattern == host) return true;
        int dot = host.IndexOf('.', StringComparison.Ordinal);
        return pattern.StartsWith("*.", StringComparison.Ordinal) && dot > 0 && host[dot..] == pattern[1..];
    }
}
