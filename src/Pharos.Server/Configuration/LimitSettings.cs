using Pharos.Core;
using Pharos.Server.Configuration.Ruler;
using static Pharos.Server.Configuration.LimitSetting;

namespace Pharos.Server.Configuration;

/// <summary>Every limit a tenant can have, by the names of Mimir and Loki where those have it. docs/server.md is checked against this.</summary>
internal static class LimitSettings
{
    public static IReadOnlyList<LimitSetting> All { get; } =
    [
        Number("request_rate", "push requests per second", l => l.RequestsPerSecond, (l, v) => l with { RequestsPerSecond = v }),
        Whole("request_burst_size", "push requests at once", l => l.RequestBurst, (l, v) => l with { RequestBurst = (int)v }),
        Number("ingestion_rate", "samples, exemplars and metadata per second", l => l.IngestionSamplesPerSecond, (l, v) => l with { IngestionSamplesPerSecond = v }),
        Whole("ingestion_burst_size", "of them at once; 0: as many as per second", l => l.IngestionBurstSamples, (l, v) => l with { IngestionBurstSamples = (int)v }),
        Whole("max_global_series_per_user", "series in memory", l => l.SeriesMax, (l, v) => l with { SeriesMax = (int)v }),
        Whole("max_global_series_per_metric", "series in memory of one metric name", l => l.SeriesPerMetricMax, (l, v) => l with { SeriesPerMetricMax = (int)v }),
        Whole("max_active_series_per_user", "series with a sample in the last 20 minutes", l => l.ActiveSeriesMax, (l, v) => l with { ActiveSeriesMax = (int)v }),
        Whole("max_global_metadata_per_user", "metric families with metadata", l => l.MetadataMax, (l, v) => l with { MetadataMax = (int)v }),
        Whole("max_global_metadata_per_metric", "different metadata of one family", l => l.MetadataPerMetricMax, (l, v) => l with { MetadataPerMetricMax = (int)v }),
        Whole("max_metadata_length", "bytes of a metadata's name and unit; a longer help text is cut", l => l.MetadataBytesMax, (l, v) => l with { MetadataBytesMax = (int)v }),
        Whole("max_global_exemplars_per_user", "exemplars kept, the newest; 0 takes none", l => l.ExemplarsMax, (l, v) => l with { ExemplarsMax = (int)v }),
        Whole("max_exemplars_per_series_per_request", "more are left out, the oldest first", l => l.ExemplarsPerSeriesPerRequestMax, (l, v) => l with { ExemplarsPerSeriesPerRequestMax = (int)v }),
        Switch("ignore_ooo_exemplars", "exemplars out of order are left out without an error", l => l.IgnoreOutOfOrderExemplars, (l, v) => l with { IgnoreOutOfOrderExemplars = v }),
        Whole("max_label_names_per_series", "labels of a series", l => l.LabelNamesPerSeriesMax, (l, v) => l with { LabelNamesPerSeriesMax = (int)v }),
        Whole("max_label_names_per_info_series", "labels of a series whose name ends in `_info`", l => l.LabelNamesPerInfoSeriesMax, (l, v) => l with { LabelNamesPerInfoSeriesMax = (int)v }),
        Whole("max_label_name_length", "bytes", l => l.LabelNameBytesMax, (l, v) => l with { LabelNameBytesMax = (int)v }),
        Whole("max_label_value_length", "bytes", l => l.LabelValueBytesMax, (l, v) => l with { LabelValueBytesMax = (int)v }),
        new("label_value_length_over_limit_strategy", "a longer value: `error`, `truncate` (cut, with a hash), `drop` (a hash alone)",
            (l, n, r) => l with { LongLabelValue = r.Choice(n, ("error", LongLabelValue.Error), ("truncate", LongLabelValue.Truncate), ("drop", LongLabelValue.Drop)) },
            (l, json) => json.WriteStringValue(l.LongLabelValue switch { LongLabelValue.Truncate => "truncate", LongLabelValue.Drop => "drop", _ => "error" })),
        new("name_validation_scheme", "names of metrics and labels: `utf8` (any), `legacy` (`[a-zA-Z_][a-zA-Z0-9_]*`)",
            (l, n, r) => l with { Utf8Names = r.Choice(n, ("utf8", true), ("legacy", false)) },
            (l, json) => json.WriteStringValue(l.Utf8Names ? "utf8" : "legacy")),
        Texts("drop_labels", "labels taken off every series pushed", l => l.DropLabels, (l, v) => l with { DropLabels = v }),
        Switch("native_histograms_ingestion_enabled", "false: native histograms are left out without an error", l => l.NativeHistograms, (l, v) => l with { NativeHistograms = v }),
        Whole("max_native_histogram_buckets", "buckets of a native histogram", l => l.HistogramBucketsMax, (l, v) => l with { HistogramBucketsMax = (int)v }),
        Switch("reduce_native_histogram_over_max_buckets", "over that, lower the resolution until it fits; false: refuse", l => l.ReduceHistograms, (l, v) => l with { ReduceHistograms = v }),
        Duration("creation_grace_period", "how far ahead of now a sample or a log line may be; 0: any", l => l.CreationGracePeriod, (l, v) => l with { CreationGracePeriod = v }),
        Duration("past_grace_period", "how far behind now, the out-of-order window on top", l => l.PastGracePeriod, (l, v) => l with { PastGracePeriod = v }),
        Duration("out_of_order_time_window", "how far behind the newest sample an older one is still taken", l => l.OutOfOrderWindow, (l, v) => l with { OutOfOrderWindow = v }),
        Switch("accept_ha_samples", "take only one of several replicas that send the same", l => l.AcceptHaSamples, (l, v) => l with { AcceptHaSamples = v }),
        Text("ha_cluster_label", "names what the replicas belong to", l => l.HaClusterLabel, (l, v) => l with { HaClusterLabel = v }),
        Text("ha_replica_label", "names the replica; taken off", l => l.HaReplicaLabel, (l, v) => l with { HaReplicaLabel = v }),
        Whole("ha_max_clusters", "clusters with replicas", l => l.HaClustersMax, (l, v) => l with { HaClustersMax = (int)v }),
        Duration("ha_tracker_failover_timeout", "silence after which another replica is elected", l => l.HaFailover, (l, v) => l with { HaFailover = v }),
        Whole("series_budget", "soft budget: above it, known series go on and new ones are refused", l => l.SeriesBudget, (l, v) => l with { SeriesBudget = (int)v }),
        Whole("series_budget_per_job", "the same for each value of the label `job`", l => l.SeriesBudgetPerJob, (l, v) => l with { SeriesBudgetPerJob = (int)v }),
        Whole("churn_budget", "soft budget of new series within budget_window", l => l.ChurnBudget, (l, v) => l with { ChurnBudget = (int)v }),
        Whole("churn_budget_per_job", "the same for each value of the label `job`", l => l.ChurnBudgetPerJob, (l, v) => l with { ChurnBudgetPerJob = (int)v }),
        Duration("budget_window", "window of the churn budgets, and of the growth that errors name", l => l.BudgetWindow, (l, v) => l with { BudgetWindow = v }),
        Duration("compactor_blocks_retention_period", "how long metrics are kept; 0: for ever", l => l.MetricRetention, (l, v) => l with { MetricRetention = v }),
        Size("compactor_blocks_retention_size", "of all metric blocks, for example `50GB`; above it the oldest go, the newest stays; 0: any", l => l.MetricBytesMax, (l, v) => l with { MetricBytesMax = v }),
        RuleLists.SeriesRetention,
        Switch("compactor_block_upload_enabled", "whether blocks may be uploaded (`/api/v1/upload/block/…`)", l => l.BlockUpload, (l, v) => l with { BlockUpload = v }),
        Switch("compactor_block_upload_validation_enabled", "an uploaded block is read before it is taken in", l => l.BlockUploadValidates, (l, v) => l with { BlockUploadValidates = v }),
        Switch("compactor_block_upload_verify_chunks", "and each of its samples", l => l.BlockUploadReadsChunks, (l, v) => l with { BlockUploadReadsChunks = v }),
        Whole("compactor_block_upload_max_block_size_bytes", "of an uploaded block's files", l => l.BlockUploadBytesMax, (l, v) => l with { BlockUploadBytesMax = v }, long.MaxValue),
        Duration("query_timeout", "of a query over metrics or logs", l => l.QueryTimeout, (l, v) => l with { QueryTimeout = v }),
        Whole("max_query_samples", "samples a PromQL query may have in memory at once", l => l.QuerySamplesMax, (l, v) => l with { QuerySamplesMax = v }, long.MaxValue),
        Whole("max_fetched_chunks_per_query", "chunks a query may touch", l => l.QueryChunksMax, (l, v) => l with { QueryChunksMax = v }, long.MaxValue),
        Whole("max_fetched_chunk_bytes_per_query", "their bytes", l => l.QueryChunkBytesMax, (l, v) => l with { QueryChunkBytesMax = v }, long.MaxValue),
        Whole("max_fetched_series_per_query", "series a query may touch", l => l.QuerySeriesMax, (l, v) => l with { QuerySeriesMax = v }, long.MaxValue),
        Whole("max_estimated_memory_consumption_per_query", "bytes a PromQL query has in memory at once", l => l.QueryMemoryBytesMax, (l, v) => l with { QueryMemoryBytesMax = v }, long.MaxValue),
        Duration("max_total_query_length", "range of a PromQL range query, end minus start", l => l.QueryLengthMax, (l, v) => l with { QueryLengthMax = v }),
        Whole("max_query_expression_size_bytes", "of a PromQL query's text", l => l.QueryTextBytesMax, (l, v) => l with { QueryTextBytesMax = (int)v }),
        Duration("max_query_lookback", "reads see nothing older; no error", l => l.QueryLookbackMax, (l, v) => l with { QueryLookbackMax = v }),
        Duration("max_labels_query_length", "range of series and label requests; a longer one loses its start, no error", l => l.LabelsQueryLengthMax, (l, v) => l with { LabelsQueryLengthMax = v }),
        Whole("max_series_query_limit", "results of a series request; more are cut off", l => l.SeriesQueryMax, (l, v) => l with { SeriesQueryMax = (int)v }),
        Whole("max_label_names_limit", "results of a label name request; more are cut off", l => l.LabelNamesQueryMax, (l, v) => l with { LabelNamesQueryMax = (int)v }),
        Whole("max_label_values_limit", "results of a label value request; more are cut off", l => l.LabelValuesQueryMax, (l, v) => l with { LabelValuesQueryMax = (int)v }),
        RuleLists.BlockedQueries,
        RuleLists.LimitedQueries,
        RuleLists.BlockedRequests,
        RuleLists.SeriesTrackers,
        RuleLists.MoreSeriesTrackers,
        Switch("cardinality_analysis_enabled", "whether `/api/v1/cardinality/*` answers", l => l.CardinalityAnalysis, (l, v) => l with { CardinalityAnalysis = v }),
        Whole("label_values_max_cardinality_label_names_per_request", "`label_names[]` of one request", l => l.CardinalityLabelNamesMax, (l, v) => l with { CardinalityLabelNamesMax = (int)v }),
        Whole("cardinality_analysis_max_results", "highest `limit` of a request", l => l.CardinalityResultsMax, (l, v) => l with { CardinalityResultsMax = (int)v }),
        Whole("active_series_results_max_size_bytes", "of an answer of `active_series`", l => l.ActiveSeriesResultBytesMax, (l, v) => l with { ActiveSeriesResultBytesMax = v }, long.MaxValue),
        Whole("ruler_max_rule_groups_per_tenant", "rule groups", l => l.RuleGroupsMax, (l, v) => l with { RuleGroupsMax = (int)v }),
        Whole("ruler_max_rules_per_rule_group", "rules of a group", l => l.RulesPerGroupMax, (l, v) => l with { RulesPerGroupMax = (int)v }),
        Duration("ruler_min_rule_evaluation_interval", "shortest interval of a group", l => l.RuleIntervalMin, (l, v) => l with { RuleIntervalMin = v }),
        Duration("ruler_evaluation_delay_duration", "how far back the queries of groups look that do not set query_offset", l => l.RuleQueryOffset, (l, v) => l with { RuleQueryOffset = v }),
        Whole("ruler_max_rule_evaluation_results", "results of one rule; the smaller of this and the group's limit holds", l => l.RuleResultsMax, (l, v) => l with { RuleResultsMax = (int)v }),
        Switch("ruler_recording_rules_evaluation_enabled", "false: recording rules are kept and do not run", l => l.RecordingRules, (l, v) => l with { RecordingRules = v }),
        Switch("ruler_alerting_rules_evaluation_enabled", "false: alerting rules are kept and do not run", l => l.AlertingRules, (l, v) => l with { AlertingRules = v }),
        Texts("ruler_protected_namespaces", "change only when the request names them in `X-Mimir-Ruler-Override-Namespace-Protection`", l => l.ProtectedNamespaces, (l, v) => l with { ProtectedNamespaces = v }),
        Bytes("max_line_size", "bytes of a log line", l => l.LogLineBytesMax, (l, v) => l with { LogLineBytesMax = (int)v }),
        Whole("max_global_streams_per_user", "log streams", l => l.StreamsMax, (l, v) => l with { StreamsMax = (int)v }),
        Bytes("max_structured_metadata_size", "bytes, of one log entry", l => l.LogMetadataBytesMax, (l, v) => l with { LogMetadataBytesMax = (int)v }),
        Whole("max_structured_metadata_entries_count", "of one log entry", l => l.LogMetadataEntriesMax, (l, v) => l with { LogMetadataEntriesMax = (int)v }),
        Duration("reject_old_samples_max_age", "older log entries are refused", l => l.LogAgeMax, (l, v) => l with { LogAgeMax = v }),
        Number("ingestion_rate_mb", "log MiB per second", l => l.LogBytesPerSecond / (1 << 20), (l, v) => l with { LogBytesPerSecond = v * (1 << 20) }),
        Number("ingestion_burst_size_mb", "log MiB at once", l => l.LogBurstBytes / (double)(1 << 20), (l, v) => l with { LogBurstBytes = (long)(v * (1 << 20)) }),
        Duration("retention_period", "how long logs are kept; 0: for ever", l => l.LogRetention, (l, v) => l with { LogRetention = v }),
        RuleLists.LogStreamRetention,
        Whole("max_entries_limit_per_query", "lines a log query may return", l => l.LogQueryEntriesMax, (l, v) => l with { LogQueryEntriesMax = (int)v }),
        Duration("max_query_length", "range of a log query", l => l.LogQueryLengthMax, (l, v) => l with { LogQueryLengthMax = v }),
        Whole("max_query_series", "series a LogQL metric query may return", l => l.LogQuerySeriesMax, (l, v) => l with { LogQuerySeriesMax = (int)v }),
        .. LogSettings.All,
        .. AlertLimitSettings.All,
        .. RulerLimits.All,
        .. OtlpLimits.All,
    ];

    /// <summary>A size that Loki writes with or without a unit; told as a number.</summary>
    private static LimitSetting Bytes(string name, string meaning, Func<TenantLimits, int> get, Func<TenantLimits, long, TenantLimits> set) =>
        new(name, meaning, (l, n, r) => set(l, r.LokiSize(n, int.MaxValue)), (l, json) => json.WriteNumberValue(get(l)));

    /// <summary>Those that Mimir tells a tenant and exports as metrics; all are numbers.</summary>
    public static IReadOnlyList<LimitSetting> Told { get; } =
    [
        .. new[]
        {
            "request_rate", "request_burst_size", "ingestion_rate", "ingestion_burst_size", "max_global_series_per_user", "max_global_series_per_metric",
            "max_global_exemplars_per_user", "max_fetched_chunks_per_query", "max_fetched_series_per_query", "max_fetched_chunk_bytes_per_query",
            "ruler_max_rules_per_rule_group", "ruler_max_rule_groups_per_tenant",
        }.Select(name => All.Single(s => s.Name == name)),
    ];

    public static IReadOnlyDictionary<string, LimitSetting> ByName { get; } = All.ToDictionary(s => s.Name, StringComparer.Ordinal);
}
