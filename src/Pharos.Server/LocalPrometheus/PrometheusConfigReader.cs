using Pharos.Collector;
using Pharos.Collector.Relabeling;
using Pharos.Collector.RemoteWrite;
using Pharos.Collector.Scraping;
using Pharos.Core;
using Pharos.Server.LocalPrometheus.Tracing;
using Pharos.Yaml;

namespace Pharos.Server.LocalPrometheus;

/// <summary>Reads prometheus.yml. Source of rules and defaults: prometheus/config.</summary>
internal sealed class PrometheusConfigReader(string file, bool agent)
{
    private static readonly Dictionary<string, ScrapeProtocol> Protocols = new(StringComparer.Ordinal)
    {
        ["PrometheusProto"] = ScrapeProtocol.PrometheusProto,
        ["OpenMetricsText1.0.0"] = ScrapeProtocol.OpenMetricsText100,
        ["OpenMetricsText0.0.1"] = ScrapeProtocol.OpenMetricsText001,
        ["PrometheusText1.0.0"] = ScrapeProtocol.PrometheusText100,
        ["PrometheusText0.0.4"] = ScrapeProtocol.PrometheusText004,
    };

    private readonly string folder = Path.GetDirectoryName(Path.GetFullPath(file)) ?? ".";

    public PrometheusConfig Read(string text)
    {
        var root = new YamlReading(text, file).Section("the configuration");
        var global = ReadGlobal(root.Section("global"));
        var ruleFiles = root.Texts("rule_files");
        foreach (string pattern in ruleFiles)
        {
            if (!IsPattern(pattern)) root.Error("rule_files", $"invalid rule file path \"{pattern}\"", "a * may only stand in the last part");
        }
        var jobs = new List<ScrapeJob>();
        foreach (var section in root.Sections("scrape_configs")) jobs.Add(ReadJob(section, global));
        foreach (string pattern in root.Texts("scrape_config_files"))
        {
            if (IsPattern(pattern)) ReadJobFiles(root, pattern, global, jobs);
            else root.Error("scrape_config_files", $"invalid scrape config file path \"{pattern}\"", "a * may only stand in the last part");
        }
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var job in jobs)
        {
            if (!names.Add(job.Options.JobName)) root.Error("scrape_configs", $"found multiple scrape configs with job name \"{job.Options.JobName}\"");
        }
        var (alertmanagers, alertRules) = ReadAlerting(root.Section("alerting"));
        var remoteWrite = root.Sections("remote_write").Select(r => RemoteWriteSection.Read(r, folder)).OfType<RemoteWriteTarget>().ToList();
        var remoteNames = new HashSet<string>(StringComparer.Ordinal);
        foreach (var target in remoteWrite)
        {
            if (target.Name.Length > 0 && !remoteNames.Add(target.Name)) root.Error("remote_write", $"found multiple remote write configs with name \"{target.Name}\"");
        }
        var remoteRead = RemoteReadSection.Read(root, folder);
        var tracing = TracingSection.Read(root.Section("tracing"), folder);
        var otlp = OtlpConfigReader.Read(root.Section("otlp"), global.Scrape.LegacyNames);
        if (root.Section("runtime") is { } runtime)
        {
            runtime.Number("gogc", 0);
            runtime.Done();
            root.Warn("runtime", "runtime.gogc tunes Go's garbage collector; it has no effect here");
        }
        var tsdb = root.Section("storage") is { } storage ? StorageReader.Read(storage) : new TsdbSettings();
        if (agent)
        {
            foreach (string key in (string[])["alerting", "rule_files", "remote_read"])
            {
                if (root.Has(key)) root.Error(key, $"field {key} is not allowed in agent mode");
            }
        }
        root.Done();

