using System.Text.Json;
using System.Xml.Linq;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>The tasks of ECS's services: by the address of their own interface, or of the instance that they run on.</summary>
internal sealed class EcsDiscoverer(AwsGroupOptions options, AwsClient aws) : IDiscoverer
{
    private const string Ec2Version = "2016-11-15";

    public async Task<FoundTargets> RefreshAsync(CancellationToken cancel)
    {
        string region = await aws.RegionAsync(cancel);
        var names = options.Clusters.Count > 0 ? options.Clusters : await ListAsync("ListClusters", "clusterArns", [], cancel);
        var clusters = (await DescribeAsync("DescribeClusters", "clusters", names, 100, new() { ["include"] = new[] { "TAGS" } }, "clusters", cancel));
        var found = await options.EachAsync(clusters, cluster => OfClusterAsync(cluster, region, cancel), cancel);
        return found.SelectMany(t => t).ToList();
    }

    public ValueTask DisposeAsync() => aws.DisposeAsync();

    private async Task<List<Labels>> OfClusterAsync(JsonElement cluster, string region, CancellationToken cancel)
    {
        string arn = cluster.Text("clusterArn");
        var services = await DescribeAsync(
            "DescribeServices", "services", await ListAsync("ListServices", "serviceArns", new() { ["cluster"] = arn }, cancel), 10, new() { ["cluster"] = arn, ["include"] = new[] { "TAGS" } }, "services", cancel);
        var tasks = new List<(JsonElement Service, JsonElement Task)>();
        foreach (var service in services)
        {
            var ids = await ListAsync("ListTasks", "taskArns", new() { ["cluster"] = arn, ["serviceName"] = service.Text("serviceName") }, cancel);
            foreach (var task in await DescribeAsync("DescribeTasks", "tasks", ids, 100, new() { ["cluster"] = arn, ["include"] = new[] { "TAGS" } }, "tasks", cancel)) tasks.Add((service, task));
        }
        var hosts = (await DescribeAsync(
            "DescribeContainerInstances", "containerInstances", [.. tasks.Select(t => t.Task.Text("containerInstanceArn")).Where(a => a.Length > 0).Distinct()], 100, new() { ["cluster"] = arn }, "containerInstances", cancel))
            .ToDictionary(h => h.Text("containerInstanceArn"), h => h.Text("ec2InstanceId"));
        var instances = (await Ec2Async("DescribeInstances", "InstanceId", hosts.Values.Distinct(), a => Items(a.Element("reservationSet")).SelectMany(r => Items(r.Element("instancesSet"))), cancel))
            .ToDictionary(i => Text(i, "instanceId"));
        var cards = (await Ec2Async(
            "DescribeNetworkInterfaces", "NetworkInterfaceId", tasks.Select(t => Detail(t.Task, "networkInterfaceId")).Where(c => c.Length > 0).Distinct(), a => Items(a.Element("networkInterfaceSet")), cancel))
            .ToDictionary(c => Text(c, "networkInterfaceId"), c => Text(c.Element("association"), "publicIp"));
        return tasks.Select(t => Target(cluster, t.Service, t.Task, region, hosts, instances, cards)).OfType<Labels>().ToList();
    }

