using System.Buffers.Binary;
using Pharos.Core;

namespace Pharos.Metrics.Chunks;

/// <summary>Decodes chunks of every encoding into columns.</summary>
internal static class ChunkReader
{
    public static int Count(ReadOnlySpan<byte> chunk) =>
        chunk.Length >= 2 ? BinaryPrimitives.ReadUInt16BigEndian(chunk) : throw new CorruptChunkException("the chunk is shorter than its header");

    /// <exception cref="CorruptChunkException">The bytes do not follow the format.</exception>
    public static void Read(ChunkEncoding encoding, ReadOnlySpan<byte> chunk, TimeRange range, SampleColumns into)
    {
        switch (encoding)
        {
            case ChunkEncoding.Xor:
                ReadXor(chunk, Count(chunk), range, into);
                break;
            case ChunkEncoding.Histogram:
                HistogramChunk.Read(chunk, isFloat: false, range, into);
                break;
            case ChunkEncoding.FloatHistogram:
                HistogramChunk.Read(chunk, isFloat: true, range, into);
                break;
            default:
                throw new CorruptChunkException($"chunk encoding {(int)encoding} is not known to this release");
        }
    }

    /// <summary>Reads the first <paramref name="count"/> samples of an XOR chunk, whatever its header says.</summary>
    public static void ReadXor(ReadOnlySpan<byte> chunk, int count, TimeRange range, SampleColumns into)
    {
        if (count == 0) return;
        var bits = new BitReader(chunk[2..]);
        long t = bits.ReadVarint();
        ulong value = bits.Read(64);
        if (t > range.MaxMs) return;
        if (t >= range.MinMs) into.Add(t, BitConverter.UInt64BitsToDouble(value));
        if (count == 1) return;
        long delta = (long)bits.ReadUvarint();
        var window = XorWindow.Unset;
        for (int i = 1; ; i++)
        {
            t += delta;
            value = bits.ReadXor(value, ref window);
            if (t > range.MaxMs) return;
            if (t >= range.MinMs) into.Add(t, BitConverter.UInt64BitsToDouble(value));
            if (i == count - 1) return;
            delta += ReadDeltaOfDelta(ref bits);
        }
    }

    private static long ReadDeltaOfDelta(ref BitReader bits)
    {
        if (!bits.ReadBit()) return 0;
        if (!bits.ReadBit()) return bits.ReadSigned(14);
        if (!bits.ReadBit()) return bits.ReadSigned(17);
        return bits.ReadBit() ? (long)bits.Read(64) : bits.ReadSigned(20);
    }
}
