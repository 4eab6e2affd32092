using System.Buffers.Binary;
using System.Globalization;
using Pharos.Core;
using Pharos.Metrics.Chunks;

namespace Pharos.Metrics.Blocks;

/// <summary>The files <c>chunks/000001</c>, <c>000002</c> … of a block, read through memory.</summary>
internal sealed class ChunkFiles
{
    private readonly string folder;
    private readonly MappedFile[] files;

    /// <exception cref="CorruptBlockException">A file is missing between others, or is no chunk file.</exception>
    /// <exception cref="IOException">The folder is missing or cannot be read.</exception>
    public ChunkFiles(string folder)
    {
        this.folder = folder;
        var paths = Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal).ToList();
        files = new MappedFile[paths.Count];
        for (int i = 0; i < files.Length; i++)
        {
            string wanted = Path.Combine(folder, Name(i));
            if (paths[i] != wanted) throw new CorruptBlockException($"{wanted} is missing; in its place is {Path.GetFileName(paths[i])}");
            files[i] = new MappedFile(wanted);
            if (BinaryPrimitives.ReadUInt32BigEndian(files[i].Span(0, 4)) != ChunkFileWriter.Magic || files[i].Span(4, 1)[0] != 1)
                throw new CorruptBlockException($"{wanted} is no chunk file of version 1");
        }
        Bytes = files.Sum(f => f.Length);
    }

    /// <summary>Bytes of all files.</summary>
    public long Bytes { get; }

    /// <summary>Name of a chunk file by its number from 0.</summary>
    public static string Name(int number) => (number + 1).ToString("D6", CultureInfo.InvariantCulture);

    /// <summary>The file in which a chunk should be.</summary>
    public string PathOf(ChunkMeta meta) => Path.Combine(folder, Name((int)(meta.Ref >> 32)));

    /// <summary>Bytes of a chunk. One that is not where the index says counts nothing here; reading it will tell.</summary>
    public long BytesOf(ChunkMeta meta)
    {
        int number = (int)(meta.Ref >> 32);
        long at = (uint)meta.Ref;
        return number < files.Length && at < files[number].Length ? (long)new ByteReader(files[number].UpTo(at, 5)).Uvarint() : 0;
    }

    /// <summary>The bytes of a chunk; hold this object as long as them.</summary>
    /// <exception cref="CorruptBlockException">It is not there, or its checksum is wrong.</exception>
    public ReadOnlySpan<byte> Chunk(ChunkMeta meta, out ChunkEncoding encoding)
    {
        long number = (long)(meta.Ref >> 32), at = (uint)meta.Ref;
        if (number >= files.Length) throw new CorruptBlockException($"{PathOf(meta)} is missing");
        var file = files[number];
        var head = file.UpTo(at, 5);
        var reader = new ByteReader(head);
        long length = (long)reader.Uvarint();
        long start = at + head.Length - reader.Remaining;
        var covered = file.Span(start, length + 1);
        if (Crc32C.Of(covered) != BinaryPrimitives.ReadUInt32BigEndian(file.Span(start + length + 1, 4)))
            throw new CorruptBlockException($"{file.Path}: the chunk at {at} has a wrong checksum");
        encoding = (ChunkEncoding)covered[0];
        return covered[1..];
    }
}
