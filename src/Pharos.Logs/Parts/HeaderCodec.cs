using System.Buffers.Binary;
using System.Numerics;
using Pharos.Logs.Blocks;

namespace Pharos.Logs.Parts;

/// <summary>What counting needs of a block's header; see <see cref="BlockHeader"/>.</summary>
internal ref struct HeaderSummary
{
    public long MinNs;
    public long MaxNs;
    public int Entries;
    public int LineBytes;
    public bool Distinct;
    public long PackedBytes;

    /// <summary>Negative: there are too many to be known.</summary>
    public int LevelCount;

    /// <summary>As they stand in the index.</summary>
    public ReadOnlySpan<byte> Levels;
}

/// <summary>Headers of blocks as they stand in a part's index. A block's offset is where the one before it ends.</summary>
internal static class HeaderCodec
{
    private const int CrcBytes = 16;

    /// <param name="dayNs">Start of the part's UTC day.</param>
    public static void Write(PooledBuffer index, BlockHeader header, long dayNs)
    {
        Varints.Write(index, (ulong)(header.MinNs - dayNs));
        Varints.Write(index, (ulong)(header.MaxNs - header.MinNs));
        Varints.WriteAll(index,
        [
            header.Entries, header.LineBytes, header.MetadataBytes, ((int)header.Codec << 1) | (header.Distinct ? 1 : 0), header.IndexPacked, header.IndexRaw,
            header.ShapesPacked, header.ShapesRaw, header.ColumnsPacked, header.LinesPacked, header.LinesRaw, header.FilterLength,
        ]);
        Varints.Write(index, header.Levels is null ? 0 : (ulong)header.Levels.Length + 1);
        foreach (var level in header.Levels ?? [])
        {
            Varints.Write(index, (ulong)level.Metadata.Length);
            index.Append(level.Metadata);
            Varints.WriteAll(index, [level.Entries, level.LineBytes]);
        }
        var crcs = index.GetSpan(CrcBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(crcs, header.IndexCrc);
        BinaryPrimitives.WriteUInt32LittleEndian(crcs[4..], header.ShapesCrc);
        BinaryPrimitives.WriteUInt32LittleEndian(crcs[8..], header.LinesCrc);
        BinaryPrimitives.WriteUInt32LittleEndian(crcs[12..], header.FilterCrc);
        index.Advance(CrcBytes);
    }

    /// <exception cref="InvalidDataException">The bytes are damaged.</exception>
    public static BlockHeader Read(ReadOnlySpan<byte> index, ref int at, long dayNs, long offset)
    {
        long minNs = dayNs + (long)Varints.Read(index, ref at);
        long maxNs = minNs + (long)Varints.Read(index, ref at);
        int entries = Next(index, ref at), lineBytes = Next(index, ref at), metadataBytes = Next(index, ref at), codec = Next(index, ref at);
        int indexPacked = Next(index, ref at), indexRaw = Next(index, ref at), shapesPacked = Next(index, ref at), shapesRaw = Next(index, ref at);
        int columnsPacked = Next(index, ref at), linesPacked = Next(index, ref at), linesRaw = Next(index, ref at), filterLength = Next(index, ref at);
        if (entries == 0 || linesRaw > lineBytes || !BitOperations.IsPow2(filterLength)) throw new InvalidDataException("a block header is impossible");
        var levels = ReadLevels(index, ref at);
        if (index.Length - at < CrcBytes) throw new InvalidDataException("the index ends inside a block header");
        var crcs = index.Slice(at, CrcBytes);
        at += CrcBytes;
        return new BlockHeader
        {
            MinNs = minNs,
            MaxNs = maxNs,
            Entries = entries,
            LineBytes = lineBytes,
            MetadataBytes = metadataBytes,
            Codec = (BlockCodec)(codec >> 1),
            Distinct = (codec & 1) != 0,
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

    /// <summary>Reads of a header what counting needs, and makes no object.</summary>
    /// <inheritdoc cref="Read"/>
    public static HeaderSummary Summary(ReadOnlySpan<byte> index, ref int at, long dayNs)
    {
        var summary = new HeaderSummary { MinNs = dayNs + (long)Varints.Read(index, ref at) };
        summary.MaxNs = summary.MinNs + (long)Varints.Read(index, ref at);
        summary.Entries = Next(index, ref at);
        summary.LineBytes = Next(index, ref at);
        Next(index, ref at);
        summary.Distinct = (Next(index, ref at) & 1) != 0;
        int indexPacked = Next(index, ref at);
        Next(index, ref at);
        int shapesPacked = Next(index, ref at);
        Next(index, ref at);
        int columnsPacked = Next(index, ref at), linesPacked = Next(index, ref at);
        Next(index, ref at);
        summary.PackedBytes = (long)indexPacked + shapesPacked + columnsPacked + linesPacked + Next(index, ref at);
        int levels = Varints.ReadLength(index, ref at) - 1, from = at;
        for (int i = 0; i < levels; i++)
        {
            int length = Varints.ReadLength(index, ref at);
            at += length;
            Next(index, ref at);
            Next(index, ref at);
        }
        summary.LevelCount = levels;
        summary.Levels = index[from..at];
        if (index.Length - at < CrcBytes) throw new InvalidDataException("the index ends inside a block header");
        at += CrcBytes;
        return summary;
    }

    /// <summary>Reads the next of a summary's levels.</summary>
    /// <param name="at">Moved past it.</param>
    public static (int Entries, int LineBytes) ReadLevel(ReadOnlySpan<byte> levels, ref int at, out ReadOnlySpan<byte> metadata)
    {
        int length = Varints.ReadLength(levels, ref at);
        metadata = levels.Slice(at, length);
        at += length;
        return (Next(levels, ref at), Next(levels, ref at));
    }

    private static int Next(ReadOnlySpan<byte> data, scoped ref int position) => checked((int)Varints.Read(data, ref position));

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
            levels[i] = new LevelCount(metadata, Next(index, ref at), Next(index, ref at));
        }
        return levels;
    }
}
