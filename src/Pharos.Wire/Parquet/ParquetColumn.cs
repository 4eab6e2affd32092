using System.Buffers;
using System.Buffers.Binary;
using Pharos.Wire.Compression;

namespace Pharos.Wire.Parquet;

/// <summary>Where a column's page stands in the file, for its end.</summary>
internal readonly record struct ParquetChunk(long Offset, int Values, int RawBytes, int PackedBytes);

/// <summary>
/// Values of one column of a row group, written as one page: plain encoding, Snappy. In a repeated column each row has a list of values,
/// which may be empty.
/// </summary>
internal sealed class ParquetColumn(int type, bool repeated, params string[] path)
{
    public const int Int64 = 2, Double = 5, ByteArray = 6;

    private const int Plain = 0, Rle = 3, DataPage = 0;

    private readonly ArrayBufferWriter<byte> values = new();

    // One bit each, in groups of eight: whether a value is there, and whether it goes on with the row before it.
    private readonly List<byte> definitions = [];
    private readonly List<byte> repetitions = [];
    private int count;

    public int Type => type;

    public IReadOnlyList<string> Path => path;

    public static ReadOnlySpan<int> Encodings => [Plain, Rle];

    /// <summary>Bytes of the values so far.</summary>
    public int Bytes => values.WrittenCount;

    public void Add(long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(values.GetSpan(8), value);
        values.Advance(8);
        count++;
    }

    public void Add(double value) => Add(BitConverter.DoubleToInt64Bits(value));

    public void Add(ReadOnlySpan<byte> value)
    {
        var span = values.GetSpan(4 + value.Length);
        BinaryPrimitives.WriteInt32LittleEndian(span, value.Length);
        value.CopyTo(span[4..]);
        values.Advance(4 + value.Length);
        count++;
    }

    /// <summary>Says where the value that is added next stands.</summary>
    /// <param name="present">False: the row's list is empty, and nothing is added.</param>
    /// <param name="first">It begins a row.</param>
    public void Level(bool present, bool first)
    {
        int at = present ? count : count++;
        Bit(definitions, at, present);
        Bit(repetitions, at, !first);
    }

    /// <summary>Writes the page and forgets the values.</summary>
    public ParquetChunk Write(IBufferWriter<byte> output, long offset)
    {
        var raw = new ArrayBufferWriter<byte>(values.WrittenCount + 64);
        if (repeated)
        {
            Levels(raw, repetitions);
            Levels(raw, definitions);
        }
        raw.Write(values.WrittenSpan);
        var packed = new ArrayBufferWriter<byte>();
        SnappyBlock.Encode(raw.WrittenSpan, packed);
        var header = new ThriftCompact();
        header.Begin();
        header.Field(1, DataPage);
        header.Field(2, raw.WrittenCount);
        header.Field(3, packed.WrittenCount);
        header.Begin(5);
        header.Field(1, count);
        header.Field(2, Plain);
        header.Field(3, Rle);
        header.Field(4, Rle);
        header.End();
        header.End();
        byte[] head = header.ToArray();
        output.Write(head);
        output.Write(packed.WrittenSpan);
        var chunk = new ParquetChunk(offset, count, head.Length + raw.WrittenCount, head.Length + packed.WrittenCount);
        values.ResetWrittenCount();
        definitions.Clear();
        repetitions.Clear();
        count = 0;
        return chunk;
    }

    private static void Bit(List<byte> bits, int at, bool set)
    {
        if (at / 8 == bits.Count) bits.Add(0);
        if (set) bits[at / 8] |= (byte)(1 << (at % 8));
    }

    /// <summary>Levels of one bit as a run of groups of eight, with its length before it.</summary>
    private static void Levels(ArrayBufferWriter<byte> output, List<byte> bits)
    {
        var run = new List<byte>();
        uint header = ((uint)bits.Count << 1) | 1;
        for (; header >= 0x80; header >>= 7) run.Add((byte)(header | 0x80));
        run.Add((byte)header);
        run.AddRange(bits);
        BinaryPrimitives.WriteInt32LittleEndian(output.GetSpan(4), run.Count);
        output.Advance(4);
        output.Write(run.ToArray());
    }
}
