namespace Pharos.Collector.Discovery;

/// <param name="ClientId">By which the control plane knows who asks.</param>
/// <param name="FetchTimeout">How long the control plane may wait for a change before it answers.</param>
internal sealed record KumaOptions(string Server, string ClientId, TimeSpan FetchTimeout, HttpClientOptions Client) : DiscoveryOptions
{
    public override string Mechanism => "kuma";

    public static KumaOptions Read(IDiscoverySection section)
    {
        string server = section.Must("server", "kuma SD server must not be empty");
        if (server.Length > 0 && !(Uri.TryCreate(server, UriKind.Absolute, out var url) && url.Scheme is "http" or "https")) section.Error("server", "kuma SD server must not be empty and have a scheme", "write http://host:5676");
        string id = section.Text("client_id");
        return new KumaOptions(server.TrimEnd('/'), id.Length > 0 ? id : Environment.MachineName, section.Duration("fetch_timeout", TimeSpan.FromMinutes(2)), section.Client())
        {
            RefreshInterval = section.Refresh(30),
        };
    }

    internal override IDiscoverer Open(DiscoveryContext context) => new KumaDiscoverer(this, context);
}
