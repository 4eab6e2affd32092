using Pharos.Core;
using Pharos.PromQL;
using Pharos.Storage.WriteLog;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Pharos.Server.Configuration;

/// <summary>
/// The file given to <c>pharos server --config</c>. Every key is optional; an unknown one is an error.
/// Limits carry the names that Mimir and Loki give them.
/// </summary>
public sealed record ServerConfig
{
    /// <summary>True: every request must name its tenant in <c>X-Scope-OrgID</c>.</summary>
    public bool MultitenancyEnabled { get; init; }

    /// <summary>Whether tenants may delete series and take snapshots of their metrics under <c>/api/v1/admin/tsdb/</c>.</summary>
    public bool AdminApi { get; init; }

    public SyncPolicy Sync { get; init; } = SyncPolicy.Always;

    public TenantLimits Limits { get; init; } = TenantLimits.Default;

    /// <summary>Limits of single tenants; what a tenant does not set comes from <see cref="Limits"/>.</summary>
    public IReadOnlyDictionary<TenantId, TenantLimits> Overrides { get; init; } = new Dictionary<TenantId, TenantLimits>();

    /// <summary>Alert routing of tenants that have none of their own: an alertmanager.yml; null for none.</summary>
    public string? AlertmanagerFallbackFile { get; init; }

    /// <summary>Tokens that collectors must send as the password of basic authentication; empty: none is asked for.</summary>
    public IReadOnlyList<string> FleetTokens { get; init; } = [];

    /// <summary>Address that links in notifications start with; null: the address listened on.</summary>
    public string? ExternalUrl { get; init; }

    /// <exception cref="ConfigurationException">Every mistake in the text, each with its place.</exception>
    public static ServerConfig Load(string text, string file)
    {
        var reader = new ServerConfigReader(file);
        return reader.Read(text);
    }
}

/// <summary>Limits from a configuration, with overrides by tenant.</summary>
internal sealed class ConfiguredLimits(ServerConfig config) : ITenantLimits
{
    public TenantLimits For(TenantId tenant) => config.Overrides.TryGetValue(tenant, out var own) ? own : config.Limits;
}

internal sealed class ServerConfigReader(string file)
{
    private const string RetentionSeries = "retention_series";

    private readonly List<Diagnostic> findings = [];

    private static readonly Dictionary<string, Func<TenantLimits, YamlScalarNode, ServerConfigReader, TenantLimits>> LimitKeys = new(StringComparer.Ordinal)
    {
        ["max_global_series_per_user"] = (l, n, r) => l with { SeriesMax = r.Int(n) },
        ["max_global_series_per_metric"] = (l, n, r) => l with { SeriesPerMetricMax = r.Int(n) },
        ["max_label_names_per_series"] = (l, n, r) => l with { LabelNamesPerSeriesMax = r.Int(n) },
        ["max_label_name_length"] = (l, n, r) => l with { LabelNameBytesMax = r.Int(n) },
        ["max_label_value_length"] = (l, n, r) => l with { LabelValueBytesMax = r.Int(n) },
        ["ingestion_rate"] = (l, n, r) => l with { IngestionSamplesPerSecond = r.Number(n) },
        ["ingestion_burst_size"] = (l, n, r) => l with { IngestionBurstSamples = r.Int(n) },
        ["creation_grace_period"] = (l, n, r) => l with { CreationGracePeriod = r.Duration(n) },
        ["out_of_order_time_window"] = (l, n, r) => l with { OutOfOrderWindow = r.Duration(n) },
        ["compactor_blocks_retention_period"] = (l, n, r) => l with { MetricRetention = r.Duration(n) },
        ["compactor_blocks_retention_size"] = (l, n, r) => l with { MetricBytesMax = r.Bytes(n) },
        ["max_line_size"] = (l, n, r) => l with { LogLineBytesMax = r.Int(n) },
        ["max_global_streams_per_user"] = (l, n, r) => l with { StreamsMax = r.Int(n) },
        ["max_structured_metadata_size"] = (l, n, r) => l with { LogMetadataBytesMax = r.Int(n) },
        ["max_structured_metadata_entries_count"] = (l, n, r) => l with { LogMetadataEntriesMax = r.Int(n) },
        ["reject_old_samples_max_age"] = (l, n, r) => l with { LogAgeMax = r.Duration(n) },
        ["ingestion_rate_mb"] = (l, n, r) => l with { LogBytesPerSecond = r.Number(n) * (1 << 20) },
        ["ingestion_burst_size_mb"] = (l, n, r) => l with { LogBurstBytes = (long)(r.Number(n) * (1 << 20)) },
        ["retention_period"] = (l, n, r) => l with { LogRetention = r.Duration(n) },
        ["query_timeout"] = (l, n, r) => l with { QueryTimeout = r.Duration(n) },
        ["max_query_samples"] = (l, n, r) => l with { QuerySamplesMax = r.Int(n) },
        ["max_entries_limit_per_query"] = (l, n, r) => l with { LogQueryEntriesMax = r.Int(n) },
        ["max_query_length"] = (l, n, r) => l with { LogQueryLengthMax = r.Duration(n) },
        ["max_query_series"] = (l, n, r) => l with { LogQuerySeriesMax = r.Int(n) },
        ["ruler_max_rule_groups_per_tenant"] = (l, n, r) => l with { RuleGroupsMax = r.Int(n) },
        ["ruler_max_rules_per_rule_group"] = (l, n, r) => l with { RulesPerGroupMax = r.Int(n) },
    };

