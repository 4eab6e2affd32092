using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Pharos.Wire.Protobuf;

/// <summary>
/// Writes protobuf messages into one pooled, growing buffer. Nested messages are opened by <see cref="Begin"/> and closed by <see cref="End"/>.
/// Reused by <see cref="Clear"/>. Not safe for several threads.
/// </summary>
public sealed class ProtoBuffer : IDisposable
{
    private byte[] bytes = ArrayPool<byte>.Shared.Rent(16 * 1024);
    private int used;

    public int Length => used;

    public ReadOnlySpan<byte> Written => bytes.AsSpan(0, used);

    public ReadOnlyMemory<byte> WrittenMemory => bytes.AsMemory(0, used);

    public void Clear() => used = 0;

    public void Dispose()
    {
        if (bytes.Length > 0) ArrayPool<byte>.Shared.Return(bytes);
        bytes = [];
        used = 0;
    }

    /// <summary>Opens a nested message; give the result to <see cref="End"/>.</summary>
    public int Begin(uint field)
    {
        Varint((field << 3) | (uint)ProtoType.Bytes);
        Room(1)[0] = 0;
        return ++used;
    }

    /// <summary>Closes the message: writes its length before it, moving the content where the length needs more than one byte.</summary>
    public void End(int start)
    {
        int length = used - start;
        int extra = 0;
        for (uint rest = (uint)length; rest >= 0x80; rest >>= 7) extra++;
        if (extra > 0)
        {
            Room(extra);
            bytes.AsSpan(start, length).CopyTo(bytes.AsSpan(start + extra));
            used += extra;
        }
        int at = start - 1;
        uint value = (uint)length;
        for (; value >= 0x80; value >>= 7) bytes[at++] = (byte)(value | 0x80);
        bytes[at] = (byte)value;
    }

    /// <summary>A varint field; written also where it is zero.</summary>
    public void Field(uint field, ulong value)
    {
        Varint(field << 3);
        Varint(value);
    }

    public void Field(uint field, long value) => Field(field, (ulong)value);

    /// <summary>A zig-zag field (<c>sint32</c>, <c>sint64</c>).</summary>
    public void ZigZagField(uint field, long value) => Field(field, ZigZag(value));

    public void Field(uint field, double value)
    {
        Varint((field << 3) | (uint)ProtoType.Fixed64);
        Raw(value);
    }

    public void Field(uint field, ReadOnlySpan<byte> value)
    {
        Varint((field << 3) | (uint)ProtoType.Bytes);
        Varint((uint)value.Length);
        Raw(value);
    }

    public void Field(uint field, string value)
    {
        Varint((field << 3) | (uint)ProtoType.Bytes);
        int length = Encoding.UTF8.GetByteCount(value);
        Varint((uint)length);
        Encoding.UTF8.GetBytes(value, Room(length));
        used += length;
    }

    /// <summary>A message of two byte strings, fields 1 and 2: a label.</summary>
    public void Pair(uint field, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        if (first.Length >= 0x80 || second.Length >= 0x80 || field >= 16 || first.Length + second.Length >= 0x7c)
        {
            int inner = Begin(field);
            Field(1, first);
            Field(2, second);
            End(inner);
            return;
        }
        int length = 4 + first.Length + second.Length;
        var room = Room(length + 2);
        room[0] = (byte)((field << 3) | (uint)ProtoType.Bytes);
        room[1] = (byte)length;
        room[2] = 0x0a;
        room[3] = (byte)first.Length;
        first.CopyTo(room[4..]);
        int at = 4 + first.Length;
        room[at] = 0x12;
        room[at + 1] = (byte)second.Length;
        second.CopyTo(room[(at + 2)..]);
        used += length + 2;
    }

    public void Varint(ulong value)
    {
        if (value < 0x80 && used < bytes.Length)
        {
            bytes[used++] = (byte)value;
            return;
        }
        var room = Room(10);
        int i = 0;
        for (; value >= 0x80; value >>= 7) room[i++] = (byte)(value | 0x80);
        room[i++] = (byte)value;
        used += i;
    }

    public void Raw(double value)
    {
        BinaryPrimitives.WriteDoubleLittleEndian(Room(8), value);
        used += 8;
    }

    public void Raw(ReadOnlySpan<byte> value)
    {
        value.CopyTo(Room(value.Length));
        used += value.Length;
    }

    public static ulong ZigZag(long value) => (ulong)((value << 1) ^ (value >> 63));

    private Span<byte> Room(int more)
    {
        if (used + more > bytes.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(used + more, bytes.Length * 2));
            bytes.AsSpan(0, used).CopyTo(larger);
            if (bytes.Length > 0) ArrayPool<byte>.Shared.Return(bytes);
            bytes = larger;
        }
        return bytes.AsSpan(used);
    }
}
