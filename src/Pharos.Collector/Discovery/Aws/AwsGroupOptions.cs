namespace Pharos.Collector.Discovery;

/// <summary>A discovery at AWS that looks through clusters.</summary>
/// <param name="Service">ecs, elasticache, msk or rds.</param>
/// <param name="Clusters">Only these, by ARN (ECS also by name); empty: all.</param>
/// <param name="RequestConcurrency">Requests at once.</param>
/// <param name="Filters">RDS's own: values by name.</param>
internal sealed record AwsGroupOptions(
    string Service, AwsAccess Access, IReadOnlyList<string> Clusters, int Port, int RequestConcurrency, IReadOnlyDictionary<string, IReadOnlyList<string>> Filters, HttpClientOptions Client) : DiscoveryOptions
{
    public override string Mechanism => Service;

    public static AwsGroupOptions ReadEcs(IDiscoverySection section) => Read(section, "ecs", 20);

    public static AwsGroupOptions ReadElastiCache(IDiscoverySection section) => Read(section, "elasticache", 10);

    public static AwsGroupOptions ReadMsk(IDiscoverySection section) => Read(section, "msk", 10);

    public static AwsGroupOptions ReadRds(IDiscoverySection section) => Read(section, "rds", 10);

    internal override IDiscoverer Open(DiscoveryContext context)
    {
        var aws = new AwsClient(Service == "msk" ? "kafka" : Service, Access, Client, RefreshInterval, context);
        return Service switch
        {
            "ecs" => new EcsDiscoverer(this, aws),
            "elasticache" => new ElastiCacheDiscoverer(this, aws),
            "msk" => new MskDiscoverer(this, aws),
            _ => new RdsDiscoverer(this, aws),
        };
    }

    /// <summary>Does something with each item, not too much at once. Results in the order of the items.</summary>
    public async Task<IReadOnlyList<TResult>> EachAsync<TItem, TResult>(IEnumerable<TItem> items, Func<TItem, Task<TResult>> work, CancellationToken cancel)
    {
        using var room = new SemaphoreSlim(RequestConcurrency);
        return await Task.WhenAll(items.Select(async item =>
        {
            await room.WaitAsync(cancel);
            try
            {
                return await work(item);
            }
            finally
            {
                room.Release();
            }
        }).ToList());
    }

    private static AwsGroupOptions Read(IDiscoverySection section, string service, int concurrency)
    {
        int atOnce = section.Number("request_concurrency", concurrency);
        if (atOnce == 0) section.Error("request_concurrency", $"{service}_sd: request_concurrency must be positive, got 0");
        return new AwsGroupOptions(
            service, AwsAccess.Read(section), section.Texts("clusters"), section.Port(), Math.Max(1, atOnce),
            service == "rds" ? section.Filters() : new Dictionary<string, IReadOnlyList<string>>(), section.Client()) { RefreshInterval = section.Refresh() };
    }
}
