using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Pharos.Core;
using Pharos.Logs.Blocks;
using Pharos.Storage.Files;

namespace Pharos.Logs.Parts;

/// <summary>
/// Writes a part stream by stream: blocks, index, footer; synced and renamed into place, so that a part is there whole or not at all.
/// <see cref="Dispose"/> without <see cref="Finish"/> leaves nothing.
/// </summary>
internal sealed class PartWriter : IDisposable
{
    private readonly IDisk disk;
    private readonly string path;
    private readonly long sequence;
    private readonly IReadOnlyList<string> replaces;
    private readonly SafeFileHandle file;
    private readonly List<(Labels Labels, List<BlockHeader> Blocks)> streams = [];
    private long offset = PartFormat.HeaderBytes;
    private long minNs = long.MaxValue;
    private long maxNs = long.MinValue;
    private long entries;
    private bool finished;

    /// <param name="replaces">Names of the parts, in the same folder, whose entries this one holds.</param>
    public PartWriter(IDisk disk, string path, long sequence, IReadOnlyList<string> replaces)
    {
        this.disk = disk;
        this.path = path;
        this.sequence = sequence;
        this.replaces = replaces;
        file = disk.Open(Temporary, FileMode.Create);
        Span<byte> start = stackalloc byte[PartFormat.HeaderBytes];
        start.Clear();
        PartFormat.Magic.CopyTo(start);
        BinaryPrimitives.WriteInt32LittleEndian(start[8..], PartFormat.Version);
        try
        {
            disk.Write(file, start, 0);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public bool IsEmpty => streams.Count == 0;

    private string Temporary => path + ".tmp";

    /// <summary>Adds the next block of a stream. Streams come in the order of their labels, blocks of a stream by time.</summary>
    public void Add(Labels labels, BlockRef block)
    {
        if (streams.Count == 0 || !streams[^1].Labels.Equals(labels)) streams.Add((labels, []));
        var header = block.Header;
        if (block.Source is MemoryBlockSource memory)
        {
            disk.Write(file, memory.Data.Slice((int)header.Offset, header.PackedBytes), offset);
        }
        else
        {
            byte[] buffer = ArrayPool<byte>.Shared.Rent(header.PackedBytes);
            try
            {
                block.Source.Read(header.Offset, buffer.AsSpan(0, header.PackedBytes));
                disk.Write(file, buffer.AsSpan(0, header.PackedBytes), offset);
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
        streams[^1].Blocks.Add(header with { Offset = offset });
        offset += header.PackedBytes;
        minNs = Math.Min(minNs, header.MinNs);
        maxNs = Math.Max(maxNs, header.MaxNs);
        entries += header.Entries;
    }

    /// <summary>Makes the part durable.</summary>
    /// <returns>The part, and for each stream its blocks as they are in the part.</returns>
    public (PartFile Part, List<(Labels Labels, BlockRef[] Blocks)> Contents) Finish()
    {
        long length = WriteIndex();
        disk.Sync(file);
        file.Dispose();
        disk.Move(Temporary, path);
        finished = true;
        disk.SyncFolder(Path.GetDirectoryName(path)!);
        var part = new PartFile(path, sequence, minNs, maxNs, length, entries, replaces);
        return (part, streams.ConvertAll(s => (s.Labels, s.Blocks.Select(b => new BlockRef(b, part)).ToArray())));
    }

    public void Dispose()
    {
        file.Dispose();
        if (finished) return;
        try
        {
            disk.Delete(Temporary);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Removed at the next start.
        }
    }

    private long WriteIndex()
    {
        using var index = new PooledBuffer();
        Varints.Write(index, (ulong)replaces.Count);
        foreach (string name in replaces)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(name);
            Varints.Write(index, (ulong)bytes.Length);
            index.Append(bytes);
        }
        Varints.Write(index, (ulong)streams.Count);
        foreach (var (labels, blocks) in streams)
        {
            Varints.Write(index, (ulong)labels.Encoded.Length);
            index.Append(labels.Encoded);
            Varints.Write(index, (ulong)blocks.Count);
            foreach (var header in blocks) WriteHeader(index, header);
        }
        disk.Write(file, index.Span, offset);
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
        disk.Write(file, footer, offset + index.Length);
        return offset + index.Length + PartFormat.FooterBytes;
    }

    private void WriteHeader(PooledBuffer index, BlockHeader header)
    {
        Varints.Write(index, (ulong)(header.MinNs - minNs));
        Varints.Write(index, (ulong)(header.MaxNs - header.MinNs));
        Varints.WriteAll(index, [header.Entries, header.LineBytes, header.MetadataBytes, (int)header.Codec]);
        Varints.Write(index, (ulong)header.Offset);
        Varints.WriteAll(index,
        [
            header.IndexPacked, header.IndexRaw, header.ShapesPacked, header.ShapesRaw, header.ColumnsPacked, header.LinesPacked, header.LinesRaw, header.FilterLength,
        ]);
        Varints.Write(index, header.Levels is null ? 0 : (ulong)header.Levels.Length + 1);
        foreach (var level in header.Levels ?? [])
        {
            Varints.Write(index, (ulong)level.Metadata.Length);
            index.Append(level.Metadata);
            Varints.WriteAll(index, [level.Entries, level.LineBytes]);
        }
        Span<byte> crcs = stackalloc byte[16];
        BinaryPrimitives.WriteUInt32LittleEndian(crcs, header.IndexCrc);
        BinaryPrimitives.WriteUInt32LittleEndian(crcs[4..], header.ShapesCrc);
        BinaryPrimitives.WriteUInt32LittleEndian(crcs[8..], header.LinesCrc);
        BinaryPrimitives.WriteUInt32LittleEndian(crcs[12..], header.FilterCrc);
        index.Append(crcs);
    }
}
