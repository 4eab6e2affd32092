namespace Pharos.Collector.Discovery;

/// <param name="Filters">EC2's own: values by name.</param>
internal sealed record Ec2Options(AwsAccess Access, int Port, IReadOnlyDictionary<string, IReadOnlyList<string>> Filters, HttpClientOptions Client) : DiscoveryOptions
{
    public override string Mechanism => "ec2";

    public static Ec2Options Read(IDiscoverySection section) =>
        new(AwsAccess.Read(section), section.Port(), section.Filters("EC2 SD configuration filter values cannot be empty"), section.Client()) { RefreshInterval = section.Refresh() };

    internal override IDiscoverer Open(DiscoveryContext context) => new Ec2Discoverer(this, new AwsClient("ec2", Access, Client, RefreshInterval, context));
}
