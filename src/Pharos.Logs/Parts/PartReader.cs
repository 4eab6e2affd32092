using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using Pharos.Core;
using Pharos.Logs.Blocks;

namespace Pharos.Logs.Parts;

/// <summary>Reads a part's index.</summary>
internal static class PartReader
{
    /// <exception cref="InvalidDataException">The file is no part of a known version, or damaged.</exception>
    public static (PartFile Part, List<(Labels Labels, BlockRef[] Blocks)> Streams) Open(string path)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        long length = RandomAccess.GetLength(file);
        if (length < PartFormat.HeaderBytes + PartFormat.FooterBytes) throw new InvalidDataException($"it has {length} bytes, too few for a part");
        Span<byte> start = stackalloc byte[PartFormat.HeaderBytes];
        RandomAccess.Read(file, start, 0);
        if (!start[..8].SequenceEqual(PartFormat.Magic)) throw new InvalidDataException("it does not start with the magic number of a part");
        int version = BinaryPrimitives.ReadInt32LittleEndian(start[8..]);
        if (version != PartFormat.Version) throw new InvalidDataException($"it has version {version}, this program reads version {PartFormat.Version}");
        Span<byte> footer = stackalloc byte[PartFormat.FooterBytes];
        RandomAccess.Read(file, footer, length - PartFormat.FooterBytes);
        if (!footer[56..].SequenceEqual(PartFormat.EndMagic)) throw new InvalidDataException("its end is missing");
        if (BinaryPrimitives.ReadUInt32LittleEndian(footer[48..]) != Crc32C.Of(footer[..48])) throw new InvalidDataException("the footer's checksum does not match");
        long minNs = BinaryPrimitives.ReadInt64LittleEndian(footer);
        long maxNs = BinaryPrimitives.ReadInt64LittleEndian(footer[8..]);
        long offset = BinaryPrimitives.ReadInt64LittleEndian(footer[16..]);
        int indexLength = BinaryPrimitives.ReadInt32LittleEndian(footer[24..]);
        if (offset < PartFormat.HeaderBytes || indexLength < 0 || offset + indexLength != length - PartFormat.FooterBytes)
            throw new InvalidDataException("the index is not where the footer says");
        byte[] index = new byte[indexLength];
        if (RandomAccess.Read(file, index, offset) != indexLength || Crc32C.Of(index) != BinaryPrimitives.ReadUInt32LittleEndian(footer[28..]))
            throw new InvalidDataException($"the index at offset {offset} has a checksum that does not match");
        int at = 0;
        var replaces = new string[Varints.ReadLength(index, ref at)];
        for (int i = 0; i < replaces.Length; i++)
        {
            int nameLength = Varints.ReadLength(index, ref at);
            replaces[i] = Encoding.UTF8.GetString(index.AsSpan(at, nameLength));
            at += nameLength;
        }
        var part = new PartFile(
            path, BinaryPrimitives.ReadInt64LittleEndian(footer[32..]), minNs, maxNs, length, BinaryPrimitives.ReadInt64LittleEndian(footer[40..]), replaces);
        return (part, ReadIndex(index.AsSpan(at), part, offset));
    }

    private static List<(Labels Labels, BlockRef[] Blocks)> ReadIndex(ReadOnlySpan<byte> index, PartFile part, long blocksEnd)
    {
        int at = 0;
        int streams = Varints.ReadLength(index, ref at);
        var read = new List<(Labels, BlockRef[])>(streams);
        for (int s = 0; s < streams; s++)
        {
            int labelsLength = Varints.ReadLength(index, ref at);
            var labels = Labels.FromEncoded(index.Slice(at, labelsLength));
            at += labelsLength;
            var blocks = new BlockRef[Varints.ReadLength(index, ref at)];
            for (int b = 0; b < blocks.Length; b++)
            {
                var header = ReadHeader(index, ref at, part.MinNs);
                if (header.Offset < PartFormat.HeaderBytes || header.Offset + header.PackedBytes > blocksEnd)
                    throw new InvalidDataException($"block {b} of stream {labels} lies outside the file");
                blocks[b] = new BlockRef(header, part);
            }
            read.Add((labels, blocks));
        }
        return read;
    }

    private static BlockHeader ReadHeader(ReadOnlySpan<byte> index, ref int at, long partMinNs)
    {
        long minNs = partMinNs + (long)Varints.Read(index, ref at);
        long maxNs = minNs + (long)Varints.Read(index, ref at);
        int Next(ReadOnlySpan<byte> data, ref int position) => checked((int)Varints.Read(data, ref position));
        int entries = Next(index, ref at), lineBytes = Next(index, ref at), metadataBytes = Next(index, ref at);
        var codec = (BlockCodec)Next(index, ref at);
        long offset = (long)Varints.Read(index, ref at);
        int indexPacked = Next(index, ref at), indexRaw = Next(index, ref at), shapesPacked = Next(index, ref at), shapesRaw = Next(index, ref at);
        int columnsPacked = Next(index, ref at), linesPacked = Next(index, ref at), linesRaw = Next(index, ref at), filterLength = Next(index, ref at);
        if (entries == 0 || linesRaw > lineBytes || !BitOperations.IsPow2(filterLength)) throw new InvalidDataException("a block header is impossible");
        var levels = ReadLevels(index, ref at);
        if (index.Length - at < 16) throw new InvalidDataException("the index ends inside a block header");
        var crcs = index.Slice(at, 16);
        at += 16;
        return new BlockHeader
        {
            MinNs = minNs,
            MaxNs = maxNs,
            Entries = entries,
            LineBytes = lineBytes,
            MetadataBytes = metadataBytes,
            Codec = codec,
            Offset = offset,
            IndexPacked = indexPacked,
            IndexRaw = indexRaw,
            ShapesPacked = shapesPacked,
            ShapesRaw = shapesRaw,
            ColumnsPacked = columnsPacked,
            LinesPacked = linesPacked,
            LinesRaw = linesRaw,
            FilterLength = filterLength,
            Levels = levels,
            IndexCrc = BinaryPrimitives.ReadUInt32LittleEndian(crcs),
            ShapesCrc = BinaryPrimitives.ReadUInt32LittleEndian(crcs[4..]),
            LinesCrc = BinaryPrimitives.ReadUInt32LittleEndian(crcs[8..]),
            FilterCrc = BinaryPrimitives.ReadUInt32LittleEndian(crcs[12..]),
        };
    }

    private static LevelCount[]? ReadLevels(ReadOnlySpan<byte> index, ref int at)
    {
        int count = Varints.ReadLength(index, ref at) - 1;
        if (count < 0) return null;
        var levels = new LevelCount[count];
        for (int i = 0; i < count; i++)
        {
            int length = Varints.ReadLength(index, ref at);
            byte[] metadata = index.Slice(at, length).ToArray();
            at += length;
            levels[i] = new LevelCount(metadata, checked((int)Varints.Read(index, ref at)), checked((int)Varints.Read(index, ref at)));
        }
        return levels;
    }
}
