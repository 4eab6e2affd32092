using Pharos.Collector.Evaluation;
using Pharos.Collector.Http;
using static Pharos.Collector.Runtime.ArgumentType;
using static Pharos.Collector.Runtime.Schema;

namespace Pharos.Collector.Runtime;

/// <summary>The HTTP client arguments that many components share.</summary>
internal static class HttpArguments
{
    public static IReadOnlyList<object> BasicAuth { get; } = [May("username", Text), May("password", Secret), May("password_file", Text)];

    public static IReadOnlyList<object> Tls { get; } =
    [
        May("ca_pem", Text), May("ca_file", Text), May("cert_pem", Text), May("cert_file", Text), May("key_pem", Secret), May("key_file", Text),
        May("server_name", Text), May("insecure_skip_verify", false, ""),
        OneOf("min_version", "", "", "TLS10", "TLS11", "TLS12", "TLS13"),
    ];

    public static IReadOnlyList<object> ServerTls { get; } =
    [
        May("cert_pem", Text), May("cert_file", Text), May("key_pem", Secret), May("key_file", Text),
        May("client_ca_pem", Text), May("client_ca_file", Text),
        OneOf("client_auth_type", "NoClientCert", [.. Http.ServerTls.ClientAuthTypes]),
        Refuse("cipher_suites", "the platform's choice is used"), Refuse("curve_preferences", "the platform's choice is used"),
        OneOf("min_version", "", "", "TLS12", "TLS13"), OneOf("max_version", "", "", "TLS12", "TLS13"),
        RefuseBlock("windows_certificate_filter", "use certificate files"),
    ];

    private static IReadOnlyList<object> Proxy { get; } =
    [
        May("proxy_url", Text), May("no_proxy", Text), May("proxy_from_environment", false, ""),
        May("proxy_connect_header", new ArgumentType(ArgumentKind.Map, new ArgumentType(ArgumentKind.List, Secret))),
    ];

    public static IReadOnlyList<object> Client { get; } =
    [
        May("bearer_token", Secret), May("bearer_token_file", Text),
        One("basic_auth", BasicAuth),
        One("authorization", May("type", Text, "Bearer", ""), May("credentials", Secret), May("credentials_file", Text)),
        One("oauth2",
            May("client_id", Text), May("client_secret", Secret), May("client_secret_file", Text), May("scopes", Texts), May("token_url", Text),
            May("endpoint_params", TextMap),
            One("tls_config", Tls),
            Proxy),
        One("tls_config", Tls),
        .. Proxy,
        May("http_headers", new ArgumentType(ArgumentKind.Map, new ArgumentType(ArgumentKind.List, Secret))),
        May("follow_redirects", true, ""), May("enable_http2", true, ""),
    ];

    /// <summary>Reads the client arguments of a body that takes them.</summary>
    /// <exception cref="EvaluationException">More than one way of authentication, or settings that exclude each other.</exception>
    public static HttpClientOptions Read(Arguments arguments, IReadOnlyDictionary<string, string>? headers = null)
    {
        var basic = arguments.Block("basic_auth");
        var authorization = arguments.Block("authorization");
        var oauth = arguments.Block("oauth2");
        var ways = new[]
        {
            (arguments.TextOrNull("bearer_token") is not null, "bearer_token"),
            (arguments.TextOrNull("bearer_token_file") is not null, "bearer_token_file"),
            (basic is not null, "basic_auth"),
            (authorization is not null, "authorization"),
            (oauth is not null, "oauth2"),
        }.Where(w => w.Item1).Select(w => w.Item2).ToList();
        if (ways.Count > 1) throw arguments.Wrong($"at most one of basic_auth, authorization, oauth2, bearer_token and bearer_token_file may be given, not {string.Join(" and ", ways)}");
        AuthorizationOptions? bearer = null;
        if (arguments.TextOrNull("bearer_token") is { } token) bearer = new AuthorizationOptions("Bearer", token, "");
        if (arguments.TextOrNull("bearer_token_file") is { } tokenFile) bearer = new AuthorizationOptions("Bearer", "", tokenFile);
        if (authorization is not null)
        {
            AtMostOne(authorization, "credentials", "credentials_file");
            bearer = new AuthorizationOptions(authorization.Text("type"), authorization.Text("credentials"), authorization.Text("credentials_file"));
        }
        if (basic is not null) AtMostOne(basic, "password", "password_file");
        var all = new Dictionary<string, string>(headers ?? new Dictionary<string, string>(), StringComparer.OrdinalIgnoreCase);
        foreach (var (name, value) in Lists(arguments, "http_headers")) all[name] = value;
        return ReadProxy(arguments, HttpClientOptions.Default) with
        {
            BasicAuth = basic is null ? null : new BasicAuthOptions(basic.Text("username"), basic.Text("password"), basic.Text("password_file")),
            Authorization = bearer,
            OAuth2 = oauth is null ? null : ReadOAuth2(oauth),
            Tls = arguments.Block("tls_config") is { } tls ? ReadTls(tls) : null,
            Headers = all,
            FollowRedirects = arguments.Flag("follow_redirects"),
            EnableHttp2 = arguments.Flag("enable_http2"),
        };
    }

