using Pharos.Core;
using Pharos.Yaml;

namespace Pharos.Alerting;

/// <summary>How a receiver's HTTP requests are made: <c>http_config</c>.</summary>
public sealed record HttpClientOptions
{
    public static HttpClientOptions Default { get; } = new();

    internal string? BasicUser { get; init; }
    internal SecretSource? BasicUserFile { get; init; }
    internal SecretSource? BasicPassword { get; init; }

    /// <summary>Scheme of the Authorization header.</summary>
    internal string AuthorizationType { get; init; } = "Bearer";
    internal SecretSource? AuthorizationCredentials { get; init; }
    internal OAuth2Options? OAuth2 { get; init; }
    internal TlsOptions Tls { get; init; } = TlsOptions.Default;
    internal string? ProxyUrl { get; init; }
    internal IReadOnlyList<string> NoProxy { get; init; } = [];
    internal bool ProxyFromEnvironment { get; init; }
    internal bool FollowRedirects { get; init; } = true;
    internal bool EnableHttp2 { get; init; } = true;
    internal IReadOnlyList<(string Name, SecretSource Value)> Headers { get; init; } = [];

    internal bool HasAuthorization => AuthorizationCredentials is not null;

    /// <summary>Reads one alone, as clients' own configuration files hold it.</summary>
    /// <exception cref="ConfigurationException">With every finding.</exception>
    public static HttpClientOptions Load(string text, string fileName)
    {
        var reading = new YamlReading(text, fileName);
        var options = reading.HasErrors ? Default : Read(reading.Section("the HTTP client configuration"));
        return reading.HasErrors ? throw new ConfigurationException(reading.Findings) : options;
    }

    internal static HttpClientOptions Read(YamlSection s)
    {
        var options = Default;
        int ways = 0;
        if (s.Section("basic_auth") is { } basic)
        {
            ways++;
            string? user = basic.TextOrNull("username");
            string? userFile = basic.FileOrNull("username_file");
            if (!string.IsNullOrEmpty(user) && !string.IsNullOrEmpty(userFile)) basic.ErrorHere("at most one of basic_auth username & username_file must be configured");
            options = options with
            {
                BasicUser = user ?? "",
                BasicUserFile = string.IsNullOrEmpty(userFile) ? null : new SecretSource(null, userFile),
                BasicPassword = basic.Secret("password"),
            };
            basic.Done();
        }
        if (s.Section("authorization") is { } authorization)
        {
            ways++;
            string type = authorization.Text("type", "Bearer").Trim();
            if (type.Equals("basic", StringComparison.OrdinalIgnoreCase))
                authorization.Error("type", "authorization type cannot be set to \"basic\"", "use \"basic_auth\" instead");
            options = options with { AuthorizationType = type.Length == 0 ? "Bearer" : type, AuthorizationCredentials = authorization.Secret("credentials") };
            authorization.Done();
        }
        if (s.Secret("bearer_token") is { } bearer)
        {
            ways++;
            options = options with { AuthorizationCredentials = bearer };
        }
        if (s.Section("oauth2") is { } oauth2)
        {
            ways++;
            options = options with { OAuth2 = OAuth2Options.Read(oauth2) };
        }
        if (ways > 1) s.ErrorHere("at most one of basic_auth, oauth2, bearer_token & authorization must be configured");
        if (s.Section("tls_config") is { } tls) options = options with { Tls = TlsOptions.Read(tls) };
        options = ReadProxy(s, options);
        options = options with
        {
            FollowRedirects = s.Bool("follow_redirects", true),
            EnableHttp2 = s.Bool("enable_http2", true),
            Headers = ReadHeaders(s),
        };
        s.Done();
        return options;
    }

