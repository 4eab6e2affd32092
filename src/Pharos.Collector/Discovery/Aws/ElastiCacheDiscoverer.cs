using System.Xml.Linq;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>ElastiCache's serverless caches and the nodes of its cache clusters, each by the address and port of its endpoint.</summary>
internal sealed class ElastiCacheDiscoverer(AwsGroupOptions options, AwsClient aws) : IDiscoverer
{
    private const string Version = "2015-02-02";

    private static readonly Dictionary<string, string> ClusterNames = new(StringComparer.Ordinal) { ["AuthTokenLastModifiedDate"] = "auth_token_last_modified" };

    private static readonly Dictionary<string, string> NodeNames = new(StringComparer.Ordinal)
    {
        ["CacheNodeCreateTime"] = "create_time", ["CacheNodeId"] = "id", ["CacheNodeStatus"] = "status", ["CustomerAvailabilityZone"] = "availability_zone",
    };

    private static readonly Dictionary<string, string> ServerlessNames = new(StringComparer.Ordinal) { ["ServerlessCacheName"] = "name" };

    public async Task<FoundTargets> RefreshAsync(CancellationToken cancel)
    {
        var serverless = (await OfKindAsync("serverlesscache", "DescribeServerlessCaches", "ServerlessCaches", "ServerlessCacheName", [("MaxResults", "50")], "NextToken", cancel)).ToList();
        var clusters = new List<XElement>();
        // Those of replication groups and those on their own come by different questions.
        foreach (string alone in (string[])["false", "true"])
        {
            clusters.AddRange(await OfKindAsync(
                "replicationgroup", "DescribeCacheClusters", "CacheClusters", "CacheClusterId",
                [("MaxRecords", "100"), ("ShowCacheNodeInfo", "true"), ("ShowCacheClustersNotInReplicationGroups", alone)], "Marker", cancel));
        }
        // Asked without the restriction, clusters on their own come twice.
        clusters = [.. clusters.DistinctBy(c => Text(c, "CacheClusterId"))];
        var tags = (await options.EachAsync(
            serverless.Concat(clusters).Select(c => Text(c, "ARN")).Where(a => a.Length > 0),
            async arn => (Arn: arn, Tags: (await aws.QueryAsync("elasticache", Version, "ListTagsForResource", [("ResourceName", arn)], cancel)).Descendants("Tag").ToList()), cancel)).ToDictionary(t => t.Arn, t => t.Tags);
        return serverless.Where(c => Text(c.Element("Endpoint"), "Address").Length > 0).Select(c => Serverless(c, tags.GetValueOrDefault(Text(c, "ARN"))))
            .Concat(clusters.SelectMany(c => Nodes(c, tags.GetValueOrDefault(Text(c, "ARN"))))).ToList();
    }

    public ValueTask DisposeAsync() => aws.DisposeAsync();

    /// <summary>The caches of a kind: all, or those of it that are configured by their ARN.</summary>
    private async Task<IEnumerable<XElement>> OfKindAsync(
        string kind, string action, string list, string idName, IReadOnlyList<(string, string)> parameters, string pageName, CancellationToken cancel)
    {
        if (options.Clusters.Count == 0) return await AllAsync(action, list, parameters, pageName, cancel);
        var ids = options.Clusters.Select(c => c.Split(':')).Where(p => p.Length > 6 && p[5] == kind).Select(p => p[6]);
        return (await options.EachAsync(ids, id => AllAsync(action, list, [.. parameters, (idName, id)], pageName, cancel), cancel)).SelectMany(c => c);
    }

    private async Task<List<XElement>> AllAsync(string action, string list, IReadOnlyList<(string, string)> parameters, string pageName, CancellationToken cancel)
    {
        var all = new List<XElement>();
        string next = "";
        do
        {
            var answer = await aws.QueryAsync("elasticache", Version, action, [.. parameters, .. next.Length > 0 ? [(pageName, next)] : Array.Empty<(string, string)>()], cancel);
            all.AddRange(answer.Descendants(list).Take(1).Elements());
            next = Text(answer.Element(action + "Result"), pageName);
        }
        while (next.Length > 0);
        return all;
    }

