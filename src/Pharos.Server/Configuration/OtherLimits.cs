namespace Pharos.Server.Configuration;

/// <summary>Limits of Mimir that Pharos knows by name and does not have, with the reason.</summary>
internal static class OtherLimits
{
    private const string NoShards = "one node has nothing to shard";
    private const string NoCache = "cached results live until their samples change";
    private const string NoBucket = "blocks are on this node's disk, not in a bucket";
    private const string OneEngine = "queries are not split or sharded over other processes";

    /// <summary>Nothing depends on them here: they are read with a warning, so that a Mimir overrides file can be used unchanged.</summary>
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
        ["ruler_alertmanager_client_config"] = "alerts go to the router in this process",
        ["compactor_max_lookback"] = "all blocks are compacted",
    };
}
