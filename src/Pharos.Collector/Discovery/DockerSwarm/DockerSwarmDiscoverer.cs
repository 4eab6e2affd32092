using System.Text.Json;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>The services, tasks or nodes of a Docker swarm.</summary>
internal sealed class DockerSwarmDiscoverer(DockerSwarmOptions options, DiscoveryContext context) : IDiscoverer
{
    private const string Prefix = "__meta_dockerswarm_";

    private readonly DockerEngine engine = new(options.Host, options.Filters, options.Client, options.RefreshInterval, context);

    public async Task<FoundTargets> RefreshAsync(CancellationToken cancel) => options.Role switch
    {
        "services" => await ServicesAsync(cancel),
        "tasks" => await TasksAsync(cancel),
        _ => await NodesAsync(cancel),
    };

    public ValueTask DisposeAsync() => engine.DisposeAsync();

    private async Task<List<Labels>> ServicesAsync(CancellationToken cancel)
    {
        var services = await engine.ListAsync("/services", cancel, filtered: true);
        var networks = await engine.NetworksAsync(cancel);
        var targets = new List<Labels>();
        foreach (var service in services.Items())
        {
            var common = new MetaLabels(Prefix).SetEach("", Service(service))
                .Set("service_task_container_hostname", service.Text("Spec", "TaskTemplate", "ContainerSpec", "Hostname"))
                .Set("service_task_container_image", service.Text("Spec", "TaskTemplate", "ContainerSpec", "Image"))
                .Set("service_updating_status", service.Text("UpdateStatus", "State"));
            foreach (var address in service.Items("Endpoint", "VirtualIPs"))
            {
                var labels = common.Copy().SetEach("", networks.GetValueOrDefault(address.Text("NetworkID"), []));
                string host = WithoutMask(address.Text("Addr"));
                var ports = TcpPorts(service.Items("Endpoint", "Ports"));
                foreach (var port in ports)
                {
                    targets.Add(labels.Copy().Set("service_endpoint_port_name", port.Text("Name")).Set("service_endpoint_port_publish_mode", port.Text("PublishMode"))
                        .At(host, (int)port.Number("PublishedPort")));
                }
                if (ports.Count == 0) targets.Add(labels.At(host, options.Port));
            }
        }
        return targets;
    }

    private async Task<List<Labels>> TasksAsync(CancellationToken cancel)
    {
        var tasks = await engine.ListAsync("/tasks", cancel, filtered: true);
        var services = (await engine.ListAsync("/services", cancel)).Items().ToDictionary(s => s.Text("ID"));
        var nodes = (await engine.ListAsync("/nodes", cancel)).Items().ToDictionary(n => n.Text("ID"));
        var networks = await engine.NetworksAsync(cancel);
        var targets = new List<Labels>();
        foreach (var task in tasks.Items())
        {
            var service = services.GetValueOrDefault(task.Text("ServiceID"));
            var node = nodes.GetValueOrDefault(task.Text("NodeID"));
            var common = new MetaLabels(Prefix)
                .Set("task_id", task.Text("ID")).Set("task_desired_state", task.Text("DesiredState")).Set("task_state", task.Text("Status", "State"))
                .Set("task_slot", $"{task.Number("Slot")}").Set("task_container_id", task.Text("Status", "ContainerStatus", "ContainerID"))
                .SetEach("container_label_", task.Pairs("Spec", "ContainerSpec", "Labels"))
                .SetEach("", Service(service)).SetEach("", Node(node));
            foreach (var port in TcpPorts(task.Items("Status", "PortStatus", "Ports")))
            {
                targets.Add(common.Copy().Set("task_port_publish_mode", port.Text("PublishMode")).At(node.Text("Status", "Addr"), (int)port.Number("PublishedPort")));
            }
            foreach (var network in task.Items("NetworksAttachments"))
            {
                var labels = common.Copy().SetEach("", networks.GetValueOrDefault(network.Text("Network", "ID"), []));
                var ports = TcpPorts(service.Items("Endpoint", "Ports"));
                foreach (string host in network.Texts("Addresses").Select(WithoutMask))
                {
                    foreach (var port in ports) targets.Add(labels.Copy().Set("task_port_publish_mode", port.Text("PublishMode")).At(host, (int)port.Number("PublishedPort")));
                    if (ports.Count == 0) targets.Add(labels.Copy().At(host, options.Port));
                }
            }
        }
        return targets;
    }

    private async Task<List<Labels>> NodesAsync(CancellationToken cancel)
    {
        var nodes = await engine.ListAsync("/nodes", cancel, filtered: true);
        return nodes.Items().Select(node =>
        {
            var labels = new MetaLabels(Prefix).SetEach("", Node(node)).Set("node_engine_version", node.Text("Description", "Engine", "EngineVersion"));
            if (node.At("ManagerStatus").ValueKind == JsonValueKind.Object)
            {
                labels.Set("node_manager_address", node.Text("ManagerStatus", "Addr")).Set("node_manager_leader", node.Flag("ManagerStatus", "Leader"))
                    .Set("node_manager_reachability", node.Text("ManagerStatus", "Reachability"));
            }
            return labels.At(node.Text("Status", "Addr"), options.Port);
        }).ToList();
    }

    private static IEnumerable<(string, string)> Service(JsonElement service) =>
    [
        ("service_id", service.Text("ID")), ("service_name", service.Text("Spec", "Name")), ("service_mode", Mode(service)),
        .. service.Pairs("Spec", "Labels").Select(l => ("service_label_" + l.Name, l.Value)),
    ];

    private static IEnumerable<(string, string)> Node(JsonElement node) =>
    [
        ("node_id", node.Text("ID")), ("node_hostname", node.Text("Description", "Hostname")), ("node_address", node.Text("Status", "Addr")),
        ("node_availability", node.Text("Spec", "Availability")), ("node_role", node.Text("Spec", "Role")), ("node_status", node.Text("Status", "State")),
        ("node_platform_architecture", node.Text("Description", "Platform", "Architecture")), ("node_platform_os", node.Text("Description", "Platform", "OS")),
        .. node.Pairs("Spec", "Labels").Select(l => ("node_label_" + l.Name, l.Value)),
    ];

    private static string Mode(JsonElement service) => service.Members("Spec", "Mode").Select(m => m.Name).FirstOrDefault(n => n is "Global" or "Replicated")?.ToLowerInvariant() ?? "";

    private static List<JsonElement> TcpPorts(IEnumerable<JsonElement> ports) => [.. ports.Where(p => p.Text("Protocol") == "tcp")];

    private static string WithoutMask(string address) => address.Split('/')[0];
}
