using Pharos.Collector;
using Pharos.Yaml;

namespace Pharos.Server.LocalPrometheus;

/// <summary>The HTTP client settings that stand inside many sections of prometheus.yml.</summary>
internal static class HttpClientReader
{
    private static readonly string[] ReservedHeaders =
    [
        "authorization", "host", "content-encoding", "content-length", "content-type", "user-agent", "connection", "keep-alive", "proxy-authenticate",
        "proxy-authorization", "www-authenticate", "accept-encoding", "x-prometheus-remote-write-version", "x-prometheus-remote-read-version",
        "x-prometheus-scrape-timeout-seconds", "accept",
    ];

    public static HttpClientOptions Read(YamlSection section, string folder)
    {
        var basic = section.Section("basic_auth");
        var authorization = section.Section("authorization");
        var oauth2 = section.Section("oauth2");
        string? bearer = section.SecretOrNull("bearer_token");
        string? bearerFile = section.TextOrNull("bearer_token_file");
        if (bearer is not null && bearerFile is not null) section.Error("bearer_token_file", "at most one of bearer_token & bearer_token_file must be configured");
        int ways = (basic is null ? 0 : 1) + (authorization is null ? 0 : 1) + (oauth2 is null ? 0 : 1) + (bearer is null && bearerFile is null ? 0 : 1);
        if (ways > 1) section.ErrorHere("at most one of basic_auth, authorization, oauth2, bearer_token and bearer_token_file must be configured");

        var options = Proxy(section) with
        {
            FollowRedirects = section.Bool("follow_redirects", true),
            EnableHttp2 = section.Bool("enable_http2", true),
            Headers = Headers(section, folder),
            Tls = Tls(section.Section("tls_config"), folder),
        };

        if (basic is not null)
        {
            string username = basic.Text("username", ""), usernameFile = basic.Text("username_file", "");
            string password = basic.SecretOrNull("password") ?? "", passwordFile = basic.Text("password_file", "");
            if (username.Length > 0 && usernameFile.Length > 0) basic.ErrorHere("at most one of basic_auth username & username_file must be configured");
            if (password.Length > 0 && passwordFile.Length > 0) basic.ErrorHere("at most one of basic_auth password & password_file must be configured");
            basic.Done();
            options = options with { BasicAuth = new BasicAuthOptions(username, password, Resolve(passwordFile, folder), Resolve(usernameFile, folder)) };
        }
        if (authorization is not null)
        {
            string type = authorization.Text("type", "Bearer").Trim();
            string credentials = authorization.SecretOrNull("credentials") ?? "", file = authorization.Text("credentials_file", "");
            if (credentials.Length > 0 && file.Length > 0) authorization.ErrorHere("at most one of authorization credentials & credentials_file must be configured");
            if (type.Equals("basic", StringComparison.OrdinalIgnoreCase)) authorization.Error("type", "authorization type cannot be set to \"basic\", use \"basic_auth\" instead");
            authorization.Done();
            options = options with { Authorization = new AuthorizationOptions(type, credentials, Resolve(file, folder)) };
        }
        if (bearer is not null || bearerFile is not null)
            options = options with { Authorization = new AuthorizationOptions("Bearer", bearer ?? "", Resolve(bearerFile ?? "", folder)) };
        if (oauth2 is not null) options = options with { OAuth2 = OAuth2(oauth2, folder) };
        return options;
    }

    /// <summary>Headers of a section that the protocol itself sets are mistakes.</summary>
    public static void CheckHeaders(YamlSection section, IEnumerable<string> names, string authorization)
    {
        foreach (string name in names)
        {
            string lower = name.ToLowerInvariant();
            if (lower == "authorization") section.Error("headers", authorization);
            else if (lower is not ("x-prometheus-scrape-timeout-seconds" or "accept") && ReservedHeaders.Contains(lower)) section.Error("headers", $"{lower} is a reserved header. It must not be changed");
        }
    }

    public static string Resolve(string path, string folder) => path.Length == 0 ? "" : Path.GetFullPath(path, folder);

    public static Uri? Url(YamlSection section, string key)
    {
        string? text = section.TextOrNull(key);
        if (string.IsNullOrEmpty(text)) return null;
        // It may hold a password.
        if (text.Contains('@', StringComparison.Ordinal)) section.SecretOrNull(key);
        if (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.Host.Length > 0) return url;
        section.Error(key, $"{key} \"{text}\" is not an http or https URL with a host");
        return null;
    }

