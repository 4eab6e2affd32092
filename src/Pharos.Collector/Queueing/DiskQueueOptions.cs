namespace Pharos.Collector.Queueing;

public sealed record DiskQueueOptions
{
    /// <summary>The queue's own folder. Made where it is missing.</summary>
    public required string Folder { get; init; }

    /// <summary>A segment file is closed at this size, bytes; default 16 MiB.</summary>
    public long SegmentBytesMax { get; init; } = 16 << 20;

    /// <summary>Most that may wait on disk, bytes; appends wait while it is full. Default 2 GiB.</summary>
    public long BytesMax { get; init; } = 2L << 30;
}

/// <summary>A place between two records of a <see cref="DiskQueue"/>. Orders as written.</summary>
public readonly record struct QueuePosition(long Segment, long Offset) : IComparable<QueuePosition>
{
    public int CompareTo(QueuePosition other) => Segment != other.Segment ? Segment.CompareTo(other.Segment) : Offset.CompareTo(other.Offset);

    public static bool operator <(QueuePosition left, QueuePosition right) => left.CompareTo(right) < 0;
    public static bool operator >(QueuePosition left, QueuePosition right) => left.CompareTo(right) > 0;
    public static bool operator <=(QueuePosition left, QueuePosition right) => left.CompareTo(right) <= 0;
    public static bool operator >=(QueuePosition left, QueuePosition right) => left.CompareTo(right) >= 0;
}

/// <summary>One record with the place behind it, to be given to <see cref="DiskQueue.Commit"/> once it was delivered.</summary>
public readonly record struct QueuedRecord(byte[] Payload, QueuePosition End);
