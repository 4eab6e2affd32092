using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Text;
using Pharos.Core;

namespace Pharos.Logs.Fields;

/// <summary>The values of one column, unpacked: as fields of a query, and as pieces of lines. Not safe for several threads.</summary>
internal abstract class ColumnData : LogFieldColumn
{
    private static readonly SearchValues<byte> HexBytes = SearchValues.Create("0123456789abcdef"u8);
    private static readonly SearchValues<byte> IpBytes = SearchValues.Create("0123456789."u8);
    private static readonly SearchValues<byte> TimeBytes = SearchValues.Create("0123456789-:.TZ"u8);

    /// <summary>Writes the value of a line that has one; returns its length.</summary>
    /// <exception cref="InvalidDataException">There is no room for it.</exception>
    public abstract int Write(int row, Span<byte> into);

    /// <param name="raw">Starts with the column's bytes; must outlive this.</param>
    /// <exception cref="InvalidDataException">The bytes are damaged.</exception>
    public static ColumnData Read(ColumnKind kind, byte[] raw, int length, int rows, long[] timestamps) => kind switch
    {
        ColumnKind.Dictionary => new DictionaryColumn(raw, length, rows, 1),
        ColumnKind.LargeDictionary => new DictionaryColumn(raw, length, rows, 2),
        ColumnKind.Decimal or ColumnKind.Ip or ColumnKind.Time => new NumberColumn(kind, raw, length, rows, timestamps),
        ColumnKind.Text => new TextColumn(raw, length, rows),
        ColumnKind.Hex => new HexColumn(raw, length, rows),
        _ => throw new InvalidDataException($"a column has the kind {(int)kind}, which is unknown to this version"),
    };

    /// <summary>Whether values of a kind can hold such bytes at all; needs no column. True where that is not known.</summary>
    public static bool MayHold(ColumnKind kind, ReadOnlySpan<byte> piece) => kind switch
    {
        ColumnKind.Hex => piece.IndexOfAnyExcept(HexBytes) < 0,
        ColumnKind.Ip => piece.IndexOfAnyExcept(IpBytes) < 0,
        ColumnKind.Time => piece.IndexOfAnyExcept(TimeBytes) < 0,
        _ => true,
    };

    /// <summary>Marks the lines whose value has the piece; may mark others too.</summary>
    public virtual void Mark(PieceKind kind, ReadOnlySpan<byte> piece, Span<bool> rows)
    {
        Span<byte> value = stackalloc byte[128];
        for (int row = 0; row < rows.Length; row++)
        {
            if (!rows[row] && Has(row)) rows[row] = Has(kind, value[..Write(row, value)], piece);
        }
    }

    protected static bool Has(PieceKind kind, ReadOnlySpan<byte> value, ReadOnlySpan<byte> piece) => kind switch
    {
        PieceKind.Contains => value.IndexOf(piece) >= 0,
        PieceKind.StartsWith => value.StartsWith(piece),
        PieceKind.EndsWith => value.EndsWith(piece),
        _ => value.SequenceEqual(piece),
    };

    protected static int Copy(ReadOnlySpan<byte> value, Span<byte> into) =>
        value.TryCopyTo(into) ? value.Length : throw new InvalidDataException("values are longer than the lines of their block");
}

internal sealed class DictionaryColumn : ColumnData
{
    private readonly byte[] raw;
    private readonly (int At, int Length)[] values;
    private readonly string?[] texts;
    private readonly int idsAt;
    private readonly int width;

    public DictionaryColumn(byte[] raw, int length, int rows, int width)
    {
        this.raw = raw;
        this.width = width;
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

    public override int Distinct => values.Length - 1;

    public override int IdOf(int row) => width == 1 ? raw[idsAt + row] : BinaryPrimitives.ReadUInt16LittleEndian(raw.AsSpan(idsAt + (2 * row)));

    public override bool Has(int row) => IdOf(row) != 0;

    public override string? TextOf(int row)
    {
        int id = IdOf(row);
        return id == 0 ? null : texts[id] ??= Encoding.UTF8.GetString(raw.AsSpan(values[id].At, values[id].Length));
    }

    public override int Write(int row, Span<byte> into)
    {
        var (at, length) = values[IdOf(row)];
        return Copy(raw.AsSpan(at, length), into);
    }

    public override void Mark(PieceKind kind, ReadOnlySpan<byte> piece, Span<bool> rows)
    {
        bool[] hits = new bool[values.Length];
        bool any = false;
        for (int id = 1; id < values.Length; id++) any |= hits[id] = Has(kind, raw.AsSpan(values[id].At, values[id].Length), piece);
        if (!any) return;
        for (int row = 0; row < rows.Length; row++) rows[row] |= hits[IdOf(row)];
    }
}

/// <summary>Whole numbers that stand for decimals, addresses or times.</summary>
internal sealed class NumberColumn : ColumnData
{
    private readonly ColumnKind kind;
    private readonly byte[] raw;
    private readonly long[] timestamps;
    private readonly byte[] suffix = [];
    private readonly string suffixText = "";
    private readonly long[] powers = [];
    private readonly long min;
    private readonly int rows;
    private readonly int presentAt = -1;
    private readonly int scalesAt = -1;
    private readonly int planesAt;
    private readonly int width;
    private readonly byte scale;
    private readonly byte[] second = new byte[19];
    private long secondOf = long.MinValue;

