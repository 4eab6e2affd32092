namespace Pharos.Storage.WriteLog;

/// <summary>How a <see cref="FileWriteLog"/> works.</summary>
public sealed record WriteLogOptions
{
    /// <summary>The folder of the segments, made if missing; one process at a time may use it.</summary>
    public required string Folder { get; init; }

    public SyncPolicy Sync { get; init; } = SyncPolicy.Always;

    /// <summary>Longest time between fsyncs under <see cref="SyncPolicy.Interval"/>.</summary>
    public TimeSpan SyncInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A segment is closed when the next batch would pass this size. Default 128 MiB, as Prometheus.</summary>
    public long SegmentBytesMax { get; init; } = 128 << 20;

    /// <summary>Appends are refused while the file system has less room than this, so that deletions and repairs still have room. Default 16 MiB.</summary>
    public long FreeBytesMin { get; init; } = 16 << 20;

    /// <summary>Bytes of records that may wait for the disk; above this, appends wait. Default 64 MiB.</summary>
    public int PendingBytesMax { get; init; } = 64 << 20;
}
