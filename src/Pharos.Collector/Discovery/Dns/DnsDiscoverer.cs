using System.Net;
using System.Net.Sockets;
using Pharos.Core;

namespace Pharos.Collector.Discovery;

/// <summary>Targets from DNS: SRV records name host and port; the others a host or address, to which the configured port is added.</summary>
internal sealed class DnsDiscoverer(DnsOptions options, DnsClient dns) : IDiscoverer
{
    public async Task<FoundTargets> RefreshAsync(CancellationToken cancel)
    {
        var found = new List<Labels>();
        foreach (string name in options.Names)
        {
            if (options.Type is "A" or "AAAA") found.AddRange(await AddressesAsync(name, cancel));
            else found.AddRange(await RecordsAsync(name, cancel));
        }
        return found;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async Task<IEnumerable<Labels>> AddressesAsync(string name, CancellationToken cancel)
    {
        var addresses = await System.Net.Dns.GetHostAddressesAsync(name, options.Type == "AAAA" ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork, cancel);
        return addresses.Select(a => new MetaLabels("__meta_dns_").Set("name", name).At(a.ToString(), options.Port));
    }

    private async Task<IEnumerable<Labels>> RecordsAsync(string name, CancellationToken cancel)
    {
        string kind = options.Type.ToLowerInvariant();
        var type = options.Type switch { "SRV" => DnsRecordType.Srv, "MX" => DnsRecordType.Mx, _ => DnsRecordType.Ns };
        var records = await dns.LookUpAsync(name, type, cancel);
        return records.Select(record =>
        {
            var labels = new MetaLabels("__meta_dns_").Set("name", name).Set($"{kind}_record_target", record.Target);
            if (type == DnsRecordType.Srv) labels.Set("srv_record_port", $"{record.Port}");
            return labels.At(record.Target.TrimEnd('.'), type == DnsRecordType.Srv ? record.Port : options.Port);
        });
    }
}
