namespace Pharos.Collector.Discovery;

/// <param name="Role">container or cn.</param>
internal sealed record TritonOptions(
    string Account, string Role, string DnsSuffix, string Endpoint, IReadOnlyList<string> Groups, int Port, int Version, TlsOptions? Tls) : DiscoveryOptions
{
    public override string Mechanism => "triton";

    public static TritonOptions Read(IDiscoverySection section)
    {
        string role = section.OneOf("role", "container", "triton SD configuration requires role to be 'container' or 'cn'", "container", "cn");
        return new TritonOptions(
            section.Must("account", "triton SD configuration requires an account"), role, section.Must("dns_suffix", "triton SD configuration requires a dns_suffix"),
            section.Must("endpoint", "triton SD configuration requires an endpoint"), section.Texts("groups"), section.Port(9163), section.Number("version", 1), section.Tls())
        {
            RefreshInterval = section.Refresh(),
        };
    }

    internal override IDiscoverer Open(DiscoveryContext context) => new TritonDiscoverer(this, context);
}
