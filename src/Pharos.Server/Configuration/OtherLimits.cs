namespace Pharos.Server.Configuration;

/// <summary>Limits of Mimir and Loki that Pharos knows by name and does not have, with the reason.</summary>
internal static class OtherLimits
{
    private const string NoShards = "one node has nothing to shard";
    private const string NoCache = "cached results live until their samples change";
    private const string NoBucket = "blocks are on this node's disk, not in a bucket";
    private const string OneLogStore = "there is one log store: nothing is split over rings, shards or processes";
    private const string NoLogCache = "finished parts of log queries are kept until their lines change";
    private const string OneEngine = "queries are not split or sharded over other processes";

    /// <summary>Nothing depends on them here: they are read with a warning, so that overrides files of Mimir and Loki can be used unchanged.</summary>
    public static IReadOnlyDictionary<string, string> WithoutMeaning { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["ingestion_tenant_shard_size"] = NoShards,
        ["ingestion_partitions_tenant_shard_size"] = NoShards,
        ["ruler_tenant_shard_size"] = NoShards,
        ["store_gateway_tenant_shard_size"] = NoShards,
        ["store_gateway_tenant_shard_size_per_zone"] = NoShards,
        ["compactor_tenant_shard_size"] = NoShards,
        ["compactor_split_and_merge_shards"] = NoShards,
        ["compactor_split_groups"] = NoShards,
        ["alertmanager_tenant_shard_size"] = NoShards,
        ["max_queriers_per_tenant"] = NoShards,
        ["max_query_parallelism"] = OneEngine,
        ["max_partial_query_length"] = OneEngine,
        ["query_sharding_total_shards"] = OneEngine,
        ["query_sharding_max_sharded_queries"] = OneEngine,
        ["query_sharding_max_regexp_size_bytes"] = OneEngine,
        ["split_instant_queries_by_interval"] = OneEngine,
        ["instant_queries_with_subquery_spin_off"] = OneEngine,
        ["subquery_spin_off_enabled"] = OneEngine,
        ["query_ingesters_within"] = "head and blocks are always asked together",
        ["max_cache_freshness"] = NoCache,
        ["results_cache_ttl"] = NoCache,
        ["results_cache_ttl_for_out_of_order_time_window"] = NoCache,
        ["results_cache_ttl_for_cardinality_query"] = NoCache,
        ["results_cache_ttl_for_labels_query"] = NoCache,
        ["results_cache_ttl_for_errors"] = NoCache,
        ["results_cache_for_unaligned_query_enabled"] = NoCache,
        ["cache_unaligned_requests"] = NoCache,
        ["compactor_partial_block_deletion_delay"] = NoBucket,
        ["compactor_in_memory_tenant_meta_cache_size"] = NoBucket,
        ["out_of_order_blocks_external_label_enabled"] = NoBucket,
        ["s3_sse_type"] = NoBucket,
        ["s3_sse_kms_key_id"] = NoBucket,
        ["s3_sse_kms_encryption_context"] = NoBucket,
        ["max_estimated_fetched_chunks_per_query_multiplier"] = "chunks are counted, not estimated",
        ["label_names_and_values_results_max_size_bytes"] = "the answer is cut to its limit before it is made",
        ["enforce_metadata_metric_name"] = "metadata without a name is always refused",
        ["ingestion_burst_factor"] = "there is one node; set ingestion_burst_size",
        ["ruler_sync_rules_on_changes_enabled"] = "changed rules always take effect at once",
        ["ruler_max_independent_rule_evaluation_concurrency_per_tenant"] = "rules of a group run one after another",

        // Loki's
        ["ingestion_rate_strategy"] = OneLogStore,
        ["max_local_streams_per_user"] = "there is one node; set max_global_streams_per_user",
        ["max_chunks_per_query"] = "blocks are bounded by max_query_bytes_read, and few are in memory at a time",
        ["max_streams_matchers_per_query"] = "streams are found by their labels, not by chunks",
        ["cardinality_limit"] = "streams are found by their labels, not by an index of chunks",
        ["unordered_writes"] = "log lines are taken in any order",
        ["tsdb_max_query_parallelism"] = OneLogStore,
        ["tsdb_max_bytes_per_shard"] = OneLogStore,
        ["tsdb_sharding_strategy"] = OneLogStore,
        ["split_queries_by_interval"] = NoLogCache,
        ["split_metadata_queries_by_interval"] = NoLogCache,
        ["split_recent_metadata_queries_by_interval"] = NoLogCache,
        ["recent_metadata_query_window"] = NoLogCache,
        ["split_instant_metric_queries_by_interval"] = NoLogCache,
        ["split_ingester_queries_by_interval"] = OneLogStore,
        ["min_sharding_lookback"] = OneLogStore,
        ["max_cache_freshness_per_query"] = NoLogCache,
        ["max_stats_cache_freshness"] = NoLogCache,
        ["max_metadata_cache_freshness"] = NoLogCache,
        ["query_ready_index_num_days"] = "labels of all streams are in memory",
        ["shard_aggregations"] = OneLogStore,
        ["max_querier_bytes_read"] = "one process runs a query; set max_query_bytes_read",
        ["max_query_capacity"] = OneLogStore,
        ["bloom_gateway_enable_filtering"] = "blocks always have filters",
        ["bloom_creation_enabled"] = "blocks always have filters",
        ["index_gateway_shard_size"] = OneLogStore,
        ["ruler_enable_wal_replay"] = "nothing of the write log is read into memory: sending goes on where it stopped",
        ["allow_deletes"] = "set deletion_mode",
    };

    /// <summary>Not there: ignoring them would change what is stored or answered, so they are errors.</summary>
    public static IReadOnlyDictionary<string, string> Refused { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["metric_relabel_configs"] = "pushed series are not relabelled; relabel at the sender",
        ["metric_relabeling_enabled"] = "pushed series are not relabelled; relabel at the sender",
        ["cost_attribution_labels"] = "cost attribution is not there",
        ["cost_attribution_labels_structured"] = "cost attribution is not there",
        ["max_cost_attribution_labels_per_user"] = "cost attribution is not there",
        ["max_cost_attribution_cardinality"] = "cost attribution is not there",
        ["cost_attribution_cooldown"] = "cost attribution is not there",
        ["separate_metrics_group_label"] = "discarded samples are not counted by group",
        ["service_overload_status_code_on_rate_limit_enabled"] = "a rate limit is always answered 429",
        ["ingestion_artificial_delay"] = "requests are not delayed",
        ["align_queries_with_step"] = "queries run at the times asked for",
        ["prom2_range_compat"] = "ranges are as in Prometheus 3",
        ["enabled_promql_experimental_functions"] = "all functions are on for every tenant",
        ["enabled_promql_extended_range_selectors"] = "extended range selectors are on for every tenant",
        ["compactor_max_lookback"] = "all blocks are compacted",

        // Loki's
        ["discover_service_name"] = "service_name is found by Loki's own list of labels",
        ["log_level_fields"] = "levels are found by Loki's own list of fields",
        ["log_level_from_json_max_depth"] = "levels are found in JSON down to a depth of two",
        ["shard_streams"] = "streams are never split: one takes any rate, unless per_stream_rate_limit is set, which holds for the whole stream; take it out",
        ["policy_stream_mapping"] = "there are no ingestion policies",
        ["policy_enforced_labels"] = "there are no ingestion policies; set enforced_labels",
        ["block_ingestion_policy_until"] = "there are no ingestion policies; set block_ingestion_until",
    };
}
