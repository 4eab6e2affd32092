using Pharos.Collector;
using Pharos.Server.LocalPrometheus;
using Pharos.Yaml;

namespace Pharos.Server.Configuration.Ruler;

/// <summary>Reads where alerts of rules go. Source of names: Loki's and Mimir's rulers.</summary>
internal static class RulerAlertingReader
{
    /// <summary>What a lookup by DNS is asked for with, in Mimir; the host is then a name in DNS.</summary>
    private static readonly (string Prefix, string RecordType)[] Lookups = [("dnssrvnoa+", "SRV"), ("dnssrv+", "SRV"), ("dns+", "A")];

    /// <summary>The keys about Alertmanagers, of <c>ruler</c> or of a tenant.</summary>
    public static RulerAlerting Read(YamlSection section, string folder)
    {
        var read = new RulerAlerting
        {
            Addresses = Addresses(section, section.Bool("enable_alertmanager_discovery")),
            RelabelRules = PrometheusConfigReader.ReadRelabelRules(section, "alert_relabel_configs", folder),
            QueueCapacity = section.Count("notification_queue_capacity", RulerAlerting.Off.QueueCapacity, 1),
            Timeout = section.Duration("notification_timeout", RulerAlerting.Off.Timeout),
            RefreshInterval = section.Duration("alertmanager_refresh_interval", RulerAlerting.Off.RefreshInterval),
            Http = section.Section("alertmanager_client") is { } client ? Client(client, folder, nested: true) : HttpClientOptions.Default,
        };
        if (!section.Bool("enable_alertmanager_v2", true)) section.Error("enable_alertmanager_v2", "alerts are sent by Alertmanager's API v2; the older one is gone", "take it out");
        if (read.Timeout <= TimeSpan.Zero) section.Error("notification_timeout", "notification_timeout must be above zero", "write for example 10s");
        if (read.RefreshInterval <= TimeSpan.Zero) section.Error("alertmanager_refresh_interval", "alertmanager_refresh_interval must be above zero", "write for example 1m");
        if (read.Sends) return read;
        foreach (string key in (string[])["enable_alertmanager_discovery", "notification_queue_capacity", "notification_timeout", "alertmanager_refresh_interval", "alertmanager_client"])
        {
            if (section.Has(key)) section.Warn(key, $"{key} has no effect without alertmanager_url: alerts go to the router in this process");
        }
        return read;
    }

    /// <summary>A tenant's client, which takes the place of the server's; its address only where it has one.</summary>
    public static RulerAlerting ReadClient(YamlSection section, string folder, RulerAlerting over)
    {
        var addresses = Addresses(section, srv: false);
        return over with { Addresses = addresses.Count > 0 ? addresses : over.Addresses, Http = Client(section, folder, nested: false) };
    }

    private static List<AlertmanagerAddress> Addresses(YamlSection section, bool srv)
    {
        var addresses = new List<AlertmanagerAddress>();
        string all = section.Text("alertmanager_url");
        // It may hold a password.
        if (all.Contains('@', StringComparison.Ordinal)) section.SecretOrNull("alertmanager_url");
        foreach (string text in all.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var (prefix, type) = Lookups.FirstOrDefault(l => text.StartsWith(l.Prefix, StringComparison.Ordinal));
            if (srv && prefix is null) type = "SRV";
            if (!Uri.TryCreate(text[(prefix?.Length ?? 0)..], UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https") || url.Host.Length == 0)
                section.Error("alertmanager_url", "an address is not an http or https URL with a host", "write for example http://alertmanager:9093, several with commas between them");
            else if (addresses.Any(a => a.Url == url))
                section.Error("alertmanager_url", "an address stands here twice", "take one out");
            else if (type == "SRV" && !url.Host.StartsWith('_'))
                section.Error("alertmanager_url", $"the host \"{url.Host}\" is to be looked up as an SRV record, and is no name of one", "write it as _port._tcp.service.domain");
            else addresses.Add(new AlertmanagerAddress(url, type));
        }
        return addresses;
    }

    private static HttpClientOptions Client(YamlSection section, string folder, bool nested)
    {
        string user = section.Text("basic_auth_username"), password = section.SecretOrNull("basic_auth_password") ?? "";
        string type = section.Text("type", "Bearer"), credentials = section.SecretOrNull("credentials") ?? "", file = section.Text("credentials_file");
        var oauth2 = section.Section("oauth2") is { } oauth ? HttpClientReader.OAuth2(oauth, folder) : null;
        if (credentials.Length > 0 && file.Length > 0) section.Error("credentials_file", "at most one of credentials and credentials_file must be configured");
        bool basic = user.Length + password.Length > 0, header = credentials.Length + file.Length > 0;
        if ((basic ? 1 : 0) + (header ? 1 : 0) + (oauth2 is null ? 0 : 1) > 1) section.ErrorHere("at most one of basic_auth_username, credentials and oauth2 must be configured");
        var options = HttpClientOptions.Default with
        {
            ProxyUrl = HttpClientReader.Url(section, "proxy_url"),
            BasicAuth = basic ? new BasicAuthOptions(user, password, "") : null,
            Authorization = header ? new AuthorizationOptions(type, credentials, HttpClientReader.Resolve(file, folder)) : null,
            OAuth2 = oauth2,
            Tls = Tls(section, folder),
        };
        if (nested) section.Done();
        return options;
    }

    private static TlsOptions? Tls(YamlSection section, string folder)
    {
        bool enabled = section.Bool("tls_enabled", true);
        string version = section.Text("tls_min_version");
        var tls = new TlsOptions
        {
            CaFile = HttpClientReader.Resolve(section.Text("tls_ca_path"), folder),
            CertFile = HttpClientReader.Resolve(section.Text("tls_cert_path"), folder),
            KeyFile = HttpClientReader.Resolve(section.Text("tls_key_path"), folder),
            ServerName = section.Text("tls_server_name"),
            InsecureSkipVerify = section.Bool("tls_insecure_skip_verify"),
            MinVersion = version.Replace("VersionTLS", "TLS", StringComparison.Ordinal),
        };
        if (version is not ("" or "VersionTLS10" or "VersionTLS11" or "VersionTLS12" or "VersionTLS13")) section.Error("tls_min_version", $"unknown TLS version {version}", "write VersionTLS12 or VersionTLS13");
        if (section.Text("tls_cipher_suites").Length > 0) section.Error("tls_cipher_suites", "cipher suites are those of the system", "take it out");
        if (tls.CertFile.Length > 0 != tls.KeyFile.Length > 0) section.ErrorHere("tls_cert_path and tls_key_path belong together: one of them is not set");
        return enabled && tls != new TlsOptions() ? tls : null;
    }
}
