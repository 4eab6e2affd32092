using Pharos.Core;
using Pharos.Metrics.Blocks;

namespace Pharos.Metrics.Chunks;

/// <summary>A chunk in the Prometheus v2 format, without length and checksum.</summary>
/// <param name="Encoding">1: XOR, 2: histogram, 3: float histogram.</param>
/// <param name="MinMs">Time of its first sample; <paramref name="MaxMs"/> of its last.</param>
public readonly record struct EncodedChunk(byte Encoding, long MinMs, long MaxMs, ReadOnlyMemory<byte> Data);

/// <summary>Samples as chunks, for those who read chunks over the network.</summary>
public static class SeriesChunks
{
    /// <summary>Chunks of up to 120 samples, oldest first.</summary>
    public static IReadOnlyList<EncodedChunk> Encode(SampleColumns samples)
    {
        var chunks = new List<ChunkToWrite>();
        ChunkEncoder.Encode(samples, chunks);
        return [.. chunks.Select(c => new EncodedChunk((byte)c.Encoding, c.MinMs, c.MaxMs, c.Data))];
    }

    /// <summary>Appends the samples of a chunk that lie in the range.</summary>
    /// <exception cref="InvalidDataException">The bytes do not follow the format, or the encoding is not known.</exception>
    public static void Decode(byte encoding, ReadOnlySpan<byte> data, TimeRange range, SampleColumns into)
    {
        try
        {
            ChunkReader.Read((ChunkEncoding)encoding, data, range, into);
        }
        catch (CorruptChunkException e)
        {
            throw new InvalidDataException(e.Message, e);
        }
    }
}
