using Pharos.Core;
using Pharos.Logs.Blocks;

namespace Pharos.Logs.Streams;

/// <summary>Everything that a query needs of one stream, taken at one moment.</summary>
internal readonly record struct StreamSnapshot(HeadSnapshot Head, HeadSnapshot Frozen, BlockRef[] Memory, BlockRef[] Parts);

/// <summary>
/// One stream of a tenant: its open block, blocks that were sealed since the last flush, and blocks in parts. Safe for several threads.
/// </summary>
internal sealed class LogStream(Labels labels)
{
    private readonly Lock gate = new();
    private HeadBlock? head;
    private HeadBlock? frozen;
    private BlockRef[] memory = [];
    private BlockRef[] flushing = [];
    private BlockRef[] parts = [];

    public Labels Labels { get; } = labels;

    /// <summary>True where entries wait for a flush.</summary>
    public bool IsActive
    {
        get
        {
            lock (gate) return head is not null || frozen is not null || memory.Length > 0 || flushing.Length > 0;
        }
    }

    public bool IsEmpty
    {
        get
        {
            lock (gate) return head is null && frozen is null && memory.Length == 0 && flushing.Length == 0 && parts.Length == 0;
        }
    }

    /// <summary>Appends an entry. Returns by how many bytes memory grew (negative when a block was sealed); duplicates give 0 and set the flag.</summary>
    public long Append(long timestampNs, ReadOnlySpan<byte> line, ReadOnlySpan<byte> metadata, LogStoreOptions options, out bool duplicate)
    {
        lock (gate)
        {
            long freed = 0;
            if (head is not null && head.Bytes + line.Length + metadata.Length > options.BlockBytes && head.Count > 0)
            {
                freed = head.Bytes;
                var sealedBlocks = head.Seal(options.CompressionLevel);
                foreach (var block in sealedBlocks) freed -= block.Header.PackedBytes;
                memory = [.. memory, .. sealedBlocks];
                head = null;
            }
            head ??= new HeadBlock();
            duplicate = !head.Append(timestampNs, line, metadata);
            return (duplicate ? 0 : line.Length + metadata.Length) - freed;
        }
    }

    public StreamSnapshot Snapshot()
    {
        lock (gate)
        {
            return new StreamSnapshot(
                head?.Snapshot() ?? default, frozen?.Snapshot() ?? default,
                flushing.Length == 0 ? memory : [.. flushing, .. memory], parts);
        }
    }

    /// <summary>Sets what is in memory aside for a flush; later entries go to a new open block. False where there is nothing.</summary>
    public bool Freeze()
    {
        lock (gate)
        {
            if (frozen is not null || flushing.Length > 0) throw new InvalidOperationException($"stream {Labels} is being flushed already");
            frozen = head;
            head = null;
            flushing = memory;
            memory = [];
            return frozen is not null || flushing.Length > 0;
        }
    }

    /// <summary>The frozen blocks, packed.</summary>
    public BlockRef[] SealFrozen(int level)
    {
        HeadBlock? open;
        lock (gate) open = frozen;
        if (open is null) return flushing;
        var blocks = open.Seal(level);
        lock (gate)
        {
            flushing = [.. flushing, .. blocks];
            frozen = null;
            return flushing;
        }
    }

    /// <summary>The frozen blocks are now in parts.</summary>
    public void Flushed(IEnumerable<BlockRef> inParts)
    {
        lock (gate)
        {
            parts = [.. parts, .. inParts];
            flushing = [];
        }
    }

    /// <summary>The flush failed: what was frozen counts as memory again.</summary>
    public void Thaw(int level)
    {
        SealFrozen(level);
        lock (gate)
        {
            memory = [.. flushing, .. memory];
            flushing = [];
        }
    }

    public void AddParts(IEnumerable<BlockRef> inParts)
    {
        lock (gate) parts = [.. parts, .. inParts];
    }

    public bool HasBlocksIn(BlockSource source)
    {
        lock (gate) return parts.Any(p => p.Source == source);
    }

    /// <summary>At once: a reader sees the old blocks or the new ones.</summary>
    public void ReplaceParts(HashSet<BlockSource> sources, BlockRef[] by)
    {
        lock (gate)
        {
            if (by.Length > 0 || parts.Any(p => sources.Contains(p.Source))) parts = [.. parts.Where(p => !sources.Contains(p.Source)), .. by];
        }
    }

    public void RemoveParts(BlockSource source)
    {
        lock (gate)
        {
            if (parts.Any(p => p.Source == source)) parts = [.. parts.Where(p => p.Source != source)];
        }
    }
}
