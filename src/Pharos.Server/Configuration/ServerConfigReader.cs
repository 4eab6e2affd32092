using System.Net;
using Pharos.Core;
using Pharos.Server.Configuration.Ruler;
using Pharos.Storage.WriteLog;
using Pharos.Yaml;

namespace Pharos.Server.Configuration;

/// <summary>Reads the server's configuration and its file of runtime overrides; all mistakes are reported together.</summary>
internal sealed class ServerConfigReader
{
    private readonly string file;
    private readonly YamlReading reading;
    private readonly LimitReader limitReader;

    public ServerConfigReader(string text, string file)
    {
        this.file = file;
        reading = new YamlReading(text, file);
        limitReader = new LimitReader(reading, Folder);
    }

    /// <exception cref="ConfigurationException">Every mistake in the text, each with its place.</exception>
    public ServerConfig Read()
    {
        var root = reading.Section("the configuration");
        var config = new ServerConfig
        {
            File = file,
            MultitenancyEnabled = root.Bool("multitenancy_enabled"),
            AdminApi = root.Bool("admin_api"),
            ExternalUrl = root.TextOrNull("external_url"),
            Sync = root.Text("sync", "always") switch
            {
                "always" => SyncPolicy.Always,
                "interval" => SyncPolicy.Interval,
                "os" => SyncPolicy.Os,
                var other => Fail(root, "sync", $"sync \"{other}\" is not known", "write always, interval or os", SyncPolicy.Always),
            },
        };
        if (root.Section("ruler") is { } ruler)
        {
            if (ruler.Section("tenant_federation") is { } rulers)
            {
                config = config with { RulerFederationEnabled = rulers.Bool("enabled") };
                rulers.Done();
            }
            var (options, remoteWrite, alerting) = RulerSection.Read(ruler, limitReader);
            // Limits of tenants are laid over them.
            config = config with { Ruler = options, Limits = config.Limits with { Recording = remoteWrite == RulerRemoteWrite.Off ? null : remoteWrite, AlertsTo = alerting } };
            ruler.Done();
        }
        if (root.Section("ruler_storage") is { } storage)
            config = config with { Ruler = config.Ruler with { MetricRulesFolder = RulerSection.RulesFolder(storage, "backend", Folder) } };
        if (root.Value("limits") is { } limits) config = config with { Limits = ReadLimits(limits, config.Limits) };
        config = config with { Overrides = ReadOverrides(root, _ => config.Limits) };
        if (root.Section("tenant_federation") is { } federation)
        {
            config = config with { FederationEnabled = federation.Bool("enabled", config.FederationEnabled), FederatedTenantsMax = federation.Count("max_tenants", config.FederatedTenantsMax) };
            federation.Done();
        }
        if (root.Section("runtime_config") is { } runtime)
        {
            config = config with { RuntimeFile = FileOrNull(runtime, "file"), RuntimePeriod = runtime.Duration("period", config.RuntimePeriod) };
            if (config.RuntimePeriod <= TimeSpan.Zero) runtime.Error("period", "period must be above zero", "write for example 10s");
            runtime.Done();
        }
        if (root.Section("alertmanager") is { } alertmanager)
        {
            config = config with
            {
                AlertmanagerFallbackFile = FileOrNull(alertmanager, "fallback_config_file"),
                ReceiversBlockedNetworks = Networks(alertmanager, "receivers_firewall_block_cidr_networks"),
                ReceiversBlockPrivate = alertmanager.BoolOrNull("receivers_firewall_block_private_addresses"),
            };
            alertmanager.Done();
        }
        if (root.Section("fleet") is { } fleet)
        {
            config = config with { FleetTokens = [.. fleet.TextNodes("token_files").Select(t => Token(t.Text, t.Node)).Where(t => t.Length > 0)] };
            fleet.Done();
        }
        root.Done();
        return reading.HasErrors ? throw new ConfigurationException(reading.Findings) : config with { Warnings = reading.Findings };
    }

