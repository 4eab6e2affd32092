using System.Text.Json;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>The targets of pods: each port of each container.</summary>
internal sealed class PodTargets(KubernetesObjects objects)
{
    public IEnumerable<Labels> Of(JsonElement pod)
    {
        string address = pod.Text("status", "podIP");
        // It is not there while a pod starts, and after it was evicted.
        if (address.Length == 0) yield break;
        var common = objects.Common(pod, "pod");
        Describe(common, pod);
        objects.AttachNode(common, pod.Text("spec", "nodeName"));
        foreach (var (container, isInit) in Containers(pod))
        {
            bool any = false;
            foreach (var port in container.Items("ports"))
            {
                any = true;
                var labels = common.Copy();
                DescribePort(labels, pod, container, isInit, port);
                yield return labels.At(address, (int)port.Number("containerPort"));
            }
            if (any) continue;
            var bare = common.Copy();
            DescribeContainer(bare, pod, container, isInit);
            yield return bare.At(address);
        }
    }

    /// <summary>Labels that say what a pod is, without its namespace, name and metadata.</summary>
    public static void Describe(MetaLabels labels, JsonElement pod)
    {
        string ready = pod.Items("status", "conditions").FirstOrDefault(c => c.Text("type") == "Ready").Text("status").ToLowerInvariant();
        labels.Set("pod_ip", pod.Text("status", "podIP")).Set("pod_ready", ready.Length > 0 ? ready : "unknown").Set("pod_phase", pod.Text("status", "phase"))
            .Set("pod_node_name", pod.Text("spec", "nodeName")).Set("pod_host_ip", pod.Text("status", "hostIP")).Set("pod_uid", pod.Text("metadata", "uid"));
        var controller = pod.Items("metadata", "ownerReferences").FirstOrDefault(o => o.Flag("controller"));
        labels.Set("pod_controller_kind", controller.Text("kind")).Set("pod_controller_name", controller.Text("name"));
    }

    public static IEnumerable<(JsonElement Container, bool IsInit)> Containers(JsonElement pod) =>
        pod.Items("spec", "containers").Select(c => (c, false)).Concat(pod.Items("spec", "initContainers").Select(c => (c, true)));

    public static void DescribePort(MetaLabels labels, JsonElement pod, JsonElement container, bool isInit, JsonElement port)
    {
        DescribeContainer(labels, pod, container, isInit);
        labels.Set("pod_container_port_name", port.Text("name")).Set("pod_container_port_number", port.Text("containerPort")).Set("pod_container_port_protocol", KubernetesObjects.Protocol(port));
    }

    private static void DescribeContainer(MetaLabels labels, JsonElement pod, JsonElement container, bool isInit)
    {
        string name = container.Text("name");
        var status = pod.Items("status", isInit ? "initContainerStatuses" : "containerStatuses").FirstOrDefault(s => s.Text("name") == name);
        labels.Set("pod_container_name", name).Set("pod_container_id", status.Text("containerID")).Set("pod_container_image", container.Text("image")).Set("pod_container_init", isInit);
    }
}
