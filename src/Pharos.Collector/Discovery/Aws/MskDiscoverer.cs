using System.Text.Json;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>The brokers and controllers of MSK's provisioned clusters, each of their endpoints a target.</summary>
internal sealed class MskDiscoverer(AwsGroupOptions options, AwsClient aws) : IDiscoverer
{
    public async Task<FoundTargets> RefreshAsync(CancellationToken cancel)
    {
        IReadOnlyList<JsonElement> clusters = options.Clusters.Count > 0
            ? await options.EachAsync(options.Clusters, async arn => (await aws.GetAsync("kafka", "/api/v2/clusters/" + Uri.EscapeDataString(arn), cancel)).At("clusterInfo"), cancel)
            : await AllAsync("/api/v2/clusters?clusterTypeFilter=PROVISIONED&maxResults=100", "clusterInfoList", cancel);
        var nodes = await options.EachAsync(
            clusters.Where(c => c.Text("clusterType") == "PROVISIONED"),
            async c => (Cluster: c, Nodes: await AllAsync($"/v1/clusters/{Uri.EscapeDataString(c.Text("clusterArn"))}/nodes?maxResults=100", "nodeInfoList", cancel)),
            cancel);
        return nodes.SelectMany(c => c.Nodes.SelectMany(n => Targets(c.Cluster, n))).ToList();
    }

    public ValueTask DisposeAsync() => aws.DisposeAsync();

    private async Task<List<JsonElement>> AllAsync(string path, string member, CancellationToken cancel)
    {
        var all = new List<JsonElement>();
        string next = "";
        do
        {
            var page = await aws.GetAsync("kafka", path + (next.Length > 0 ? "&nextToken=" + Uri.EscapeDataString(next) : ""), cancel);
            all.AddRange(page.Items(member));
            next = page.Text("nextToken");
        }
        while (next.Length > 0);
        return all;
    }

    private IEnumerable<Labels> Targets(JsonElement cluster, JsonElement node)
    {
        bool isBroker = node.At("brokerNodeInfo").ValueKind == JsonValueKind.Object;
        var info = node.At(isBroker ? "brokerNodeInfo" : "controllerNodeInfo");
        var software = cluster.At("provisioned", "currentBrokerSoftwareInfo");
        var monitoring = cluster.At("provisioned", "openMonitoring", "prometheus");
        var labels = new MetaLabels("__meta_msk_")
            .Set("cluster_name", cluster.Text("clusterName")).Set("cluster_arn", cluster.Text("clusterArn")).Set("cluster_state", cluster.Text("state")).Set("cluster_type", cluster.Text("clusterType"))
            .Set("cluster_version", cluster.Text("currentVersion")).Set("cluster_kafka_version", software.Text("kafkaVersion")).Set("cluster_configuration_arn", software.Text("configurationArn"))
            .Set("cluster_configuration_revision", software.Text("configurationRevision")).Set("cluster_jmx_exporter_enabled", monitoring.Text("jmxExporter", "enabledInBroker"))
            .SetEach("cluster_tag_", cluster.Pairs("tags"))
            .Set("node_type", isBroker ? "BROKER" : "CONTROLLER").Set("node_arn", node.Text("nodeARN")).Set("node_added_time", node.Text("addedToClusterTime")).Set("node_instance_type", node.Text("instanceType"));
        if (isBroker)
        {
            labels.Set("node_attached_eni", info.Text("attachedENIId"))
                .Set("broker_id", info.At("brokerId").ValueKind == JsonValueKind.Number ? $"{(long)info.At("brokerId").GetDouble()}" : "").Set("broker_client_subnet", info.Text("clientSubnet"))
                .Set("broker_client_vpc_ip", info.Text("clientVpcIpAddress")).Set("broker_node_exporter_enabled", monitoring.Text("nodeExporter", "enabledInBroker"));
        }
        int index = 0;
        foreach (string endpoint in info.Texts("endpoints")) yield return labels.Copy().Set((isBroker ? "broker" : "controller") + "_endpoint_index", $"{index++}").At(endpoint, options.Port);
    }
}