    public static OAuth2Options? OAuth2(YamlSection section, string folder)
    {
        string client = section.Text("client_id", "");
        var token = Url(section, "token_url");
        if (client.Length == 0) section.ErrorHere("oauth2 client_id must be configured");
        if (token is null && section.TextOrNull("token_url") is null) section.ErrorHere("oauth2 token_url must be configured");
        string secret = section.SecretOrNull("client_secret") ?? "", secretFile = section.Text("client_secret_file", "");
        if (secret.Length > 0 && secretFile.Length > 0) section.ErrorHere("at most one of oauth2 client_secret & client_secret_file must be configured");
        var scopes = section.Texts("scopes");
        var parameters = section.TextMap("endpoint_params");
        var http = Proxy(section) with { Tls = Tls(section.Section("tls_config"), folder) };
        section.Done();
        return token is null ? null : new OAuth2Options
        {
            ClientId = client,
            ClientSecret = secret,
            ClientSecretFile = Resolve(secretFile, folder),
            TokenUrl = token,
            Scopes = scopes,
            EndpointParams = parameters,
            Http = http,
        };
    }

    private static HttpClientOptions Proxy(YamlSection section)
    {
        var connect = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        if (section.Section("proxy_connect_header") is { } headers)
        {
            foreach (string name in headers.Keys.ToList()) connect[name] = string.Join(", ", headers.Secrets(name));
        }
        var options = HttpClientOptions.Default with
        {
            NoProxy = section.Text("no_proxy", ""),
            ProxyFromEnvironment = section.Bool("proxy_from_environment", false),
            ProxyUrl = Url(section, "proxy_url"),
            ProxyConnectHeaders = connect,
        };
        if (options.ProxyFromEnvironment && (options.ProxyUrl is not null || options.NoProxy.Length > 0))
            section.Error("proxy_from_environment", "if proxy_from_environment is configured, proxy_url and no_proxy must not be");
        if (options.NoProxy.Length > 0 && options.ProxyUrl is null && !options.ProxyFromEnvironment) section.Error("no_proxy", "if no_proxy is configured, proxy_url must also be configured");
        if (connect.Count > 0 && options.ProxyUrl is null && !options.ProxyFromEnvironment) section.Error("proxy_connect_header", "if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be configured");
        return options;
    }

    public static TlsOptions? Tls(YamlSection? section, string folder)
    {
        if (section is null) return null;
        var tls = new TlsOptions
        {
            CaPem = section.Text("ca", ""),
            CaFile = Resolve(section.Text("ca_file", ""), folder),
            CertPem = section.Text("cert", ""),
            CertFile = Resolve(section.Text("cert_file", ""), folder),
            KeyPem = section.SecretOrNull("key") ?? "",
            KeyFile = Resolve(section.Text("key_file", ""), folder),
            ServerName = section.Text("server_name", ""),
            InsecureSkipVerify = section.Bool("insecure_skip_verify", false),
            MinVersion = section.Text("min_version", ""),
            MaxVersion = section.Text("max_version", ""),
        };
        if (tls.CaPem.Length > 0 && tls.CaFile.Length > 0) section.ErrorHere("at most one of ca and ca_file must be configured");
        if (tls.CertPem.Length > 0 && tls.CertFile.Length > 0) section.ErrorHere("at most one of cert and cert_file must be configured");
        if (tls.KeyPem.Length > 0 && tls.KeyFile.Length > 0) section.ErrorHere("at most one of key and key_file must be configured");
        bool cert = tls.CertPem.Length + tls.CertFile.Length > 0, key = tls.KeyPem.Length + tls.KeyFile.Length > 0;
        if (cert != key) section.ErrorHere(cert ? "exactly one of key or key_file must be configured when a client certificate is configured" : "exactly one of cert or cert_file must be configured when a client key is configured");
        foreach (var (bound, version) in new[] { ("min_version", tls.MinVersion), ("max_version", tls.MaxVersion) })
        {
            if (version is not ("" or "TLS10" or "TLS11" or "TLS12" or "TLS13")) section.Error(bound, $"unknown TLS version {version}");
        }
        if (tls.MaxVersion is "TLS10" or "TLS11") section.Error("max_version", $"{tls.MaxVersion} is off on current systems", "write TLS12 or TLS13");
        else if (tls.MaxVersion.Length > 0 && string.CompareOrdinal(tls.MinVersion, tls.MaxVersion) > 0) section.Error("max_version", "tls_config max_version must be greater than or equal to min_version if both are specified");
        section.Done();
        return tls;
    }

    private static Dictionary<string, string> Headers(YamlSection section, string folder)
    {
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var all = section.Section("http_headers");
        if (all is null) return headers;
        foreach (string name in all.Keys.ToList())
        {
            if (ReservedHeaders.Contains(name.ToLowerInvariant())) all.Error(name, $"setting header \"{name}\" is not allowed");
            var header = all.Section(name);
            if (header is null) continue;
            var values = header.Texts("values").Concat(header.Secrets("secrets")).ToList();
            foreach (string file in header.Texts("files"))
            {
                string path = Resolve(file, folder);
                if (System.IO.File.Exists(path)) values.Add(System.IO.File.ReadAllText(path).Trim());
            }
            header.Done();
            headers[name] = string.Join(", ", values);
        }
        return headers;
    }
}
