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

    /// <summary>What writes, renames and deletes blocks.</summary>
    internal IDisk Disk { get; init; } = FileDisk.Instance;

    internal long BlockRangeMs => (long)BlockRange.TotalMilliseconds;
}