        var errors = root.Findings.Where(f => f.Severity == Severity.Error).ToList();
        if (errors.Count > 0) throw new ConfigurationException(root.Findings);
        return new PrometheusConfig
        {
            Text = text,
            ShownText = root.Reading.Masked(),
            File = file,
            EvaluationInterval = global.EvaluationInterval,
            RuleQueryOffset = global.RuleQueryOffset,
            ExternalLabels = global.ExternalLabels,
            QueryLogFile = global.QueryLogFile,
            RuleFiles = [.. ruleFiles.Select(f => HttpClientReader.Resolve(f, folder))],
            ScrapeJobs = jobs,
            Alertmanagers = alertmanagers,
            AlertRelabelRules = alertRules,
            RemoteWrite = remoteWrite,
            RemoteRead = remoteRead,
            Tsdb = tsdb,
            Otlp = otlp,
            Tracing = tracing,
            Warnings = root.Findings,
        };
    }

    private static bool IsPattern(string path) => path.Length > 0 && !path[..Math.Max(0, path.LastIndexOf('/'))].Contains('*', StringComparison.Ordinal);

    private sealed record Global
    {
        public TimeSpan ScrapeInterval { get; init; } = TimeSpan.FromMinutes(1);
        public TimeSpan ScrapeTimeout { get; init; } = TimeSpan.FromSeconds(10);
        public TimeSpan EvaluationInterval { get; init; } = TimeSpan.FromMinutes(1);
        public TimeSpan RuleQueryOffset { get; init; }
        public Labels ExternalLabels { get; init; } = Labels.Empty;
        public string QueryLogFile { get; init; } = "";
        public ScrapeOptions Scrape { get; init; } = new() { JobName = "" };
        public bool ProtocolsSet { get; init; }
    }

    private Global ReadGlobal(YamlSection? section)
    {
        var global = new Global();
        if (section is null) return global;
        var interval = section.Duration("scrape_interval", global.ScrapeInterval);
        var timeout = section.DurationOrNull("scrape_timeout");
        if (timeout > interval) section.Error("scrape_timeout", "global scrape timeout greater than scrape interval");
        if (interval == TimeSpan.Zero) interval = global.ScrapeInterval;
        string scheme = section.Text("metric_name_validation_scheme", "utf8");
        if (scheme is not ("utf8" or "legacy" or "")) section.Error("metric_name_validation_scheme", $"unknown global name validation method specified, must be either '', 'legacy' or 'utf8', got {scheme}");
        global = global with
        {
            ScrapeInterval = interval,
            ScrapeTimeout = timeout is { } set && set > TimeSpan.Zero ? set : interval < global.ScrapeTimeout ? interval : global.ScrapeTimeout,
            EvaluationInterval = section.DurationOrNull("evaluation_interval") is { } evaluation && evaluation > TimeSpan.Zero ? evaluation : global.EvaluationInterval,
            RuleQueryOffset = section.Duration("rule_query_offset", TimeSpan.Zero),
            ExternalLabels = ReadExternalLabels(section),
            QueryLogFile = HttpClientReader.Resolve(section.Text("query_log_file", ""), folder),
            ProtocolsSet = section.Has("scrape_protocols"),
            Scrape = ReadLimits(section, global.Scrape with { LegacyNames = scheme == "legacy" }),
        };
        CheckEscaping(section, global.Scrape);
        section.Done();
        return global;
    }

    private static Labels ReadExternalLabels(YamlSection section)
    {
        var builder = new LabelsBuilder();
        foreach (var (name, value) in section.TextMap("external_labels"))
        {
            if (name.Length == 0 || name == Labels.MetricName) section.Error("external_labels", $"\"{name}\" is not a valid label name");
            builder.Set(name, Expand(value));
        }
        return builder.ToLabels();

        // ${NAME} and $NAME stand for environment variables, $$ for a dollar sign.
        static string Expand(string value) => System.Text.RegularExpressions.Regex.Replace(value, @"\$(\$|\{([A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))", m =>
            m.Value == "$$" ? "$" : Environment.GetEnvironmentVariable(m.Groups[2].Success ? m.Groups[2].Value : m.Groups[3].Value) ?? "");
    }

    /// <summary>What a job and the global section have in common.</summary>
    private ScrapeOptions ReadLimits(YamlSection section, ScrapeOptions options)
    {
        var protocols = section.Has("scrape_protocols") ? section.Texts("scrape_protocols") : null;
        if (protocols is not null)
        {
            if (protocols.Count == 0) section.Error("scrape_protocols", "scrape_protocols cannot be empty");
            if (protocols.Distinct().Count() != protocols.Count) section.Error("scrape_protocols", "duplicated protocol in scrape_protocols");
            foreach (string unknown in protocols.Where(p => !Protocols.ContainsKey(p)))
                section.Error("scrape_protocols", $"unknown scrape protocol {unknown}, supported: [{string.Join(' ', Protocols.Keys)}]");
        }
        return options with
        {
            BodySizeLimit = section.Size("body_size_limit", options.BodySizeLimit),
            SampleLimit = section.Count("sample_limit", options.SampleLimit),
            TargetLimit = section.Count("target_limit", options.TargetLimit),
            LabelLimit = section.Count("label_limit", options.LabelLimit),
            LabelNameLengthLimit = section.Count("label_name_length_limit", options.LabelNameLengthLimit),
            LabelValueLengthLimit = section.Count("label_value_length_limit", options.LabelValueLengthLimit),
            ScrapeNativeHistograms = section.Bool("scrape_native_histograms", options.ScrapeNativeHistograms),
            ScrapeClassicHistograms = section.Bool("always_scrape_classic_histograms", options.ScrapeClassicHistograms),
            ConvertClassicHistograms = section.Bool("convert_classic_histograms_to_nhcb", options.ConvertClassicHistograms),
            EscapingScheme = section.Text("metric_name_escaping_scheme", options.EscapingScheme),
            FailureLogFile = section.TextOrNull("scrape_failure_log_file") is { } log ? HttpClientReader.Resolve(log, folder) : options.FailureLogFile,
            ExtraMetrics = section.Bool("extra_scrape_metrics", options.ExtraMetrics),
            Protocols = protocols is null ? options.Protocols : [.. protocols.Where(Protocols.ContainsKey).Select(p => Protocols[p])],
        };
    }

    private static void CheckEscaping(YamlSection section, ScrapeOptions options)
    {
        if (options.EscapingScheme is not ("" or "allow-utf-8" or "underscores" or "dots" or "values"))
            section.Error("metric_name_escaping_scheme", $"unknown escaping scheme {options.EscapingScheme}; use allow-utf-8, underscores, dots or values");
        else if (options is { EscapingScheme: "allow-utf-8", LegacyNames: true })
            section.Error("metric_name_escaping_scheme", "UTF-8 metric names requested but the validation scheme is legacy", "take one of the two away");
    }

    private ScrapeJob ReadJob(YamlSection section, Global global)
    {
        string name = section.Text("job_name", "");
        if (name.Length == 0) section.ErrorHere("job_name is empty");
        var interval = section.DurationOrNull("scrape_interval") is { } own && own > TimeSpan.Zero ? own : global.ScrapeInterval;
        var timeout = section.DurationOrNull("scrape_timeout");
        if (timeout > interval) section.Error("scrape_timeout", $"scrape timeout greater than scrape interval for scrape config with job name \"{name}\"");
        string scheme = section.Text("scheme", "http").ToLowerInvariant();
        if (scheme is not ("http" or "https")) section.Error("scheme", $"scheme {scheme} is neither http nor https");
        string validation = section.Text("metric_name_validation_scheme", global.Scrape.LegacyNames ? "legacy" : "utf8");
        if (validation is not ("utf8" or "legacy" or "")) section.Error("metric_name_validation_scheme", $"unknown name validation method specified, must be either '', 'legacy' or 'utf8', got {validation}");
        string? fallback = section.TextOrNull("fallback_scrape_protocol");
        if (fallback is not null && !Protocols.ContainsKey(fallback)) section.Error("fallback_scrape_protocol", $"invalid fallback_scrape_protocol for scrape config with job name \"{name}\": unknown scrape protocol {fallback}");
        var parameters = new Dictionary<string, IReadOnlyList<string>>();
        if (section.Section("params") is { } given)
        {
            foreach (string key in given.Keys.ToList()) parameters[key] = given.Texts(key);
        }
        var options = ReadLimits(section, global.Scrape) with
        {
            JobName = name,
            Interval = interval,
            Timeout = timeout is { } set && set > TimeSpan.Zero ? set : interval < global.ScrapeTimeout ? interval : global.ScrapeTimeout,
            MetricsPath = section.Text("metrics_path", "/metrics"),
            Scheme = scheme,
            Params = parameters,
            HonorLabels = section.Bool("honor_labels", false),
            HonorTimestamps = section.Bool("honor_timestamps", true),
            TrackTimestampsStaleness = section.Bool("track_timestamps_staleness", false),
            EnableCompression = section.Bool("enable_compression", true),
            FallbackProtocol = fallback is not null && Protocols.TryGetValue(fallback, out var protocol) ? protocol : null,
            NativeHistogramBucketLimit = section.Count("native_histogram_bucket_limit"),
            NativeHistogramMinBucketFactor = section.Float("native_histogram_min_bucket_factor", 0),
            LegacyNames = validation == "legacy",
            RelabelRules = ReadRelabelRules(section, "relabel_configs", folder),
            MetricRelabelRules = ReadRelabelRules(section, "metric_relabel_configs", folder),
        };
        if (options.ScrapeNativeHistograms && !section.Has("scrape_protocols") && !global.ProtocolsSet)
            options = options with { Protocols = [ScrapeProtocol.PrometheusProto, .. options.Protocols.Where(p => p != ScrapeProtocol.PrometheusProto)] };
        section.Number("keep_dropped_targets", 0, 0);
        CheckEscaping(section, options);
        var discovery = DiscoveryReader.Read(section, folder);
        var http = HttpClientReader.Read(section, folder);
        section.Done();
        return new ScrapeJob(options, http, discovery);
    }

    private void ReadJobFiles(YamlSection root, string pattern, Global global, List<ScrapeJob> jobs)
    {
        string path = HttpClientReader.Resolve(pattern, folder);
        string place = Path.GetDirectoryName(path) ?? folder;
        if (!Directory.Exists(place)) return;
        foreach (string found in Directory.EnumerateFiles(place, Path.GetFileName(path)).Order(StringComparer.Ordinal))
        {
            var more = new YamlReading(System.IO.File.ReadAllText(found), found, root.Findings).Section("the scrape configuration file");
            foreach (var section in more.Sections("scrape_configs")) jobs.Add(ReadJob(section, global));
            more.Done();
        }
    }

    /// <summary>A list of relabel rules; each mistake in one is a finding.</summary>
    public static IReadOnlyList<RelabelRule> ReadRelabelRules(YamlSection section, string key, string folder)
    {
        var rules = new List<RelabelRule>();
        foreach (var rule in section.Sections(key))
        {
            long modulus = rule.Number("modulus", 0, 0);
            var options = new RelabelRuleOptions
            {
                SourceLabels = rule.Has("source_labels") ? rule.Texts("source_labels") : null,
                Separator = rule.TextOrNull("separator"),
                Regex = rule.TextOrNull("regex"),
                TargetLabel = rule.TextOrNull("target_label"),
                Replacement = rule.TextOrNull("replacement"),
                Modulus = rule.Has("modulus") ? (ulong)modulus : null,
                Action = rule.TextOrNull("action"),
            };
            rule.Done();
            if (RelabelRule.TryCreate(options, out var made, out string? error)) rules.Add(made);
            else rule.ErrorHere(error);
        }
        return rules;
    }

    private (IReadOnlyList<AlertmanagerGroup>, IReadOnlyList<RelabelRule>) ReadAlerting(YamlSection? section)
    {
        if (section is null) return ([], []);
        var rules = ReadRelabelRules(section, "alert_relabel_configs", folder);
        var groups = new List<AlertmanagerGroup>();
        foreach (var group in section.Sections("alertmanagers"))
        {
            string version = group.Text("api_version", "v2");
            if (version != "v2") group.Error("api_version", $"expected Alertmanager api version to be one of [v2] but got {version}");
            string scheme = group.Text("scheme", "http");
            if (scheme is not ("http" or "https")) group.Error("scheme", $"scheme {scheme} is neither http nor https");
            var clouds = new YamlDiscoverySection(group, folder);
            var http = HttpClientReader.Read(group, folder);
            var aws = SigV4Access.ReadFrom(clouds);
            if (aws is not null && http is not { BasicAuth: null, Authorization: null, OAuth2: null }) group.ErrorHere("at most one of basic_auth, authorization, oauth2, & sigv4 must be configured");
            groups.Add(new AlertmanagerGroup(
                scheme, group.Text("path_prefix", ""), group.Duration("timeout", TimeSpan.FromSeconds(10)), http, aws, DiscoveryReader.Read(group, folder),
                ReadRelabelRules(group, "relabel_configs", folder), ReadRelabelRules(group, "alert_relabel_configs", folder)));
            clouds.Done();
        }
        section.Done();
        return (groups, rules);
    }
}
