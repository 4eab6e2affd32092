using System.Globalization;

namespace Pharos.Logs.Fields;

/// <summary>Values as whole numbers, where their text comes back exactly.</summary>
internal static class ValueText
{
    private const int DigitsMax = 17;

    /// <summary>A number as <c>-12.50ms</c>: digits without leading zeros, and what follows them.</summary>
    /// <param name="scale">Digits after the point.</param>
    /// <param name="suffixAt">Where the rest begins.</param>
    public static bool TryDecimal(ReadOnlySpan<byte> text, out long mantissa, out int scale, out int suffixAt)
    {
        mantissa = 0;
        scale = 0;
        suffixAt = 0;
        int at = 0;
        bool negative = text.Length > 0 && text[0] == '-';
        if (negative) at++;
        int from = at;
        for (; at < text.Length && (uint)(text[at] - '0') <= 9; at++) mantissa = (mantissa * 10) + (text[at] - '0');
        int whole = at - from;
        if (whole is 0 or > DigitsMax || (whole > 1 && text[from] == '0')) return false;
        if (at + 1 < text.Length && text[at] == '.' && (uint)(text[at + 1] - '0') <= 9)
        {
            int pointAt = at++;
            for (; at < text.Length && (uint)(text[at] - '0') <= 9; at++)
            {
                if (++scale + whole > DigitsMax) return false;
                mantissa = (mantissa * 10) + (text[at] - '0');
            }
            System.Diagnostics.Debug.Assert(at - pointAt == scale + 1);
        }
        // "-0" and "-0.00" would come back without their sign.
        if (negative && mantissa == 0) return false;
        if (negative) mantissa = -mantissa;
        suffixAt = at;
        return true;
    }

    public static string Decimal(long mantissa, int scale, string suffix)
    {
        if (scale == 0) return suffix.Length == 0 ? mantissa.ToString(CultureInfo.InvariantCulture) : string.Create(CultureInfo.InvariantCulture, $"{mantissa}{suffix}");
        Span<char> text = stackalloc char[24];
        Math.Abs(mantissa).TryFormat(text, out int digits, default, CultureInfo.InvariantCulture);
        Span<char> shown = stackalloc char[48];
        int at = 0;
        if (mantissa < 0) shown[at++] = '-';
        for (int i = Math.Max(digits, scale + 1); i > 0; i--)
        {
            if (i == scale) shown[at++] = '.';
            shown[at++] = i > digits ? '0' : text[digits - i];
        }
        return suffix.Length == 0 ? new string(shown[..at]) : string.Concat(shown[..at], suffix);
    }

    public static bool TryIp(ReadOnlySpan<byte> text, out long address)
    {
        address = 0;
        if (text.Length is < 7 or > 15) return false;
        int at = 0;
        for (int part = 0; part < 4; part++)
        {
            int from = at, value = 0;
            for (; at < text.Length && at - from < 3 && (uint)(text[at] - '0') <= 9; at++) value = (value * 10) + (text[at] - '0');
            if (at == from || value > 255 || (at - from > 1 && text[from] == '0')) return false;
            address = (address << 8) | (uint)value;
            if (part == 3) break;
            if (at >= text.Length || text[at++] != '.') return false;
        }
        return at == text.Length;
    }

    public static string Ip(long address) =>
        string.Create(CultureInfo.InvariantCulture, $"{(address >> 24) & 255}.{(address >> 16) & 255}.{(address >> 8) & 255}.{address & 255}");

    public static long PowerOfTen(int exponent)
    {
        long power = 1;
        for (int i = 0; i < exponent; i++) power *= 10;
        return power;
    }
}
