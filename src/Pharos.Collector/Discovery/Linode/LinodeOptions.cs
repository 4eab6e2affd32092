namespace Pharos.Collector.Discovery;

/// <param name="Region">Only instances in it; empty: all.</param>
internal sealed record LinodeOptions(int Port, string Region, string TagSeparator, HttpClientOptions Client) : DiscoveryOptions
{
    public override string Mechanism => "linode";

    public static LinodeOptions Read(IDiscoverySection section) =>
        new(section.Port(), section.Text("region"), section.Text("tag_separator", ","), section.Client()) { RefreshInterval = section.Refresh() };

    internal override IDiscoverer Open(DiscoveryContext context) => new LinodeDiscoverer(this, context);
}
