namespace Pharos.Collector.Queueing;

internal sealed record DiskQueueOptions
{
    /// <summary>The queue's own folder. Made where it is missing.</summary>
    public required string Folder { get; init; }

    /// <summary>A segment file is closed at this size, bytes; default 16 MiB.</summary>
    public long SegmentBytesMax { get; init; } = 16 << 20;

    /// <summary>Most that may wait on disk, bytes; appends wait while it is full. Default 2 GiB.</summary>
    public long BytesMax { get; init; } = 2L << 30;
}

/// <summary>One record with the place behind it, to be given to <see cref="DiskQueue.Commit"/> once it was delivered.</summary>
/// <param name="Payload">Holds until the next record is read.</param>
internal readonly record struct QueuedRecord(ReadOnlyMemory<byte> Payload, RecordPosition End);
