namespace Pharos.Collector;

/// <summary>
/// The HTTP client settings that every component with a client shares. At most one way of authentication is set
/// (checked when the configuration is decoded).
/// </summary>
public sealed record HttpClientOptions
{
    public static HttpClientOptions Default { get; } = new();

    public BasicAuthOptions? BasicAuth { get; init; }

    public AuthorizationOptions? Authorization { get; init; }

    public OAuth2Options? OAuth2 { get; init; }

    public TlsOptions? Tls { get; init; }

    /// <summary>Null: no proxy, unless <see cref="ProxyFromEnvironment"/>.</summary>
    public Uri? ProxyUrl { get; init; }

    /// <summary>Hosts, domains and addresses that go without the proxy, separated by commas.</summary>
    public string NoProxy { get; init; } = "";

    /// <summary>Takes the proxy from HTTP_PROXY, HTTPS_PROXY and NO_PROXY.</summary>
    public bool ProxyFromEnvironment { get; init; }

    /// <summary>Headers for the proxy, where it is asked for a tunnel to an https server.</summary>
    public IReadOnlyDictionary<string, string> ProxyConnectHeaders { get; init; } = new Dictionary<string, string>();

    /// <summary>Each new connection goes to the next of the host's addresses.</summary>
    public bool RoundRobinDns { get; init; }

    /// <summary>Headers added to each request.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    public bool FollowRedirects { get; init; } = true;

    public bool EnableHttp2 { get; init; } = true;
}

/// <param name="PasswordFile">Read anew for each request; empty where <paramref name="Password"/> is given.</param>
/// <param name="UsernameFile">As <paramref name="PasswordFile"/>, for the name.</param>
public sealed record BasicAuthOptions(string Username, string Password, string PasswordFile, string UsernameFile = "")
{
    /// <summary>Never shows the password.</summary>
    public override string ToString() => $"basic_auth {{ username = {Username} }}";
}

/// <param name="Type">The scheme, <c>Bearer</c> by default.</param>
/// <param name="CredentialsFile">Read anew for each request; empty where <paramref name="Credentials"/> are given.</param>
public sealed record AuthorizationOptions(string Type, string Credentials, string CredentialsFile)
{
    /// <summary>Never shows the credentials.</summary>
    public override string ToString() => $"authorization {{ type = {Type} }}";
}

public sealed record OAuth2Options
{
    public required string ClientId { get; init; }
    public string ClientSecret { get; init; } = "";
    public string ClientSecretFile { get; init; } = "";
    public required Uri TokenUrl { get; init; }
    public IReadOnlyList<string> Scopes { get; init; } = [];
    public IReadOnlyDictionary<string, string> EndpointParams { get; init; } = new Dictionary<string, string>();

    /// <summary>TLS and proxy of the requests for tokens, which take nothing from the section around.</summary>
    public HttpClientOptions Http { get; init; } = HttpClientOptions.Default;

    /// <summary>Never shows the secret.</summary>
    public override string ToString() => $"oauth2 {{ client_id = {ClientId} }}";
}

/// <summary>PEM text or the file that holds it; at most one of each pair is set.</summary>
public sealed record TlsOptions
{
    public string CaPem { get; init; } = "";
    public string CaFile { get; init; } = "";
    public string CertPem { get; init; } = "";
    public string CertFile { get; init; } = "";
    public string KeyPem { get; init; } = "";
    public string KeyFile { get; init; } = "";

    /// <summary>The name to expect in the server's certificate; empty: the host of the URL.</summary>
    public string ServerName { get; init; } = "";

    public bool InsecureSkipVerify { get; init; }

    /// <summary><c>TLS10</c> to <c>TLS13</c>; empty: the platform's default.</summary>
    public string MinVersion { get; init; } = "";

    /// <inheritdoc cref="MinVersion"/>
    public string MaxVersion { get; init; } = "";

    /// <summary>Never shows the key.</summary>
    public override string ToString() => $"tls_config {{ server_name = {ServerName} }}";
}
