namespace Pharos.Collector.Discovery;

/// <summary>Targets from DNS records.</summary>
/// <param name="Type">SRV, A, AAAA, MX or NS.</param>
public sealed record DnsOptions(IReadOnlyList<string> Names, string Type, int Port) : DiscoveryOptions
{
    public override string Mechanism => "dns";

    public static DnsOptions Read(IDiscoverySection section)
    {
        var names = section.Texts("names");
        string type = section.Text("type", "SRV").ToUpperInvariant();
        int port = section.Number("port", 0);
        if (names.Count == 0) section.Error("DNS-SD config must contain at least one SRV record name");
        if (type is not ("SRV" or "A" or "AAAA" or "MX" or "NS")) section.Error("type", $"invalid DNS-SD records type {type}");
        else if (type != "SRV" && port == 0) section.Error("a port is required in DNS-SD configs for all record types except SRV");
        return new DnsOptions(names, type, port) { RefreshInterval = section.Refresh(30) };
    }

    internal override IDiscoverer Open(DiscoveryContext context) => new DnsDiscoverer(this, new DnsClient(DnsSettings.OfMachine, context.Time));
}
