using System.Buffers;
using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;
using Pharos.Core;
using Pharos.Logs.Blocks;
using Pharos.Storage.Files;

namespace Pharos.Logs.Parts;

/// <summary>
/// Writes a part stream by stream: blocks, index, footer; synced and renamed into place, so that a part is there whole or not at all.
/// <see cref="Dispose"/> without <see cref="Finish"/>, or after one that failed, leaves nothing, as far as the disk lets it.
/// </summary>
internal sealed class PartWriter : IDisposable
{
    private readonly IDisk disk;
    private readonly string path;
    private readonly long flush;
    private readonly FlushMark known;
    private readonly IReadOnlyList<string> replaces;
    private readonly IndexCache cache;
    private readonly SafeFileHandle file;
    private readonly PartIndexWriter index;
    private long offset = PartFormat.HeaderBytes;
    private long minNs = long.MaxValue;
    private long maxNs = long.MinValue;
    private long entries;
    private long rawBytes;
    private bool moved;
    private bool finished;

    /// <param name="flush">Number of the flush whose entries it holds.</param>
    /// <param name="known">The mark that holds now.</param>
    /// <param name="replaces">Names of the parts, in the same folder, whose entries this one holds.</param>
    public PartWriter(LogStoreOptions options, IndexCache cache, string path, long flush, FlushMark known, IReadOnlyList<string> replaces)
    {
        disk = options.Disk;
        this.cache = cache;
        this.path = path;
        this.flush = flush;
        this.known = known;
        this.replaces = replaces;
        file = disk.Open(Temporary, FileMode.Create);
        index = new PartIndexWriter(options.CompressionLevel);
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

    public bool IsEmpty => entries == 0;

    private string Temporary => path + ".tmp";

    /// <summary>Adds the next block of a stream. Streams come in the order of their labels, blocks of a stream by time.</summary>
    public void Add(Labels labels, BlockRef block)
    {
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
        index.Add(labels, header with { Offset = offset });
        offset += header.PackedBytes;
        minNs = Math.Min(minNs, header.MinNs);
        maxNs = Math.Max(maxNs, header.MaxNs);
        entries += header.Entries;
        rawBytes += (long)header.LineBytes + header.MetadataBytes;
    }

    /// <summary>Makes the part durable.</summary>
    public PartFile Finish()
    {
        var (bytes, directory, directoryLength) = index.Finish(offset, replaces);
        disk.Write(file, bytes.Span, offset);
        var footer = new PartFooter(minNs, maxNs, offset, bytes.Length, directoryLength, Crc32C.Of(bytes.Span), flush, known, entries, rawBytes);
        Span<byte> end = stackalloc byte[PartFormat.FooterBytes];
        footer.Write(end);
        disk.Write(file, end, offset + bytes.Length);
        disk.Sync(file);
        file.Dispose();
        disk.Move(Temporary, path);
        moved = true;
        disk.SyncFolder(Path.GetDirectoryName(path)!);
        finished = true;
        return new PartFile(path, footer, directory, cache);
    }

    public void Dispose()
    {
        file.Dispose();
        index.Dispose();
        if (finished) return;
        try
        {
            disk.Delete(moved ? path : Temporary);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A temporary file is removed at the next start; a part that is in place is for the caller to see to.
        }
    }
}
