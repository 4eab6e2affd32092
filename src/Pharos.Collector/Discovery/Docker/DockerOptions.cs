namespace Pharos.Collector.Discovery;

/// <param name="Host">The engine: unix, tcp, http or https.</param>
/// <param name="Port">Of containers that open none.</param>
/// <param name="HostNetworkingHost">Address of containers in the host's network.</param>
/// <param name="MatchFirstNetwork">Of a container in several networks only the first by name counts.</param>
/// <param name="Filters">Of the engine's list of containers: values by name.</param>
internal sealed record DockerOptions(
    Uri Host, int Port, string HostNetworkingHost, bool MatchFirstNetwork, IReadOnlyDictionary<string, IReadOnlyList<string>> Filters, HttpClientOptions Client) : DiscoveryOptions
{
    public override string Mechanism => "docker";

    public static DockerOptions? Read(IDiscoverySection section)
    {
        var host = DockerEngine.Host(section);
        var docker = new DockerOptions(
            host ?? new Uri("unix:///"), section.Port(), section.Text("host_networking_host", "localhost"), section.Flag("match_first_network", true), section.Filters(), section.Client())
        {
            RefreshInterval = section.Refresh(),
        };
        return host is null ? null : docker;
    }

    internal override IDiscoverer Open(DiscoveryContext context) => new DockerDiscoverer(this, context);
}
