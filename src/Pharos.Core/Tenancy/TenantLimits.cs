namespace Pharos.Core;

/// <summary>
/// What one tenant may use. Zero means no limit. Names and defaults follow Mimir and Loki,
/// so that their runtime overrides can be used unchanged.
/// </summary>
public sealed record TenantLimits
{
    public static TenantLimits Default { get; } = new();

    /// <summary>Active series in the head. Mimir: max_global_series_per_user.</summary>
    public int SeriesMax { get; init; } = 1_500_000;

    /// <summary>Active series of one metric name. Mimir: max_global_series_per_metric.</summary>
    public int SeriesPerMetricMax { get; init; }

    public int LabelNamesPerSeriesMax { get; init; } = 30;
    public int LabelNameBytesMax { get; init; } = 1024;
    public int LabelValueBytesMax { get; init; } = 2048;

    /// <summary>Samples per second, token bucket; 0 = no limit. Mimir: ingestion_rate, ingestion_burst_size.</summary>
    public double IngestionSamplesPerSecond { get; init; }
    public int IngestionBurstSamples { get; init; }

    /// <summary>How far ahead of now a sample may be.</summary>
    public TimeSpan CreationGracePeriod { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How far behind the newest sample of the head an older one is still taken out of order.</summary>
    public TimeSpan OutOfOrderWindow { get; init; }

    /// <summary>How long blocks are kept; zero = for ever.</summary>
    public TimeSpan MetricRetention { get; init; }

    /// <summary>Bytes of a tenant's blocks; above it the oldest blocks are deleted.</summary>
    public long MetricBytesMax { get; init; }

    /// <summary>Series that are kept for shorter than <see cref="MetricRetention"/>. Where several match one, the shortest period counts.</summary>
    public IReadOnlyList<SeriesRetention> SeriesRetention { get; init; } = [];

    /// <summary>Loki: max_line_size, bytes.</summary>
    public int LogLineBytesMax { get; init; } = 256 * 1024;

    /// <summary>Loki: max_global_streams_per_user.</summary>
    public int StreamsMax { get; init; } = 100_000;

    /// <summary>Loki: max_label_names_per_series.</summary>
    public int LogLabelNamesMax { get; init; } = 15;

    /// <summary>Structured metadata of one entry, bytes and pairs.</summary>
    public int LogMetadataBytesMax { get; init; } = 64 * 1024;
    public int LogMetadataEntriesMax { get; init; } = 128;

    /// <summary>Older log entries are refused. Loki: reject_old_samples_max_age.</summary>
    public TimeSpan LogAgeMax { get; init; } = TimeSpan.FromDays(7);

    /// <summary>Loki: ingestion_rate_mb, ingestion_burst_size_mb, here in bytes; 0 = no limit.</summary>
    public double LogBytesPerSecond { get; init; }
    public long LogBurstBytes { get; init; }

    public TimeSpan LogRetention { get; init; }

    /// <summary>Samples one query may have in memory at once. Prometheus: query.max-samples.</summary>
    public long QuerySamplesMax { get; init; } = 50_000_000;

    public TimeSpan QueryTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Lines a log query may return. Loki: max_entries_limit_per_query.</summary>
    public int LogQueryEntriesMax { get; init; } = 5000;

    /// <summary>Longest range of a log query. Loki: max_query_length.</summary>
    public TimeSpan LogQueryLengthMax { get; init; } = TimeSpan.FromHours(721);

    /// <summary>Series a LogQL metric query may return. Loki: max_query_series.</summary>
    public int LogQuerySeriesMax { get; init; } = 500;

    /// <summary>Mimir: ruler_max_rule_groups_per_tenant, ruler_max_rules_per_rule_group.</summary>
    public int RuleGroupsMax { get; init; } = 70;
    public int RulesPerGroupMax { get; init; } = 20;
}

/// <summary>How long samples of the series are kept that match a selector such as <c>{job="debug"}</c>.</summary>
public sealed record SeriesRetention(string Selector, IReadOnlyList<Matcher> Matchers, TimeSpan Period);

/// <summary>Limits by tenant; may change while the process runs.</summary>
public interface ITenantLimits
{
    TenantLimits For(TenantId tenant);
}

/// <summary>The same limits for every tenant.</summary>
public sealed class FixedTenantLimits(TenantLimits? limits = null) : ITenantLimits
{
    private readonly TenantLimits limits = limits ?? TenantLimits.Default;

    public TenantLimits For(TenantId tenant) => limits;
}
