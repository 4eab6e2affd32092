using System.Buffers.Binary;
using Pharos.Metrics.Chunks;

namespace Pharos.Metrics.Head;

/// <summary>
/// A finished chunk in memory, never changed: a stretch of an array that it shares with others of its age, so that millions of
/// chunks are few objects. Encoding and times stand in front of the chunk's bytes.
/// </summary>
internal readonly struct MemChunk
{
    private const int HeaderBytes = 17;

    private readonly byte[] shared;
    private readonly int start;
    private readonly int length;

    private MemChunk(byte[] shared, int start, int length)
    {
        this.shared = shared;
        this.start = start;
        this.length = length;
    }

    /// <summary>Header and data, as a snapshot holds them. Times are little-endian.</summary>
    public ReadOnlySpan<byte> Bytes => shared.AsSpan(start, length);

    public ChunkEncoding Encoding => (ChunkEncoding)shared[start];

    /// <summary>Times of the oldest and the newest sample.</summary>
    public long MinMs => BinaryPrimitives.ReadInt64LittleEndian(Bytes[1..]);
    public long MaxMs => BinaryPrimitives.ReadInt64LittleEndian(Bytes[9..]);

    public ReadOnlyMemory<byte> Data => shared.AsMemory(start + HeaderBytes, length - HeaderBytes);

    public static MemChunk Of(ChunkArena arena, ChunkEncoding encoding, long minMs, long maxMs, ReadOnlySpan<byte> data)
    {
        int length = HeaderBytes + data.Length;
        byte[] shared = arena.Take(length, out int start);
        var bytes = shared.AsSpan(start, length);
        bytes[0] = (byte)encoding;
        BinaryPrimitives.WriteInt64LittleEndian(bytes[1..], minMs);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[9..], maxMs);
        data.CopyTo(bytes[HeaderBytes..]);
        return new MemChunk(shared, start, length);
    }

    /// <summary>A chunk in the bytes of a snapshot, which stay its own as long as it lives.</summary>
    public static MemChunk Within(byte[] snapshot, int start, int length) =>
        length > HeaderBytes ? new MemChunk(snapshot, start, length) : throw new InvalidDataException($"a chunk of {length} bytes is too short");
}
