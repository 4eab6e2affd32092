using System.Buffers.Binary;

namespace Pharos.Metrics.Chunks;

/// <summary>Reads what <see cref="BitBuffer"/> wrote. Past the end it throws <see cref="CorruptChunkException"/>.</summary>
internal ref struct BitReader(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> bytes = bytes;
    private int next;
    private ulong buffer;
    private int buffered;

    /// <summary>Begins in the middle.</summary>
    /// <param name="position">Bits to pass over.</param>
    public BitReader(ReadOnlySpan<byte> bytes, int position)
        : this(bytes)
    {
        next = position >> 3;
        int rest = position & 7;
        if (rest > 0) Read(rest);
    }

    /// <summary>Bits read so far.</summary>
    public readonly int Position => (next * 8) - buffered;

    public bool ReadBit()
    {
        if (buffered == 0) Refill();
        buffered--;
        return ((buffer >> buffered) & 1) != 0;
    }

    /// <summary>Reads 0 to 64 bits.</summary>
    public ulong Read(int count)
    {
        if (count <= buffered)
        {
            buffered -= count;
            return (buffer >> buffered) & Mask(count);
        }
        ulong high = buffer & Mask(buffered);
        int missing = count - buffered;
        buffered = 0;
        while (true)
        {
            Refill();
            if (missing <= buffered)
            {
                buffered -= missing;
                return (missing == 64 ? 0 : high << missing) | ((buffer >> buffered) & Mask(missing));
            }
            high = (high << buffered) | (buffer & Mask(buffered));
            missing -= buffered;
            buffered = 0;
        }
    }

    public double ReadDouble() => BitConverter.UInt64BitsToDouble(Read(64));

    public ulong ReadUvarint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            ulong b = Read(8);
            value |= (b & 0x7f) << shift;
            if (b < 0x80) return value;
        }
        throw new CorruptChunkException("a number is longer than ten bytes");
    }

    public long ReadVarint()
    {
        ulong value = ReadUvarint();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    public long ReadVarbit()
    {
        int bits = VarbitBits();
        return bits == 0 ? 0 : ReadSigned(bits);
    }

    public ulong ReadVarbitUnsigned()
    {
        int bits = VarbitBits();
        return bits == 0 ? 0 : Read(bits);
    }

    /// <summary>A field whose largest value stands for itself and whose upper half else is negative.</summary>
    public long ReadSigned(int bits)
    {
        ulong value = Read(bits);
        return bits < 64 && value > 1UL << (bits - 1) ? (long)value - (1L << bits) : (long)value;
    }

    public ulong ReadXor(ulong before, ref XorWindow window)
    {
        if (!ReadBit()) return before;
        if (ReadBit())
        {
            int leading = (int)Read(5);
            int meaningful = (int)Read(6);
            if (meaningful == 0) meaningful = 64;
            int trailing = 64 - leading - meaningful;
            if (trailing < 0) throw new CorruptChunkException("an xor window is wider than a number");
            window = new XorWindow { Leading = (byte)leading, Trailing = (byte)trailing };
        }
        else if (window.Leading == XorWindow.None)
        {
            throw new CorruptChunkException("an xor window is reused before it is set");
        }
        return before ^ (Read(64 - window.Leading - window.Trailing) << window.Trailing);
    }

    private int VarbitBits()
    {
        int ones = 0;
        while (ones < 8 && ReadBit()) ones++;
        return ones switch { 0 => 0, 1 => 3, 2 => 6, 3 => 9, 4 => 12, 5 => 18, 6 => 25, 7 => 56, _ => 64 };
    }

    private void Refill()
    {
        int left = bytes.Length - next;
        if (left >= 8)
        {
            buffer = BinaryPrimitives.ReadUInt64BigEndian(bytes[next..]);
            next += 8;
            buffered = 64;
            return;
        }
        if (left <= 0) throw new CorruptChunkException("the chunk ends early");
        buffer = bytes[next++];
        buffered = 8;
    }

    private static ulong Mask(int bits) => bits >= 64 ? ulong.MaxValue : (1UL << bits) - 1;
}

/// <summary>Chunk bytes that do not follow the format.</summary>
internal sealed class CorruptChunkException(string message) : Exception(message);
