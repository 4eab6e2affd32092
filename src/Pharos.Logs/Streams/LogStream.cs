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

    /// <summary>Packs what is open; all blocks. Once no more entries come.</summary>
    public BlockRef[] Seal(int level)
    {
        HeadBlock? open;
        lock (this) open = head;
        if (open is null) return blocks;
        var packed = open.Seal(level);
        lock (this)
        {
            blocks = [.. blocks, .. packed];
            open.Release();
            head = null;
            return blocks;
        }
    }
}
