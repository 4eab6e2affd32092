namespace Pharos.Metrics.Chunks;

/// <summary>The encoding byte of a chunk on disk.</summary>
internal enum ChunkEncoding : byte
{
    None = 0,
    Xor = 1,
    Histogram = 2,
    FloatHistogram = 3,
}
