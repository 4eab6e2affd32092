using Pharos.Collector.Discovery;
using static Pharos.Collector.Tests.Discovery.TargetAssert;

namespace Pharos.Collector.Tests.Discovery;

/// <summary>A swarm's services, tasks and nodes, answered as the engine's API documents them.</summary>
public sealed class DockerSwarmTests
{
    private const string Services = """
        [{"ID":"s1","Spec":{"Name":"mon_prom","Labels":{"com.docker.stack":"mon"},"Mode":{"Replicated":{"Replicas":1}},"TaskTemplate":{"ContainerSpec":{"Image":"prom/prom:1","Hostname":"my"}}},
          "UpdateStatus":{"State":"completed"},"Endpoint":{"Ports":[{"Name":"web","Protocol":"tcp","PublishedPort":9090,"PublishMode":"ingress"},{"Protocol":"udp","PublishedPort":53}],
          "VirtualIPs":[{"NetworkID":"n1","Addr":"10.0.0.3/24"}]}},
         {"ID":"s2","Spec":{"Name":"quiet","Mode":{"Global":{}},"TaskTemplate":{"ContainerSpec":{"Image":"q"}}},"Endpoint":{"VirtualIPs":[{"NetworkID":"n1","Addr":"10.0.0.9/24"}]}}]
        """;

    private const string Nodes = """
        [{"ID":"w1","Spec":{"Role":"manager","Availability":"active","Labels":{"rack.id":"r1"}},"Description":{"Hostname":"oxygen","Platform":{"Architecture":"x86_64","OS":"linux"},"Engine":{"EngineVersion":"19.03"}},
          "Status":{"State":"ready","Addr":"192.168.1.10"},"ManagerStatus":{"Leader":true,"Reachability":"reachable","Addr":"192.168.1.10:2377"}}]
        """;

    private const string Tasks = """
        [{"ID":"t1","ServiceID":"s1","NodeID":"w1","Slot":1,"DesiredState":"running","Spec":{"ContainerSpec":{"Labels":{"my.label":"x"}}},
          "Status":{"State":"running","ContainerStatus":{"ContainerID":"c1"},"PortStatus":{"Ports":[{"Protocol":"tcp","PublishedPort":9100,"PublishMode":"host"}]}},
          "NetworksAttachments":[{"Network":{"ID":"n1"},"Addresses":["10.0.0.17/24"]}]}]
        """;

    private const string Networks = """[{"Id":"n1","Name":"ingress","Scope":"swarm","Internal":false,"Ingress":true,"Labels":{"a.b":"c"}}]""";

    [Fact]
    public async Task Services_by_their_published_ports()
    {
        var targets = await FindAsync("services");
        Same(targets[0], "10.0.0.3:9090", "__meta_dockerswarm_", """
            network_id n1
            network_ingress true
            network_internal false
            network_label_a_b c
            network_name ingress
            network_scope swarm
            service_endpoint_port_name web
            service_endpoint_port_publish_mode ingress
            service_id s1
            service_label_com_docker_stack mon
            service_mode replicated
            service_name mon_prom
            service_task_container_hostname my
            service_task_container_image prom/prom:1
            service_updating_status completed
            """);
        Assert.Equal(["10.0.0.3:9090", "10.0.0.9:8080"], Addresses(targets));
        Assert.Equal("global", targets[1]["__meta_dockerswarm_service_mode"]);
    }

    [Fact]
    public async Task Tasks_by_the_ports_of_their_node_and_their_service()
    {
        var targets = await FindAsync("tasks");
        Assert.Equal(["192.168.1.10:9100", "10.0.0.17:9090"], Addresses(targets));
        Same(targets[1], "10.0.0.17:9090", "__meta_dockerswarm_", """
            container_label_my_label x
            network_id n1
            network_ingress true
            network_internal false
            network_label_a_b c
            network_name ingress
            network_scope swarm
            node_address 192.168.1.10
            node_availability active
            node_hostname oxygen
            node_id w1
            node_label_rack_id r1
            node_platform_architecture x86_64
            node_platform_os linux
            node_role manager
            node_status ready
            service_id s1
            service_label_com_docker_stack mon
            service_mode replicated
            service_name mon_prom
            task_container_id c1
            task_desired_state running
            task_id t1
            task_port_publish_mode ingress
            task_slot 1
            task_state running
            """);
        Assert.Equal("", targets[0]["__meta_dockerswarm_network_id"]);
        Assert.Equal("host", targets[0]["__meta_dockerswarm_task_port_publish_mode"]);
    }

    [Fact]
    public async Task Nodes_with_their_part_in_the_management()
    {
        Same(Assert.Single(await FindAsync("nodes")), "192.168.1.10:8080", "__meta_dockerswarm_", """
            node_address 192.168.1.10
            node_availability active
            node_engine_version 19.03
            node_hostname oxygen
            node_id w1
            node_label_rack_id r1
            node_manager_address 192.168.1.10:2377
            node_manager_leader true
            node_manager_reachability reachable
            node_platform_architecture x86_64
            node_platform_os linux
            node_role manager
            node_status ready
            """);
    }

    private static async Task<IReadOnlyList<Core.Labels>> FindAsync(string role)
    {
        const string filters = "?filters=%7B%22name%22%3A%5B%22mon%22%5D%7D";
        await using var api = new FakeApi();
        foreach (var (path, body) in new[] { ("/services", Services), ("/tasks", Tasks), ("/nodes", Nodes), ("/networks", Networks) }) api.Get(path, body).Get(path + filters, body);
        var options = new DockerSwarmOptions(api.Address, role, 8080, new Dictionary<string, IReadOnlyList<string>> { ["name"] = ["mon"] }, HttpClientOptions.Default) { RefreshInterval = TimeSpan.FromMinutes(1) };
        var found = await api.FindAsync(options);
        // Only what is looked for is filtered.
        Assert.Equal([$"/{role}{filters}"], api.Requests.Select(r => r.Url).Where(u => u.Contains('?', StringComparison.Ordinal)));
        return found;
    }
}
