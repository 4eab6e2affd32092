namespace Pharos.Storage.WriteLog;

/// <summary>Who wrote a record and gets it back at replay. Values are on disk: never reuse one.</summary>
public enum RecordKind : byte
{
    Metrics = 1,
    Logs = 2,
}

/// <summary>A place in the write log. Orders as written.</summary>
public readonly record struct WriteLogPosition(long Segment, long Offset) : IComparable<WriteLogPosition>
{
    public int CompareTo(WriteLogPosition other) =>
        Segment != other.Segment ? Segment.CompareTo(other.Segment) : Offset.CompareTo(other.Offset);

    public static bool operator <(WriteLogPosition left, WriteLogPosition right) => left.CompareTo(right) < 0;
    public static bool operator >(WriteLogPosition left, WriteLogPosition right) => left.CompareTo(right) > 0;
    public static bool operator <=(WriteLogPosition left, WriteLogPosition right) => left.CompareTo(right) <= 0;
    public static bool operator >=(WriteLogPosition left, WriteLogPosition right) => left.CompareTo(right) >= 0;
}

/// <summary>When an append counts as durable.</summary>
public enum SyncPolicy
{
    /// <summary>After an fsync, which concurrent appends share. The default: survives a power cut.</summary>
    Always,

    /// <summary>After the write; an fsync follows at least once a second. Survives a crash of the process.</summary>
    Interval,

    /// <summary>After the write; the operating system decides about fsync.</summary>
    Os,
}

/// <summary>
/// The one write log of a node, shared by all tenants and both signals. Safe for several threads.
/// A record comes back whole or not at all.
/// </summary>
public interface IWriteLog : IAsyncDisposable
{
    /// <summary>
    /// Appends one record; completes when it is durable under the sync policy. The payload may be reused afterwards.
    /// Records appended one after the other by one caller replay in that order.
    /// </summary>
    /// <exception cref="Core.StoreUnavailableException">Nothing was written: the disk is full or fails.</exception>
    ValueTask<WriteLogPosition> AppendAsync(RecordKind kind, Core.TenantId tenant, ReadOnlyMemory<byte> payload, CancellationToken cancel);

    /// <summary>
    /// Hands every kept record of a kind, oldest first, to <paramref name="handler"/>. To be called once for each kind, before the first append.
    /// A damaged range is set aside, counted and reported; the rest replays.
    /// </summary>
    /// <param name="from">The caller needs no record before this place; some may come nevertheless.</param>
    void Replay(RecordKind kind, ReplayHandler handler, WriteLogPosition from = default);

    /// <summary>
    /// Sees to it that what is appended gets places behind this one, which a store speaks of in its own files, even if the log
    /// lost its end or was deleted. Before the first append.
    /// </summary>
    void StartBehind(WriteLogPosition place);

    /// <summary>
    /// Says that records of a kind before this position are no longer needed. Segments before the lowest such position of all kinds are deleted.
    /// </summary>
    void Release(RecordKind kind, WriteLogPosition before);

    /// <summary>Where the next record will start.</summary>
    WriteLogPosition End { get; }
}

/// <param name="payload">Holds only during the call.</param>
public delegate void ReplayHandler(WriteLogPosition position, Core.TenantId tenant, ReadOnlySpan<byte> payload);
