using Pharos.Metrics.Chunks;

namespace Pharos.Metrics.Head;

/// <summary>A finished chunk in memory. Never changed.</summary>
internal sealed class MemChunk(ChunkEncoding encoding, long minMs, long maxMs, byte[] data)
{
    public ChunkEncoding Encoding { get; } = encoding;
    public long MinMs { get; } = minMs;
    public long MaxMs { get; } = maxMs;
    public byte[] Data { get; } = data;
}
