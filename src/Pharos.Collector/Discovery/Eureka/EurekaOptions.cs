namespace Pharos.Collector.Discovery;

internal sealed record EurekaOptions(string Server, HttpClientOptions Client) : DiscoveryOptions
{
    public override string Mechanism => "eureka";

    public static EurekaOptions Read(IDiscoverySection section)
    {
        string server = section.Must("server", "empty or null eureka server");
        if (server.Length > 0 && !(Uri.TryCreate(server, UriKind.Absolute, out var url) && url.Scheme is "http" or "https")) section.Error("server", "invalid eureka server URL", "write http://host:8761/eureka");
        return new EurekaOptions(server.TrimEnd('/'), section.Client()) { RefreshInterval = section.Refresh(30) };
    }

    internal override IDiscoverer Open(DiscoveryContext context) => new EurekaDiscoverer(this, context);
}
