using System.Net;
using Pharos.Core;
using Pharos.Storage.WriteLog;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Pharos.Server.Configuration;

/// <summary>Reads the server's configuration and its file of runtime overrides; all mistakes are reported together.</summary>
internal sealed class ServerConfigReader
{
    private readonly string file;
    private readonly List<Diagnostic> findings = [];
    private readonly LimitReader limitReader;

    public ServerConfigReader(string file)
    {
        this.file = file;
        limitReader = new LimitReader(file, findings);
    }

    /// <exception cref="ConfigurationException">Every mistake in the text, each with its place.</exception>
    public ServerConfig Read(string text)
    {
        var config = new ServerConfig { File = file };
        if (Root(text) is { } root)
        {
            // Limits first: overrides build on them, wherever they stand in the file.
            foreach (var (key, value) in Entries(root))
            {
                if (key.Value == "limits") config = config with { Limits = ReadLimits(value, TenantLimits.Default) };
            }
            foreach (var (key, value) in Entries(root)) config = ReadKey(config, key, value);
        }
        return Errors() ? throw new ConfigurationException(findings) : config with { Warnings = findings };
    }

    /// <summary>A file of runtime overrides: <c>overrides: {tenant: {limit: value}}</c>.</summary>
    /// <param name="basis">What a tenant has without the file.</param>
    /// <exception cref="ConfigurationException">Every mistake in the text, each with its place.</exception>
    public (IReadOnlyDictionary<TenantId, TenantLimits> Overrides, IReadOnlyList<Diagnostic> Warnings) ReadRuntime(string text, Func<TenantId, TenantLimits> basis)
    {
        IReadOnlyDictionary<TenantId, TenantLimits> overrides = new Dictionary<TenantId, TenantLimits>();
        if (Root(text) is { } root)
        {
            foreach (var (key, value) in Entries(root))
            {
                if (key.Value == "overrides") overrides = ReadOverrides(value, basis);
                else if (key.Value is "multi_kv_config" or "ingester_limits" or "distributor_limits" or "ingester_stream_chunks_when_using_blocks" or "ingester_chunk_streaming")
                    findings.Add(Diagnostic.Error(At(key), $"{key.Value} has no meaning here", "there are no rings and no limits for a whole instance; take it out"));
                else Unknown(key, ["overrides"]);
            }
        }
        return Errors() ? throw new ConfigurationException(findings) : (overrides, findings);
    }

    private ServerConfig ReadKey(ServerConfig config, YamlScalarNode key, YamlNode value)
    {
        switch (key.Value)
        {
            case "limits": return config;
            case "multitenancy_enabled": return config with { MultitenancyEnabled = Bool(value) };
            case "admin_api": return config with { AdminApi = Bool(value) };
            case "external_url": return config with { ExternalUrl = Text(value) };
            case "sync":
                return config with
                {
                    Sync = Text(value) switch
                    {
                        "always" => SyncPolicy.Always,
                        "interval" => SyncPolicy.Interval,
                        "os" => SyncPolicy.Os,
                        var other => Fail(value, $"sync \"{other}\" is not known", "write always, interval or os", SyncPolicy.Always),
                    },
                };
            case "overrides":
                var limits = config.Limits;
                return config with { Overrides = ReadOverrides(value, _ => limits) };
            case "tenant_federation":
                foreach (var (name, node) in Entries(value))
                {
                    if (name.Value == "enabled") config = config with { FederationEnabled = Bool(node) };
                    else if (name.Value == "max_tenants") config = config with { FederatedTenantsMax = (int)limitReader.Whole(node, int.MaxValue) };
                    else Unknown(name, ["enabled", "max_tenants"]);
                }
                return config;
            case "ruler":
                foreach (var (name, node) in Entries(value))
                {
                    if (name.Value != "tenant_federation") Unknown(name, ["tenant_federation"]);
                    else
                    {
                        foreach (var (inner, flag) in Entries(node))
                        {
                            if (inner.Value == "enabled") config = config with { RulerFederationEnabled = Bool(flag) };
                            else Unknown(inner, ["enabled"]);
                        }
                    }
                }
                return config;
            case "runtime_config":
                foreach (var (name, node) in Entries(value))
                {
                    if (name.Value == "file") config = config with { RuntimeFile = Relative(Text(node)) };
                    else if (name.Value == "period") config = config with { RuntimePeriod = Period(node) };
                    else Unknown(name, ["file", "period"]);
                }
                return config;
            case "alertmanager":
                foreach (var (name, node) in Entries(value))
                {
                    if (name.Value == "fallback_config_file") config = config with { AlertmanagerFallbackFile = Relative(Text(node)) };
                    else if (name.Value == "receivers_firewall_block_cidr_networks") config = config with { ReceiversBlockedNetworks = Networks(node) };
                    else if (name.Value == "receivers_firewall_block_private_addresses") config = config with { ReceiversBlockPrivate = Bool(node) };
                    else Unknown(name, ["fallback_config_file", "receivers_firewall_block_cidr_networks", "receivers_firewall_block_private_addresses"]);
                }
                return config;
            case "fleet":
                foreach (var (name, node) in Entries(value))
                {
                    if (name.Value != "token_files") Unknown(name, ["token_files"]);
                    else if (node is YamlSequenceNode files) config = config with { FleetTokens = [.. files.Children.Select(Token).Where(t => t.Length > 0)] };
                    else Fail(node, "token_files must be a list of files", null, 0);
                }
                return config;
            default:
                Unknown(key, ["multitenancy_enabled", "tenant_federation", "ruler", "admin_api", "external_url", "sync", "limits", "overrides", "runtime_config", "alertmanager", "fleet"]);
                return config;
        }
    }

