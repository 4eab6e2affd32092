namespace Pharos.Collector.Discovery;

internal sealed record DigitalOceanOptions(int Port, HttpClientOptions Client) : DiscoveryOptions
{
    public override string Mechanism => "digitalocean";

    public static DigitalOceanOptions Read(IDiscoverySection section) => new(section.Port(), section.Client()) { RefreshInterval = section.Refresh() };

    internal override IDiscoverer Open(DiscoveryContext context) => new DigitalOceanDiscoverer(this, context);
}
