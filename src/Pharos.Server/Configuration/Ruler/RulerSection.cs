using System.Text;
using System.Text.Json;
using Pharos.Core;
using Pharos.Server.LocalPrometheus;
using Pharos.Yaml;

namespace Pharos.Server.Configuration.Ruler;

/// <summary>The keys of <c>ruler</c> that hold for all tenants; those not about alerts need a restart.</summary>
internal sealed record RulerOptions
{
    /// <summary>How often changed limits reach the clients. Loki: ruler.remote_write.config_refresh_period.</summary>
    public TimeSpan RefreshPeriod { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Holds a write log for each tenant; null: <c>ruler-wal</c> in the data folder. Loki: ruler.wal.dir.</summary>
    public string? WalFolder { get; init; }

    /// <summary>How often what all clients have is given back, and what waited too long given up. Loki: ruler.wal.truncate_frequency, 1 h.</summary>
    public TimeSpan TruncateFrequency { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Samples that waited longer are given up, and counted. Loki: ruler.wal.max_age.</summary>
    public TimeSpan AgeMax { get; init; } = TimeSpan.FromHours(4);

    /// <summary>How often write logs of tenants are looked for that do not send any more; zero: never. Loki: ruler.wal_cleaner.period.</summary>
    public TimeSpan CleanerPeriod { get; init; }

    /// <summary>Such a write log is deleted once nothing was written to it for so long. Loki: ruler.wal_cleaner.min_age.</summary>
    public TimeSpan CleanerAgeMin { get; init; } = TimeSpan.FromHours(12);

    /// <summary>Rule files over logs, in a folder for each tenant; null: rules are stored here by API. Loki: ruler.storage.local.directory.</summary>
    public string? LogRulesFolder { get; init; }

    /// <summary>The same over metrics. Mimir: ruler_storage.local.directory.</summary>
    public string? MetricRulesFolder { get; init; }

    /// <summary>How often rule files are read again.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Stored rules can be read and changed over HTTP.</summary>
    public bool ApiEnabled { get; init; } = true;

    /// <summary>Of groups that do not say their own.</summary>
    public TimeSpan EvaluationInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How long a firing alert waits before it is sent again.</summary>
    public TimeSpan ResendDelay { get; init; } = TimeSpan.FromMinutes(1);

    /// <inheritdoc cref="Pharos.Rules.RuleManagerOptions.OutageTolerance"/>
    public TimeSpan OutageTolerance { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Labels that alerts get where they have no such label, and templates know. Loki: ruler.external_labels.</summary>
    public Labels ExternalLabels { get; init; } = Labels.Empty;

    /// <summary>Address of the Grafana that links in alerts of rules over logs lead to, without a slash at the end; null: this server's page.</summary>
    public string? ExternalUrl { get; init; }

    /// <summary>The data source there that asks this server; empty: Grafana's default one.</summary>
    public string DatasourceUid { get; init; } = "";

    /// <summary>The clients as they are configured, JSON, without secrets.</summary>
    public string ClientsShown { get; init; } = "{}";

    /// <summary>Keys about alerts as they are configured, values as JSON, without secrets.</summary>
    public IReadOnlyList<(string Key, string Value)> AlertingShown { get; init; } = [];
}

/// <summary>Reads what <c>ruler</c> says of rules over logs.</summary>
internal static class RulerSection
{
    /// <summary>Keys of Loki's and Mimir's rulers that mean nothing in one process, and why.</summary>
    private static readonly (string Key, string Why)[] WithoutMeaning =
    [
        ("rule_path", "rules are not copied to files"),
        ("ring", "one process evaluates all rules"),
        ("enable_sharding", "one process evaluates all rules"),
        ("sharding_strategy", "one process evaluates all rules"),
        ("sharding_algo", "one process evaluates all rules"),
        ("flush_period", "one process evaluates all rules"),
        ("search_pending_for", "one process evaluates all rules"),
        ("query_stats_enabled", "queries of rules are counted in cortex_ruler_queries_total"),
        ("for_grace_period", "alerts go on as they were stored, and a pending one never fires before its time"),
    ];

    private static readonly string[] AlertingKeys =
    [
        "alertmanager_url", "alertmanager_refresh_interval", "enable_alertmanager_discovery", "notification_queue_capacity", "notification_timeout", "alertmanager_client",
        "alert_relabel_configs", "external_labels",
    ];

    public static (RulerOptions, RulerRemoteWrite, RulerAlerting) Read(YamlSection ruler, LimitReader reader)
    {
        var options = new RulerOptions { ExternalUrl = HttpClientReader.Url(ruler, "external_url")?.ToString().TrimEnd('/'), DatasourceUid = ruler.Text("datasource_uid"), ExternalLabels = ExternalLabelsOf(ruler) };
        if (options.DatasourceUid.Length > 0 && !ruler.Has("external_url")) ruler.Error("datasource_uid", "datasource_uid names a data source of the Grafana at external_url, which is not set", "set external_url, or take datasource_uid out");
        options = Evaluation(ruler, options) with
        {
            ApiEnabled = ruler.Bool("enable_api", true),
            PollInterval = Positive(ruler, "poll_interval", options.PollInterval),
            LogRulesFolder = ruler.Section("storage") is { } storage ? RulesFolder(storage, "type", reader.Folder) : null,
        };
        var remote = RulerRemoteWrite.Off;
        if (ruler.Section("remote_write") is { } section)
        {
            var clients = ReadClients(section, reader);
            remote = remote with { Enabled = section.Bool("enabled"), AddOrgIdHeader = section.Bool("add_org_id_header", true), Clients = clients };
            options = options with { RefreshPeriod = Positive(section, "config_refresh_period", options.RefreshPeriod), ClientsShown = Shown(clients) };
            if (remote.Enabled && !section.Has("client") && !section.Has("clients")) section.Error("enabled", "remote write is enabled and no client is configured", "name one under clients");
            section.Done();
        }
        if (ruler.Section("wal") is { } wal)
        {
            options = options with
            {
                WalFolder = wal.Text("dir") is { Length: > 0 } folder ? Path.GetFullPath(folder, reader.Folder) : null,
                TruncateFrequency = Positive(wal, "truncate_frequency", options.TruncateFrequency),
                AgeMax = Positive(wal, "max_age", options.AgeMax),
            };
            if (wal.DurationOrNull("min_age") is not null) wal.Warn("min_age", "min_age has no effect: what every client has is given back, and nothing earlier");
            wal.Done();
        }
        if (ruler.Section("wal_cleaner") is { } cleaner)
        {
            options = options with { CleanerPeriod = cleaner.Duration("period", options.CleanerPeriod), CleanerAgeMin = cleaner.Duration("min_age", options.CleanerAgeMin) };
            cleaner.Done();
        }
        var alerting = RulerAlertingReader.Read(ruler, reader.Folder);
        options = options with { AlertingShown = [.. AlertingKeys.Where(ruler.Has).Select(key => (key, RulerClientReader.Masked(ruler.Value(key)!, reader.Reading)))] };
        return (options, remote, alerting);
    }

    /// <summary>The folder of rule files that a section about storage names.</summary>
    /// <param name="kind">The key that says what kind of storage it is.</param>
    public static string? RulesFolder(YamlSection storage, string kind, string folder)
    {
        string? found = null;
        if (storage.Text(kind, "local") is var type && type != "local")
        {
            storage.Error(kind, $"rules cannot be read from \"{type}\"", "take the section out, and store rules by API; or keep them in files and write local");
        }
        else if (storage.Section("local") is { } local)
        {
            found = local.Text("directory") is { Length: > 0 } path ? Path.GetFullPath(path, folder) : null;
            if (found is null) local.ErrorHere("directory is not set", "name the folder that has a folder of rule files for each tenant");
            local.Done();
        }
        else storage.ErrorHere("local is not set", "write local: {directory: FOLDER}");
        storage.Done();
        return found;
    }

    private static RulerOptions Evaluation(YamlSection ruler, RulerOptions options)
    {
        foreach (var (key, why) in WithoutMeaning)
        {
            if (ruler.Value(key) is not null) ruler.Warn(key, $"{key} has no effect: {why}");
        }
        if (ruler.Section("evaluation") is { } evaluation)
        {
            if (evaluation.Text("mode", "local") is var mode && mode != "local") evaluation.Error("mode", $"rules cannot be evaluated \"{mode}\"", "write local, or take it out: one process has rules and data");
            if (evaluation.DurationOrNull("max_jitter") is not null) evaluation.Warn("max_jitter", "max_jitter has no effect: each group runs at a second of its own");
            evaluation.Done();
        }
        return options with
        {
            EvaluationInterval = Positive(ruler, "evaluation_interval", options.EvaluationInterval),
            ResendDelay = ruler.Duration("resend_delay", options.ResendDelay),
            OutageTolerance = ruler.Duration("for_outage_tolerance", options.OutageTolerance),
        };
    }

    private static Labels ExternalLabelsOf(YamlSection ruler)
    {
        var labels = ruler.TextMap("external_labels");
        foreach (string name in labels.Keys)
        {
            if (name.Length == 0 || name == Labels.MetricName) ruler.Error("external_labels", $"\"{name}\" is not a valid label name");
        }
        return Labels.Of(labels);
    }

    private static SortedDictionary<string, RulerRemoteClient> ReadClients(YamlSection section, LimitReader reader)
    {
        var clients = new SortedDictionary<string, RulerRemoteClient>(StringComparer.Ordinal);
        foreach (var (id, node) in section.Entries("clients"))
        {
            if (RulerClientReader.Read(node, reader) is { } client) clients[id] = client;
        }
        // Loki's older way to write a single one.
        if (section.Value("client") is { } single)
        {
            if (section.Value("clients") is not null) section.Error("client", "both client and clients are set", "write clients alone");
            else if (RulerClientReader.Read(single, reader) is { } client) clients["default"] = client;
        }
        return clients;
    }

    private static TimeSpan Positive(YamlSection section, string key, TimeSpan otherwise)
    {
        var period = section.Duration(key, otherwise);
        if (period > TimeSpan.Zero) return period;
        section.Error(key, $"{key} must be above zero", $"write for example {PromDuration.Format(otherwise)}");
        return otherwise;
    }

    private static string Shown(IReadOnlyDictionary<string, RulerRemoteClient> clients)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, LimitSetting.Shown))
        {
            json.WriteStartObject();
            foreach (var (id, client) in clients)
            {
                json.WritePropertyName(id);
                RulerClientReader.WriteShown(json, client.Source);
            }
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }
}
