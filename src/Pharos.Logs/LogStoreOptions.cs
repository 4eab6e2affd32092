using Pharos.Core;
using Pharos.Storage.Files;

namespace Pharos.Logs;

/// <summary>How a <see cref="LogStore"/> works.</summary>
public sealed record LogStoreOptions
{
    /// <summary>Folder of the log parts (<c>data/logs</c>); made if missing.</summary>
    public required string Folder { get; init; }

    /// <summary>Folder of snapshots, beside <see cref="Folder"/>: <c>data/logs-snapshots</c>.</summary>
    public string SnapshotFolder => Folder + "-snapshots";

    /// <summary>Raw bytes (lines and metadata) after which a stream's open block is sealed. Default 1 MiB.</summary>
    public int BlockBytes { get; init; } = 1 << 20;

    /// <summary>
    /// Bytes of entries and of what their streams take in memory, all tenants, after which everything is flushed to parts. Default 170 MiB. Pushes are refused at three
    /// times that, what a flush is writing included. Tenants whose parts cannot be written may have as much by themselves, and everybody four and a half times it.
    /// </summary>
    public long FlushBytes { get; init; } = 170L << 20;

    /// <summary>
    /// Bytes of the write log that a tenant whose parts cannot be written makes it keep; then its entries go into the log anew, and the log lets go of what is older. Where
    /// they were long the last time, four times their bytes. Default 1 GiB.
    /// </summary>
    public long CarryBytes { get; init; } = 1L << 30;

    /// <summary>Memory for pages of the indexes of parts that were read lately, all tenants, bytes. Default 64 MiB.</summary>
    public long IndexCacheBytes { get; init; } = 64L << 20;

    /// <summary>Streams that one read in order of time holds in memory at once, at about 1 kB each. Default 20,000.</summary>
    public int StreamsAtOnceMax { get; init; } = 20_000;

    /// <summary>Longest time that entries stay in memory and in the write log only. Default 30 min (Loki: chunk_idle_period).</summary>
    public TimeSpan FlushInterval { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>How often flush and retention are looked at. Default 30 s (Loki: flush_check_period).</summary>
    public TimeSpan CheckInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Parts of this size are not merged into larger ones. Default 4 GiB.</summary>
    public long MergedPartBytesMax { get; init; } = 4L << 30;

    /// <summary>Zstandard level of blocks. Default 3.</summary>
    public int CompressionLevel { get; init; } = 3;

    /// <summary>Adds <c>detected_level</c> to each entry's structured metadata (Loki: discover_log_levels).</summary>
    public bool DiscoverLevels { get; init; } = true;

    /// <summary>Labels whose first present one becomes <c>service_name</c>; empty switches that off (Loki: discover_service_name).</summary>
    public IReadOnlyList<string> ServiceNameLabels { get; init; } =
    [
        "service", "app", "application", "app_name", "name", "app_kubernetes_io_name", "container", "container_name",
        "k8s_container_name", "component", "workload", "job", "k8s_job_name",
    ];

    /// <summary>Reads the queries of deletions; without it nothing can be deleted by query.</summary>
    public ILogFilterLanguage? FilterLanguage { get; init; }

    /// <summary>How long a deletion only hides entries and can be cancelled. Default 24 h (Loki: delete_request_cancel_period).</summary>
    public TimeSpan DeletionDelay { get; init; } = TimeSpan.FromHours(24);

    /// <summary>The disk that parts, the mark and deletions are written to.</summary>
    public IDisk Disk { get; init; } = FileDisk.Instance;

    /// <summary>Refuses entries older than the tenant's age limit (Loki: reject_old_samples).</summary>
    public bool RejectOldEntries { get; init; } = true;
}
