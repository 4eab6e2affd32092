namespace Pharos.Collector.Discovery;

/// <param name="Server">Scheme, host, port and the prefix of paths.</param>
/// <param name="Services">Only these; empty: all.</param>
/// <param name="Tags">Only services that have all of them.</param>
/// <param name="Filter">Consul's expression on the catalogue; empty: none.</param>
/// <param name="HealthFilter">Consul's expression on the instances of a service; empty: none.</param>
internal sealed record ConsulOptions(
    string Server, string Token, string Datacenter, string Namespace, string Partition, IReadOnlyList<string> Services, IReadOnlyList<string> Tags, IReadOnlyDictionary<string, string> NodeMeta,
    string Filter, string HealthFilter, string TagSeparator, bool AllowStale, HttpClientOptions Client) : DiscoveryOptions
{
    public override string Mechanism => "consul";

    /// <summary>Changes of many services at once are handed on together.</summary>
    internal override TimeSpan Wait => TimeSpan.FromSeconds(1);

    public static ConsulOptions Read(IDiscoverySection section)
    {
        string server = section.Text("server", "localhost:8500").Trim();
        if (server.Length == 0) section.Error("server", "consul SD configuration requires a server address");
        string username = section.Text("username"), password = section.Secret("password");
        string token = section.Secret("token");
        var client = section.Client();
        if (username.Length + password.Length > 0)
        {
            if (client.BasicAuth is not null) section.Error("basic_auth", "at most one of consul SD configuration username and password and basic auth can be configured");
            client = client with { BasicAuth = new BasicAuthOptions(username, password, "") };
        }
        if (token.Length > 0 && (client.Authorization is not null || client.OAuth2 is not null)) section.Error("token", "at most one of consul SD token, authorization, or oauth2 can be configured");
        string scheme = section.OneOf("scheme", "http", "consul scheme must be http or https", "http", "https");
        return new ConsulOptions(
            $"{scheme}://{server}{section.Text("path_prefix").TrimEnd('/')}", token, section.Text("datacenter"), section.Text("namespace"), section.Text("partition"), section.Texts("services"),
            section.Texts("tags"), section.TextMap("node_meta"), section.Text("filter"), section.Text("health_filter"), section.Text("tag_separator", ","), section.Flag("allow_stale", true), client)
        {
            RefreshInterval = section.Refresh(30),
        };
    }

    internal override IDiscoverer Open(DiscoveryContext context) => new ConsulDiscoverer(this, context);
}
