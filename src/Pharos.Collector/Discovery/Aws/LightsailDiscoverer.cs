using System.Text.Json;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>Lightsail's instances, by their private address.</summary>
internal sealed class LightsailDiscoverer(LightsailOptions options, AwsClient aws) : IDiscoverer
{
    public async Task<FoundTargets> RefreshAsync(CancellationToken cancel)
    {
        string region = await aws.RegionAsync(cancel);
        var targets = new List<Labels>();
        string next = "";
        do
        {
            var page = await aws.CallAsync("lightsail", "Lightsail_20161128.GetInstances", next.Length > 0 ? new Dictionary<string, string> { ["pageToken"] = next } : [], cancel);
            targets.AddRange(page.Items("instances").Where(i => i.Text("privateIpAddress").Length > 0).Select(i => Target(i, region)));
            next = page.Text("nextPageToken");
        }
        while (next.Length > 0);
        return targets;
    }

    public ValueTask DisposeAsync() => aws.DisposeAsync();

    private Labels Target(JsonElement instance, string region) => new MetaLabels("__meta_lightsail_")
        .Set("availability_zone", instance.Text("location", "availabilityZone")).Set("blueprint_id", instance.Text("blueprintId")).Set("bundle_id", instance.Text("bundleId"))
        .Set("instance_name", instance.Text("name")).Set("instance_state", instance.Text("state", "name")).Set("instance_support_code", instance.Text("supportCode"))
        .Set("private_ip", instance.Text("privateIpAddress")).Set("public_ip", instance.Text("publicIpAddress")).Set("region", region)
        .SetList("ipv6_addresses", instance.Texts("ipv6Addresses"), ",")
        .SetEach("tag_", instance.Items("tags").Select(t => (t.Text("key"), t.Text("value"))))
        .At(instance.Text("privateIpAddress"), options.Port);
}
