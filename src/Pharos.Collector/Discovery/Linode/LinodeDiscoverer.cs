using System.Text.Json;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>Linode's instances, by their first public IPv4 address.</summary>
internal sealed class LinodeDiscoverer(LinodeOptions options, DiscoveryContext context) : IDiscoverer
{
    private const string Root = "https://api.linode.com/v4";

    private readonly DiscoveryHttp http = new(context, options.Client, options.RefreshInterval);

    public async Task<FoundTargets> RefreshAsync(CancellationToken cancel)
    {
        var instances = await AllAsync("/linode/instances", cancel);
        var addresses = (await AllAsync("/networking/ips", cancel)).ToLookup(a => a.Text("address"));
        var ranges = await AllAsync("/networking/ipv6/ranges", cancel);
        return instances.Select(i => Target(i, addresses, ranges)).ToList();
    }

    public ValueTask DisposeAsync() => http.DisposeAsync();

    private async Task<List<JsonElement>> AllAsync(string path, CancellationToken cancel)
    {
        var all = new List<JsonElement>();
        (string, string)[] filter = options.Region.Length == 0 ? [] : [("X-Filter", JsonSerializer.Serialize(new Dictionary<string, string> { ["region"] = options.Region }))];
        await foreach (var page in http.PagesAsync(Url(1), p => p.Number("page") < p.Number("pages") ? Url(p.Number("page") + 1) : null, cancel, filter)) all.AddRange(page.Items("data"));
        return all;

        string Url(long number) => $"{Root}{path}?page={number}&page_size=500";
    }

    private Labels Target(JsonElement instance, ILookup<string, JsonElement> addresses, List<JsonElement> ranges)
    {
        string publicAddress = "", privateAddress = "";
        var labels = new MetaLabels("__meta_linode_");
        var extra = new List<string>();
        foreach (string address in instance.Texts("ipv4"))
        {
            foreach (var known in addresses[address])
            {
                if (known.Flag("public") && publicAddress.Length == 0)
                {
                    publicAddress = address;
                    labels.Set("public_ipv4", address).Set("public_ipv4_rdns", Name(known));
                }
                else if (!known.Flag("public") && privateAddress.Length == 0)
                {
                    privateAddress = address;
                    labels.Set("private_ipv4", address).Set("private_ipv4_rdns", Name(known));
                }
                else
                {
                    extra.Add(address);
                }
            }
        }
        string own = instance.Text("ipv6").Split('/')[0];
        if (own.Length > 0)
        {
            foreach (var known in addresses[own]) labels.Set("public_ipv6", own).Set("public_ipv6_rdns", Name(known));
            labels.SetList("ipv6_ranges", ranges.Where(r => r.Text("route_target") == own).Select(r => $"{r.Text("range")}/{r.Text("prefix")}"), options.TagSeparator);
        }
        return labels
            .Set("instance_id", instance.Text("id")).Set("instance_label", instance.Text("label")).Set("image", instance.Text("image")).Set("region", instance.Text("region"))
            .Set("type", instance.Text("type")).Set("status", instance.Text("status")).Set("group", instance.Text("group")).Set("gpus", instance.Text("specs", "gpus"))
            .Set("hypervisor", instance.Text("hypervisor")).Set("backups", instance.Flag("backups", "enabled") ? "enabled" : "disabled")
            .Set("specs_disk_bytes", $"{instance.Number("specs", "disk") << 20}").Set("specs_memory_bytes", $"{instance.Number("specs", "memory") << 20}")
            .Set("specs_vcpus", instance.Text("specs", "vcpus")).Set("specs_transfer_bytes", $"{instance.Number("specs", "transfer") << 20}")
            .SetList("tags", instance.Texts("tags"), options.TagSeparator).SetList("extra_ips", extra, options.TagSeparator)
            .At(publicAddress, options.Port);
    }

    private static string Name(JsonElement address) => address.Text("rdns") is var name && name == "null" ? "" : name;
}