    /// <summary>A file of runtime overrides: <c>overrides: {tenant: {limit: value}}</c>.</summary>
    /// <param name="basis">What a tenant has without the file.</param>
    /// <exception cref="ConfigurationException">Every mistake in the text, each with its place.</exception>
    public (IReadOnlyDictionary<TenantId, TenantLimits> Overrides, IReadOnlyList<Diagnostic> Warnings) ReadRuntime(Func<TenantId, TenantLimits> basis)
    {
        var root = reading.Section("the runtime configuration");
        var overrides = ReadOverrides(root, basis);
        foreach (string key in (string[])["multi_kv_config", "ingester_limits", "distributor_limits", "ingester_stream_chunks_when_using_blocks", "ingester_chunk_streaming"])
        {
            if (root.Keys.Contains(key) && root.Has(key)) root.Error(root.KeyOf(key), $"{key} has no meaning here", "there are no rings and no limits for a whole instance; take it out");
        }
        root.Done();
        return reading.HasErrors ? throw new ConfigurationException(reading.Findings) : (overrides, reading.Findings);
    }

    private Dictionary<TenantId, TenantLimits> ReadOverrides(YamlSection root, Func<TenantId, TenantLimits> basis)
    {
        var overrides = new Dictionary<TenantId, TenantLimits>();
        if (root.Section("overrides") is not { } section) return overrides;
        foreach (var (name, limits) in section.Pairs)
        {
            if (TenantId.TryParse(name.Value, out var tenant, out string? error)) overrides[tenant] = ReadLimits(limits, basis(tenant));
            else reading.Error(name, error);
        }
        return overrides;
    }

    private TenantLimits ReadLimits(YamlNode node, TenantLimits limits)
    {
        // What is said of one client goes before what is said of all, and of a client alone before what has one, wherever it stands.
        foreach (var (key, value) in new YamlSection(node, "the limits", reading).Pairs.OrderBy(p => p.Key.Value is RulerLimits.Clients or RulerLimits.AlertmanagerClient))
        {
            string name = key.Value;
            if (LimitSettings.ByName.TryGetValue(name, out var setting)) limits = setting.Read(limits, value, limitReader);
            else if (OtherLimits.WithoutMeaning.TryGetValue(name, out string? why)) reading.Warn(key, $"{name} has no effect: {why}");
            else if (OtherLimits.Refused.TryGetValue(name, out why)) reading.Error(key, $"{name} cannot be set", why);
            else
            {
                string? near = NearestName.Of(name, LimitSettings.ByName.Keys);
                reading.Error(key, $"field {name} not found in the limits", near is null ? "docs/server.md lists them" : $"did you mean \"{near}\"?");
            }
        }
        return limits;
    }

    private string Token(string path, YamlNode node)
    {
        try
        {
            return File.ReadAllText(Relative(path)).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            reading.Error(node, $"cannot read token file: {e.Message}");
            return "";
        }
    }

    /// <summary>Networks by CIDR with commas between, as Mimir writes them.</summary>
    private static List<IPNetwork> Networks(YamlSection section, string key)
    {
        var networks = new List<IPNetwork>();
        foreach (string cidr in section.Text(key).Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            networks.Add(IPNetwork.TryParse(cidr, out var network) ? network : Fail(section, key, $"\"{cidr}\" is not a network", "write for example 10.0.0.0/8", network));
        return networks;
    }

    private string? FileOrNull(YamlSection section, string key) => section.Text(key) is { Length: > 0 } path ? Relative(path) : null;

    private string Folder => Path.GetDirectoryName(Path.GetFullPath(file)) ?? ".";

    private string Relative(string path) => Path.GetFullPath(path, Folder);

    private static T Fail<T>(YamlSection section, string key, string message, string mend, T instead)
    {
        section.Error(key, message, mend);
        return instead;
    }
}