    /// <summary>Null where the task has no address (yet).</summary>
    private Labels? Target(
        JsonElement cluster, JsonElement service, JsonElement task, string region, Dictionary<string, string> hosts, Dictionary<string, XElement> instances, Dictionary<string, string> cards)
    {
        string host = task.Text("containerInstanceArn"), id = hosts.GetValueOrDefault(host, "");
        var instance = instances.GetValueOrDefault(id);
        bool ownCard = Card(task).ValueKind == JsonValueKind.Object;
        string address = ownCard ? Detail(task, "privateIPv4Address") : Text(instance, "privateIpAddress");
        if (address.Length == 0) return null;
        return new MetaLabels("__meta_ecs_")
            .Set("cluster", cluster.Text("clusterName")).Set("cluster_arn", service.Text("clusterArn")).Set("service", service.Text("serviceName")).Set("service_arn", service.Text("serviceArn"))
            .Set("service_status", service.Text("status")).Set("task_group", task.Text("group")).Set("task_arn", task.Text("taskArn")).Set("task_definition", task.Text("taskDefinitionArn"))
            .Set("region", region).Set("availability_zone", task.Text("availabilityZone")).Set("subnet_id", ownCard ? Detail(task, "subnetId") : Text(instance, "subnetId")).Set("ip_address", address)
            .Set("launch_type", task.Text("launchType")).Set("desired_status", task.Text("desiredStatus")).Set("last_status", task.Text("lastStatus")).Set("health_status", task.Text("healthStatus"))
            .Set("platform_family", task.Text("platformFamily")).Set("platform_version", task.Text("platformVersion")).Set("network_mode", ownCard ? "awsvpc" : "bridge")
            .Set("container_instance_arn", host).Set("ec2_instance_id", id).Set("ec2_instance_type", Text(instance, "instanceType")).Set("ec2_instance_private_ip", Text(instance, "privateIpAddress"))
            .Set("ec2_instance_public_ip", Text(instance, "ipAddress"))
            .Set("public_ip", ownCard ? cards.GetValueOrDefault(Detail(task, "networkInterfaceId"), "") : Text(instance, "ipAddress"))
            .SetEach("tag_cluster_", Tags(cluster)).SetEach("tag_service_", Tags(service)).SetEach("tag_task_", Tags(task))
            .SetEach("tag_ec2_", Items(instance?.Element("tagSet")).Select(t => (Text(t, "key"), Text(t, "value"))))
            .At(address, options.Port);
    }

    private async Task<IReadOnlyList<string>> ListAsync(string action, string member, Dictionary<string, object> arguments, CancellationToken cancel)
    {
        var all = new List<string>();
        string next = "";
        do
        {
            if (next.Length > 0) arguments["nextToken"] = next;
            var page = await aws.CallAsync("ecs", "AmazonEC2ContainerServiceV20141113." + action, arguments, cancel);
            all.AddRange(page.Texts(member));
            next = page.Text("nextToken");
        }
        while (next.Length > 0);
        return all;
    }

    private async Task<List<JsonElement>> DescribeAsync(
        string action, string argument, IReadOnlyList<string> names, int atOnce, Dictionary<string, object> arguments, string member, CancellationToken cancel)
    {
        var all = new List<JsonElement>();
        foreach (string[] part in names.Chunk(atOnce))
        {
            arguments[argument] = part;
            all.AddRange((await aws.CallAsync("ecs", "AmazonEC2ContainerServiceV20141113." + action, arguments, cancel)).Items(member));
        }
        return all;
    }

    private async Task<List<XElement>> Ec2Async(string action, string argument, IEnumerable<string> ids, Func<XElement, IEnumerable<XElement>> items, CancellationToken cancel)
    {
        var all = new List<XElement>();
        foreach (string[] part in ids.Chunk(100)) all.AddRange(items(await aws.QueryAsync("ec2", Ec2Version, action, part.Select((id, i) => ($"{argument}.{i + 1}", id)), cancel)));
        return all;
    }

    private static JsonElement Card(JsonElement task) => task.Items("attachments").FirstOrDefault(a => a.Text("type") == "ElasticNetworkInterface");

    private static string Detail(JsonElement task, string name) => Card(task).Items("details").FirstOrDefault(d => d.Text("name") == name).Text("value");

    private static IEnumerable<(string, string)> Tags(JsonElement of) => of.Items("tags").Select(t => (t.Text("key"), t.Text("value")));

    private static IEnumerable<XElement> Items(XElement? set) => set?.Elements("item") ?? [];

    private static string Text(XElement? of, string name) => of?.Element(name)?.Value ?? "";
}
