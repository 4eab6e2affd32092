namespace Pharos.Collector.Discovery;

internal sealed record NomadOptions(string Server, string Namespace, string Region, bool AllowStale, string TagSeparator, HttpClientOptions Client) : DiscoveryOptions
{
    public override string Mechanism => "nomad";

    public static NomadOptions Read(IDiscoverySection section)
    {
        string server = section.Text("server", "http://localhost:4646");
        if (server.Trim().Length == 0) section.Error("nomad SD configuration requires a server address");
        return new NomadOptions(
            server.TrimEnd('/'), section.Text("namespace", "default"), section.Text("region", "global"), section.Flag("allow_stale", true), section.Text("tag_separator", ","), section.Client())
        {
            RefreshInterval = section.Refresh(),
        };
    }

    internal override IDiscoverer Open(DiscoveryContext context) => new NomadDiscoverer(this, context);
}
