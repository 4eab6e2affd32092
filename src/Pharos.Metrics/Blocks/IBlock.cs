using Pharos.Core;

namespace Pharos.Metrics.Blocks;

/// <summary>
/// An immutable block of one tenant, whatever its format on disk; only what is deleted of it changes.
/// The store, the compactor and the tools see blocks through this alone.
/// </summary>
internal interface IBlock
{
    string Folder { get; }

    BlockMeta Meta { get; }

    /// <summary>Bytes on disk.</summary>
    long Bytes { get; }

    /// <summary>Whether it holds deleted samples that still take room.</summary>
    bool HasDeleted { get; }

    /// <summary>The part of its samples, 0 to 1, that is deleted; a guess where a chunk is deleted in part.</summary>
    double DeletedShare { get; }

    /// <summary>Names of labels.</summary>
    IEnumerable<string> LabelNames { get; }

    /// <summary>Values of a label.</summary>
    Utf8Texts Values(string name);

    /// <summary>Values of a label on series that match and have samples in the range. A series whose entry is damaged is counted, logged and left out.</summary>
    /// <exception cref="CorruptBlockException">The index cannot be searched.</exception>
    Utf8Texts Values(string name, IReadOnlyList<Matcher> matchers, TimeRange range, CancellationToken cancel);

    /// <summary>Series that match and have samples in the range, sorted by labels. A series whose entry is damaged is counted, logged and left out.</summary>
    /// <exception cref="CorruptBlockException">The index cannot be searched.</exception>
    IEnumerable<BlockSeries> Select(IReadOnlyList<Matcher> matchers, TimeRange range, CancellationToken cancel);

    /// <summary>All series that have samples left, sorted by labels, for a rewrite of the block. Damage ends it.</summary>
    /// <exception cref="CorruptBlockException">The index is damaged.</exception>
    IEnumerable<BlockSeries> All(CancellationToken cancel);

    /// <summary>The chunks of a series in Prometheus's encodings, oldest first, with the samples that are deleted. Their bytes hold as long as this object.</summary>
    /// <param name="touched">Whether some of their samples are deleted.</param>
    /// <exception cref="CorruptBlockException">A chunk is damaged.</exception>
    void ReadChunks(uint series, List<ChunkToWrite> into, out bool touched);

    /// <summary>Bytes of a series' chunks that a read of the range touches.</summary>
    long ChunkBytes(uint series, TimeRange range);

    /// <summary>Reads a series' samples without deleted ones. A damaged chunk is counted, logged and left out.</summary>
    void Read(uint series, TimeRange range, SampleColumns into);

    /// <summary>Reads a series' samples without deleted ones, all or none.</summary>
    /// <exception cref="CorruptBlockException">A chunk is damaged.</exception>
    void ReadWhole(uint series, SampleColumns into);

    /// <summary>Deletes samples; they are hidden, durably, when this returns.</summary>
    /// <exception cref="IOException">It could not be written down; nothing is hidden.</exception>
    void Delete(IReadOnlyDictionary<uint, TimeRange> ranges);
}

/// <summary>A series of a block: its labels and its number in the block's index.</summary>
/// <param name="MinMs">Bounds of its samples, both inclusive; may be wider than what is left of them.</param>
/// <param name="Chunks">Chunks in the range that was selected.</param>
internal readonly record struct BlockSeries(Labels Labels, uint Number, long MinMs, long MaxMs, int Chunks);
