namespace Pharos.Core;

/// <summary>What becomes of a series with a label value over the length limit.</summary>
public enum LongLabelValue
{
    /// <summary>The series is refused.</summary>
    Error,

    /// <summary>The value is cut and ends in a hash of the whole.</summary>
    Truncate,

    /// <summary>The value is replaced by a hash of it.</summary>
    Drop,
}

/// <summary>A query that must not run, or not so often.</summary>
/// <param name="Pattern">The query's text, or a regular expression for all of it.</param>
/// <param name="AllowedEvery">Zero: never. Else it may run once in so long.</param>
public sealed record QueryRule(string Pattern, bool IsRegex, string Reason, TimeSpan AllowedEvery)
{
    private readonly LinearRegex? regex = IsRegex ? LinearRegex.Anchored(Pattern) : null;

    public bool Matches(string query) => regex is null ? query.AsSpan().Trim().SequenceEqual(Pattern.AsSpan().Trim()) : regex.IsMatch(query.Trim());
}

/// <summary>A read request that must not run, by its path and parameters; what is empty matches any.</summary>
public sealed record RequestRule(string Path, string Method, IReadOnlyDictionary<string, string> Parameters);

/// <summary>
/// What one tenant may use. Zero means no limit where nothing else is said. Names and defaults follow Mimir and Loki,
/// so that their runtime overrides can be used unchanged; docs/server.md lists them with the settings' names.
/// </summary>
public sealed record TenantLimits
{
    public static TenantLimits Default { get; } = new();

    // Writing metrics

    /// <summary>Push requests per second, token bucket.</summary>
    public double RequestsPerSecond { get; init; }

    /// <summary>Push requests at once; 0 = as many as per second, at least one.</summary>
    public int RequestBurst { get; init; }

    /// <summary>Samples, histograms, exemplars and metadata per second, token bucket.</summary>
    public double IngestionSamplesPerSecond { get; init; }
    public int IngestionBurstSamples { get; init; }

    /// <summary>Series in the head, in memory.</summary>
    public int SeriesMax { get; init; } = 1_500_000;

    /// <summary>Share of the series in the head, 0 to 1, at which those that have ended leave it before the others. 0: never.</summary>
    public double StaleSeriesShareMax { get; init; }

    /// <summary>Series in the head of one metric name.</summary>
    public int SeriesPerMetricMax { get; init; }

    /// <summary>Series with a sample in the last 20 minutes.</summary>
    public int ActiveSeriesMax { get; init; }

    /// <summary>Metric families with metadata, and different metadata of one family.</summary>
    public int MetadataMax { get; init; }
    public int MetadataPerMetricMax { get; init; }

    /// <summary>Bytes of a metadata's metric name and unit; a longer help text is cut.</summary>
    public int MetadataBytesMax { get; init; } = 1024;

    /// <summary>Exemplars kept in memory, the newest; 0 takes none.</summary>
    public int ExemplarsMax { get; init; } = 100_000;

    /// <summary>Exemplars of one series in one request; the oldest of more are left out.</summary>
    public int ExemplarsPerSeriesPerRequestMax { get; init; }

    /// <summary>Exemplars out of order are left out without an error.</summary>
    public bool IgnoreOutOfOrderExemplars { get; init; }

    public int LabelNamesPerSeriesMax { get; init; } = 30;

    /// <summary>Labels of a series whose name ends in <c>_info</c>.</summary>
    public int LabelNamesPerInfoSeriesMax { get; init; } = 80;

    /// <summary>UTF-8 bytes.</summary>
    public int LabelNameBytesMax { get; init; } = 1024;
    public int LabelValueBytesMax { get; init; } = 2048;

    public LongLabelValue LongLabelValue { get; init; } = LongLabelValue.Error;

    /// <summary>Names may be any UTF-8; false: only what needs no quotes in a query.</summary>
    public bool Utf8Names { get; init; } = true;

    /// <summary>Labels that are taken off every series pushed.</summary>
    public IReadOnlyList<string> DropLabels { get; init; } = [];

    /// <summary>False: native histograms are left out without an error.</summary>
    public bool NativeHistograms { get; init; } = true;

    /// <summary>Buckets of a native histogram, both sides together.</summary>
    public int HistogramBucketsMax { get; init; }

    /// <summary>Histograms over the limit lose resolution until they fit; false: they are refused.</summary>
    public bool ReduceHistograms { get; init; } = true;

