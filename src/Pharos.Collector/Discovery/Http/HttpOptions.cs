namespace Pharos.Collector.Discovery;

internal sealed record HttpOptions(Uri Url, HttpClientOptions Client) : DiscoveryOptions
{
    public override string Mechanism => "http";

    public static HttpOptions? Read(IDiscoverySection section)
    {
        var url = section.Url("url");
        var refresh = section.Duration("refresh_interval", TimeSpan.FromMinutes(1));
        var client = section.Client();
        return url is null ? null : new HttpOptions(url, client) { RefreshInterval = refresh };
    }

    internal override IDiscoverer Open(DiscoveryContext context) => new HttpDiscoverer(this, context);
}