    private static HttpClientOptions ReadProxy(YamlSection s, HttpClientOptions options)
    {
        string? proxy = s.UrlOrNull("proxy_url");
        string noProxy = s.Text("no_proxy");
        bool fromEnvironment = s.Bool("proxy_from_environment", false);
        if (fromEnvironment && proxy is not null) s.Error("proxy_url", "if proxy_from_environment is enabled, proxy_url must not be configured");
        if (fromEnvironment && noProxy.Length > 0) s.Error("no_proxy", "if proxy_from_environment is enabled, no_proxy must not be configured");
        if (proxy is null && noProxy.Length > 0) s.Error("no_proxy", "if no_proxy is configured, proxy_url must also be configured");
        if (s.Has("proxy_connect_header")) s.Error("proxy_connect_header", "proxy_connect_header is not supported", "let the proxy accept connections without extra headers");
        return options with
        {
            ProxyUrl = proxy,
            NoProxy = noProxy.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
            ProxyFromEnvironment = fromEnvironment,
        };
    }

    private static List<(string, SecretSource)> ReadHeaders(YamlSection s)
    {
        var headers = new List<(string, SecretSource)>();
        if (s.Section("http_headers") is not { } section) return headers;
        foreach (string name in section.Keys)
        {
            if (section.Section(name) is not { } header) continue;
            foreach (string value in header.Texts("values")) headers.Add((name, new SecretSource(value, null)));
            foreach (string value in header.Secrets("secrets")) headers.Add((name, new SecretSource(value, null)));
            foreach (var (file, node) in header.TextNodes("files"))
            {
                if (!s.Reading.FilesAllowed) s.Reading.Error(node, "files cannot be used in a tenant's configuration");
                headers.Add((name, new SecretSource(null, file)));
            }
            header.Done();
        }
        section.Done();
        return headers;
    }
}

/// <summary>Client credentials for tokens of OAuth 2.0.</summary>
internal sealed record OAuth2Options(
    string ClientId, SecretSource? ClientSecret, string TokenUrl, IReadOnlyList<string> Scopes,
    IReadOnlyDictionary<string, string> EndpointParams, TlsOptions Tls)
{
    public static OAuth2Options Read(YamlSection s)
    {
        string clientId = s.Text("client_id");
        if (clientId.Length == 0) s.ErrorHere("oauth2 client_id must be configured");
        var secret = s.Secret("client_secret");
        string? url = s.UrlOrNull("token_url");
        if (url is null) s.ErrorHere("oauth2 token_url must be configured");
        var scopes = s.Texts("scopes");
        var parameters = s.TextMap("endpoint_params");
        var tls = s.Section("tls_config") is { } section ? TlsOptions.Read(section) : TlsOptions.Default;
        s.Done();
        return new OAuth2Options(clientId, secret, url ?? "", scopes, parameters, tls);
    }
}

/// <summary>How TLS connections are made: <c>tls_config</c>.</summary>
internal sealed record TlsOptions
{
    public static TlsOptions Default { get; } = new();

    public SecretSource? Ca { get; init; }
    public SecretSource? Certificate { get; init; }
    public SecretSource? Key { get; init; }
    public string? ServerName { get; init; }
    public bool InsecureSkipVerify { get; init; }

    /// <summary>TLS10 to TLS13, or null.</summary>
    public string? VersionMin { get; init; }
    public string? VersionMax { get; init; }

    public static TlsOptions Read(YamlSection s)
    {
        var options = new TlsOptions
        {
            Ca = s.Secret("ca"),
            Certificate = s.Secret("cert"),
            Key = s.Secret("key"),
            ServerName = s.TextOrNull("server_name"),
            InsecureSkipVerify = s.Bool("insecure_skip_verify", false),
            VersionMin = Version(s, "min_version"),
            VersionMax = Version(s, "max_version"),
        };
        if ((options.Certificate is null) != (options.Key is null)) s.ErrorHere("exactly one of key or cert is configured; a client certificate needs both");
        s.Done();
        return options;
    }

    private static string? Version(YamlSection s, string key)
    {
        string? version = s.TextOrNull(key);
        if (version is null or "TLS10" or "TLS11" or "TLS12" or "TLS13") return version;
        s.Error(key, $"unknown TLS version: {version}", "use TLS10, TLS11, TLS12 or TLS13");
        return null;
    }
}
