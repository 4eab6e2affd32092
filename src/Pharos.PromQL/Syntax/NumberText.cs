using System.Globalization;

namespace Pharos.PromQL.Syntax;

/// <summary>Numbers as Go prints them with the fewest digits.</summary>
public static class NumberText
{
    /// <summary>Longest text that <see cref="TryFormat"/> writes.</summary>
    public const int LengthMax = 400;

    /// <summary>The form of the query API (<c>%f</c>, fewest digits, never an exponent): <c>0.1</c>, <c>+Inf</c>, <c>NaN</c>.</summary>
    public static string Format(double value)
    {
        Span<char> text = stackalloc char[LengthMax];
        return text[..Write(value, text)].ToString();
    }

    /// <summary>Writes <see cref="Format"/> as UTF-8; returns the bytes written.</summary>
    public static int Write(double value, Span<byte> utf8)
    {
        Span<char> text = stackalloc char[LengthMax];
        int length = Write(value, text);
        for (int i = 0; i < length; i++) utf8[i] = (byte)text[i];
        return length;
    }

    /// <summary>Go's <c>%g</c> form with the fewest digits: an exponent below 1e-4 and from 1e6.</summary>
    public static string FormatG(double value)
    {
        if (double.IsNaN(value)) return "NaN";
        if (double.IsInfinity(value)) return value > 0 ? "+Inf" : "-Inf";
        double magnitude = Math.Abs(value);
        if (magnitude == 0 || (magnitude >= 1e-4 && magnitude < 1e6)) return Format(value);
        return Exponential(value);
    }

    /// <summary>The form of label values in OpenMetrics: whole numbers keep a point, <c>1.0</c>.</summary>
    public static string FormatOpenMetrics(double value)
    {
        string text = FormatG(value);
        return double.IsFinite(value) && text.AsSpan().IndexOfAny('.', 'e') < 0 ? text + ".0" : text;
    }

    /// <summary>The form of the JSON API (<c>'f'</c>, but an exponent below 1e-6 and from 1e21), as jsonutil writes floats.</summary>
    public static int WriteJson(double value, Span<byte> utf8)
    {
        double magnitude = Math.Abs(value);
        if (magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21) && !double.IsInfinity(value) && !double.IsNaN(value))
        {
            string text = Exponential(value);
            for (int i = 0; i < text.Length; i++) utf8[i] = (byte)text[i];
            return text.Length;
        }
        return Write(value, utf8);
    }

    private static string Exponential(double value)
    {
        string shortest = value.ToString("R", CultureInfo.InvariantCulture);
        bool negative = shortest[0] == '-';
        if (negative) shortest = shortest[1..];
        int e = shortest.IndexOf('E', StringComparison.Ordinal);
        string mantissa = e < 0 ? shortest : shortest[..e];
        int exponent = e < 0 ? 0 : int.Parse(shortest.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        int point = mantissa.IndexOf('.', StringComparison.Ordinal);
        string digits = mantissa.Replace(".", "", StringComparison.Ordinal);
        int zeros = digits.Length - digits.TrimStart('0').Length;
        exponent += (point < 0 ? digits.Length : point) - 1 - zeros;
        digits = digits.Trim('0');
        return $"{(negative ? "-" : "")}{digits[0]}{(digits.Length > 1 ? "." + digits[1..] : "")}e{(exponent < 0 ? "-" : "+")}{Math.Abs(exponent):00}";
    }

    private static int Write(double value, Span<char> text)
    {
        if (double.IsNaN(value)) return Copy("NaN", text);
        if (double.IsPositiveInfinity(value)) return Copy("+Inf", text);
        if (double.IsNegativeInfinity(value)) return Copy("-Inf", text);
        if (value == 0) return Copy(double.IsNegative(value) ? "-0" : "0", text);
        Span<char> raw = stackalloc char[32];
        value.TryFormat(raw, out int n, "R", CultureInfo.InvariantCulture);
        raw = raw[..n];
        int e = raw.IndexOf('E');
        if (e < 0)
        {
            raw.CopyTo(text);
            return n;
        }
        // Spell the exponent out with zeros.
        int exponent = int.Parse(raw[(e + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var mantissa = raw[..e];
        int at = 0;
        if (mantissa[0] == '-')
        {
            text[at++] = '-';
            mantissa = mantissa[1..];
        }
        Span<char> digits = stackalloc char[32];
        int count = 0, point = mantissa.Length;
        for (int i = 0; i < mantissa.Length; i++)
        {
            if (mantissa[i] == '.') point = i;
            else digits[count++] = mantissa[i];
        }
        int before = point + exponent;
        if (before <= 0)
        {
            text[at++] = '0';
            text[at++] = '.';
            for (int i = before; i < 0; i++) text[at++] = '0';
            digits[..count].CopyTo(text[at..]);
            return at + count;
        }
        for (int i = 0; i < before; i++) text[at++] = i < count ? digits[i] : '0';
        if (count > before)
        {
            text[at++] = '.';
            for (int i = before; i < count; i++) text[at++] = digits[i];
        }
        return at;
    }

    private static int Copy(string from, Span<char> to)
    {
        from.CopyTo(to);
        return from.Length;
    }
}
