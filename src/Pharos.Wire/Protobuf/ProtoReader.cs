using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Pharos.Wire.Protobuf;

/// <summary>How a field's value is laid out. Values are those of the protobuf encoding.</summary>
public enum WireType : byte
{
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
    Fixed32 = 5,
}

/// <summary>
/// Reads one protobuf message in place. Nested messages are read by a reader over <see cref="ReadBytes"/>;
/// <c>origin</c> keeps error offsets relative to the whole body.
/// </summary>
/// <remarks>Every read throws <see cref="WireFormatException"/> where the bytes end early or are malformed.</remarks>
public ref struct ProtoReader
{
    private readonly ReadOnlySpan<byte> data;
    private readonly int origin;
    private int at;

    public ProtoReader(ReadOnlySpan<byte> data, int origin = 0)
    {
        this.data = data;
        this.origin = origin;
    }

    /// <summary>Offset of the next unread byte in the whole body.</summary>
    public readonly int Position => origin + at;

    public readonly bool AtEnd => at >= data.Length;

    /// <summary>False at the end of the message.</summary>
    public bool TryReadTag(out uint field, out WireType type)
    {
        if (at >= data.Length)
        {
            field = 0;
            type = default;
            return false;
        }
        uint b = data[at];
        ulong tag;
        if (b < 0x80)
        {
            at++;
            tag = b;
        }
        else
        {
            tag = ReadVarint();
        }
        field = (uint)(tag >> 3);
        type = (WireType)(tag & 7);
        if (field == 0 || tag > uint.MaxValue) Fail("invalid protobuf field number");
        return true;
    }

    public ulong ReadVarint()
    {
        int i = at;
        if (i < data.Length && data[i] < 0x80)
        {
            at = i + 1;
            return data[i];
        }
        ulong value = 0;
        for (int shift = 0; shift < 70; shift += 7)
        {
            if (i >= data.Length) Fail("protobuf message ends inside a number");
            ulong b = data[i++];
            if (shift == 63 && b > 1) break;
            value |= (b & 0x7f) << shift;
            if (b < 0x80)
            {
                at = i;
                return value;
            }
        }
        Fail("protobuf number is longer than 64 bits");
        return 0;
    }

    public long ReadInt64() => (long)ReadVarint();

    public int ReadInt32() => (int)ReadVarint();

    /// <summary>A zig-zag number (<c>sint64</c>).</summary>
    public long ReadSInt64()
    {
        ulong raw = ReadVarint();
        return (long)(raw >> 1) ^ -(long)(raw & 1);
    }

    /// <summary>A zig-zag number (<c>sint32</c>).</summary>
    public int ReadSInt32() => (int)ReadSInt64();

    public double ReadDouble()
    {
        if (data.Length - at < 8) Fail("protobuf message ends inside a double");
        double value = BinaryPrimitives.ReadDoubleLittleEndian(data[at..]);
        at += 8;
        return value;
    }

    public ulong ReadFixed64()
    {
        if (data.Length - at < 8) Fail("protobuf message ends inside a fixed64");
        ulong value = BinaryPrimitives.ReadUInt64LittleEndian(data[at..]);
        at += 8;
        return value;
    }

    public uint ReadFixed32()
    {
        if (data.Length - at < 4) Fail("protobuf message ends inside a fixed32");
        uint value = BinaryPrimitives.ReadUInt32LittleEndian(data[at..]);
        at += 4;
        return value;
    }

    /// <summary>A string, a byte string, a nested message or packed numbers.</summary>
    public ReadOnlySpan<byte> ReadBytes()
    {
        ulong length = ReadVarint();
        if (length > (ulong)(data.Length - at)) Fail("protobuf length runs over the end of its message");
        var bytes = data.Slice(at, (int)length);
        at += (int)length;
        return bytes;
    }

    /// <summary>As <see cref="ReadBytes"/>, with the offset of the first byte in the whole body.</summary>
    public ReadOnlySpan<byte> ReadBytes(out int offset)
    {
        var bytes = ReadBytes();
        offset = origin + at - bytes.Length;
        return bytes;
    }

    /// <summary>A nested message as a reader of its own.</summary>
    public ProtoReader ReadMessage()
    {
        var bytes = ReadBytes(out int offset);
        return new ProtoReader(bytes, offset);
    }

    /// <summary>Passes over a field that the reader does not know.</summary>
    public void Skip(WireType type)
    {
        switch (type)
        {
            case WireType.Varint: ReadVarint(); break;
            case WireType.Fixed64: ReadFixed64(); break;
            case WireType.Bytes: ReadBytes(); break;
            case WireType.Fixed32: ReadFixed32(); break;
            default: Fail("unknown protobuf wire type"); break;
        }
    }

    /// <summary>Refuses a field that comes in another wire type than its definition says.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Expect(WireType expected, WireType actual)
    {
        if (expected != actual) Fail("protobuf field has the wrong wire type");
    }

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private readonly void Fail(string message) => throw new WireFormatException(message, origin + at);
}
