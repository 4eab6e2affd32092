using Pharos.Storage.Files;

namespace Pharos.Metrics;

/// <summary>How a <see cref="MetricStore"/> works.</summary>
public sealed record MetricStoreOptions
{
    /// <summary>The folder that holds one folder of blocks for each tenant; made if missing.</summary>
    public required string Folder { get; init; }

    /// <summary>Time that one block from the head covers. Default two hours, as Prometheus; blocks of another width are not readable by all its tools.</summary>
    public TimeSpan BlockRange { get; init; } = TimeSpan.FromHours(2);

    /// <summary>Widest block that compaction makes. Default 31 days.</summary>
    public TimeSpan BlockRangeMax { get; init; } = TimeSpan.FromDays(31);

    /// <summary>How often the store looks for heads to cut, blocks to merge and blocks to delete.</summary>
    public TimeSpan MaintenanceInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>A head that got nothing for so long is cut whole, so that it does not hold the write log.</summary>
    public TimeSpan IdleTime { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Exemplars kept in memory for each tenant; 0 switches exemplars off.</summary>
    public int ExemplarsPerTenant { get; init; } = 100_000;

    /// <summary>
    /// The heads are saved into snapshots whenever this many samples stand in the write log behind the last ones, so that a restart
    /// after a crash reads no more than about that; with fewer than 400,000 series after 20 samples for each, but not before 2 million.
    /// Default 8 million, some seconds of reading; 0 = never.
    /// </summary>
    public long HeadSaveSamples { get; init; } = 8_000_000;

    /// <summary>Whether closing the store saves the heads, so that the next start reads nothing of the write log.</summary>
    public bool SaveHeadsOnClose { get; init; } = true;

    /// <summary>Finished chunks of a tenant's head are written into a file, and leave memory, whenever they are so many bytes. Positive; default 1 MiB.</summary>
    public long HeadChunkBytes { get; init; } = 1 << 20;

    /// <summary>What writes, renames and deletes blocks and saved heads.</summary>
    internal IDisk Disk { get; init; } = FileDisk.Instance;

    internal long BlockRangeMs => (long)BlockRange.TotalMilliseconds;
}
