namespace Pharos.Logs.Blocks;

/// <summary>
/// What is known of a block without unpacking it. A block holds entries of one stream and one UTC day, sorted by time,
/// in stretches of bytes: the index frame (timestamps, which columns hold metadata, lengths), the shapes frame of lines that were taken apart, the columns of both,
/// the frame of lines that were not, the skip filter.
/// </summary>
internal sealed record BlockHeader
{
    public required long MinNs { get; init; }
    public required long MaxNs { get; init; }
    public required int Entries { get; init; }

    /// <summary>Bytes of all lines, raw.</summary>
    public required int LineBytes { get; init; }

    /// <summary>Bytes of all structured metadata, raw, in canonical form.</summary>
    public required int MetadataBytes { get; init; }

    public required BlockCodec Codec { get; init; }
    public required long Offset { get; init; }
    public required int IndexPacked { get; init; }
    public required int IndexRaw { get; init; }
    public required int ShapesPacked { get; init; }

    /// <summary>0: no line was taken apart.</summary>
    public required int ShapesRaw { get; init; }
    public required int ColumnsPacked { get; init; }

    /// <summary>Raw bytes of the lines that were kept as they are.</summary>
    public required int LinesRaw { get; init; }
    public required int LinesPacked { get; init; }
    public required int FilterLength { get; init; }
    public required uint IndexCrc { get; init; }
    public required uint ShapesCrc { get; init; }
    public required uint LinesCrc { get; init; }
    public required uint FilterCrc { get; init; }

    /// <summary>No entry is also in a block of the stream that was written before this one.</summary>
    public bool Distinct { get; init; }

    /// <summary>Entries by their detected level, in no order; null where there are too many different ones.</summary>
    public required LevelCount[]? Levels { get; init; }

    public int PackedBytes => IndexPacked + ShapesPacked + ColumnsPacked + LinesPacked + FilterLength;

    public long ShapesAt => Offset + IndexPacked;

    /// <summary>Columns of metadata, then those of lines that were taken apart.</summary>
    public long ColumnsAt => ShapesAt + ShapesPacked;

    public long LinesAt => ShapesAt + ShapesPacked + ColumnsPacked;

    public long FilterAt => LinesAt + LinesPacked;

    public bool Overlaps(long startNs, long endNs) => MinNs < endNs && MaxNs >= startNs;
}

/// <summary>Entries of a block with the same value of <c>detected_level</c> in their metadata.</summary>
/// <param name="Metadata">Canonical bytes of that one label; empty where there is none.</param>
internal readonly record struct LevelCount(byte[] Metadata, int Entries, int LineBytes);
