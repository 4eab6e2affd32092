namespace Pharos.Collector.Discovery;

/// <param name="Kind">nerve or serverset: what the data of a node means.</param>
/// <param name="Servers">host or host:port; asked in turn until one answers.</param>
/// <param name="Paths">Each a service, or the root of a tree of them.</param>
internal sealed record ZooKeeperOptions(string Kind, IReadOnlyList<string> Servers, IReadOnlyList<string> Paths, TimeSpan Timeout) : DiscoveryOptions
{
    public override string Mechanism => Kind;

    /// <summary>Changes come in bursts; they are handed on together.</summary>
    internal override TimeSpan Wait => TimeSpan.FromSeconds(1);

    public static ZooKeeperOptions ReadNerve(IDiscoverySection section) => Read(section, "nerve");

    public static ZooKeeperOptions ReadServerset(IDiscoverySection section) => Read(section, "serverset");

    private static ZooKeeperOptions Read(IDiscoverySection section, string kind)
    {
        var servers = section.Texts("servers");
        var paths = section.Texts("paths");
        if (servers.Count == 0) section.Error($"{kind} SD config must contain at least one Zookeeper server");
        if (paths.Count == 0) section.Error($"{kind} SD config must contain at least one path");
        foreach (string path in paths.Where(p => !p.StartsWith('/'))) section.Error("paths", $"{kind} SD config paths must begin with '/': {path}");
        var timeout = section.Duration("timeout", TimeSpan.FromSeconds(10));
        return new ZooKeeperOptions(kind, servers, paths, timeout) { RefreshInterval = timeout };
    }

    internal override IDiscoverer Open(DiscoveryContext context) => new ZooKeeperDiscoverer(this, context);
}
