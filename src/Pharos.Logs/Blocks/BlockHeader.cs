namespace Pharos.Logs.Blocks;

/// <summary>
/// What is known of a block without unpacking it. A block holds entries of one stream and one UTC day, sorted by time,
/// in three stretches of bytes: the index frame (timestamps, lengths, metadata), the lines frame, the skip filter.
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
    public required int LinesPacked { get; init; }
    public required int FilterLength { get; init; }
    public required uint IndexCrc { get; init; }
    public required uint LinesCrc { get; init; }
    public required uint FilterCrc { get; init; }

    public int PackedBytes => IndexPacked + LinesPacked + FilterLength;

    public bool Overlaps(long startNs, long endNs) => MinNs < endNs && MaxNs >= startNs;
}
