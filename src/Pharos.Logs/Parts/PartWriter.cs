using System.Buffers;
using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;
using Pharos.Core;
using Pharos.Logs.Blocks;
using Pharos.Storage.Files;

namespace Pharos.Logs.Parts;

/// <summary>Writes a part: blocks, index, footer; synced and renamed into place, so that a part is there whole or not at all.</summary>
internal static class PartWriter
{
    /// <param name="streams">Streams sorted by labels, each with its blocks in memory, sorted by time.</param>
    /// <returns>The part, and for each stream its blocks as they are in the part.</returns>
    public static (PartFile Part, List<List<BlockRef>> Blocks) Write(string path, long sequence, IReadOnlyList<(Labels Labels, List<BlockRef> Blocks)> streams)
    {
        string temporary = path + ".tmp";
        long minNs = long.MaxValue, maxNs = long.MinValue, entries = 0, offset = PartFormat.HeaderBytes;
        var headers = new List<List<BlockHeader>>(streams.Count);
        long length;
        using (var file = File.OpenHandle(temporary, FileMode.Create, FileAccess.Write))
        {
            Span<byte> start = stackalloc byte[PartFormat.HeaderBytes];
            start.Clear();
            PartFormat.Magic.CopyTo(start);
            BinaryPrimitives.WriteInt32LittleEndian(start[8..], PartFormat.Version);
            RandomAccess.Write(file, start, 0);
            foreach (var (_, blocks) in streams)
            {
                var moved = new List<BlockHeader>(blocks.Count);
                foreach (var block in blocks)
                {
                    Copy(block, file, offset);
                    moved.Add(block.Header with { Offset = offset });
                    offset += block.Header.PackedBytes;
                    minNs = Math.Min(minNs, block.Header.MinNs);
                    maxNs = Math.Max(maxNs, block.Header.MaxNs);
                    entries += block.Header.Entries;
                }
                headers.Add(moved);
            }
            length = WriteIndex(file, offset, sequence, streams, headers, minNs, maxNs, entries);
            RandomAccess.FlushToDisk(file);
        }
        File.Move(temporary, path, overwrite: true);
        DurableFiles.SyncFolder(Path.GetDirectoryName(path)!);
        var part = new PartFile(path, sequence, minNs, maxNs, length);
        return (part, [.. headers.Select(h => h.Select(b => new BlockRef(b, part)).ToList())]);
    }

    private static void Copy(BlockRef block, SafeFileHandle file, long offset)
    {
        var header = block.Header;
        if (block.Source is MemoryBlockSource memory)
        {
            RandomAccess.Write(file, memory.Data.Slice((int)header.Offset, header.PackedBytes), offset);
            return;
        }
        byte[] buffer = ArrayPool<byte>.Shared.Rent(header.PackedBytes);
        try
        {
            block.Source.Read(header.Offset, buffer.AsSpan(0, header.PackedBytes));
            RandomAccess.Write(file, buffer.AsSpan(0, header.PackedBytes), offset);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static long WriteIndex(
        SafeFileHandle file, long offset, long sequence, IReadOnlyList<(Labels Labels, List<BlockRef> Blocks)> streams,
        List<List<BlockHeader>> headers, long minNs, long maxNs, long entries)
    {
        using var index = new PooledBuffer();
        Varints.Write(index, (ulong)streams.Count);
        for (int i = 0; i < streams.Count; i++)
        {
            var labels = streams[i].Labels.Encoded;
            Varints.Write(index, (ulong)labels.Length);
            index.Append(labels);
            Varints.Write(index, (ulong)headers[i].Count);
            foreach (var header in headers[i]) WriteHeader(index, header, minNs);
        }
        RandomAccess.Write(file, index.Span, offset);
        Span<byte> footer = stackalloc byte[PartFormat.FooterBytes];
        footer.Clear();
        BinaryPrimitives.WriteInt64LittleEndian(footer, minNs);
        BinaryPrimitives.WriteInt64LittleEndian(footer[8..], maxNs);
        BinaryPrimitives.WriteInt64LittleEndian(footer[16..], offset);
        BinaryPrimitives.WriteInt32LittleEndian(footer[24..], index.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(footer[28..], Crc32C.Of(index.Span));
        BinaryPrimitives.WriteInt64LittleEndian(footer[32..], sequence);
        BinaryPrimitives.WriteInt64LittleEndian(footer[40..], entries);
        PartFormat.EndMagic.CopyTo(footer[56..]);
        BinaryPrimitives.WriteUInt32LittleEndian(footer[48..], Crc32C.Of(footer[..48]));
        RandomAccess.Write(file, footer, offset + index.Length);
        return offset + index.Length + PartFormat.FooterBytes;
    }

    private static void WriteHeader(PooledBuffer index, BlockHeader header, long minNs)
    {
        Varints.Write(index, (ulong)(header.MinNs - minNs));
        Varints.Write(index, (ulong)(header.MaxNs - header.MinNs));
        Varints.Write(index, (ulong)header.Entries);
        Varints.Write(index, (ulong)header.LineBytes);
        Varints.Write(index, (ulong)header.MetadataBytes);
        Varints.Write(index, (ulong)header.Codec);
        Varints.Write(index, (ulong)header.Offset);
        Varints.Write(index, (ulong)header.IndexPacked);
        Varints.Write(index, (ulong)header.IndexRaw);
        Varints.Write(index, (ulong)header.LinesPacked);
        Varints.Write(index, (ulong)header.FilterLength);
        Span<byte> crcs = stackalloc byte[12];
        BinaryPrimitives.WriteUInt32LittleEndian(crcs, header.IndexCrc);
        BinaryPrimitives.WriteUInt32LittleEndian(crcs[4..], header.LinesCrc);
        BinaryPrimitives.WriteUInt32LittleEndian(crcs[8..], header.FilterCrc);
        index.Append(crcs);
    }
}