    /// <summary>The <c>tls</c> block of the collector's own server, with its certificates read; null where there is none.</summary>
    /// <exception cref="EvaluationException">A certificate cannot be read.</exception>
    public static ServerTls? ReadServerTls(Arguments http)
    {
        if (http.Block("tls") is not { } tls) return null;
        AtMostOne(tls, "cert_pem", "cert_file");
        AtMostOne(tls, "key_pem", "key_file");
        AtMostOne(tls, "client_ca_pem", "client_ca_file");
        try
        {
            return new ServerTls(new ServerTlsOptions
            {
                CertPem = tls.Text("cert_pem"),
                CertFile = tls.Text("cert_file"),
                KeyPem = tls.Text("key_pem"),
                KeyFile = tls.Text("key_file"),
                ClientCaPem = tls.Text("client_ca_pem"),
                ClientCaFile = tls.Text("client_ca_file"),
                ClientAuthType = tls.Text("client_auth_type"),
                MinVersion = tls.Text("min_version"),
                MaxVersion = tls.Text("max_version"),
            });
        }
        catch (IOException failure)
        {
            throw tls.Wrong(failure.Message);
        }
    }

    private static OAuth2Options ReadOAuth2(Arguments oauth)
    {
        AtMostOne(oauth, "client_secret", "client_secret_file");
        return new OAuth2Options
        {
            ClientId = oauth.TextOrNull("client_id") ?? throw oauth.Wrong("client_id", "oauth2 needs client_id"),
            ClientSecret = oauth.Text("client_secret"),
            ClientSecretFile = oauth.Text("client_secret_file"),
            TokenUrl = oauth.Url("token_url"),
            Scopes = oauth.Texts("scopes"),
            EndpointParams = oauth.TextMap("endpoint_params"),
            Http = ReadProxy(oauth, HttpClientOptions.Default with { Tls = oauth.Block("tls_config") is { } tls ? ReadTls(tls) : null }),
        };
    }

    private static HttpClientOptions ReadProxy(Arguments arguments, HttpClientOptions options)
    {
        Uri? proxy = arguments.TextOrNull("proxy_url") is not null ? arguments.Url("proxy_url") : null;
        if (proxy is not null && arguments.Flag("proxy_from_environment")) throw arguments.Wrong("proxy_url", "proxy_url and proxy_from_environment exclude each other");
        if (arguments.TextOrNull("no_proxy") is not null && proxy is null) throw arguments.Wrong("no_proxy", "no_proxy needs proxy_url");
        return options with
        {
            ProxyUrl = proxy,
            NoProxy = arguments.Text("no_proxy"),
            ProxyFromEnvironment = arguments.Flag("proxy_from_environment"),
            ProxyConnectHeaders = Lists(arguments, "proxy_connect_header"),
        };
    }

    /// <summary>A map of lists, as header fields.</summary>
    private static Dictionary<string, string> Lists(Arguments arguments, string name) => arguments.Raw(name) is ObjectValue given
        ? given.Fields.ToDictionary(f => f.Key, f => string.Join(", ", ((ArrayValue)f.Value).Items.Select(v => v is SecretValue s ? s.Text : v is StringValue t ? t.Text : v.ToString())), StringComparer.OrdinalIgnoreCase)
        : [];

    public static TlsOptions ReadTls(Arguments tls)
    {
        AtMostOne(tls, "ca_pem", "ca_file");
        AtMostOne(tls, "cert_pem", "cert_file");
        AtMostOne(tls, "key_pem", "key_file");
        return new TlsOptions
        {
            CaPem = tls.Text("ca_pem"),
            CaFile = tls.Text("ca_file"),
            CertPem = tls.Text("cert_pem"),
            CertFile = tls.Text("cert_file"),
            KeyPem = tls.Text("key_pem"),
            KeyFile = tls.Text("key_file"),
            ServerName = tls.Text("server_name"),
            InsecureSkipVerify = tls.Flag("insecure_skip_verify"),
            MinVersion = tls.Text("min_version"),
        };
    }

    private static void AtMostOne(Arguments arguments, string first, string second)
    {
        if (arguments.TextOrNull(first) is not null && arguments.TextOrNull(second) is not null)
            throw arguments.Wrong(second, $"at most one of {first} and {second} may be given");
    }
}
