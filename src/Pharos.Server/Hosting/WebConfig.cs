using Pharos.Collector.Http;
using Pharos.Core;
using Pharos.Yaml;

namespace Pharos.Server.Hosting;

/// <summary>
/// The file of <c>--web.config.file</c>: TLS, basic authentication and headers of a server. Source of the format: Prometheus's exporter toolkit.
/// </summary>
public sealed record WebConfig
{
    private static readonly string[] HeaderNames =
        ["Content-Security-Policy", "X-Frame-Options", "X-Content-Type-Options", "X-XSS-Protection", "Strict-Transport-Security"];

    /// <summary>Null: plain HTTP.</summary>
    public ServerTls? Tls { get; init; }

    public bool Http2 { get; init; } = true;

    /// <summary>Added to each answer.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>Bcrypt hashes of passwords by user; empty: nobody is asked.</summary>
    public IReadOnlyDictionary<string, string> Users { get; init; } = new Dictionary<string, string>();

    /// <exception cref="ConfigurationException">The file is wrong, or names certificates that cannot be used; every mistake with its place.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static WebConfig Load(string file)
    {
        var root = new YamlReading(File.ReadAllText(file), file).Section("the web configuration");
        var config = new WebConfig { Tls = root.Section("tls_server_config") is { } tls ? ReadTls(tls, Path.GetDirectoryName(Path.GetFullPath(file))!) : null, Users = root.TextMap("basic_auth_users") };
        foreach (var (user, hash) in config.Users)
        {
            if (!IsBcrypt(hash)) root.Error("basic_auth_users", $"the password of {user} is not a bcrypt hash", "make one with: htpasswd -nBC 10 \"\" | tr -d ':'");
        }
        if (root.Section("http_server_config") is { } http)
        {
            config = config with { Http2 = http.Bool("http2", true), Headers = http.TextMap("headers") };
            foreach (string name in config.Headers.Keys.Except(HeaderNames)) http.Error("headers", $"HTTP header \"{name}\" can not be configured", $"these can: {string.Join(", ", HeaderNames)}");
            http.Done();
        }
        root.Done();
        return root.Findings.Count == 0 ? config : throw new ConfigurationException(root.Findings);
    }

    private static ServerTls? ReadTls(YamlSection section, string folder)
    {
        string File(string key) => section.Text(key, "") is { Length: > 0 } path ? Path.GetFullPath(path, folder) : "";
        var options = new ServerTlsOptions
        {
            CertPem = section.Text("cert", ""),
            CertFile = File("cert_file"),
            KeyPem = section.Text("key", ""),
            KeyFile = File("key_file"),
            ClientCaPem = section.Text("client_ca", ""),
            ClientCaFile = File("client_ca_file"),
            ClientAuthType = section.Text("client_auth_type", "") is { Length: > 0 } type ? type : "NoClientCert",
            MinVersion = section.Text("min_version", ""),
            MaxVersion = section.Text("max_version", ""),
        };
        section.Bool("prefer_server_cipher_suites");
        foreach (string key in (string[])["cipher_suites", "curve_preferences", "client_allowed_sans"])
        {
            if (section.Has(key)) section.Error(key, $"{key} is not supported", "take it out; the platform's choice is used");
        }
        section.Done();
        if (!ServerTls.ClientAuthTypes.Contains(options.ClientAuthType)) section.Error("client_auth_type", $"invalid ClientAuth: {options.ClientAuthType}", $"use one of {string.Join(", ", ServerTls.ClientAuthTypes)}");
        foreach (string key in (string[])["min_version", "max_version"])
        {
            if (section.Text(key, "") is not ("" or "TLS12" or "TLS13") and var version) section.Error(key, $"{key} {version} is not supported", "use TLS12 or TLS13");
        }
        if (section.Findings.Count > 0) return null;
        try
        {
            return new ServerTls(options);
        }
        catch (IOException e)
        {
            section.ErrorHere(e.Message);
            return null;
        }
    }

    /// <summary><c>$2a$10$</c>, then 53 characters of salt and hash.</summary>
    private static bool IsBcrypt(string hash) =>
        hash.Length == 60 && hash[..4] is "$2a$" or "$2b$" or "$2y$" && int.TryParse(hash.AsSpan(4, 2), out int cost) && cost is >= 4 and <= 31 && hash[6] == '$';
}