    private static Labels Serverless(XElement cache, List<XElement>? tags)
    {
        var labels = new MetaLabels("__meta_elasticache_").Set("deployment_option", "serverless")
            .SetFields("serverless_cache_", cache, ServerlessNames).SetFields("serverless_cache_endpoint_", cache.Element("Endpoint")).SetFields("serverless_cache_endpoint_reader_", cache.Element("ReaderEndpoint"))
            .SetTags("serverless_cache_tag_", tags);
        foreach (var (limit, name) in new[] { ("DataStorage", "data_storage"), ("ECPUPerSecond", "ecpu_per_second") })
        {
            // Without an underscore between, as Prometheus names them.
            foreach (var member in cache.Element("CacheUsageLimits")?.Element(limit)?.Elements() ?? []) labels.Set($"serverless_cache_cache_usage_limit_{name}{AwsFields.Snake(member.Name.LocalName)}", member.Value);
        }
        Numbered(labels, "serverless_cache_security_group_id", cache.Element("SecurityGroupIds")?.Elements().Select(e => e.Value));
        Numbered(labels, "serverless_cache_subnet_id", cache.Element("SubnetIds")?.Elements().Select(e => e.Value));
        return labels.At(MetaLabels.Join(Text(cache.Element("Endpoint"), "Address"), Text(cache.Element("Endpoint"), "Port")));
    }

    private static IEnumerable<Labels> Nodes(XElement cluster, List<XElement>? tags)
    {
        var common = new MetaLabels("__meta_elasticache_").Set("deployment_option", "node")
            .SetFields("cache_cluster_", cluster, ClusterNames).SetFields("cache_cluster_configuration_endpoint_", cluster.Element("ConfigurationEndpoint"))
            .SetFields("cache_cluster_notification_", cluster.Element("NotificationConfiguration")).SetFields("cache_cluster_pending_modified_values_", cluster.Element("PendingModifiedValues"))
            .Set("cache_cluster_cache_parameter_group", Text(cluster.Element("CacheParameterGroup"), "CacheParameterGroupName")).SetTags("cache_cluster_tag_", tags);
        var groups = cluster.Element("SecurityGroups")?.Elements().ToList();
        Numbered(common, "cache_cluster_security_group_membership_id", groups?.Select(g => Text(g, "SecurityGroupId")));
        Numbered(common, "cache_cluster_security_group_membership_status", groups?.Select(g => Text(g, "Status")));
        var logs = cluster.Element("LogDeliveryConfigurations")?.Elements().ToList();
        foreach (string name in (string[])["DestinationType", "LogFormat", "LogType", "Status", "Message"])
            Numbered(common, "cache_cluster_log_delivery_configuration_" + AwsFields.Snake(name), logs?.Select(l => Text(l, name)));
        Numbered(common, "cache_cluster_log_delivery_configuration_log_group", logs?.Select(l => l.Descendants("LogGroup").FirstOrDefault()?.Value ?? ""));
        Numbered(common, "cache_cluster_log_delivery_configuration_delivery_stream", logs?.Select(l => l.Descendants("DeliveryStream").FirstOrDefault()?.Value ?? ""));
        foreach (var node in cluster.Element("CacheNodes")?.Elements() ?? [])
        {
            var endpoint = node.Element("Endpoint");
            if (Text(endpoint, "Address").Length == 0) continue;
            yield return common.Copy().SetFields("cache_cluster_node_", node, NodeNames).SetFields("cache_cluster_node_endpoint_", endpoint)
                .At(MetaLabels.Join(Text(endpoint, "Address"), Text(endpoint, "Port")));
        }
    }

    private static void Numbered(MetaLabels labels, string name, IEnumerable<string>? values)
    {
        int number = 0;
        foreach (string value in values ?? []) labels.Set($"{name}_{number++}", value);
    }

    private static string Text(XElement? of, string name) => of?.Element(name)?.Value ?? "";
}
