using System.Buffers.Binary;

namespace Pharos.Wire.Protobuf;

internal enum ProtoType
{
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
    Fixed32 = 5,
}

/// <summary>
/// Walks the fields of one protobuf message in place. Unknown fields are for the caller to <see cref="Skip"/>.
/// Source: protobuf.dev/programming-guides/encoding.
/// </summary>
internal ref struct ProtoReader(ReadOnlySpan<byte> message)
{
    private readonly ReadOnlySpan<byte> message = message;
    private int at;

    public int Field { get; private set; }

    public ProtoType Type { get; private set; }

    /// <summary>Moves to the next field; false at the end of the message.</summary>
    /// <exception cref="WireFormatException">The message is damaged; so for all reads.</exception>
    public bool Next()
    {
        if (at >= message.Length) return false;
        ulong key = Varint();
        Field = (int)(key >> 3);
        Type = (ProtoType)(key & 7);
        if (key > uint.MaxValue || Field == 0) throw Damaged();
        return true;
    }

    /// <summary>A field of the given number and type; a wrong type for a known field is damage.</summary>
    public readonly bool Is(int field, ProtoType type)
    {
        if (Field != field) return false;
        if (Type != type) throw new WireFormatException(WireErrorKind.Malformed, $"proto: wrong wireType = {(int)Type} for field {field}");
        return true;
    }

    public ulong Varint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 70; shift += 7)
        {
            if (at >= message.Length) throw Damaged();
            byte b = message[at++];
            value |= (ulong)(b & 0x7f) << shift;
            if (b < 0x80) return value;
        }
        throw Damaged();
    }

    public ReadOnlySpan<byte> Bytes()
    {
        ulong length = Varint();
        if (length > (ulong)(message.Length - at)) throw Damaged();
        var bytes = message.Slice(at, (int)length);
        at += (int)length;
        return bytes;
    }

    public ulong Fixed64()
    {
        if (message.Length - at < 8) throw Damaged();
        ulong value = BinaryPrimitives.ReadUInt64LittleEndian(message[at..]);
        at += 8;
        return value;
    }

    public uint Fixed32()
    {
        if (message.Length - at < 4) throw Damaged();
        uint value = BinaryPrimitives.ReadUInt32LittleEndian(message[at..]);
        at += 4;
        return value;
    }

    public double Double() => BitConverter.UInt64BitsToDouble(Fixed64());

    public void Skip()
    {
        switch (Type)
        {
            case ProtoType.Varint: Varint(); break;
            case ProtoType.Fixed64: Fixed64(); break;
            case ProtoType.Bytes: Bytes(); break;
            case ProtoType.Fixed32: Fixed32(); break;
            default: throw new WireFormatException(WireErrorKind.Malformed, $"proto: illegal wireType {(int)Type}");
        }
    }

    private static WireFormatException Damaged() => new(WireErrorKind.Malformed, "proto: unexpected end of data or illegal tag");
}
