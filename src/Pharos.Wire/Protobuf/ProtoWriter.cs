namespace Pharos.Wire.Protobuf;

/// <summary>Writes protobuf fields into a span that the caller has sized with <see cref="SizeOf"/>.</summary>
internal ref struct ProtoWriter(Span<byte> output)
{
    private readonly Span<byte> output = output;

    public int Written { get; private set; }

    public static int SizeOf(ulong varint)
    {
        int size = 1;
        for (; varint >= 0x80; varint >>= 7) size++;
        return size;
    }

    /// <summary>Bytes of a length-delimited field with a number under 16.</summary>
    public static int SizeOfBytes(int length) => 1 + SizeOf((ulong)length) + length;

    public void Varint(ulong value)
    {
        for (; value >= 0x80; value >>= 7) output[Written++] = (byte)(value | 0x80);
        output[Written++] = (byte)value;
    }

    public void Tag(int field, ProtoType type) => Varint(((ulong)field << 3) | (uint)type);

    public void Bytes(int field, scoped ReadOnlySpan<byte> bytes)
    {
        Tag(field, ProtoType.Bytes);
        Varint((ulong)bytes.Length);
        bytes.CopyTo(output[Written..]);
        Written += bytes.Length;
    }

    /// <summary>Starts a nested message whose length is known.</summary>
    public void Message(int field, int length)
    {
        Tag(field, ProtoType.Bytes);
        Varint((ulong)length);
    }
}
