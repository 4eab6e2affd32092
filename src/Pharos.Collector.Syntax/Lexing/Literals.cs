using System.Globalization;
using System.Text;

namespace Pharos.Collector.Syntax;

/// <summary>Values of literals, and the way back.</summary>
public static class Literals
{
    /// <summary>
    /// The text of a string literal in double quotes or back quotes. What the lexer reported as wrong stays as it is written.
    /// </summary>
    public static string Unquote(ReadOnlySpan<char> literal)
    {
        if (literal.IsEmpty) return "";
        char quote = literal[0];
        var body = literal[1..];
        if (!body.IsEmpty && body[^1] == quote) body = body[..^1];
        if (quote == '`') return body.ToString().Replace("\r", "", StringComparison.Ordinal);
        if (body.IndexOf('\\') < 0) return body.ToString();
        var bytes = new List<byte>(body.Length);
        Span<byte> utf8 = stackalloc byte[4];
        for (int i = 0; i < body.Length;)
        {
            if (body[i] != '\\' || i + 1 == body.Length)
            {
                if (Rune.DecodeFromUtf16(body[i..], out var rune, out int used) != System.Buffers.OperationStatus.Done) rune = Rune.ReplacementChar;
                Append(bytes, rune, utf8);
                i += used;
                continue;
            }
            char e = body[i + 1];
            i += 2;
            int simple = e switch
            {
                'a' => 7, 'b' => 8, 'f' => 12, 'n' => 10, 'r' => 13, 't' => 9, 'v' => 11, '\\' => '\\', '\'' => '\'', '"' => '"', _ => -1,
            };
            if (simple >= 0)
            {
                bytes.Add((byte)simple);
                continue;
            }
            (int digits, int radix) = e switch { 'x' => (2, 16), 'u' => (4, 16), 'U' => (8, 16), _ => (3, 8) };
            if (radix == 8) i--;
            uint value = 0;
            int read = 0;
            for (; read < digits && i < body.Length && char.IsAsciiHexDigit(body[i]) && Convert.ToInt32(body[i].ToString(), 16) < radix; read++, i++)
                value = unchecked((value * (uint)radix) + (uint)Convert.ToInt32(body[i].ToString(), 16));
            if (radix == 8 && read == 0)
            {
                i++;
                continue;
            }
            if (e is 'u' or 'U') Append(bytes, Rune.IsValid(value) ? new Rune(value) : Rune.ReplacementChar, utf8);
            else bytes.Add((byte)value);
        }
        return Encoding.UTF8.GetString(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(bytes));

        static void Append(List<byte> bytes, Rune rune, Span<byte> utf8)
        {
            int n = rune.EncodeToUtf8(utf8);
            for (int k = 0; k < n; k++) bytes.Add(utf8[k]);
        }
    }

    /// <summary>A letter or <c>_</c>, then letters, digits and <c>_</c>; no keyword check.</summary>
    public static bool IsIdentifier(ReadOnlySpan<char> text)
    {
        bool first = true;
        foreach (var rune in text.EnumerateRunes())
        {
            bool letter = rune.Value == '_' || Rune.IsLetter(rune);
            if (!letter && (first || !Rune.IsDigit(rune))) return false;
            first = false;
        }
        return !first;
    }

    /// <summary>
    /// Reads an integer literal as <see cref="long"/>, <see cref="ulong"/> or <see cref="double"/>, the first that holds it.
    /// A leading zero makes it octal, as it does upstream.
    /// </summary>
    public static bool TryReadNumber(ReadOnlySpan<char> literal, out object number)
    {
        number = 0L;
        if (literal.Length > 1 && literal[0] == '0' && literal.IndexOfAnyExceptInRange('0', '9') < 0)
        {
            ulong octal = 0;
            foreach (char c in literal)
            {
                if (c > '7' || octal > ulong.MaxValue >> 3) return false;
                octal = (octal << 3) | (uint)(c - '0');
            }
            number = octal <= long.MaxValue ? (long)octal : octal;
            return true;
        }
        if (long.TryParse(literal, NumberStyles.None, CultureInfo.InvariantCulture, out long integer))
        {
            number = integer;
            return true;
        }
        if (ulong.TryParse(literal, NumberStyles.None, CultureInfo.InvariantCulture, out ulong unsigned))
        {
            number = unsigned;
            return true;
        }
        if (!double.TryParse(literal, NumberStyles.Float, CultureInfo.InvariantCulture, out double real) || double.IsInfinity(real)) return false;
        number = real;
        return true;
    }
}
