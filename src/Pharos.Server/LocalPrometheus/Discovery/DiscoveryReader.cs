using Pharos.Core;
using Pharos.Server.Configuration;

namespace Pharos.Server.LocalPrometheus;

/// <summary>The <c>*_sd_configs</c> of a section.</summary>
internal static class DiscoveryReader
{
    /// <summary>Discoveries of Prometheus that are refused, by the name of their key.</summary>
    public static readonly string[] Refused =
    [
        "aws_sd_configs", "azure_sd_configs", "consul_sd_configs", "digitalocean_sd_configs", "dockerswarm_sd_configs", "ec2_sd_configs",
        "ecs_sd_configs", "elasticache_sd_configs", "eureka_sd_configs", "gce_sd_configs", "hetzner_sd_configs", "ionos_sd_configs", "kubernetes_sd_configs",
        "kuma_sd_configs", "lightsail_sd_configs", "linode_sd_configs", "marathon_sd_configs", "msk_sd_configs", "nerve_sd_configs", "nomad_sd_configs",
        "openstack_sd_configs", "ovhcloud_sd_configs", "puppetdb_sd_configs", "rds_sd_configs", "scaleway_sd_configs", "serverset_sd_configs", "stackit_sd_configs",
        "triton_sd_configs", "uyuni_sd_configs", "vultr_sd_configs",
    ];

    public static Discoveries Read(YamlSection section, string folder)
    {
        foreach (string key in Refused)
        {
            if (section.Has(key)) section.Error(key, $"{key} is not supported", "supported are static_configs, file_sd_configs, http_sd_configs, dns_sd_configs and docker_sd_configs");
        }
        // Rules may make an address of what is none yet.
        bool rewritten = section.Sections("relabel_configs").Any();
        var groups = section.Sections("static_configs").Select(s => Group(s, rewritten)).ToList();
        return new Discoveries(groups, [.. section.Sections("file_sd_configs").Select(s => Files(s, folder))], [.. section.Sections("http_sd_configs").Select(s => Http(s, folder)).OfType<HttpDiscovery>()],
            [.. section.Sections("dns_sd_configs").Select(Dns)], [.. section.Sections("docker_sd_configs").Select(s => Docker(s, folder)).OfType<DockerDiscovery>()]);
    }

    private static List<Labels> Group(YamlSection section, bool rewritten)
    {
        var targets = section.Texts("targets");
        var labels = section.TextMap("labels");
        section.Done();
        foreach (string name in labels.Keys)
        {
            if (name.Length == 0) section.Error("labels", $"\"{name}\" is not a valid label name");
        }
        var found = new List<Labels>();
        foreach (string target in targets)
        {
            if (!rewritten && target.Contains('/', StringComparison.Ordinal)) section.Error("targets", $"\"{target}\" is not a valid hostname", "write host:port; scheme and metrics_path are keys of their own");
            var builder = new LabelsBuilder();
            foreach (var (name, value) in labels) builder.Set(name, value);
            found.Add(builder.Set("__address__", target).ToLabels());
        }
        return found;
    }

    private static FileDiscovery Files(YamlSection section, string folder)
    {
        var files = section.Texts("files");
        if (files.Count == 0) section.Error("file service discovery config must contain at least one path name");
        foreach (string file in files)
        {
            bool known = file.EndsWith(".json", StringComparison.Ordinal) || file.EndsWith(".yml", StringComparison.Ordinal) || file.EndsWith(".yaml", StringComparison.Ordinal);
            if (!known || file[..^1].Contains('*', StringComparison.Ordinal) && file[..file.LastIndexOf('/').Clamp()].Contains('*', StringComparison.Ordinal))
                section.Error("files", $"path name \"{file}\" is not valid for file discovery", "it must end in .json, .yml or .yaml, with at most one * in its last part");
        }
        var refresh = section.Duration("refresh_interval", TimeSpan.FromMinutes(5));
        section.Done();
        return new FileDiscovery([.. files.Select(f => HttpClientReader.Resolve(f, folder))], refresh);
    }

    private static int Clamp(this int index) => Math.Max(index, 0);

    private static HttpDiscovery? Http(YamlSection section, string folder)
    {
        string? text = section.Text("url");
        Uri? url = null;
        if (string.IsNullOrEmpty(text)) section.Error("URL is missing");
        else if (!Uri.TryCreate(text, UriKind.Absolute, out url) || !text.Contains("://", StringComparison.Ordinal)) section.Error("url", "URL scheme must be 'http' or 'https'");
        else if (url.Scheme is not ("http" or "https")) section.Error("url", "URL scheme must be 'http' or 'https'");
        else if (url.Host.Length == 0) section.Error("url", "host is missing in URL");
        var refresh = section.Duration("refresh_interval", TimeSpan.FromMinutes(1));
        var client = HttpClientReader.Read(section, folder);
        section.Done();
        return url is null ? null : new HttpDiscovery(url, refresh, client);
    }

    private static DnsDiscovery Dns(YamlSection section)
    {
        var names = section.Texts("names");
        string type = section.Text("type", "SRV").ToUpperInvariant();
        long port = section.Number("port", 0, 0);
        if (names.Count == 0) section.Error("DNS-SD config must contain at least one SRV record name");
        if (type is not ("SRV" or "A" or "AAAA" or "MX" or "NS")) section.Error("type", $"invalid DNS-SD records type {type}");
        else if (type != "SRV" && port == 0) section.Error("a port is required in DNS-SD configs for all record types except SRV");
        var refresh = section.Duration("refresh_interval", TimeSpan.FromSeconds(30));
        section.Done();
        return new DnsDiscovery(names, type, (int)port, refresh);
    }

    private static DockerDiscovery? Docker(YamlSection section, string folder)
    {
        string text = section.Text("host", "");
        Uri? host = null;
        if (text.Length == 0) section.Error("host missing");
        else if (!Uri.TryCreate(text, UriKind.Absolute, out host) || host.Scheme is not ("unix" or "tcp" or "http" or "https"))
            section.Error("host", $"\"{text}\" is not the address of a Docker engine", "write unix:///var/run/docker.sock or http://host:2375");
        var filters = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        foreach (var filter in section.Sections("filters"))
        {
            string name = filter.Text("name", "");
            filters[name] = [.. filters.GetValueOrDefault(name, []), .. filter.Texts("values")];
            filter.Done();
        }
        var docker = new DockerDiscovery(
            host ?? new Uri("unix:///"), (int)section.Number("port", 80, 0), section.Text("host_networking_host", "localhost"), section.Bool("match_first_network", true), filters,
            section.Duration("refresh_interval", TimeSpan.FromMinutes(1)), HttpClientReader.Read(section, folder));
        section.Done();
        return host is null ? null : docker;
    }
}
