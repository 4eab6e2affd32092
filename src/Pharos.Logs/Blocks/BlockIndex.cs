using System.Buffers;
using Pharos.Logs.Fields;
using Pharos.Logs.Metadata;

namespace Pharos.Logs.Blocks;

/// <summary>The index frame of a block: timestamps, metadata, and the lengths of lines that were kept as they are. Gives buffers back on <see cref="Dispose"/>.</summary>
internal sealed class BlockIndex : IDisposable
{
    private readonly byte[] raw;
    private readonly int length;
    private readonly int entries;
    private readonly int lengthsAt;

    /// <exception cref="InvalidDataException">The frame is damaged.</exception>
    private BlockIndex(byte[] raw, BlockRef block)
    {
        var header = block.Header;
        this.raw = raw;
        length = header.IndexRaw;
        entries = header.Entries;
        Timestamps = ArrayPool<long>.Shared.Rent(entries);
        var bytes = raw.AsSpan(0, length);
        int at = 0;
        long unit = (long)Varints.Read(bytes, ref at);
        if (unit < 1 || unit > 1_000_000_000) throw new InvalidDataException("the unit of the timestamps is impossible");
        long timestamp = header.MinNs;
        for (int i = 0; i < entries; i++)
        {
            uint first = at < bytes.Length ? bytes[at] : 0x80u;
            ulong delta;
            if (first < 0x80)
            {
                delta = first;
                at++;
            }
            else
            {
                delta = Varints.Read(bytes, ref at);
            }
            Timestamps[i] = timestamp += (long)delta * unit;
        }
        Metadata = new BlockMetadata(block, bytes, ref at, Timestamps);
        lengthsAt = at;
    }

    /// <summary>At least as many as there are entries.</summary>
    public long[] Timestamps { get; private set; }

    /// <summary>Valid until <see cref="Dispose"/>.</summary>
    public BlockMetadata Metadata { get; }

    /// <exception cref="InvalidDataException">The frame is damaged.</exception>
    /// <exception cref="IOException">The frame cannot be read.</exception>
    public static BlockIndex Read(BlockRef block)
    {
        var header = block.Header;
        return new BlockIndex(BlockFrames.Read(block, header.Offset, header.IndexPacked, header.IndexRaw, header.IndexCrc, "index"), block);
    }

    /// <summary>Lengths of the lines that are kept as they are; 0 for the others.</summary>
    /// <param name="shaped">Says which; null: all.</param>
    /// <exception cref="InvalidDataException">The frame is damaged.</exception>
    public void ReadLengths(ShapedBlock? shaped, Span<int> lengths)
    {
        var bytes = raw.AsSpan(0, length);
        int at = lengthsAt;
        for (int i = 0; i < entries; i++)
        {
            if (shaped is not null && shaped.IsShaped(i))
            {
                lengths[i] = 0;
                continue;
            }
            ulong size = Varints.Read(bytes, ref at);
            if (size > int.MaxValue) throw new InvalidDataException("a line is longer than any can be");
            lengths[i] = (int)size;
        }
        if (at != bytes.Length) throw new InvalidDataException("the index frame has another length than its contents");
    }

    public void Dispose()
    {
        if (Timestamps.Length == 0) return;
        ArrayPool<long>.Shared.Return(Timestamps);
        ArrayPool<byte>.Shared.Return(raw);
        Metadata.Dispose();
        Timestamps = [];
    }
}
