namespace Pharos.Collector.Discovery;

internal sealed record IonosOptions(string DatacenterId, int Port, HttpClientOptions Client) : DiscoveryOptions
{
    public override string Mechanism => "ionos";

    public static IonosOptions Read(IDiscoverySection section) =>
        new(section.Must("datacenter_id", "datacenter id can't be empty"), section.Port(), section.Client()) { RefreshInterval = section.Refresh() };

    internal override IDiscoverer Open(DiscoveryContext context) => new IonosDiscoverer(this, context);
}
