using System.Buffers.Binary;

namespace Pharos.Metrics.Chunks;

/// <summary>
/// Bits written one after the other, most significant first. Bits once written never change,
/// so a reader that knows how many there are may go on reading while more are written.
/// </summary>
internal struct BitBuffer(int capacity)
{
    public byte[] Bytes = new byte[capacity];
    public int Bits;

    public readonly int Length => (Bits + 7) >> 3;

    /// <summary>Writes the lowest <paramref name="count"/> bits (1 to 64) of a value.</summary>
    public void Write(ulong value, int count)
    {
        int needed = (Bits + count + 7) >> 3;
        if (needed > Bytes.Length) Array.Resize(ref Bytes, Math.Max(needed, Bytes.Length + (Bytes.Length >> 1) + 8));
        int at = Bits >> 3, used = Bits & 7, free = 8 - used;
        Bits += count;
        if (at + 8 <= Bytes.Length && used + count <= 64)
        {
            // The bits that are there are written again as they are.
            var word = Bytes.AsSpan(at, 8);
            BinaryPrimitives.WriteUInt64BigEndian(word, BinaryPrimitives.ReadUInt64BigEndian(word) | (value << (64 - count) >> used));
            return;
        }
        while (count > 0)
        {
            int take = Math.Min(free, count);
            uint part = (uint)(value >> (count - take)) & ((1u << take) - 1);
            Bytes[at++] |= (byte)(part << (free - take));
            count -= take;
            free = 8;
        }
    }

    public void WriteDouble(double value) => Write(BitConverter.DoubleToUInt64Bits(value), 64);

    /// <summary>LEB128 as Go's encoding/binary writes it, in whole bytes at any bit position.</summary>
    public void WriteUvarint(ulong value)
    {
        for (; value >= 0x80; value >>= 7) Write((byte)value | 0x80u, 8);
        Write(value, 8);
    }

    /// <summary>Zigzag LEB128.</summary>
    public void WriteVarint(long value) => WriteUvarint((ulong)((value << 1) ^ (value >> 63)));

    /// <summary>Prometheus's variable bit form of a signed number: a unary class, then 3 to 64 bits.</summary>
    public void WriteVarbit(long value)
    {
        if (value == 0) Write(0, 1);
        else if (Fits(value, 3)) WriteClass(0b10, 2, (ulong)value, 3);
        else if (Fits(value, 6)) WriteClass(0b110, 3, (ulong)value, 6);
        else if (Fits(value, 9)) WriteClass(0b1110, 4, (ulong)value, 9);
        else if (Fits(value, 12)) WriteClass(0b11110, 5, (ulong)value, 12);
        else if (Fits(value, 18)) WriteClass(0b111110, 6, (ulong)value, 18);
        else if (Fits(value, 25)) WriteClass(0b1111110, 7, (ulong)value, 25);
        else if (Fits(value, 56)) WriteClass(0b11111110, 8, (ulong)value, 56);
        else WriteClass(0b11111111, 8, (ulong)value, 64);
    }

    /// <summary>The same classes for an unsigned number.</summary>
    public void WriteVarbitUnsigned(ulong value)
    {
        if (value == 0) Write(0, 1);
        else if (value >> 3 == 0) WriteClass(0b10, 2, value, 3);
        else if (value >> 6 == 0) WriteClass(0b110, 3, value, 6);
        else if (value >> 9 == 0) WriteClass(0b1110, 4, value, 9);
        else if (value >> 12 == 0) WriteClass(0b11110, 5, value, 12);
        else if (value >> 18 == 0) WriteClass(0b111110, 6, value, 18);
        else if (value >> 25 == 0) WriteClass(0b1111110, 7, value, 25);
        else if (value >> 56 == 0) WriteClass(0b11111110, 8, value, 56);
        else WriteClass(0b11111111, 8, value, 64);
    }

    /// <summary>Writes what changed against the value before, by xor, inside a window of meaningful bits.</summary>
    public void WriteXor(ulong before, ulong value, ref XorWindow window)
    {
        ulong delta = before ^ value;
        if (delta == 0)
        {
            Write(0, 1);
            return;
        }
        int leading = Math.Min(System.Numerics.BitOperations.LeadingZeroCount(delta), 31);
        int trailing = System.Numerics.BitOperations.TrailingZeroCount(delta);
        if (window.Leading != XorWindow.None && leading >= window.Leading && trailing >= window.Trailing)
        {
            Write(0b10, 2);
            Write(delta >> window.Trailing, 64 - window.Leading - window.Trailing);
            return;
        }
        window = new XorWindow { Leading = (byte)leading, Trailing = (byte)trailing };
        int meaningful = 64 - leading - trailing;
        Write(0b11, 2);
        Write((ulong)leading, 5);
        Write((ulong)(meaningful & 63), 6);
        Write(delta >> trailing, meaningful);
    }

    /// <summary>Whether a number is in −(2^(bits−1)−1) … 2^(bits−1), Prometheus's range for a field of so many bits.</summary>
    public static bool Fits(long value, int bits) => -((1L << (bits - 1)) - 1) <= value && value <= 1L << (bits - 1);

    private void WriteClass(uint prefix, int prefixBits, ulong value, int bits)
    {
        Write(prefix, prefixBits);
        Write(value, bits);
    }
}

/// <summary>The run of bits that an xor code may reuse.</summary>
internal struct XorWindow
{
    public const byte None = 0xff;

    public byte Leading;
    public byte Trailing;

    public static XorWindow Unset => new() { Leading = None };
}
