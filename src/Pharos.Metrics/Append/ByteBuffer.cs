using System.Buffers.Binary;
using System.Text;

namespace Pharos.Metrics;

/// <summary>Bytes that grow; kept and cleared for reuse. LEB128 numbers as Go's encoding/binary writes them.</summary>
internal sealed class ByteBuffer(int capacity = 4096)
{
    private byte[] bytes = new byte[capacity];

    public int Length { get; private set; }

    public int Capacity => bytes.Length;

    public ReadOnlySpan<byte> Written => bytes.AsSpan(0, Length);

    /// <summary>For filling in what is known only at the end.</summary>
    public Span<byte> WrittenSpan => bytes.AsSpan(0, Length);

    public ReadOnlyMemory<byte> WrittenMemory => bytes.AsMemory(0, Length);

    public void Clear() => Length = 0;

    public void Byte(byte value) => Take(1)[0] = value;

    public void Bytes(ReadOnlySpan<byte> value) => value.CopyTo(Take(value.Length));

    public void UInt16Big(ushort value) => BinaryPrimitives.WriteUInt16BigEndian(Take(2), value);

    public void UInt32Big(uint value) => BinaryPrimitives.WriteUInt32BigEndian(Take(4), value);

    public void UInt64Big(ulong value) => BinaryPrimitives.WriteUInt64BigEndian(Take(8), value);

    public void Double(double value) => BinaryPrimitives.WriteDoubleLittleEndian(Take(8), value);

    public void Uvarint(ulong value) => Length += WriteUvarint(Reserve(10), value);

    public void Varint(long value) => Length += WriteVarint(Reserve(10), value);

    public void Text(ReadOnlySpan<byte> utf8)
    {
        Uvarint((ulong)utf8.Length);
        Bytes(utf8);
    }

    public void Text(string text)
    {
        Uvarint((ulong)Encoding.UTF8.GetByteCount(text));
        Length += Encoding.UTF8.GetBytes(text, Reserve(Encoding.UTF8.GetMaxByteCount(text.Length)));
    }

    public void Advance(int count) => Length += count;

    /// <summary>Writes a zigzag number into some room; returns its length.</summary>
    public static int WriteVarint(Span<byte> space, long value) => WriteUvarint(space, (ulong)((value << 1) ^ (value >> 63)));

    private static int WriteUvarint(Span<byte> space, ulong value)
    {
        int at = 0;
        for (; value >= 0x80; value >>= 7) space[at++] = (byte)(value | 0x80);
        space[at] = (byte)value;
        return at + 1;
    }

    /// <summary>Room for so many bytes, which the caller writes before anything else.</summary>
    public Span<byte> Take(int count)
    {
        var space = Reserve(count)[..count];
        Length += count;
        return space;
    }

    /// <summary>Room for at least so many bytes, of which <see cref="Advance"/> keeps those that were written.</summary>
    public Span<byte> Reserve(int count)
    {
        if (Length + count > bytes.Length) Array.Resize(ref bytes, Math.Max(Length + count, bytes.Length * 2));
        return bytes.AsSpan(Length);
    }
}

/// <summary>Reads what <see cref="ByteBuffer"/> wrote. Past the end it throws <see cref="InvalidDataException"/>.</summary>
internal ref struct ByteReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> rest = bytes;

    public readonly bool IsEmpty => rest.IsEmpty;

    public readonly int Remaining => rest.Length;

    public byte Byte() => Take(1)[0];

    public ushort UInt16Big() => BinaryPrimitives.ReadUInt16BigEndian(Take(2));

    public uint UInt32Big() => BinaryPrimitives.ReadUInt32BigEndian(Take(4));

    public ulong UInt64Big() => BinaryPrimitives.ReadUInt64BigEndian(Take(8));

    public double Double() => BinaryPrimitives.ReadDoubleLittleEndian(Take(8));

    public ulong Uvarint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            byte b = Byte();
            value |= (ulong)(b & 0x7f) << shift;
            if (b < 0x80) return value;
        }
        throw new InvalidDataException("a number is longer than ten bytes");
    }

    public long Varint()
    {
        ulong value = Uvarint();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    /// <summary>A count of things that each take at least one byte.</summary>
    public int Count()
    {
        ulong count = Uvarint();
        return count <= (ulong)rest.Length ? (int)count : throw new InvalidDataException($"{count} items announced in {rest.Length} bytes");
    }

    public ReadOnlySpan<byte> Text() => Take(Count());

    public string String() => Encoding.UTF8.GetString(Text());

    public ReadOnlySpan<byte> Take(int count)
    {
        if (count > rest.Length) throw new InvalidDataException($"{count} bytes wanted, {rest.Length} left");
        var taken = rest[..count];
        rest = rest[count..];
        return taken;
    }
}