    public NumberColumn(ColumnKind kind, byte[] raw, int length, int rows, long[] timestamps)
    {
        this.kind = kind;
        this.raw = raw;
        this.rows = rows;
        this.timestamps = timestamps;
        var bytes = raw.AsSpan(0, length);
        int at = 0;
        if (kind == ColumnKind.Decimal)
        {
            int size = Varints.ReadLength(bytes, ref at);
            suffix = bytes.Slice(at, size).ToArray();
            suffixText = Encoding.UTF8.GetString(suffix);
            at += size;
        }
        if (bytes.Length - at < 4) throw new InvalidDataException("a column ends early");
        bool all = bytes[at++] != 0;
        scale = bytes[at++];
        width = bytes[at++];
        min = Varints.ReadSigned(bytes, ref at);
        if (!all)
        {
            presentAt = at;
            at += rows;
        }
        if (scale == 255)
        {
            scalesAt = at;
            at += rows;
        }
        else if (scale > 18)
        {
            throw new InvalidDataException("a column has an impossible number of digits");
        }
        planesAt = at;
        if (width > 8 || bytes.Length - at != width * rows) throw new InvalidDataException("a column has another number of values than its block has lines");
        if (scalesAt >= 0 && bytes.Slice(scalesAt, rows).IndexOfAnyExceptInRange((byte)0, (byte)18) >= 0) throw new InvalidDataException("a column has an impossible number of digits");
    }

    public override bool Has(int row) => presentAt < 0 || raw[presentAt + row] != 0;

    public override string? TextOf(int row)
    {
        if (!Has(row)) return null;
        long number = Number(row);
        return kind switch
        {
            ColumnKind.Decimal => ValueText.Decimal(number, Scale(row), suffixText),
            ColumnKind.Ip => ValueText.Ip(number),
            _ => ValueText.Time(number + Base(row), Scale(row)),
        };
    }

    public override void Mark(PieceKind kind, ReadOnlySpan<byte> piece, Span<bool> rows)
    {
        if (this.kind == ColumnKind.Decimal)
        {
            foreach (byte b in piece)
            {
                if (!char.IsAsciiDigit((char)b) && b is not ((byte)'-' or (byte)'.') && suffix.AsSpan().IndexOf(b) < 0) return;
            }
        }
        base.Mark(kind, piece, rows);
    }

    public override int Write(int row, Span<byte> into)
    {
        long number = Number(row);
        switch (kind)
        {
            case ColumnKind.Decimal:
                int length = WriteDecimal(number, Scale(row), into);
                return length + Copy(suffix, into[length..]);
            case ColumnKind.Ip:
                if (into.Length < 15)
                {
                    Span<byte> room = stackalloc byte[15];
                    return Copy(room[..WriteIp(number, room)], into);
                }
                return WriteIp(number, into);
            default:
                return WriteTime(number + Base(row), Scale(row), into);
        }
    }

    private long Number(int row)
    {
        ulong value = 0;
        for (int plane = 0; plane < width; plane++) value |= (ulong)raw[planesAt + (plane * rows) + row] << (8 * plane);
        return (long)((ulong)min + value);
    }

    private int Scale(int row) => scalesAt < 0 ? scale : raw[scalesAt + row];

    /// <summary>The line's own timestamp in the units of the column's times.</summary>
    private long Base(int row) => timestamps[row] / ValueText.PowerOfTen(Math.Max(0, 9 - Scale(row)));

    private static int WriteDecimal(long mantissa, int scale, Span<byte> into)
    {
        Span<byte> digits = stackalloc byte[20];
        Utf8Formatter.TryFormat(Math.Abs(mantissa), digits, out int count);
        Span<byte> text = stackalloc byte[44];
        int at = 0;
        if (mantissa < 0) text[at++] = (byte)'-';
        if (scale == 0)
        {
            digits[..count].CopyTo(text[at..]);
            return Copy(text[..(at + count)], into);
        }
        for (int i = Math.Max(count, scale + 1); i > 0; i--)
        {
            if (i == scale) text[at++] = (byte)'.';
            text[at++] = i > count ? (byte)'0' : digits[count - i];
        }
        return Copy(text[..at], into);
    }

