using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
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
        // A chunk holds no more than its bits allow, whatever it says of itself.
        into.Reserve((int)Math.Min(count, chunk.Length * 8L), out var times, out var values);
        int kept = 0;
        times[0] = t;
        values[0] = BitConverter.UInt64BitsToDouble(value);
        if (t >= range.MinMs) kept = 1;
        if (count > 1)
        {
            long delta = (long)bits.ReadUvarint();
            t += delta;
            var window = XorWindow.Unset;
            value = bits.ReadXor(value, ref window);
            if (t <= range.MaxMs)
            {
                Keep(t, value, range, times, values, ref kept);
                ReadXor(chunk[2..], bits.Position, count - 2, t, delta, value, window, range, times, values, ref kept);
            }
        }
        into.Added(kept);
    }

    /// <summary>Samples from the third on: eight bytes at a time as long as no sample can reach beyond the end, then bit by bit.</summary>
    private static void ReadXor(
        ReadOnlySpan<byte> bytes, int at, int left, long t, long delta, ulong value, XorWindow window, TimeRange range, Span<long> times, Span<double> values, ref int kept)
    {
        // The longest sample has 68 bits of time and 77 of value; a look takes up to nine bytes.
        const int longest = 32;
        int safe = (bytes.Length - longest) * 8;
        for (; left > 0 && at < safe; left--)
        {
            ulong next = Look(bytes, at);
            if ((long)next >= 0)
            {
                at++;
            }
            else
            {
                int ones = BitOperations.LeadingZeroCount(~next);
                if (ones < 4)
                {
                    int width = 11 + (ones * 3);
                    long change = (long)(next << (ones + 1) >> (64 - width));
                    delta += change > 1L << (width - 1) ? change - (1L << width) : change;
                    at += ones + 1 + width;
                }
                else
                {
                    delta += (long)Bits(bytes, at + 4, 64);
                    at += 68;
                }
            }
            t += delta;
            next = Look(bytes, at);
            if ((long)next >= 0)
            {
                at++;
            }
            else
            {
                at += 2;
                if ((next & 1UL << 62) != 0)
                {
                    int leading = (int)(next >> 57) & 31, meaningful = (int)(next >> 51) & 63;
                    if (meaningful == 0) meaningful = 64;
                    int trailing = 64 - leading - meaningful;
                    if (trailing < 0) throw new CorruptChunkException("an xor window is wider than a number");
                    window = new XorWindow { Leading = (byte)leading, Trailing = (byte)trailing };
                    at += 11;
                }
                else if (window.Leading == XorWindow.None)
                {
                    throw new CorruptChunkException("an xor window is reused before it is set");
                }
                int width = 64 - window.Leading - window.Trailing;
                value ^= Bits(bytes, at, width) << window.Trailing;
                at += width;
            }
            if (t > range.MaxMs) return;
            Keep(t, value, range, times, values, ref kept);
        }
        if (left == 0) return;
        var bits = new BitReader(bytes, at);
        for (; left > 0; left--)
        {
            delta += ReadDeltaOfDelta(ref bits);
            t += delta;
            value = bits.ReadXor(value, ref window);
            if (t > range.MaxMs) return;
            Keep(t, value, range, times, values, ref kept);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Keep(long t, ulong value, TimeRange range, Span<long> times, Span<double> values, ref int kept)
    {
        if (t < range.MinMs) return;
        times[kept] = t;
        values[kept++] = BitConverter.UInt64BitsToDouble(value);
    }

    /// <summary>The bits from a place on, the first one on top; at least 57 of them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Look(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt64BigEndian(bytes[(at >> 3)..]) << (at & 7);

    /// <summary>1 to 64 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Bits(ReadOnlySpan<byte> bytes, int at, int count)
    {
        ulong bits = Look(bytes, at);
        if (count > 57) bits |= (ulong)bytes[(at >> 3) + 8] >> (8 - (at & 7));
        return bits >> (64 - count);
    }

    private static long ReadDeltaOfDelta(ref BitReader bits)
    {
        if (!bits.ReadBit()) return 0;
        if (!bits.ReadBit()) return bits.ReadSigned(14);
        if (!bits.ReadBit()) return bits.ReadSigned(17);
        return bits.ReadBit() ? (long)bits.Read(64) : bits.ReadSigned(20);
    }
}
