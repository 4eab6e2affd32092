using System.Buffers.Text;
using System.Text;

namespace Pharos.Logs.Fields;

/// <summary>Whole numbers that stand for decimals, addresses or times.</summary>
internal sealed class NumberColumn : ColumnData
{
    private const int ScaleMax = 18;

    private readonly ColumnKind kind;
    private readonly byte[] raw;
    private readonly long[] timestamps;
    private readonly byte[] suffix = [];
    private readonly string suffixText = "";
    private readonly TimeForm? form;
    private readonly long min;
    private readonly int rows;
    private readonly int presentAt = -1;
    private readonly int scalesAt = -1;
    private readonly int planesAt;
    private readonly int width;
    private readonly byte scale;

    public NumberColumn(ColumnEntry entry, byte[] raw, int rows, long[] timestamps)
    {
        kind = entry.Kind;
        this.raw = raw;
        this.rows = rows;
        this.timestamps = timestamps;
        var bytes = raw.AsSpan(0, entry.Raw);
        int at = 0;
        if (kind == ColumnKind.Decimal)
        {
            suffix = entry.Form;
            suffixText = Encoding.UTF8.GetString(suffix);
        }
        else if (kind == ColumnKind.Time)
        {
            form = TimeForm.Decode(entry.Form);
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
        else if (scale > ScaleMax)
        {
            throw new InvalidDataException("a column has an impossible number of digits");
        }
        planesAt = at;
        if (width > 8 || bytes.Length - at != width * rows) throw new InvalidDataException("a column has another number of values than its block has lines");
        if (scalesAt >= 0 && bytes.Slice(scalesAt, rows).IndexOfAnyExceptInRange((byte)0, (byte)ScaleMax) >= 0) throw new InvalidDataException("a column has an impossible number of digits");
    }

    public override bool Has(int row) => presentAt < 0 || raw[presentAt + row] != 0;

    public override string? TextOf(int row)
    {
        if (!Has(row)) return null;
        long number = Number(row);
        switch (kind)
        {
            case ColumnKind.Decimal:
                return ValueText.Decimal(number, Scale(row), suffixText);
            case ColumnKind.Ip:
                return ValueText.Ip(number);
            default:
                Span<byte> text = stackalloc byte[64];
                return Encoding.UTF8.GetString(text[..form!.Write(number + Base(row), Scale(row), text)]);
        }
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
                return form!.Write(number + Base(row), Scale(row), into);
        }
    }

    public override void KeepBetween(double least, double greatest, Span<bool> marks)
    {
        // As mantissas, with room for what reading a text rounds.
        Span<long> from = stackalloc long[ScaleMax + 1], to = stackalloc long[ScaleMax + 1];
        for (int digits = 0; digits <= ScaleMax; digits++)
        {
            double power = ValueText.PowerOfTen(digits), low = least * power, high = greatest * power;
            from[digits] = (long)Math.Ceiling(low - (Math.Abs(low) * 1e-15));
            to[digits] = (long)Math.Floor(high + (Math.Abs(high) * 1e-15));
        }
        if (presentAt >= 0)
        {
            for (int row = 0; row < marks.Length; row++) marks[row] &= raw[presentAt + row] != 0;
        }
        if (scalesAt >= 0)
        {
            for (int row = 0; row < marks.Length; row++) marks[row] = marks[row] && Number(row) is var number && number >= from[raw[scalesAt + row]] && number <= to[raw[scalesAt + row]];
            return;
        }
        if (from[scale] > to[scale])
        {
            marks.Clear();
            return;
        }
        // One comparison for both bounds: what is below the least wraps around.
        ulong span = (ulong)(to[scale] - from[scale]), shift = (ulong)(min - from[scale]);
        for (int row = 0; row < marks.Length; row++)
        {
            ulong value = shift;
            for (int plane = 0, at = planesAt + row; plane < width; plane++, at += rows) value += (ulong)raw[at] << (8 * plane);
            marks[row] &= value <= span;
        }
    }

    /// <summary>Whether any line has a number between two, both inclusive.</summary>
    public bool HasBetween(long low, long high)
    {
        for (int row = 0; row < rows; row++)
        {
            if (Has(row) && Number(row) is var number && number >= low && number <= high) return true;
        }
        return false;
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
}