    private Dictionary<TenantId, TenantLimits> ReadOverrides(YamlNode node, Func<TenantId, TenantLimits> basis)
    {
        var overrides = new Dictionary<TenantId, TenantLimits>();
        foreach (var (name, limits) in Entries(node))
        {
            if (TenantId.TryParse(name.Value, out var tenant, out string? error)) overrides[tenant] = ReadLimits(limits, basis(tenant));
            else findings.Add(Diagnostic.Error(At(name), error));
        }
        return overrides;
    }

    private TenantLimits ReadLimits(YamlNode node, TenantLimits limits)
    {
        foreach (var (key, value) in Entries(node))
        {
            string name = key.Value ?? "";
            if (LimitSettings.ByName.TryGetValue(name, out var setting)) limits = setting.Read(limits, value, limitReader);
            else if (OtherLimits.WithoutMeaning.TryGetValue(name, out string? why)) findings.Add(Diagnostic.Warning(At(key), $"{name} has no effect: {why}"));
            else if (OtherLimits.Refused.TryGetValue(name, out why)) findings.Add(Diagnostic.Error(At(key), $"{name} cannot be set", why));
            else
            {
                string? near = NearestName.Of(name, LimitSettings.ByName.Keys);
                findings.Add(Diagnostic.Error(At(key), $"unknown key \"{name}\"", near is null ? "docs/server.md lists the limits" : $"did you mean \"{near}\"?"));
            }
        }
        return limits;
    }

    private YamlMappingNode? Root(string text)
    {
        var stream = new YamlStream();
        try
        {
            stream.Load(new StringReader(text));
        }
        catch (YamlException e)
        {
            throw new ConfigurationException([Diagnostic.Error(new SourcePosition(file, (int)e.Start.Line, (int)e.Start.Column), $"not valid YAML: {e.Message}")]);
        }
        if (stream.Documents.Count == 0) return null;
        var root = stream.Documents[0].RootNode;
        if (root is YamlScalarNode { Value: null or "" }) return null;
        return root as YamlMappingNode
            ?? throw new ConfigurationException([Diagnostic.Error(At(root), "the configuration must be a mapping of keys to values")]);
    }

    private bool Errors() => findings.Any(f => f.Severity == Severity.Error);

    private string Token(YamlNode node)
    {
        string path = Relative(Text(node));
        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (IOException e)
        {
            return Fail(node, $"cannot read token file: {e.Message}", null, "");
        }
    }

    /// <summary>Networks by CIDR with commas between, as Mimir writes them.</summary>
    private List<IPNetwork> Networks(YamlNode node)
    {
        var networks = new List<IPNetwork>();
        foreach (string cidr in Text(node).Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            networks.Add(IPNetwork.TryParse(cidr, out var network) ? network : Fail(node, $"\"{cidr}\" is not a network", "write for example 10.0.0.0/8", network));
        return networks;
    }

    private string Relative(string path) => Path.GetFullPath(path, Path.GetDirectoryName(Path.GetFullPath(file)) ?? ".");

    private IEnumerable<(YamlScalarNode Key, YamlNode Value)> Entries(YamlNode node)
    {
        if (node is YamlScalarNode { Value: null or "" }) yield break;
        if (node is not YamlMappingNode mapping)
        {
            Fail(node, "a mapping of keys to values is expected here", null, 0);
            yield break;
        }
        foreach (var (key, value) in mapping.Children)
        {
            if (key is YamlScalarNode scalar) yield return (scalar, value);
        }
    }

    private TimeSpan Period(YamlNode node)
    {
        var period = limitReader.Duration(node);
        return period > TimeSpan.Zero ? period : Fail(node, "period must be above zero", "write for example 10s", TimeSpan.FromSeconds(10));
    }

    private string Text(YamlNode node) => limitReader.Text(node);

    private bool Bool(YamlNode node) => limitReader.Choice(node, ("true", true), ("false", false));

    private void Unknown(YamlScalarNode key, IEnumerable<string> known) =>
        findings.Add(Diagnostic.Error(At(key), $"unknown key \"{key.Value}\"", $"known here: {string.Join(", ", known)}"));

    private T Fail<T>(YamlNode node, string message, string? mend, T instead)
    {
        findings.Add(Diagnostic.Error(At(node), message, mend));
        return instead;
    }

    private SourcePosition At(YamlNode node) => limitReader.At(node);
}