    public ServerConfig Read(string text)
    {
        var config = new ServerConfig();
        var stream = new YamlStream();
        try
        {
            stream.Load(new StringReader(text));
        }
        catch (YamlException e)
        {
            throw new ConfigurationException([Diagnostic.Error(new SourcePosition(file, (int)e.Start.Line, (int)e.Start.Column), $"not valid YAML: {e.Message}")]);
        }
        if (stream.Documents.Count == 0) return config;
        if (stream.Documents[0].RootNode is not YamlMappingNode root)
        {
            throw new ConfigurationException([Diagnostic.Error(At(stream.Documents[0].RootNode), "the configuration must be a mapping of keys to values")]);
        }
        // Limits first: overrides build on them, wherever they stand in the file.
        foreach (var (key, value) in Entries(root))
        {
            if (key.Value == "limits") config = config with { Limits = ReadLimits(value, TenantLimits.Default) };
        }
        foreach (var (key, value) in Entries(root))
        {
            switch (key.Value)
            {
                case "limits": break;
                case "multitenancy_enabled": config = config with { MultitenancyEnabled = Bool(value) }; break;
                case "admin_api": config = config with { AdminApi = Bool(value) }; break;
                case "external_url": config = config with { ExternalUrl = Text(value) }; break;
                case "sync":
                    config = config with
                    {
                        Sync = Text(value) switch
                        {
                            "always" => SyncPolicy.Always,
                            "interval" => SyncPolicy.Interval,
                            "os" => SyncPolicy.Os,
                            var other => Fail(value, $"sync \"{other}\" is not known", "write always, interval or os", SyncPolicy.Always),
                        },
                    };
                    break;
                case "overrides":
                    var overrides = new Dictionary<TenantId, TenantLimits>();
                    foreach (var (name, limits) in Entries(value))
                    {
                        if (TenantId.TryParse(name.Value, out var tenant, out string? error)) overrides[tenant] = ReadLimits(limits, config.Limits);
                        else findings.Add(Diagnostic.Error(At(name), error));
                    }
                    config = config with { Overrides = overrides };
                    break;
                case "alertmanager":
                    foreach (var (name, node) in Entries(value))
                    {
                        if (name.Value == "fallback_config_file") config = config with { AlertmanagerFallbackFile = Relative(Text(node)) };
                        else Unknown(name, ["fallback_config_file"]);
                    }
                    break;
                case "fleet":
                    foreach (var (name, node) in Entries(value))
                    {
                        if (name.Value != "token_files") Unknown(name, ["token_files"]);
                        else if (node is YamlSequenceNode files) config = config with { FleetTokens = [.. files.Children.Select(Token).Where(t => t.Length > 0)] };
                        else Fail(node, "token_files must be a list of files", null, 0);
                    }
                    break;
                default:
                    Unknown(key, ["multitenancy_enabled", "admin_api", "external_url", "sync", "limits", "overrides", "alertmanager", "fleet"]);
                    break;
            }
        }
        return findings.Count == 0 ? config : throw new ConfigurationException(findings);
    }

