using System.Buffers.Binary;
using System.Text;

namespace Pharos.Logs.Fields;

/// <summary>Different values, and the number of one for each line.</summary>
internal sealed class DictionaryColumn : ColumnData
{
    private readonly byte[] raw;
    private readonly (int At, int Length)[] values;
    private readonly string?[] texts;
    private readonly int length;
    private readonly int idsAt;
    private readonly int width;

    public DictionaryColumn(byte[] raw, int length, int rows, int width)
    {
        this.raw = raw;
        this.width = width;
        this.length = length;
        var bytes = raw.AsSpan(0, length);
        int at = 0;
        values = new (int, int)[Varints.ReadLength(bytes, ref at) + 1];
        texts = new string?[values.Length];
        for (int i = 1; i < values.Length; i++)
        {
            int size = Varints.ReadLength(bytes, ref at);
            values[i] = (at, size);
            at += size;
        }
        idsAt = at;
        if (bytes.Length - at != rows * width) throw new InvalidDataException("a column has another number of values than its block has lines");
        if (width == 1 && (values.Length > 255 || bytes[at..].IndexOfAnyExceptInRange((byte)0, (byte)(values.Length - 1)) < 0)) return;
        for (int row = 0; row < rows; row++)
        {
            if (IdOf(row) >= values.Length) throw new InvalidDataException("a value's number runs over the column's dictionary");
        }
    }

    /// <summary>The different values; null among them where a line has none.</summary>
    public IEnumerable<string?> Values
    {
        get
        {
            int rows = (length - idsAt) / width;
            for (int row = 0; row < rows; row++)
            {
                if (IdOf(row) != 0) continue;
                yield return null;
                break;
            }
            for (int id = 1; id < values.Length; id++) yield return TextOfId(id);
        }
    }

    public override int Distinct => values.Length - 1;

    public override int IdOf(int row) => width == 1 ? raw[idsAt + row] : BinaryPrimitives.ReadUInt16LittleEndian(raw.AsSpan(idsAt + (2 * row)));

    public override string TextOfId(int id) => texts[id] ??= Encoding.UTF8.GetString(raw.AsSpan(values[id].At, values[id].Length));

    public override bool Has(int row) => IdOf(row) != 0;

    public override void Keep(ReadOnlySpan<bool> wanted, Span<bool> marks)
    {
        if (width != 1)
        {
            base.Keep(wanted, marks);
            return;
        }
        var ids = raw.AsSpan(idsAt, marks.Length);
        for (int row = 0; row < ids.Length; row++) marks[row] &= wanted[ids[row]];
    }

    public override string? TextOf(int row)
    {
        int id = IdOf(row);
        return id == 0 ? null : TextOfId(id);
    }

    public override int Write(int row, Span<byte> into)
    {
        var (at, length) = values[IdOf(row)];
        return Copy(raw.AsSpan(at, length), into);
    }

    public override ReadOnlySpan<byte> BytesOf(int row, Span<byte> scratch) => raw.AsSpan(values[IdOf(row)].At, values[IdOf(row)].Length);

    /// <param name="id">From 1.</param>
    public ReadOnlySpan<byte> BytesOfValue(int id) => raw.AsSpan(values[id].At, values[id].Length);

    public override void Mark(Needle needle, NeedlePiece piece, Span<bool> rows)
    {
        bool[] hits = new bool[values.Length];
        bool any = false;
        for (int id = 1; id < values.Length; id++) any |= hits[id] = needle.Holds(raw.AsSpan(values[id].At, values[id].Length), piece);
        if (!any) return;
        for (int row = 0; row < rows.Length; row++) rows[row] |= hits[IdOf(row)];
    }
}
