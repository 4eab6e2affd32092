using System.Text.Json;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>The servers of an IONOS data centre, by their first address. Those without one are left out.</summary>
internal sealed class IonosDiscoverer(IonosOptions options, DiscoveryContext context) : IDiscoverer
{
    private const int PageSize = 1000;

    private readonly DiscoveryHttp http = new(context, options.Client, options.RefreshInterval);

    public async Task<FoundTargets> RefreshAsync(CancellationToken cancel)
    {
        var targets = new List<Labels>();
        await foreach (var page in http.PagesAsync(Url(0), p => p.Items("items").Count() < PageSize ? null : Url(p.Number("offset") + PageSize), cancel))
        {
            foreach (var server in page.Items("items"))
            {
                var nics = server.Items("entities", "nics", "items").Select(n => (Name: n.Text("properties", "name"), Addresses: n.Texts("properties", "ips").ToList())).ToList();
                if (nics.All(n => n.Addresses.Count == 0)) continue;
                targets.Add(Target(server, page.Text("id"), nics));
            }
        }
        return targets;

        string Url(long offset) => $"https://api.ionos.com/cloudapi/v6/datacenters/{Uri.EscapeDataString(options.DatacenterId)}/servers?depth=3&offset={offset}&limit={PageSize}";
    }

    public ValueTask DisposeAsync() => http.DisposeAsync();

    private Labels Target(JsonElement server, string list, List<(string Name, List<string> Addresses)> nics)
    {
        var addresses = nics.SelectMany(n => n.Addresses).ToList();
        string boot = server.Text("properties", "bootVolume", "id");
        var labels = new MetaLabels("__meta_ionos_server_")
            .Set("availability_zone", server.Text("properties", "availabilityZone")).Set("boot_cdrom_id", server.Text("properties", "bootCdrom", "id"))
            .Set("boot_volume_id", boot).Set("cpu_family", server.Text("properties", "cpuFamily")).Set("id", server.Text("id")).Set("lifecycle", server.Text("metadata", "state"))
            .Set("name", server.Text("properties", "name")).Set("servers_id", list).Set("state", server.Text("properties", "vmState")).Set("type", server.Text("properties", "type"))
            .SetList("ip", addresses, ",");
        foreach (var volume in server.Items("entities", "volumes", "items").Where(v => v.Text("id") == boot)) labels.Set("boot_image_id", volume.Text("properties", "image"));
        foreach (var nic in nics.GroupBy(n => n.Name, StringComparer.Ordinal))
        {
            string name = nic.Key.Length == 0 ? "unnamed" : nic.Key;
            labels.SetList("nic_ip_" + MetaLabels.Sanitize(name), nic.SelectMany(n => n.Addresses), ",");
        }
        return labels.At(addresses[0], options.Port);
    }
}
