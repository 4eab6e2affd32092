namespace Pharos.Core;

/// <summary>What one tenant may do with logs, besides what <see cref="TenantLimits"/> says. Zero means no limit. Names and texts follow Loki's.</summary>
public sealed record LogLimits
{
    // Writing

    /// <summary>False: entries with structured metadata are refused. Loki: allow_structured_metadata.</summary>
    public bool StructuredMetadata { get; init; } = true;

    /// <summary>Lines over the limit are cut to it instead of refused, and end in this. Loki: max_line_size_truncate and its identifier.</summary>
    public bool TruncateLines { get; init; }
    public string TruncateIdentifier { get; init; } = "";

    /// <summary>Bytes per second of one stream, and at once. Loki: per_stream_rate_limit, per_stream_rate_limit_burst (3 MB, 15 MB).</summary>
    public long StreamBytesPerSecond { get; init; }
    public long StreamBurstBytes { get; init; }

    /// <summary>Labels that every stream must have. Loki: enforced_labels.</summary>
    public IReadOnlyList<string> EnforcedLabels { get; init; } = [];

    /// <summary>Nothing is taken until then; null: always. Loki: block_ingestion_until.</summary>
    public DateTimeOffset? BlockedUntil { get; init; }

    /// <summary>The answer meanwhile; 200: as if it had been taken. Loki: block_ingestion_status_code.</summary>
    public int BlockedStatus { get; init; } = 260;

    /// <summary>An entry with the time of the one before it in its stream and push gets one nanosecond more. Loki: increment_duplicate_timestamp.</summary>
    public bool IncrementDuplicateTimestamp { get; init; }

    /// <summary>False: entries of any age are taken, whatever <see cref="TenantLimits.LogAgeMax"/> says. Loki: reject_old_samples.</summary>
    public bool RejectOld { get; init; } = true;

    /// <summary>False: entries get no <c>detected_level</c>. Loki: discover_log_levels.</summary>
    public bool DetectLevels { get; init; } = true;

    /// <summary>What attributes of OTLP logs become. Loki: otlp_config.</summary>
    public OtlpLogMapping Otlp { get; init; } = OtlpLogMapping.Default;

    /// <summary>Lines may be deleted by request. Loki: deletion_mode.</summary>
    public bool Deletion { get; init; } = true;

    // Reading

    /// <summary>Longest range in brackets of a query. Loki: max_query_range.</summary>
    public TimeSpan RangeMax { get; init; }

    /// <summary>Bytes of lines one query may read. Loki: max_query_bytes_read.</summary>
    public long QueryBytesMax { get; init; }

    /// <summary>Live tails at once. Loki: max_concurrent_tail_requests.</summary>
    public int TailsMax { get; init; } = 10;

    /// <summary>Queries that may wait to run. Loki: max_outstanding_per_tenant.</summary>
    public int OutstandingMax { get; init; } = 2048;

    /// <summary>Label names of which each selector of a query must have all. Loki: required_labels.</summary>
    public IReadOnlyList<string> RequiredLabels { get; init; } = [];

    /// <summary>Label names that each selector of a query must have at least. Loki: minimum_labels_number.</summary>
    public int LabelsMin { get; init; }

    /// <summary>Series of a volume answer; the largest are given. Loki: volume_enabled, volume_max_series.</summary>
    public bool Volumes { get; init; } = true;
    public int VolumeSeriesMax { get; init; } = 1000;

    /// <summary>A request may lower its own limits in <c>X-Loki-Query-Limits</c>. Loki: per_request_limits_enabled.</summary>
    public bool PerRequestLimits { get; init; }
}
