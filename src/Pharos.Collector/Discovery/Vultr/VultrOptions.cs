namespace Pharos.Collector.Discovery;

internal sealed record VultrOptions(int Port, HttpClientOptions Client) : DiscoveryOptions
{
    public override string Mechanism => "vultr";

    public static VultrOptions Read(IDiscoverySection section) => new(section.Port(), section.Client()) { RefreshInterval = section.Refresh() };

    internal override IDiscoverer Open(DiscoveryContext context) => new VultrDiscoverer(this, context);
}
