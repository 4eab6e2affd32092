namespace Pharos.Collector.Discovery;

internal sealed record LightsailOptions(AwsAccess Access, int Port, HttpClientOptions Client) : DiscoveryOptions
{
    public override string Mechanism => "lightsail";

    public static LightsailOptions Read(IDiscoverySection section) => new(AwsAccess.Read(section), section.Port(), section.Client()) { RefreshInterval = section.Refresh() };

    internal override IDiscoverer Open(DiscoveryContext context) => new LightsailDiscoverer(this, new AwsClient("lightsail", Access, Client, RefreshInterval, context));
}
