using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using Pharos.Core;
using Pharos.Templates.Formatting;

namespace Pharos.Templates.Syntax;

/// <summary>Reads number constants: decimal, 0x, 0o, 0b, leading-zero octal, underscores, floats, hexadecimal floats, characters.</summary>
internal static class NumberLiteral
{
    public static bool TryParse(Token token, [NotNullWhen(true)] out NumberNode? number, [NotNullWhen(false)] out string? error)
    {
        number = null;
        error = null;
        string text = token.Text;
        if (token.Kind == TokenKind.CharConstant)
        {
            if (!GoString.TryUnquote(text, out string? chars, out error, out _)) return false;
            var runes = chars.EnumerateRunes().ToList();
            if (runes.Count != 1)
            {
                error = $"malformed character constant: {text}";
                return false;
            }
            int rune = runes[0].Value;
            number = new NumberNode(token.At, text) { IsInt = true, IsUint = true, IsFloat = true, Int = rune, Uint = (ulong)rune, Float = rune, Ideal = (long)rune };
            return true;
        }
        if (TryInteger(text, out bool isInt, out long signed, out bool isUint, out ulong unsigned))
        {
            number = new NumberNode(token.At, text)
            {
                IsInt = isInt,
                Int = signed,
                IsUint = isUint,
                Uint = unsigned,
                IsFloat = true,
                Float = isInt ? signed : unsigned,
                Ideal = isInt ? signed : null,
            };
            return true;
        }
        if (FloatVerbs.TryParse(text.Replace("_", "", StringComparison.Ordinal), out double value))
        {
            if (text.AsSpan().IndexOfAny(".eEpP") < 0)
            {
                error = $"integer overflow: {GoString.Quote(text)}";
                return false;
            }
            bool whole = Math.Abs(value) < 9.2e18 && Math.Floor(value) == value;
            number = new NumberNode(token.At, text)
            {
                IsFloat = true,
                Float = value,
                IsInt = whole,
                Int = whole ? (long)value : 0,
                IsUint = whole && value >= 0,
                Uint = whole && value >= 0 ? (ulong)value : 0,
                Ideal = value,
            };
            return true;
        }
        error = $"illegal number syntax: {GoString.Quote(text)}";
        return false;
    }

    private static bool TryInteger(string text, out bool isInt, out long signed, out bool isUint, out ulong unsigned)
    {
        (isInt, signed, isUint, unsigned) = (false, 0, false, 0);
        bool negative = text[0] == '-';
        var digits = text.AsSpan(text[0] is '+' or '-' ? 1 : 0);
        int radix = 10;
        if (digits.Length > 1 && digits[0] == '0')
        {
            (radix, int skip) = char.ToLowerInvariant(digits[1]) switch { 'x' => (16, 2), 'o' => (8, 2), 'b' => (2, 2), _ => (8, 1) };
            digits = digits[skip..];
        }
        var clean = new StringBuilder(digits.Length);
        for (int i = 0; i < digits.Length; i++)
        {
            if (digits[i] == '_')
            {
                if (i == digits.Length - 1 || digits[i + 1] == '_') return false;
                continue;
            }
            clean.Append(digits[i]);
        }
        if (clean.Length == 0) return false;
        ulong magnitude = 0;
        foreach (char c in clean.ToString())
        {
            int digit = char.IsAsciiHexDigit(c) ? int.Parse(c.ToString(), NumberStyles.HexNumber, CultureInfo.InvariantCulture) : 99;
            if (digit >= radix) return false;
            if (magnitude > (ulong.MaxValue - (ulong)digit) / (ulong)radix) return false;
            magnitude = (magnitude * (ulong)radix) + (ulong)digit;
        }
        isInt = negative ? magnitude <= 1UL << 63 : magnitude <= long.MaxValue;
        signed = !isInt ? 0 : negative ? unchecked(-(long)magnitude) : (long)magnitude;
        isUint = !negative && text[0] != '+';
        unsigned = isUint ? magnitude : 0;
        return isInt || isUint;
    }
}
