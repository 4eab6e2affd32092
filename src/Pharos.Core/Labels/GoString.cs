using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Pharos.Core;

/// <summary>Quoted strings as the Go language writes them; PromQL, LogQL, matchers and the collector language share them.</summary>
public static class GoString
{
    /// <summary>The text in double quotes, with Go's escapes for quotes, backslashes and characters that do not print.</summary>
    public static string Quote(string text)
    {
        var quoted = new StringBuilder(text.Length + 2).Append('"');
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            switch (c)
            {
                case '"': quoted.Append("\\\""); break;
                case '\\': quoted.Append("\\\\"); break;
                case '\a': quoted.Append("\\a"); break;
                case '\b': quoted.Append("\\b"); break;
                case '\f': quoted.Append("\\f"); break;
                case '\n': quoted.Append("\\n"); break;
                case '\r': quoted.Append("\\r"); break;
                case '\t': quoted.Append("\\t"); break;
                case '\v': quoted.Append("\\v"); break;
                case < ' ' or '\x7f': quoted.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}"); break;
                case < '\x7f': quoted.Append(c); break;
                default:
                    Rune.DecodeFromUtf16(text.AsSpan(i), out var rune, out int used);
                    if (IsPrintable(rune)) quoted.Append(text, i, used);
                    else if (rune.IsBmp) quoted.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}");
                    else quoted.Append(CultureInfo.InvariantCulture, $"\\U{rune.Value:x8}");
                    i += used - 1;
                    break;
            }
        }
        return quoted.Append('"').ToString();
    }

    /// <summary>Go's unicode.IsPrint: letters, marks, numbers, punctuation, symbols and the ASCII space.</summary>
    public static bool IsPrintable(Rune rune) => rune.Value == ' ' || Rune.GetUnicodeCategory(rune)
        is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
            or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);

    /// <summary>
    /// Reads a whole literal in double quotes, single quotes (PromQL allows them) or back quotes (raw, no escapes).
    /// </summary>
    /// <param name="errorAt">Index in <paramref name="literal"/> of the first wrong character, where it fails.</param>
    public static bool TryUnquote(
        ReadOnlySpan<char> literal,
        [NotNullWhen(true)] out string? text,
        [NotNullWhen(false)] out string? error,
        out int errorAt)
    {
        text = null;
        error = null;
        errorAt = 0;
        if (literal.Length < 2 || literal[0] is not ('"' or '\'' or '`') || literal[^1] != literal[0])
        {
            error = "string is not closed by its opening quote";
            return false;
        }
        char quote = literal[0];
        var body = literal[1..^1];
        if (quote == '`')
        {
            int inner = body.IndexOf('`');
            if (inner >= 0)
            {
                error = "raw string holds a back quote";
                errorAt = inner + 1;
                return false;
            }
            text = body.ToString().Replace("\r", "", StringComparison.Ordinal);
            return true;
        }
        if (body.IndexOf('\\') < 0 && body.IndexOf('\n') < 0 && body.IndexOf(quote) < 0)
        {
            text = body.ToString();
            return true;
        }
        var bytes = new List<byte>(body.Length);
        Span<byte> utf8 = stackalloc byte[4];
        for (int i = 0; i < body.Length;)
        {
            errorAt = i + 1;
            char c = body[i];
            if (c == quote) { error = "quote inside the string must be escaped"; return false; }
            if (c == '\n') { error = "string runs over the end of the line"; return false; }
            if (c != '\\')
            {
                if (Rune.DecodeFromUtf16(body[i..], out var rune, out int used) != System.Buffers.OperationStatus.Done) rune = Rune.ReplacementChar;
                Append(rune, bytes, utf8);
                i += used;
                continue;
            }
            if (i + 1 >= body.Length) { error = "unfinished escape sequence"; return false; }
            char e = body[i + 1];
            i += 2;
            int simple = e switch
            {
                'a' => 7, 'b' => 8, 'f' => 12, 'n' => 10, 'r' => 13, 't' => 9, 'v' => 11, '\\' => '\\',
                '\'' when quote == '\'' => '\'',
                '"' when quote == '"' => '"',
                _ => -1,
            };
            if (simple >= 0) { bytes.Add((byte)simple); continue; }
            (int digits, int radix, bool isByte) = e switch
            {
                'x' => (2, 16, true),
                'u' => (4, 16, false),
                'U' => (8, 16, false),
                >= '0' and <= '7' => (3, 8, true),
                _ => (0, 0, false),
            };
            if (digits == 0) { error = $"unknown escape sequence \\{e}"; return false; }
            if (radix == 8) i--;
            if (i + digits > body.Length) { error = $"escape sequence \\{e} needs {digits} digits"; return false; }
            long value = 0;
            for (int d = 0; d < digits; d++)
            {
                int digit = char.IsAsciiHexDigit(body[i + d]) ? Convert.ToInt32(body[i + d].ToString(), 16) : 99;
                if (digit >= radix) { error = $"escape sequence \\{e} needs {digits} digits"; return false; }
                value = (value * radix) + digit;
            }
            i += digits;
            if (isByte)
            {
                if (value > 255) { error = "octal escape is over 255"; return false; }
                bytes.Add((byte)value);
            }
            else
            {
                if (!Rune.IsValid((int)Math.Min(value, int.MaxValue))) { error = "escape sequence is not a valid Unicode code point"; return false; }
                Append(new Rune((int)value), bytes, utf8);
            }
        }
        text = Encoding.UTF8.GetString(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(bytes));
        errorAt = 0;
        return true;

        static void Append(Rune rune, List<byte> bytes, Span<byte> utf8)
        {
            int n = rune.EncodeToUtf8(utf8);
            for (int k = 0; k < n; k++) bytes.Add(utf8[k]);
        }
    }
}