    private static int WriteIp(long address, Span<byte> into)
    {
        int at = 0;
        for (int shift = 24; shift >= 0; shift -= 8)
        {
            int part = (int)(address >> shift) & 255;
            if (part >= 100) into[at++] = (byte)('0' + (part / 100));
            if (part >= 10) into[at++] = (byte)('0' + (part / 10 % 10));
            into[at++] = (byte)('0' + (part % 10));
            if (shift > 0) into[at++] = (byte)'.';
        }
        return at;
    }

    private int WriteTime(long units, int digits, Span<byte> into)
    {
        long seconds = Math.DivRem(units, ValueText.PowerOfTen(digits), out long fraction);
        if (seconds != secondOf)
        {
            // Lines of one second mostly follow each other.
            Encoding.UTF8.GetBytes(ValueText.Time(seconds, 0).AsSpan(0, 19), second);
            secondOf = seconds;
        }
        int length = digits == 0 ? 20 : 21 + digits;
        if (into.Length < length) throw new InvalidDataException("values are longer than the lines of their block");
        second.CopyTo(into);
        into[length - 1] = (byte)'Z';
        if (digits == 0) return length;
        into[19] = (byte)'.';
        for (int i = length - 2; i > 19; i--)
        {
            fraction = Math.DivRem(fraction, 10, out long digit);
            into[i] = (byte)('0' + digit);
        }
        return length;
    }
}

internal sealed class TextColumn : ColumnData
{
    private readonly byte[] raw;
    private readonly int[] ends;
    private readonly int[] lengths;

    public TextColumn(byte[] raw, int length, int rows)
    {
        this.raw = raw;
        ends = new int[rows];
        lengths = new int[rows];
        var bytes = raw.AsSpan(0, length);
        int at = 0;
        long end = 0;
        for (int row = 0; row < rows; row++)
        {
            ulong size = Varints.Read(bytes, ref at);
            if (size > int.MaxValue) throw new InvalidDataException("a value is longer than its column");
            lengths[row] = (int)size - 1;
            end += Math.Max(0, lengths[row]);
            if (end > bytes.Length) throw new InvalidDataException("a value runs over the end of its column");
            ends[row] = (int)end;
        }
        if (end + at != bytes.Length) throw new InvalidDataException("a column has another length than its values");
        for (int row = 0; row < rows; row++) ends[row] += at;
    }

    public override bool Has(int row) => lengths[row] >= 0;

    public override string? TextOf(int row) => Has(row) ? Encoding.UTF8.GetString(ValueOf(row)) : null;

    public override int Write(int row, Span<byte> into) => Copy(ValueOf(row), into);

    public override void Mark(PieceKind kind, ReadOnlySpan<byte> piece, Span<bool> rows)
    {
        if (kind != PieceKind.Contains || rows.IsEmpty)
        {
            for (int row = 0; row < rows.Length; row++) rows[row] |= Has(row) && Has(kind, ValueOf(row), piece);
            return;
        }
        // All values at once; to whom a hit belongs is looked up only then.
        int at = ends[0] - Math.Max(0, lengths[0]), end = ends[rows.Length - 1];
        for (int row = 0; at < end;)
        {
            int hit = raw.AsSpan(at, end - at).IndexOf(piece);
            if (hit < 0) return;
            int position = at + hit;
            while (ends[row] <= position) row++;
            rows[row] |= position + piece.Length <= ends[row];
            at = position + 1;
        }
    }

    private ReadOnlySpan<byte> ValueOf(int row) => lengths[row] < 0 ? default : raw.AsSpan(ends[row] - lengths[row], lengths[row]);
}

internal sealed class HexColumn : ColumnData
{
    private readonly byte[] raw;
    private readonly int[] numberOf;
    private readonly int bytesEach;
    private readonly int valuesAt;

    public HexColumn(byte[] raw, int length, int rows)
    {
        this.raw = raw;
        var bytes = raw.AsSpan(0, length);
        int at = 0;
        bytesEach = Varints.ReadLength(bytes, ref at);
        if (bytesEach > 64 || bytes.Length - at < rows) throw new InvalidDataException("a column ends early");
        numberOf = new int[rows];
        int values = 0;
        for (int row = 0; row < rows; row++) numberOf[row] = bytes[at + row] == 0 ? -1 : values++;
        valuesAt = at + rows;
        if (bytes.Length - valuesAt != (long)values * bytesEach) throw new InvalidDataException("a column has another length than its values");
    }

    public override bool Has(int row) => numberOf[row] >= 0;

    public override string? TextOf(int row) => Has(row) ? Convert.ToHexStringLower(ValueOf(row)) : null;

    public override int Write(int row, Span<byte> into)
    {
        if (into.Length < 2 * bytesEach) throw new InvalidDataException("values are longer than the lines of their block");
        Convert.TryToHexStringLower(ValueOf(row), into, out int written);
        return written;
    }

    private ReadOnlySpan<byte> ValueOf(int row) => numberOf[row] < 0 ? default : raw.AsSpan(valuesAt + (numberOf[row] * bytesEach), bytesEach);
}
