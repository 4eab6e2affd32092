using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Pharos.Wire.Protobuf;

/// <summary>How a field's value is laid out. Values are those of the protobuf encoding.</summary>
public enum ProtoType : byte
{
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
    Fixed32 = 5,
}

/// <summary>
/// Reads one protobuf message in place. Nested messages are read by a reader over <see cref="Bytes"/>;
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

    /// <summary>The bytes not read yet.</summary>
    public readonly ReadOnlySpan<byte> Rest => data[at..];

    /// <summary>Number of the current field.</summary>
    public int Field { get; private set; }

    /// <summary>How the current field's value is laid out.</summary>
    public ProtoType Type { get; private set; }

    /// <summary>Moves to the next field; false at the end of the message.</summary>
    public bool Next()
    {
        if (at >= data.Length) return false;
        uint first = data[at];
        ulong tag;
        if (first < 0x80)
        {
            at++;
            tag = first;
        }
        else
        {
            tag = Varint();
        }
        Field = (int)(tag >> 3);
        Type = (ProtoType)(tag & 7);
        if (Field == 0 || tag > uint.MaxValue) Fail("illegal protobuf field number");
        return true;
    }

    /// <summary>True where the current field has that number; a wrong type for a known field is damage.</summary>
    public readonly bool Is(int field, ProtoType type)
    {
        if (Field != field) return false;
        Expect(type);
        return true;
    }

    public ulong Varint()
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

    public long Int64() => (long)Varint();

    public int Int32() => (int)Varint();

    /// <summary>A zig-zag number (<c>sint64</c>).</summary>
    public long SInt64()
    {
        ulong raw = Varint();
        return (long)(raw >> 1) ^ -(long)(raw & 1);
    }

    /// <summary>A zig-zag number (<c>sint32</c>).</summary>
    public int SInt32() => (int)SInt64();

    public double Double()
    {
        if (data.Length - at < 8) Fail("protobuf message ends inside a double");
        double value = BinaryPrimitives.ReadDoubleLittleEndian(data[at..]);
        at += 8;
        return value;
    }

    public ulong Fixed64()
    {
        if (data.Length - at < 8) Fail("protobuf message ends inside a fixed64");
        ulong value = BinaryPrimitives.ReadUInt64LittleEndian(data[at..]);
        at += 8;
        return value;
    }

    public uint Fixed32()
    {
        if (data.Length - at < 4) Fail("protobuf message ends inside a fixed32");
        uint value = BinaryPrimitives.ReadUInt32LittleEndian(data[at..]);
        at += 4;
        return value;
    }

    /// <summary>A string, a byte string, a nested message or packed numbers.</summary>
    public ReadOnlySpan<byte> Bytes()
    {
        ulong length = Varint();
        if (length > (ulong)(data.Length - at)) Fail("protobuf length runs over the end of its message");
        var bytes = data.Slice(at, (int)length);
        at += (int)length;
        return bytes;
    }

    /// <summary>As <see cref="Bytes"/>, with the offset of the first byte in the whole body.</summary>
    public ReadOnlySpan<byte> Bytes(out int offset)
    {
        var bytes = Bytes();
        offset = origin + at - bytes.Length;
        return bytes;
    }

    /// <summary>A nested message as a reader of its own.</summary>
    public ProtoReader Message()
    {
        var bytes = Bytes(out int offset);
        return new ProtoReader(bytes, offset);
    }

    /// <summary>Passes over a field that the reader does not know.</summary>
    public void Skip()
    {
        switch (Type)
        {
            case ProtoType.Varint: Varint(); break;
            case ProtoType.Fixed64: Fixed64(); break;
            case ProtoType.Bytes: Bytes(); break;
            case ProtoType.Fixed32: Fixed32(); break;
            default: Fail("unknown protobuf wire type"); break;
        }
    }

    /// <summary>Refuses the current field where it comes in another wire type than its definition says.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Expect(ProtoType type)
    {
        if (Type != type) Fail("protobuf field has the wrong wire type");
    }

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private readonly void Fail(string message) => throw new WireFormatException(message, origin + at);
}
