using Pharos.Core;
using Pharos.Logs.Blocks;

namespace Pharos.Logs.Streams;

/// <summary>Everything that a reader needs of one stream.</summary>
/// <param name="Blocks">In the order of writing.</param>
/// <param name="Heads">Open blocks, the oldest first.</param>
internal readonly record struct StreamSnapshot(BlockRef[] Blocks, HeadSnapshot[] Heads);

/// <summary>
/// Entries of one stream that came since the last flush: its open block, and blocks that were sealed. Nothing ever leaves it: a flush sets
/// it aside as a whole, and who still reads it keeps it. Safe for several threads.
/// </summary>
internal sealed class LogStream(Labels labels)
{
    /// <summary>Memory that a stream takes besides its labels and entries, bytes: measured by `bench logs --streams`.</summary>
    private const int OwnBytes = 800;

    /// <summary>Entries of a block, however short: lines may be empty.</summary>
    private const int BlockEntriesMax = 1 << 17;

    /// <summary>A packed block takes some 700 bytes besides its own: below this an open block that waits for the end of a flush stays as it is.</summary>
    private const int SealedBytesMin = 4 << 10;

    // Its own lock is this object: there may be a million of them.
    private HeadBlock? head;
    private BlockRef[] blocks = [];

    public Labels Labels { get; } = labels;

    /// <summary>Appends an entry. Returns by how many bytes memory grew (negative when a block was sealed); duplicates give 0 and set the flag.</summary>
    public long Append(long timestampNs, ReadOnlySpan<byte> line, ReadOnlySpan<byte> metadata, LogStoreOptions options, out bool duplicate)
    {
        lock (this)
        {
            long grown = head is null && blocks.Length == 0 ? OwnBytes + (2 * Labels.Encoded.Length) : 0;
            if (head is { Count: > 0 } && (head.Bytes + line.Length + metadata.Length > options.BlockBytes || head.Count == BlockEntriesMax))
            {
                grown -= head.MemoryBytes;
                var sealedBlocks = head.Seal(options.CompressionLevel);
                foreach (var block in sealedBlocks) grown += block.Header.PackedBytes;
                blocks = [.. blocks, .. sealedBlocks];
                head.Release();
                head = null;
            }
            head ??= new HeadBlock();
            grown -= head.MemoryBytes;
            duplicate = !head.Append(timestampNs, line, metadata);
            return grown + head.MemoryBytes;
        }
    }

    public (BlockRef[] Blocks, HeadSnapshot? Head) Snapshot()
    {
        lock (this) return (blocks, head?.Snapshot());
    }

    /// <summary>Adds the stretches of time in which it has entries, first and last time inclusive, each within one UTC day; of one day there may be several. Once no more entries come.</summary>
    public void AddTimes(List<(long MinNs, long MaxNs)> into)
    {
        foreach (var block in blocks) into.Add((block.Header.MinNs, block.Header.MaxNs));
        if (head is not { Count: > 0 }) return;
        if (!head.HasSeveralDays) into.Add((head.MinNs, head.MaxNs));
        else foreach (ref readonly var entry in head.Entries) into.Add((entry.TimestampNs, entry.TimestampNs));
    }

    /// <summary>
    /// Adds the blocks of one UTC day. What is open is packed: where that spares memory for good and all, else for the caller alone, so that a flush of very
    /// many short streams does not hold all of them twice. Once no more entries come; by one caller at a time.
    /// </summary>
    /// <param name="dayNs">Its start.</param>
    /// <returns>By how many bytes memory shrank.</returns>
    public long AddBlocks(long dayNs, int level, List<BlockRef> into)
    {
        long packed = head is { MemoryBytes: >= SealedBytesMin } ? SealOpen(level) : 0;
        foreach (var block in blocks)
        {
            if (UtcDays.StartOf(block.Header.MinNs) == dayNs) into.Add(block);
        }
        if (head is { Count: > 0 }) into.AddRange(head.SealDay(dayNs, level));
        return packed;
    }

    private long SealOpen(int level)
    {
        long shrunk = head!.MemoryBytes;
        var packed = head.Seal(level);
        foreach (var block in packed) shrunk -= block.Header.PackedBytes;
        lock (this)
        {
            blocks = [.. blocks, .. packed];
            head.Release();
            head = null;
        }
        return shrunk;
    }
}
