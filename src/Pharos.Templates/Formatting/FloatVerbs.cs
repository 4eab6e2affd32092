using System.Globalization;
using System.Numerics;
using System.Text;
using Pharos.Core;

namespace Pharos.Templates.Formatting;

/// <summary>Floats in the forms of Go's formatting verbs, digit for digit, and back. The plain form is <see cref="GoFloat"/>'s.</summary>
public static class FloatVerbs
{
    /// <param name="verb">One of e E f F g G.</param>
    /// <param name="precision">Digits after the point (e, f) or significant digits (g); −1: as few as read back the same.</param>
    public static string Format(double value, char verb, int precision)
    {
        if (double.IsNaN(value)) return "NaN";
        if (double.IsInfinity(value)) return value > 0 ? "+Inf" : "-Inf";
        bool negative = double.IsNegative(value);
        value = Math.Abs(value);
        char form = char.ToLowerInvariant(verb);
        bool shortest = precision < 0;
        var (digits, point) = shortest ? Shortest(value) : Rounded(value, form, precision);
        if (shortest)
        {
            precision = form switch { 'e' => Math.Max(digits.Length - 1, 0), 'f' => Math.Max(digits.Length - point, 0), _ => digits.Length };
        }
        var text = new StringBuilder();
        if (negative) text.Append('-');
        switch (form)
        {
            case 'e':
                Exponent(text, digits, point, precision, verb);
                break;
            case 'f':
                Fixed(text, digits, point, precision);
                break;
            default:
                if (precision == 0) precision = 1;
                int threshold = precision;
                if (threshold > digits.Length && digits.Length >= point) threshold = digits.Length;
                if (shortest) threshold = 6;
                int exponent = point - 1;
                if (exponent < -4 || exponent >= threshold)
                {
                    if (precision > digits.Length) precision = digits.Length;
                    Exponent(text, digits, point, precision - 1, verb == 'G' ? 'E' : 'e');
                }
                else
                {
                    if (precision > point) precision = digits.Length;
                    Fixed(text, digits, point, Math.Max(precision - point, 0));
                }
                break;
        }
        return text.ToString();
    }

    /// <summary>The form of <c>%b</c>: whole mantissa and power of two.</summary>
    public static string Binary(double value)
    {
        if (!double.IsFinite(value)) return GoFloat.Format(value);
        var (mantissa, exponent) = Parts(value);
        exponent -= 52;
        return $"{(double.IsNegative(value) ? "-" : "")}{mantissa}p{(exponent >= 0 ? "+" : "")}{exponent}";
    }

    /// <summary>The form of <c>%x</c>: <c>0x1.8p+01</c>. Precision −1: as many digits as are needed.</summary>
    public static string Hexadecimal(double value, char verb, int precision)
    {
        if (!double.IsFinite(value)) return GoFloat.Format(value);
        var (mantissa, exponent) = Parts(value);
        if (mantissa == 0) exponent = 0;
        // The leading digit goes to bit 60.
        mantissa <<= 8;
        while (mantissa != 0 && (mantissa & (1UL << 60)) == 0)
        {
            mantissa <<= 1;
            exponent--;
        }
        if (precision is >= 0 and < 15)
        {
            int shift = precision * 4;
            ulong extra = (mantissa << shift) & ((1UL << 60) - 1);
            mantissa >>= 60 - shift;
            if ((extra | (mantissa & 1)) > 1UL << 59) mantissa++;
            mantissa <<= 60 - shift;
            if ((mantissa & (1UL << 61)) != 0)
            {
                mantissa >>= 1;
                exponent++;
            }
        }
        string digits = verb == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
        var text = new StringBuilder(double.IsNegative(value) ? "-0" : "0").Append(verb).Append((char)('0' + ((mantissa >> 60) & 1)));
        mantissa <<= 4;
        if (precision < 0 ? mantissa != 0 : precision > 0)
        {
            text.Append('.');
            for (int i = 0; precision < 0 ? mantissa != 0 : i < precision; i++, mantissa <<= 4) text.Append(digits[(int)((mantissa >> 60) & 15)]);
        }
        return text.Append(verb == 'X' ? 'P' : 'p').Append(exponent < 0 ? '-' : '+').Append(Math.Abs(exponent).ToString("00", CultureInfo.InvariantCulture)).ToString();
    }

    /// <summary>The value is mantissa × 2^(exponent − 52).</summary>
    private static (ulong Mantissa, int Exponent) Parts(double value)
    {
        long bits = BitConverter.DoubleToInt64Bits(value);
        int exponent = (int)((bits >> 52) & 0x7ff);
        ulong mantissa = (ulong)bits & 0xfffffffffffff;
        return exponent == 0 ? (mantissa, -1022) : (mantissa | (1UL << 52), exponent - 1023);
    }