    private TenantLimits ReadLimits(YamlNode node, TenantLimits limits)
    {
        foreach (var (key, value) in Entries(node))
        {
            if (key.Value == RetentionSeries) limits = limits with { SeriesRetention = ReadSeriesRetention(value) };
            else if (!LimitKeys.TryGetValue(key.Value ?? "", out var set)) Unknown(key, [.. LimitKeys.Keys, RetentionSeries]);
            else if (value is YamlScalarNode scalar) limits = set(limits, scalar, this);
            else Fail(value, $"{key.Value} must be a single value", null, 0);
        }
        return limits;
    }

    /// <summary>A list of <c>selector</c> and <c>period</c>, as Loki's <c>retention_stream</c>.</summary>
    private List<SeriesRetention> ReadSeriesRetention(YamlNode node)
    {
        var rules = new List<SeriesRetention>();
        if (node is not YamlSequenceNode list) return Fail(node, $"{RetentionSeries} must be a list", "write - selector: '{job=\"debug\"}' and period: 3d", rules);
        foreach (var item in list.Children)
        {
            string selector = "";
            IReadOnlyList<Matcher> matchers = [];
            var period = TimeSpan.Zero;
            foreach (var (key, value) in Entries(item))
            {
                if (key.Value == "selector") matchers = Selector(value, selector = Text(value));
                else if (key.Value == "period" && value is YamlScalarNode scalar) period = Duration(scalar);
                else Unknown(key, ["selector", "period"]);
            }
            if (selector.Length == 0) Fail(item, "selector is missing", "write for example selector: '{job=\"debug\"}'", 0);
            if (period <= TimeSpan.Zero) Fail(item, "period is missing or zero", "write for example period: 3d", 0);
            rules.Add(new SeriesRetention(selector, matchers, period));
        }
        return rules;
    }

    private IReadOnlyList<Matcher> Selector(YamlNode node, string text)
    {
        try
        {
            return PromQlLanguage.ParseSelector(text);
        }
        catch (QueryException wrong)
        {
            return Fail<IReadOnlyList<Matcher>>(node, $"selector {text}: {wrong.Message}", null, []);
        }
    }

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

    private string Text(YamlNode node) =>
        node is YamlScalarNode { Value: { } text } ? text : Fail(node, "a text is expected here", null, "");

    private bool Bool(YamlNode node) => Text(node) switch
    {
        "true" => true,
        "false" => false,
        var other => Fail(node, $"\"{other}\" is neither true nor false", null, false),
    };

    private int Int(YamlScalarNode node) =>
        int.TryParse(node.Value, out int number) && number >= 0 ? number : Fail(node, $"\"{node.Value}\" is not a whole number from 0", null, 0);

    private long Bytes(YamlScalarNode node) =>
        ByteSize.TryParse(node.Value, out long bytes) ? bytes : Fail(node, $"\"{node.Value}\" is not a size with a unit", "write for example 50GB", 0L);

    private double Number(YamlScalarNode node) =>
        double.TryParse(node.Value, out double number) && number >= 0 ? number : Fail(node, $"\"{node.Value}\" is not a number from 0", null, 0.0);

    private TimeSpan Duration(YamlScalarNode node) =>
        PromDuration.TryParse(node.Value, out var duration, out string? error) ? duration : Fail(node, error!, null, TimeSpan.Zero);

    private void Unknown(YamlScalarNode key, IEnumerable<string> known) =>
        findings.Add(Diagnostic.Error(At(key), $"unknown key \"{key.Value}\"", $"known here: {string.Join(", ", known)}"));

    private T Fail<T>(YamlNode node, string message, string? mend, T instead)
    {
        findings.Add(Diagnostic.Error(At(node), message, mend));
        return instead;
    }

    private SourcePosition At(YamlNode node) => new(file, (int)node.Start.Line, (int)node.Start.Column);
}
