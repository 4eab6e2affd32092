using Pharos.Metrics.Chunks;

namespace Pharos.Metrics.Head;

/// <summary>
/// A finished chunk of the head, never changed: a stretch of an array that it shares with others of its age, or, once it was written,
/// a place in a file of head chunks. There are millions: 32 bytes each.
/// </summary>
internal readonly struct MemChunk
{
    private const int LengthBits = 28;

    // An array or a HeadChunkFile.
    private readonly object place;
    private readonly uint start;
    private readonly uint lengthAndEncoding;

    private MemChunk(object place, uint start, int length, ChunkEncoding encoding, long minMs, long maxMs)
    {
        this.place = place;
        this.start = start;
        lengthAndEncoding = (uint)length | ((uint)encoding << LengthBits);
        MinMs = minMs;
        MaxMs = maxMs;
    }

    /// <summary>Time of the oldest sample.</summary>
    public long MinMs { get; }

    /// <summary>Time of the newest sample.</summary>
    public long MaxMs { get; }

    public ChunkEncoding Encoding => (ChunkEncoding)(lengthAndEncoding >> LengthBits);

    /// <summary>Bytes of the chunk.</summary>
    public int Length => (int)(lengthAndEncoding & ((1u << LengthBits) - 1));

    /// <summary>The file that holds it; null while it is in memory.</summary>
    public HeadChunkFile? File => place as HeadChunkFile;

    /// <summary>Where its entry begins in the file.</summary>
    public uint FileOffset => start;

    /// <summary>The bytes of a chunk that is in memory.</summary>
    public ReadOnlySpan<byte> InMemory => ((byte[])place).AsSpan((int)start, Length);

    public static MemChunk Of(ChunkArena arena, ChunkEncoding encoding, long minMs, long maxMs, ReadOnlySpan<byte> data)
    {
        byte[] shared = arena.Take(data.Length, out int start);
        data.CopyTo(shared.AsSpan(start));
        return new MemChunk(shared, (uint)start, data.Length, encoding, minMs, maxMs);
    }

    /// <summary>A chunk whose entry stands in a file.</summary>
    /// <exception cref="InvalidDataException">No chunk has such numbers.</exception>
    public static MemChunk In(HeadChunkFile file, uint offset, int length, ChunkEncoding encoding, long minMs, long maxMs) =>
        length is > 0 and < 1 << LengthBits && encoding is > ChunkEncoding.None and <= ChunkEncoding.FloatHistogram && minMs <= maxMs
            ? new MemChunk(file, offset, length, encoding, minMs, maxMs)
            : throw new InvalidDataException($"a chunk of {length} bytes, encoding {(int)encoding}, {minMs} to {maxMs}");

    public bool IsSame(MemChunk other) => ReferenceEquals(place, other.place) && start == other.start;

    /// <summary>Its bytes, in an array that stays as it is.</summary>
    /// <exception cref="CorruptChunkException">The file does not hold the chunk as it was written.</exception>
    public ReadOnlyMemory<byte> Load()
    {
        if (File is not { } file) return ((byte[])place).AsMemory((int)start, Length);
        byte[] entry = new byte[HeadChunkFile.EntryHeaderBytes + Length];
        file.Read(this, entry);
        return entry.AsMemory(HeadChunkFile.EntryHeaderBytes);
    }
}