    /// <summary>Reads what strconv.ParseFloat reads: decimal and hexadecimal floats, inf, infinity, nan in any case.</summary>
    public static bool TryParse(string text, out double value)
    {
        string body = text.Length > 0 && text[0] is '+' or '-' ? text[1..] : text;
        return body.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? TryParseHexadecimal(body, text[0] == '-' ? -1 : 1, out value)
            : GoFloat.TryParse(Encoding.UTF8.GetBytes(text), out value);
    }

    private static bool TryParseHexadecimal(string body, double sign, out double value)
    {
        value = 0;
        int p = body.AsSpan().IndexOfAny('p', 'P');
        if (p < 0 || !int.TryParse(body.AsSpan(p + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int exponent)) return false;
        double mantissa = 0;
        int shift = 0;
        bool afterPoint = false, any = false;
        foreach (char c in body.AsSpan(2, p - 2))
        {
            if (c == '.' && !afterPoint)
            {
                afterPoint = true;
                continue;
            }
            if (!char.IsAsciiHexDigit(c)) return false;
            mantissa = (mantissa * 16) + int.Parse(c.ToString(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            if (afterPoint) shift += 4;
            any = true;
        }
        value = sign * Math.ScaleB(mantissa, exponent - shift);
        return any && !double.IsInfinity(value);
    }

    /// <summary>Fewest digits that read back the same; the value is 0.d1d2d3… × 10^point.</summary>
    private static (string Digits, int Point) Shortest(double value)
    {
        if (value == 0) return ("", 0);
        string roundTrip = value.ToString("R", CultureInfo.InvariantCulture);
        int e = roundTrip.IndexOf('E');
        int exponent = e < 0 ? 0 : int.Parse(roundTrip.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        string mantissa = e < 0 ? roundTrip : roundTrip[..e];
        int dot = mantissa.IndexOf('.');
        int point = (dot < 0 ? mantissa.Length : dot) + exponent;
        string digits = dot < 0 ? mantissa : mantissa.Remove(dot, 1);
        int leading = digits.Length - digits.TrimStart('0').Length;
        return (digits[leading..].TrimEnd('0'), point - leading);
    }

    /// <summary>Digits rounded half to even on the exact value, trailing zeros cut.</summary>
    private static (string Digits, int Point) Rounded(double value, char form, int precision)
    {
        if (value == 0) return ("", 0);
        var (digits, point) = Exact(value);
        int keep = form switch { 'e' => precision + 1, 'f' => point + precision, _ => Math.Max(precision, 1) };
        if (keep < 0) return ("", 0);
        if (keep >= digits.Length) return (digits, point);
        bool up = digits[keep] > '5'
            || (digits[keep] == '5' && (digits.AsSpan(keep + 1).ContainsAnyExcept('0') || (keep > 0 && (digits[keep - 1] - '0') % 2 == 1)));
        var kept = digits[..keep].ToCharArray();
        if (up)
        {
            int i = keep - 1;
            while (i >= 0 && kept[i] == '9') kept[i--] = '0';
            if (i >= 0)
            {
                kept[i]++;
            }
            else
            {
                kept = ['1', .. kept];
                point++;
            }
        }
        string rounded = new string(kept).TrimEnd('0');
        return rounded.Length == 0 ? ("", 0) : (rounded, point);
    }

    /// <summary>All decimal digits of a double.</summary>
    private static (string Digits, int Point) Exact(double value)
    {
        long bits = BitConverter.DoubleToInt64Bits(value);
        int exponent = (int)((bits >> 52) & 0x7ff);
        long mantissa = bits & 0xfffffffffffff;
        if (exponent == 0) exponent = 1;
        else mantissa |= 1L << 52;
        exponent -= 1075;
        string digits;
        int point;
        if (exponent >= 0)
        {
            digits = (new BigInteger(mantissa) << exponent).ToString(CultureInfo.InvariantCulture);
            point = digits.Length;
        }
        else
        {
            digits = (new BigInteger(mantissa) * BigInteger.Pow(5, -exponent)).ToString(CultureInfo.InvariantCulture);
            point = digits.Length + exponent;
        }
        return (digits.TrimEnd('0'), point);
    }

    private static void Exponent(StringBuilder text, string digits, int point, int precision, char letter)
    {
        text.Append(digits.Length > 0 ? digits[0] : '0');
        if (precision > 0)
        {
            text.Append('.');
            for (int i = 1; i <= precision; i++) text.Append(i < digits.Length ? digits[i] : '0');
        }
        int exponent = digits.Length == 0 ? 0 : point - 1;
        text.Append(letter).Append(exponent < 0 ? '-' : '+');
        exponent = Math.Abs(exponent);
        if (exponent < 10) text.Append('0');
        text.Append(exponent);
    }

    private static void Fixed(StringBuilder text, string digits, int point, int precision)
    {
        if (point > 0)
        {
            for (int i = 0; i < point; i++) text.Append(i < digits.Length ? digits[i] : '0');
        }
        else
        {
            text.Append('0');
        }
        if (precision <= 0) return;
        text.Append('.');
        for (int i = 0; i < precision; i++)
        {
            int at = point + i;
            text.Append(at >= 0 && at < digits.Length ? digits[at] : '0');
        }
    }
}
