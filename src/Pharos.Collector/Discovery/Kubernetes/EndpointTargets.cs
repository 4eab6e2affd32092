using System.Text.Json;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>
/// The targets of endpoints and endpoint slices: each address with each port, with the labels of the service and of the pod behind it, and
/// the pod's further ports.
/// </summary>
internal sealed class EndpointTargets(KubernetesObjects objects)
{
    public IEnumerable<Labels> OfEndpoints(JsonElement endpoints)
    {
        var common = objects.Common(endpoints, "endpoints");
        AddService(common, endpoints.Text("metadata", "namespace"), endpoints.Text("metadata", "name"));
        var seen = new Seen();
        foreach (var subset in endpoints.Items("subsets"))
        {
            foreach (var port in subset.Items("ports"))
            {
                foreach (var (address, ready) in subset.Items("addresses").Select(a => (a, true)).Concat(subset.Items("notReadyAddresses").Select(a => (a, false))))
                {
                    var labels = common.Copy()
                        .Set("endpoint_port_name", port.Text("name")).Set("endpoint_port_protocol", KubernetesObjects.Protocol(port)).Set("endpoint_ready", ready)
                        .Set("endpoint_node_name", address.Text("nodeName")).Set("endpoint_hostname", address.Text("hostname"))
                        .Set("endpoint_address_target_kind", address.Text("targetRef", "kind")).Set("endpoint_address_target_name", address.Text("targetRef", "name"));
                    Attach(labels, address.At("targetRef"), address.Text("nodeName"));
                    AddPod(labels, address.At("targetRef"), endpoints, port.Number("port"), KubernetesObjects.Protocol(port), seen);
                    yield return labels.At(address.Text("ip"), (int)port.Number("port"));
                }
            }
        }
        foreach (var further in Further(common, seen)) yield return further;
    }

    public IEnumerable<Labels> OfSlice(JsonElement slice)
    {
        var common = objects.Common(slice, "endpointslice").Set("endpointslice_address_type", slice.Text("addressType"));
        AddService(common, slice.Text("metadata", "namespace"), slice.Text("metadata", "labels", "kubernetes.io/service-name"));
        var seen = new Seen();
        foreach (var port in slice.Items("ports"))
        {
            string protocol = KubernetesObjects.Protocol(port);
            foreach (var endpoint in slice.Items("endpoints"))
            {
                var labels = common.Copy()
                    .Set("endpointslice_port", port.Text("port")).Set("endpointslice_port_name", port.Text("name")).Set("endpointslice_port_protocol", protocol)
                    .Set("endpointslice_port_app_protocol", port.Text("appProtocol"))
                    .Set("endpointslice_endpoint_conditions_ready", endpoint.Text("conditions", "ready")).Set("endpointslice_endpoint_conditions_serving", endpoint.Text("conditions", "serving"))
                    .Set("endpointslice_endpoint_conditions_terminating", endpoint.Text("conditions", "terminating"))
                    .Set("endpointslice_endpoint_hostname", endpoint.Text("hostname")).Set("endpointslice_endpoint_node_name", endpoint.Text("nodeName")).Set("endpointslice_endpoint_zone", endpoint.Text("zone"))
                    .Set("endpointslice_address_target_kind", endpoint.Text("targetRef", "kind")).Set("endpointslice_address_target_name", endpoint.Text("targetRef", "name"))
                    .SetEach("endpointslice_endpoint_topology_", "endpointslice_endpoint_topology_present_", endpoint.Pairs("deprecatedTopology"));
                Attach(labels, endpoint.At("targetRef"), endpoint.Text("nodeName"));
                AddPod(labels, endpoint.At("targetRef"), slice, port.Number("port"), protocol, seen);
                foreach (string address in endpoint.Texts("addresses"))
                {
                    // A port without a number stands for every port.
                    yield return port.Number("port") == 0 ? labels.At(address) : labels.At(address, (int)port.Number("port"));
                }
            }
        }
        foreach (var further in Further(common, seen)) yield return further;
    }

    private void AddService(MetaLabels labels, string space, string name)
    {
        if (objects.Find("service", space, name) is { ValueKind: JsonValueKind.Object } service) KubernetesObjects.Metadata(labels.Set("service_name", name), service, "service");
    }

    private void Attach(MetaLabels labels, JsonElement reference, string node) => objects.AttachNode(labels, node.Length > 0 ? node : reference.Text("kind") == "Node" ? reference.Text("name") : "");

    /// <summary>Adds the pod behind an address, with the container that has the port.</summary>
    private void AddPod(MetaLabels labels, JsonElement reference, JsonElement owner, long port, string protocol, Seen seen)
    {
        if (reference.Text("kind") != "Pod") return;
        string space = reference.Text("namespace") is { Length: > 0 } given ? given : owner.Text("metadata", "namespace");
        var pod = objects.Find("pod", space, reference.Text("name"));
        if (pod.ValueKind != JsonValueKind.Object) return;
        DescribePod(labels, pod);
        var ports = seen.Of(pod);
        foreach (var (container, isInit) in PodTargets.Containers(pod))
        {
            foreach (var open in container.Items("ports"))
            {
                if (open.Number("containerPort") != port || KubernetesObjects.Protocol(open) != protocol) continue;
                PodTargets.DescribePort(labels, pod, container, isInit, open);
                ports.Add(port);
                return;
            }
        }
    }

    /// <summary>Ports of the pods that no endpoint names.</summary>
    private IEnumerable<Labels> Further(MetaLabels common, Seen seen)
    {
        foreach (var (pod, ports) in seen.Pods)
        {
            string address = pod.Text("status", "podIP");
            if (address.Length == 0) continue;
            foreach (var (container, isInit) in PodTargets.Containers(pod))
            {
                foreach (var port in container.Items("ports").Where(p => !ports.Contains(p.Number("containerPort"))))
                {
                    var labels = common.Copy();
                    DescribePod(labels, pod);
                    objects.AttachNode(labels, pod.Text("spec", "nodeName"));
                    PodTargets.DescribePort(labels, pod, container, isInit, port);
                    yield return labels.At(address, (int)port.Number("containerPort"));
                }
            }
        }
    }

    private static void DescribePod(MetaLabels labels, JsonElement pod)
    {
        KubernetesObjects.Metadata(labels.Set("pod_name", pod.Text("metadata", "name")), pod, "pod");
        PodTargets.Describe(labels, pod);
    }

    /// <summary>The pods met so far, with those of their ports that are targets already.</summary>
    private sealed class Seen
    {
        private readonly Dictionary<string, (JsonElement Pod, HashSet<long> Ports)> pods = new(StringComparer.Ordinal);

        public IEnumerable<(JsonElement Pod, HashSet<long> Ports)> Pods => pods.Values;

        public HashSet<long> Of(JsonElement pod)
        {
            string key = $"{pod.Text("metadata", "namespace")}/{pod.Text("metadata", "name")}";
            if (!pods.TryGetValue(key, out var found)) pods[key] = found = (pod, []);
            return found.Ports;
        }
    }
}
