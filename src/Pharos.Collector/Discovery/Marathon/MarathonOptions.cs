namespace Pharos.Collector.Discovery;

/// <param name="AuthTokenFile">Read anew for each look; empty where <paramref name="AuthToken"/> is given.</param>
internal sealed record MarathonOptions(IReadOnlyList<string> Servers, string AuthToken, string AuthTokenFile, HttpClientOptions Client) : DiscoveryOptions
{
    public override string Mechanism => "marathon";

    public static MarathonOptions Read(IDiscoverySection section)
    {
        var servers = section.Texts("servers");
        if (servers.Count == 0) section.Error("marathon_sd: must contain at least one Marathon server");
        string token = section.Secret("auth_token"), file = section.Path("auth_token_file");
        var client = section.Client();
        if (token.Length > 0 && file.Length > 0) section.Error("auth_token_file", "marathon_sd: at most one of auth_token & auth_token_file must be configured");
        if (token.Length + file.Length > 0)
        {
            if (client.BasicAuth is not null) section.Error("basic_auth", "marathon_sd: at most one of basic_auth, auth_token & auth_token_file must be configured");
            if (section.Has("bearer_token") || section.Has("bearer_token_file")) section.Error("marathon_sd: at most one of bearer_token, bearer_token_file, auth_token & auth_token_file must be configured");
            else if (client.Authorization is not null) section.Error("authorization", "marathon_sd: at most one of auth_token, auth_token_file & authorization must be configured");
        }
        return new MarathonOptions([.. servers.Select(s => s.TrimEnd('/'))], token, file, client) { RefreshInterval = section.Refresh(30) };
    }

    internal override IDiscoverer Open(DiscoveryContext context) => new MarathonDiscoverer(this, context);
}
