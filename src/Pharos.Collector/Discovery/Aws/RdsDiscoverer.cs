using System.Xml.Linq;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>The instances of RDS's clusters, by the address of their endpoint.</summary>
internal sealed class RdsDiscoverer(AwsGroupOptions options, AwsClient aws) : IDiscoverer
{
    private const string Version = "2014-10-31";

    private static readonly Dictionary<string, string> ClusterNames = new(StringComparer.Ordinal)
    {
        ["DBClusterArn"] = "arn", ["DBClusterIdentifier"] = "identifier", ["DBClusterInstanceClass"] = "instance_class", ["DBClusterParameterGroup"] = "parameter_group",
        ["DBSubnetGroup"] = "subnet_group", ["DbClusterResourceId"] = "resource_id",
    };

    private static readonly Dictionary<string, string> InstanceNames = new(StringComparer.Ordinal)
    {
        ["DBInstanceArn"] = "arn", ["DBInstanceClass"] = "class", ["DBInstanceIdentifier"] = "identifier", ["DBInstanceStatus"] = "status", ["DbInstancePort"] = "port", ["DbiResourceId"] = "resource_id",
    };

    public async Task<FoundTargets> RefreshAsync(CancellationToken cancel)
    {
        var clusters = options.Clusters.Count > 0
            ? (await options.EachAsync(options.Clusters, arn => AllAsync("DescribeDBClusters", "DBCluster", [("DBClusterIdentifier", arn)], cancel), cancel)).SelectMany(c => c).ToList()
            : await AllAsync("DescribeDBClusters", "DBCluster", [], cancel);
        var found = await options.EachAsync(clusters, async cluster =>
        {
            var filters = new List<(string, string)> { ("Filters.Filter.1.Name", "db-cluster-id"), ("Filters.Filter.1.Values.Value.1", Text(cluster, "DBClusterArn")) };
            int number = 1;
            foreach (var (name, values) in options.Filters)
            {
                filters.Add(($"Filters.Filter.{++number}.Name", name));
                filters.AddRange(values.Select((v, i) => ($"Filters.Filter.{number}.Values.Value.{i + 1}", v)));
            }
            var instances = await AllAsync("DescribeDBInstances", "DBInstance", filters, cancel);
            return instances.Where(i => Text(i.Element("Endpoint"), "Address").Length > 0).Select(i => Target(cluster, i));
        }, cancel);
        return found.SelectMany(t => t).ToList();
    }

    public ValueTask DisposeAsync() => aws.DisposeAsync();

    private async Task<List<XElement>> AllAsync(string action, string element, IReadOnlyList<(string, string)> parameters, CancellationToken cancel)
    {
        var all = new List<XElement>();
        string marker = "";
        do
        {
            var answer = await aws.QueryAsync("rds", Version, action, [.. parameters, ("MaxRecords", "100"), .. marker.Length > 0 ? [("Marker", marker)] : Array.Empty<(string, string)>()], cancel);
            all.AddRange(answer.Descendants(element + "s").Take(1).Elements(element));
            marker = Text(answer.Element(action + "Result"), "Marker");
        }
        while (marker.Length > 0);
        return all;
    }

    private Labels Target(XElement cluster, XElement instance)
    {
        string id = Text(instance, "DBInstanceIdentifier");
        var member = cluster.Element("DBClusterMembers")?.Elements().FirstOrDefault(m => Text(m, "DBInstanceIdentifier") == id);
        return new MetaLabels("__meta_rds_")
            .SetFields("cluster_", cluster, ClusterNames).SetTags("cluster_tag_", cluster.Element("TagList")?.Elements())
            .SetFields("instance_", instance, InstanceNames).SetTags("instance_tag_", instance.Element("TagList")?.Elements())
            .SetFields("instance_endpoint_", instance.Element("Endpoint")).SetFields("instance_listener_endpoint_", instance.Element("ListenerEndpoint"))
            .Set("instance_subnet_group", Text(instance.Element("DBSubnetGroup"), "DBSubnetGroupName")).Set("instance_is_cluster_writer", Text(member, "IsClusterWriter"))
            .At(Text(instance.Element("Endpoint"), "Address"), options.Port);
    }

    private static string Text(XElement? of, string name) => of?.Element(name)?.Value ?? "";
}
