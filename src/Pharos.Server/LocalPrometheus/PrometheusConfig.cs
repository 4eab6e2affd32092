using Pharos.Collector;
using Pharos.Collector.Discovery;
using Pharos.Collector.Relabeling;
using Pharos.Collector.RemoteWrite;
using Pharos.Collector.Scraping;
using Pharos.Core;
using Pharos.Server.LocalPrometheus.Tracing;

namespace Pharos.Server.LocalPrometheus;

/// <summary>A prometheus.yml, checked whole, with every default filled in.</summary>
public sealed record PrometheusConfig
{
    public required string Text { get; init; }

    /// <summary>The text as it may be shown: each secret is <c>&lt;secret&gt;</c>.</summary>
    public required string ShownText { get; init; }
    public required string File { get; init; }
    public required TimeSpan EvaluationInterval { get; init; }
    public required TimeSpan RuleQueryOffset { get; init; }
    public required Labels ExternalLabels { get; init; }

    /// <summary>Gets a line for each query, absolute; empty: none.</summary>
    public required string QueryLogFile { get; init; }

    /// <summary>Globs, absolute.</summary>
    public required IReadOnlyList<string> RuleFiles { get; init; }

    public required IReadOnlyList<ScrapeJob> ScrapeJobs { get; init; }
    public required IReadOnlyList<AlertmanagerGroup> Alertmanagers { get; init; }
    public required IReadOnlyList<RelabelRule> AlertRelabelRules { get; init; }
    public required IReadOnlyList<RemoteWriteTarget> RemoteWrite { get; init; }
    public required IReadOnlyList<RemoteReadTarget> RemoteRead { get; init; }
    public required TsdbSettings Tsdb { get; init; }
    public required OtlpSettings Otlp { get; init; }

    /// <summary>Null: no spans are made.</summary>
    public TracingSettings? Tracing { get; init; }

    /// <summary>What was read but deserves attention.</summary>
    public required IReadOnlyList<Diagnostic> Warnings { get; init; }

    /// <exception cref="ConfigurationException">Every mistake in the file and the scrape configuration files that it names, each with its place.</exception>
    public static PrometheusConfig Load(string text, string file, bool agent = false) => new PrometheusConfigReader(file, agent).Read(text);
}

/// <summary>The <c>storage.tsdb</c> section. What is null is left to the command line.</summary>
public sealed record TsdbSettings
{
    public TimeSpan OutOfOrderWindow { get; init; }

    /// <summary>Share of the head's series at which those that have ended leave it early. 0: never.</summary>
    public double StaleSeriesShareMax { get; init; }

    /// <summary>How long samples are kept.</summary>
    public TimeSpan? RetentionTime { get; init; }

    /// <summary>How many bytes of blocks are kept; the oldest go first. 0: any.</summary>
    public long? RetentionBytes { get; init; }

    /// <summary>Bytes of blocks as a share of the disk, 0 to 100; goes before <see cref="RetentionBytes"/>. 0: not set.</summary>
    public double RetentionPercentage { get; init; }

    /// <summary>How many exemplars are kept, the newest; 0 takes none.</summary>
    public int? ExemplarsMax { get; init; }
}

/// <summary>One entry of <c>scrape_configs</c>.</summary>
public sealed record ScrapeJob(ScrapeOptions Options, HttpClientOptions Http, Discoveries Discovery);

/// <summary>Where the targets of a job come from.</summary>
public sealed record Discoveries(IReadOnlyList<IReadOnlyList<Labels>> Static, IReadOnlyList<DiscoveryOptions> Dynamic);

/// <summary>One entry of <c>alerting.alertmanagers</c>.</summary>
public sealed record AlertmanagerGroup(
    string Scheme, string PathPrefix, TimeSpan Timeout, HttpClientOptions Http, SigV4Access? SigV4, Discoveries Discovery, IReadOnlyList<RelabelRule> RelabelRules,
    IReadOnlyList<RelabelRule> AlertRelabelRules);

/// <summary>One entry of <c>remote_write</c>.</summary>
public sealed record RemoteWriteTarget
{
    public required Uri Url { get; init; }
    public required string Name { get; init; }
    public required TimeSpan RemoteTimeout { get; init; }
    public required IReadOnlyDictionary<string, string> Headers { get; init; }
    public required HttpClientOptions Http { get; init; }
    public CloudAccess? Cloud { get; init; }
    public required IReadOnlyList<RelabelRule> WriteRelabelRules { get; init; }

    /// <summary>True: io.prometheus.write.v2.Request.</summary>
    public required bool Version2 { get; init; }

    public required bool SendExemplars { get; init; }
    public required bool SendNativeHistograms { get; init; }
    public required int Capacity { get; init; }
    public required int ShardsMin { get; init; }
    public required int ShardsMax { get; init; }
    public required int SamplesPerSendMax { get; init; }
    public required TimeSpan BatchSendDeadline { get; init; }
    public required TimeSpan BackoffMin { get; init; }
    public required TimeSpan BackoffMax { get; init; }
    public required bool RetryOn429 { get; init; }
    public required TimeSpan SampleAgeLimit { get; init; }
    public required bool SendMetadata { get; init; }
    public required TimeSpan MetadataInterval { get; init; }
    public required int MetadataPerSendMax { get; init; }
}
