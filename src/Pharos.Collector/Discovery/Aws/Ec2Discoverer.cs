using System.Xml.Linq;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>EC2's instances, by their private address. The zones' ids are asked for once; without the right to do so they are left out.</summary>
internal sealed class Ec2Discoverer(Ec2Options options, AwsClient aws) : IDiscoverer
{
    private const string Version = "2016-11-15";

    private Dictionary<string, string>? zones;

    public async Task<FoundTargets> RefreshAsync(CancellationToken cancel)
    {
        string region = await aws.RegionAsync(cancel);
        zones ??= await ZonesAsync(cancel);
        var filters = options.Filters.SelectMany((f, i) => f.Value.Select((v, j) => ($"Filter.{i + 1}.Value.{j + 1}", v)).Prepend(($"Filter.{i + 1}.Name", f.Key))).ToList();
        var targets = new List<Labels>();
        string next = "";
        do
        {
            var page = await aws.QueryAsync("ec2", Version, "DescribeInstances", next.Length > 0 ? [.. filters, ("NextToken", next)] : filters, cancel);
            foreach (var reservation in Items(page.Element("reservationSet")))
            {
                foreach (var instance in Items(reservation.Element("instancesSet")))
                {
                    if (Text(instance, "privateIpAddress").Length > 0) targets.Add(Target(instance, Text(reservation, "ownerId"), region));
                }
            }
            next = Text(page, "nextToken");
        }
        while (next.Length > 0);
        return targets;
    }

    public ValueTask DisposeAsync() => aws.DisposeAsync();

    private async Task<Dictionary<string, string>> ZonesAsync(CancellationToken cancel)
    {
        try
        {
            var answer = await aws.QueryAsync("ec2", Version, "DescribeAvailabilityZones", [], cancel);
            return Items(answer.Element("availabilityZoneInfo")).ToDictionary(z => Text(z, "zoneName"), z => Text(z, "zoneId"));
        }
        catch (HttpRequestException e) when (e.StatusCode is System.Net.HttpStatusCode.Forbidden or System.Net.HttpStatusCode.Unauthorized)
        {
            return [];
        }
    }

    private Labels Target(XElement instance, string owner, string region)
    {
        string zone = Text(instance.Element("placement"), "availabilityZone");
        var labels = new MetaLabels("__meta_ec2_")
            .Set("ami", Text(instance, "imageId")).Set("architecture", Text(instance, "architecture")).Set("availability_zone", zone).Set("availability_zone_id", zones!.GetValueOrDefault(zone, ""))
            .Set("instance_id", Text(instance, "instanceId")).Set("instance_lifecycle", Text(instance, "instanceLifecycle")).Set("instance_state", Text(instance.Element("instanceState"), "name"))
            .Set("instance_type", Text(instance, "instanceType")).Set("owner_id", owner).Set("platform", Text(instance, "platform"))
            .Set("private_dns_name", Text(instance, "privateDnsName")).Set("private_ip", Text(instance, "privateIpAddress"))
            .Set("public_dns_name", Text(instance, "dnsName")).Set("public_ip", Text(instance, "ipAddress")).Set("region", region)
            .SetEach("tag_", Items(instance.Element("tagSet")).Select(t => (Text(t, "key"), Text(t, "value"))));
        if (Text(instance, "vpcId").Length > 0)
        {
            var interfaces = Items(instance.Element("networkInterfaceSet")).Where(i => Text(i, "subnetId").Length > 0).ToList();
            var addresses = interfaces.SelectMany(i => Items(i.Element("ipv6AddressesSet")).Select(a => (
                Address: Text(a, "ipv6Address"), IsPrimary: Text(a, "isPrimaryIpv6") == "true", Index: int.TryParse(Text(i.Element("attachment"), "deviceIndex"), out int index) ? index : 0))).ToList();
            labels.Set("vpc_id", Text(instance, "vpcId")).Set("primary_subnet_id", Text(instance, "subnetId"))
                .SetList("subnet_id", interfaces.Select(i => Text(i, "subnetId")).Distinct(), ",")
                .SetList("ipv6_addresses", addresses.Select(a => a.Address), ",")
                .SetList("primary_ipv6_addresses", addresses.Where(a => a.IsPrimary).OrderBy(a => a.Index).Select(a => a.Address), ",");
        }
        return labels.At(Text(instance, "privateIpAddress"), options.Port);
    }

    private static IEnumerable<XElement> Items(XElement? set) => set?.Elements("item") ?? [];

    private static string Text(XElement? of, string name) => of?.Element(name)?.Value ?? "";
}
