using System.Text;

namespace Pharos.Wire.Parquet;

/// <summary>Writes Thrift structures in the compact protocol. Source: thrift-compact-protocol.md of Apache Thrift.</summary>
internal sealed class ThriftCompact
{
    private const byte True = 1, False = 2, I32 = 5, I64 = 6, Binary = 8, List = 9, Struct = 12;

    private readonly List<byte> bytes = [];
    private readonly Stack<int> outer = new();
    private int last;

    public byte[] ToArray() => [.. bytes];

    public void Field(int id, bool value) => Header(id, value ? True : False);

    public void Field(int id, int value)
    {
        Header(id, I32);
        Varint(Zigzag(value));
    }

    public void Field(int id, long value)
    {
        Header(id, I64);
        Varint(Zigzag(value));
    }

    public void Field(int id, string value)
    {
        Header(id, Binary);
        Text(value);
    }

    public void Field(int id, ReadOnlySpan<int> values)
    {
        BeginList(id, I32, values.Length);
        foreach (int value in values) Varint(Zigzag(value));
    }

    public void Field(int id, ReadOnlySpan<string> values)
    {
        BeginList(id, Binary, values.Length);
        foreach (string value in values) Text(value);
    }

    /// <summary>Begins a list of structures; each is begun by <see cref="Begin()"/>.</summary>
    public void Structures(int id, int count) => BeginList(id, Struct, count);

    /// <summary>Begins a structure that is a field; <see cref="End"/> ends it.</summary>
    public void Begin(int id)
    {
        Header(id, Struct);
        Begin();
    }

    /// <summary>Begins the outermost structure or one of a list.</summary>
    public void Begin()
    {
        outer.Push(last);
        last = 0;
    }

    public void End()
    {
        bytes.Add(0);
        last = outer.Pop();
    }

    private static ulong Zigzag(long value) => (ulong)((value << 1) ^ (value >> 63));

    private void Header(int id, byte type)
    {
        // Fields come in rising order with small gaps.
        bytes.Add((byte)(((id - last) << 4) | type));
        last = id;
    }

    private void BeginList(int id, byte type, int count)
    {
        Header(id, List);
        if (count < 15)
        {
            bytes.Add((byte)((count << 4) | type));
            return;
        }
        bytes.Add((byte)(0xf0 | type));
        Varint((ulong)count);
    }

    private void Text(string value)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(value);
        Varint((ulong)utf8.Length);
        bytes.AddRange(utf8);
    }

    private void Varint(ulong value)
    {
        for (; value >= 0x80; value >>= 7) bytes.Add((byte)(value | 0x80));
        bytes.Add((byte)value);
    }
}