    /// <summary>How far ahead of now a sample may be.</summary>
    public TimeSpan CreationGracePeriod { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How far behind now a sample may be, with the out-of-order window on top.</summary>
    public TimeSpan PastGracePeriod { get; init; }

    /// <summary>How far behind the newest sample of the head an older one is still taken out of order.</summary>
    public TimeSpan OutOfOrderWindow { get; init; }

    // Pairs of senders

    /// <summary>Of several replicas that send the same, only one is taken.</summary>
    public bool AcceptHaSamples { get; init; }
    public string HaClusterLabel { get; init; } = "cluster";
    public string HaReplicaLabel { get; init; } = "__replica__";
    public int HaClustersMax { get; init; } = 100;

    /// <summary>How long the elected replica may be silent before another takes its place.</summary>
    public TimeSpan HaFailover { get; init; } = TimeSpan.FromSeconds(30);

    // Soft budgets: what flows goes on, what is new is refused

    public int SeriesBudget { get; init; }
    public int SeriesBudgetPerJob { get; init; }

    /// <summary>New series within <see cref="BudgetWindow"/>.</summary>
    public int ChurnBudget { get; init; }
    public int ChurnBudgetPerJob { get; init; }
    public TimeSpan BudgetWindow { get; init; } = TimeSpan.FromHours(1);

    // Keeping metrics

    /// <summary>How long blocks are kept; zero = for ever.</summary>
    public TimeSpan MetricRetention { get; init; }

    /// <summary>Bytes of a tenant's blocks; above it the oldest blocks are deleted.</summary>
    public long MetricBytesMax { get; init; }

    /// <summary>Series that are kept for shorter than <see cref="MetricRetention"/>. Where several match one, the shortest period counts.</summary>
    public IReadOnlyList<SeriesRetention> SeriesRetention { get; init; } = [];

    // Reading metrics

    /// <summary>Samples one query may have in memory at once. Prometheus: query.max-samples.</summary>
    public long QuerySamplesMax { get; init; } = 50_000_000;

    public TimeSpan QueryTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Chunks, chunk bytes and series one query may touch.</summary>
    public long QueryChunksMax { get; init; } = 2_000_000;
    public long QueryChunkBytesMax { get; init; }
    public long QuerySeriesMax { get; init; }

    /// <summary>Bytes one PromQL query may hold in memory at once. Mimir: max_estimated_memory_consumption_per_query.</summary>
    public long QueryMemoryBytesMax { get; init; }

    /// <summary>Range of a range query, end minus start.</summary>
    public TimeSpan QueryLengthMax { get; init; }

    /// <summary>Bytes of a query's text.</summary>
    public int QueryTextBytesMax { get; init; }

    /// <summary>Reads see nothing older than this.</summary>
    public TimeSpan QueryLookbackMax { get; init; }

    /// <summary>Range of series, label name and label value requests; a longer one loses its start.</summary>
    public TimeSpan LabelsQueryLengthMax { get; init; }

    /// <summary>Results of one series, label name or label value request; more are cut off.</summary>
    public int SeriesQueryMax { get; init; }
    public int LabelNamesQueryMax { get; init; }
    public int LabelValuesQueryMax { get; init; }

    public IReadOnlyList<QueryRule> BlockedQueries { get; init; } = [];
    public IReadOnlyList<QueryRule> LimitedQueries { get; init; } = [];
    public IReadOnlyList<RequestRule> BlockedRequests { get; init; } = [];

    /// <summary>Whether the cardinality API answers.</summary>
    public bool CardinalityAnalysis { get; init; }

    /// <summary>Label names in one request for their values' cardinality, and items in one answer.</summary>
    public int CardinalityLabelNamesMax { get; init; } = 100;
    public int CardinalityResultsMax { get; init; } = 500;

    /// <summary>Bytes of an answer with active series.</summary>
    public long ActiveSeriesResultBytesMax { get; init; } = 400L << 20;

    /// <summary>Selectors whose active series are counted. Mimir: active_series_custom_trackers, active_series_additional_custom_trackers.</summary>
    public IReadOnlyList<SeriesTracker> SeriesTrackers { get; init; } = [];
    public IReadOnlyList<SeriesTracker> MoreSeriesTrackers { get; init; } = [];

    /// <summary>Both lists; of one name the second counts.</summary>
    public IEnumerable<SeriesTracker> ActiveSeriesTrackers =>
        SeriesTrackers.Where(t => !MoreSeriesTrackers.Any(m => m.Name == t.Name)).Concat(MoreSeriesTrackers);

    /// <summary>Whether blocks may be uploaded; whether a finished upload is read before it is taken in, and each of its samples; bytes of one, 0 = any. Mimir: compactor_block_upload_*.</summary>
    public bool BlockUpload { get; init; }
    public bool BlockUploadValidates { get; init; } = true;
    public bool BlockUploadReadsChunks { get; init; } = true;
    public long BlockUploadBytesMax { get; init; }

    // Rules

    /// <summary>Mimir: ruler_max_rule_groups_per_tenant, ruler_max_rules_per_rule_group.</summary>
    public int RuleGroupsMax { get; init; } = 70;
    public int RulesPerGroupMax { get; init; } = 20;

    /// <summary>By namespace, instead of those for all.</summary>
    public IReadOnlyDictionary<string, int> RuleGroupsMaxBySpace { get; init; } = new Dictionary<string, int>();
    public IReadOnlyDictionary<string, int> RulesPerGroupMaxBySpace { get; init; } = new Dictionary<string, int>();

    /// <summary>Shortest interval of a group.</summary>
    public TimeSpan RuleIntervalMin { get; init; }

    /// <summary>How far back the queries of groups look that do not set query_offset themselves.</summary>
    public TimeSpan RuleQueryOffset { get; init; }

    /// <summary>Results of one rule; the smaller of this and the group's limit holds.</summary>
    public int RuleResultsMax { get; init; }

    /// <summary>False: rules of the kind are kept and do not run.</summary>
    public bool RecordingRules { get; init; } = true;
    public bool AlertingRules { get; init; } = true;

    /// <summary>Namespaces that change only when the request names them in a header.</summary>
    public IReadOnlyList<string> ProtectedNamespaces { get; init; } = [];

    /// <summary>Where rules over logs record to; null: this server's own metrics.</summary>
    public RecordingTarget? Recording { get; init; }

    /// <summary>What becomes of alerts of rules; null: the router in this process takes them as they are.</summary>
    public AlertTarget? AlertsTo { get; init; }

    public AlertLimits Alerts { get; init; } = new();

    // Logs

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

    /// <summary>Streams that are kept for another time. Loki: retention_stream.</summary>
    public IReadOnlyList<LogStreamRetention> LogStreamRetention { get; init; } = [];

    /// <summary>Lines a log query may return. Loki: max_entries_limit_per_query.</summary>
    public int LogQueryEntriesMax { get; init; } = 5000;

    /// <summary>Longest range of a log query. Loki: max_query_length.</summary>
    public TimeSpan LogQueryLengthMax { get; init; } = TimeSpan.FromHours(721);

    /// <summary>Series a LogQL metric query may return. Loki: max_query_series.</summary>
    public int LogQuerySeriesMax { get; init; } = 500;

    /// <summary>What else holds for logs.</summary>
    public LogLimits Logs { get; init; } = new();

    /// <summary>Start timestamps of remote write 2 are stored, as samples of 0.</summary>
    public bool StartTimestampsAsZeros { get; init; }

    /// <summary>Mimir: otel_*, promote_otel_resource_attributes. Mimir appends no suffixes unless told to.</summary>
    public OtlpSettings Otlp { get; init; } = new() { Translation = OtlpTranslation.UnderscoreEscapingWithoutSuffixes };
}

/// <summary>Receivers of what rules record. Only the room that sends to them looks inside.</summary>
public abstract record RecordingTarget;

/// <summary>Receivers of alerts of rules. Only the room that sends to them looks inside.</summary>
public abstract record AlertTarget;

/// <summary>How long samples of the series are kept that match a selector such as <c>{job="debug"}</c>.</summary>
public sealed record SeriesRetention(string Selector, IReadOnlyList<Matcher> Matchers, TimeSpan Period);

/// <summary>A selector whose active series are counted under a name.</summary>
public sealed record SeriesTracker(string Name, string Selector, IReadOnlyList<Matcher> Matchers);

/// <summary>How long entries of the streams are kept that match a selector; where several match, the highest priority counts.</summary>
public sealed record LogStreamRetention(string Selector, IReadOnlyList<Matcher> Matchers, int Priority, TimeSpan Period);

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
