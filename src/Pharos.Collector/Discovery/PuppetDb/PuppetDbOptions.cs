namespace Pharos.Collector.Discovery;

/// <param name="IncludeParameters">The resources' parameters become labels.</param>
internal sealed record PuppetDbOptions(Uri Url, string Query, bool IncludeParameters, int Port, HttpClientOptions Client) : DiscoveryOptions
{
    public override string Mechanism => "puppetdb";

    public static PuppetDbOptions? Read(IDiscoverySection section)
    {
        var url = section.Url("url");
        var options = new PuppetDbOptions(url ?? new Uri("http://localhost/"), section.Must("query", "query missing"), section.Flag("include_parameters"), section.Port(), section.Client())
        {
            RefreshInterval = section.Refresh(),
        };
        return url is null ? null : options;
    }

    internal override IDiscoverer Open(DiscoveryContext context) => new PuppetDbDiscoverer(this, context);
}
