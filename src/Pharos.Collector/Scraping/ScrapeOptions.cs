using Pharos.Collector.Relabeling;

namespace Pharos.Collector.Scraping;

/// <summary>Exposition formats a scraper may ask for.</summary>
public enum ScrapeProtocol
{
    PrometheusProto,
    OpenMetricsText100,
    OpenMetricsText001,
    PrometheusText100,
    PrometheusText004,
}

/// <summary>How one job is scraped. Limits of 0 mean none. Defaults are Prometheus's own.</summary>
public sealed record ScrapeOptions
{
    public required string JobName { get; init; }

    public TimeSpan Interval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>At most <see cref="Interval"/>.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    public string MetricsPath { get; init; } = "/metrics";
    public string Scheme { get; init; } = "http";
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Params { get; init; } = new Dictionary<string, IReadOnlyList<string>>();

    /// <summary>True: labels of the exposition win over the target's; false: they are renamed <c>exported_…</c>.</summary>
    public bool HonorLabels { get; init; }

    public bool HonorTimestamps { get; init; } = true;
    public bool TrackTimestampsStaleness { get; init; }

    /// <summary>Also writes scrape_timeout_seconds, scrape_sample_limit and scrape_body_size_bytes.</summary>
    public bool ExtraMetrics { get; init; }

    public bool EnableCompression { get; init; } = true;

    public IReadOnlyList<ScrapeProtocol> Protocols { get; init; } =
        [ScrapeProtocol.OpenMetricsText100, ScrapeProtocol.OpenMetricsText001, ScrapeProtocol.PrometheusText100, ScrapeProtocol.PrometheusText004];

    /// <summary>Taken where the target names no content type that is known; null: the scrape then fails.</summary>
    public ScrapeProtocol? FallbackProtocol { get; init; }

    public bool ScrapeNativeHistograms { get; init; }
    public bool ScrapeClassicHistograms { get; init; }

    /// <summary>Buckets of one native histogram; over it, the resolution is reduced, and where that does not help the scrape fails.</summary>
    public int NativeHistogramBucketLimit { get; init; }

    /// <summary>
    /// Least growth from one bucket of a native histogram to the next; finer ones are merged. 0 or 1 and below: all are kept.
    /// </summary>
    public double NativeHistogramMinBucketFactor { get; init; }

    /// <summary>Classic histograms are stored as native ones with custom buckets; <see cref="ScrapeClassicHistograms"/> keeps their series too.</summary>
    public bool ConvertClassicHistograms { get; init; }

    /// <summary>The times at which counters began to count go on with their samples, where a target gives them; a store puts a sample of 0 there.</summary>
    public bool StartTimestamps { get; init; }

    /// <summary>Gets a line of JSON for each failed scrape; empty: none.</summary>
    public string FailureLogFile { get; init; } = "";

    /// <summary>Bytes of a body after decompression.</summary>
    public long BodySizeLimit { get; init; }

    /// <summary>Samples after relabelling.</summary>
    public int SampleLimit { get; init; }

    public int TargetLimit { get; init; }
    public int LabelLimit { get; init; }
    public int LabelNameLengthLimit { get; init; }
    public int LabelValueLengthLimit { get; init; }

    /// <summary>True: metric and label names outside the classic character set fail the scrape.</summary>
    public bool LegacyNames { get; init; }

    /// <summary>
    /// How targets are asked to write other names: allow-utf-8, underscores, dots or values; empty: underscores with
    /// <see cref="LegacyNames"/>, else allow-utf-8.
    /// </summary>
    public string EscapingScheme { get; init; } = "";

    public IReadOnlyList<RelabelRule> RelabelRules { get; init; } = [];
    public IReadOnlyList<RelabelRule> MetricRelabelRules { get; init; } = [];
}

/// <summary>A target as the targets API and the web page show it.</summary>
/// <param name="Health"><c>unknown</c> before the first scrape, then <c>up</c> or <c>down</c>.</param>
public sealed record TargetStatus(
    Core.Labels DiscoveredLabels,
    Core.Labels Labels,
    string ScrapePool,
    Uri ScrapeUrl,
    string LastError,
    DateTimeOffset? LastScrape,
    TimeSpan LastScrapeDuration,
    string Health,
    TimeSpan Interval,
    TimeSpan Timeout);
