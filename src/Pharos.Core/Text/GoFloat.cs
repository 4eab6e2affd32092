using System.Globalization;
using System.Text;

namespace Pharos.Core;

/// <summary>
/// Numbers in text as the Prometheus ecosystem writes and reads them: shortest digits that read back the same,
/// an exponent from 1e+06 upwards and below 1e-04 (Go's <c>FormatFloat(f, 'g', -1, 64)</c>), <c>NaN</c>, <c>+Inf</c>, <c>-Inf</c>.
/// </summary>
public static class GoFloat
{
    /// <summary>Room that <see cref="Format(double, Span{byte})"/> needs.</summary>
    public const int BytesMax = 32;

    private static readonly double[] PowersOfTen =
        [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22];

    /// <summary>Room that <see cref="FormatFixed"/> needs.</summary>
    public const int FixedBytesMax = 350;

    /// <summary>Writes the number; returns the bytes written.</summary>
    public static int Format(double value, Span<byte> to) => Format(value, to, exponents: true);

    /// <summary>As <see cref="Format(double, Span{byte})"/>, never with an exponent: Go's <c>FormatFloat(f, 'f', -1, 64)</c>.</summary>
    public static int FormatFixed(double value, Span<byte> to) => Format(value, to, exponents: false);

    private static int Format(double value, Span<byte> to, bool exponents)
    {
        if (double.IsNaN(value)) return Copy("NaN"u8, to);
        if (double.IsInfinity(value)) return Copy(value > 0 ? "+Inf"u8 : "-Inf"u8, to);
        if (value == Math.Truncate(value) && Math.Abs(value) < 1e6 && (value != 0 || !double.IsNegative(value)))
        {
            ((int)value).TryFormat(to, out int whole, default, CultureInfo.InvariantCulture);
            return whole;
        }
        // .NET gives the same shortest digits; only the layout differs.
        Span<byte> shortest = stackalloc byte[32];
        value.TryFormat(shortest, out int length, default, CultureInfo.InvariantCulture);
        Span<byte> digits = stackalloc byte[24];
        int count = 0, point = 0, at = 0;
        bool negative = shortest[0] == '-', seenPoint = false;
        int exponent = 0;
        for (int i = negative ? 1 : 0; i < length; i++)
        {
            byte c = shortest[i];
            if (c == '.') seenPoint = true;
            else if (c == 'E')
            {
                exponent = int.Parse(shortest[(i + 1)..length], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
                break;
            }
            else
            {
                if (count == 0 && c == '0')
                {
                    if (seenPoint) point--;
                    continue;
                }
                digits[count++] = c;
                if (!seenPoint) point++;
            }
        }
        while (count > 0 && digits[count - 1] == '0') count--;
        if (negative) to[at++] = (byte)'-';
        if (count == 0)
        {
            to[at++] = (byte)'0';
            return at;
        }
        int decimalPoint = point + exponent;
        int scientific = decimalPoint - 1;
        if (exponents && (scientific is < -4 or >= 6))
        {
            to[at++] = digits[0];
            if (count > 1)
            {
                to[at++] = (byte)'.';
                at += Copy(digits[1..count], to[at..]);
            }
            to[at++] = (byte)'e';
            to[at++] = (byte)(scientific < 0 ? '-' : '+');
            int magnitude = Math.Abs(scientific);
            if (magnitude >= 100) to[at++] = (byte)('0' + (magnitude / 100));
            to[at++] = (byte)('0' + (magnitude / 10 % 10));
            to[at++] = (byte)('0' + (magnitude % 10));
            return at;
        }
        if (decimalPoint <= 0)
        {
            to[at++] = (byte)'0';
            to[at++] = (byte)'.';
            for (int i = decimalPoint; i < 0; i++) to[at++] = (byte)'0';
            return at + Copy(digits[..count], to[at..]);
        }
        for (int i = 0; i < decimalPoint; i++) to[at++] = i < count ? digits[i] : (byte)'0';
        if (count <= decimalPoint) return at;
        to[at++] = (byte)'.';
        return at + Copy(digits[decimalPoint..count], to[at..]);
    }

    public static string Format(double value)
    {
        Span<byte> buffer = stackalloc byte[BytesMax];
        return Encoding.ASCII.GetString(buffer[..Format(value, buffer)]);
    }

    /// <summary>As <see cref="Format(double)"/>, but always with a point or an exponent: the canonical form of <c>le</c> and <c>quantile</c>.</summary>
    public static int FormatOpenMetrics(double value, Span<byte> to)
    {
        int length = Format(value, to);
        if (!double.IsFinite(value) || to[..length].IndexOfAny((byte)'.', (byte)'e') >= 0) return length;
        to[length++] = (byte)'.';
        to[length++] = (byte)'0';
        return length;
    }

    /// <summary>Reads what Go's ParseFloat reads, without hexadecimal numbers and underscores.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out double value)
    {
        value = 0;
        if (text.IsEmpty) return false;
        int i = 0;
        bool negative = false;
        if (text[0] is (byte)'-' or (byte)'+')
        {
            negative = text[0] == '-';
            i = 1;
        }
        // The common case: few digits, maybe a point; exact by one division (Clinger).
        long mantissa = 0;
        int digits = 0, decimals = -1;
        for (; i < text.Length; i++)
        {
            int digit = text[i] - '0';
            if ((uint)digit <= 9)
            {
                mantissa = (mantissa * 10) + digit;
                digits++;
                if (digits > 15) return TrySlow(text, out value);
                if (decimals >= 0) decimals++;
            }
            else if (text[i] == '.' && decimals < 0)
            {
                decimals = 0;
            }
            else
            {
                return TrySlow(text, out value);
            }
        }
        if (digits == 0) return false;
        value = decimals > 0 ? mantissa / PowersOfTen[decimals] : mantissa;
        if (negative) value = -value;
        return true;
    }

    private static bool TrySlow(ReadOnlySpan<byte> text, out double value)
    {
        var body = text[0] is (byte)'+' or (byte)'-' ? text[1..] : text;
        if (body.IsEmpty)
        {
            value = 0;
            return false;
        }
        if (body[0] is (byte)'i' or (byte)'I')
        {
            value = text[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity;
            return Ascii.EqualsIgnoreCase(body, "inf"u8) || Ascii.EqualsIgnoreCase(body, "infinity"u8);
        }
        if (body[0] is (byte)'n' or (byte)'N')
        {
            value = SampleValue.NormalNaN;
            return body.Length == text.Length && Ascii.EqualsIgnoreCase(body, "nan"u8);
        }
        value = 0;
        return (char.IsAsciiDigit((char)body[0]) || body[0] == '.')
            && double.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out value)
            && double.IsFinite(value);
    }

    private static int Copy(ReadOnlySpan<byte> from, Span<byte> to)
    {
        from.CopyTo(to);
        return from.Length;
    }
}
