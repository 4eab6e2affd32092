using Pharos.Core;

namespace Pharos.Metrics;

/// <summary>What one place (the head, one block) holds of a series: samples in rising order.</summary>
internal interface ISeriesPart
{
    /// <summary>Bounds of its samples, both inclusive; may be wider than what is really there.</summary>
    long MinMs { get; }
    long MaxMs { get; }

    /// <summary>Chunks that a read of the range touches.</summary>
    int ChunkCount(TimeRange range);

    /// <summary>Bytes of those chunks. Dearer than counting them.</summary>
    long ChunkBytes(TimeRange range);

    /// <summary>Adds the samples of the range, without deleted ones.</summary>
    void Read(TimeRange range, SampleColumns into);
}
