using System.Diagnostics.CodeAnalysis;
using System.Text;
using Pharos.Core;

namespace Pharos.Wire.Loki;

/// <summary>Reads a stream's labels in their text form, <c>{a="x", b="y"}</c>, as UTF-8.</summary>
internal static class LabelText
{
    /// <summary>Puts the labels into <paramref name="into"/>, which is cleared first.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, LabelScratch into, [NotNullWhen(false)] out string? error)
    {
        into.Clear();
        int at = 0;
        error = null;
        SkipSpace(text, ref at);
        if (at >= text.Length || text[at] != '{') return Fail(text, at, "expected '{'", out error);
        at++;
        while (true)
        {
            SkipSpace(text, ref at);
            if (at < text.Length && text[at] == '}')
            {
                at++;
                SkipSpace(text, ref at);
                return at == text.Length || Fail(text, at, "unexpected text after '}'", out error);
            }
            int nameFrom = at;
            while (at < text.Length && LabelScratch.IsNameByte(text[at])) at++;
            var name = text[nameFrom..at];
            if (name.IsEmpty || char.IsAsciiDigit((char)name[0])) return Fail(text, at, "expected a label name", out error);
            SkipSpace(text, ref at);
            if (at >= text.Length || text[at] != '=') return Fail(text, at, "expected '='", out error);
            at++;
            if (at < text.Length && text[at] is (byte)'=' or (byte)'~') return Fail(text, at, "expected a quoted value; streams take '=' only", out error);
            SkipSpace(text, ref at);
            if (!TryValue(text, ref at, name, into, out error)) return false;
            SkipSpace(text, ref at);
            if (at < text.Length && text[at] == ',') at++;
            else if (at >= text.Length || text[at] != '}') return Fail(text, at, "expected ',' or '}'", out error);
        }
    }

    private static bool TryValue(ReadOnlySpan<byte> text, ref int at, ReadOnlySpan<byte> name, LabelScratch into, [NotNullWhen(false)] out string? error)
    {
        error = null;
        if (at >= text.Length || text[at] is not ((byte)'"' or (byte)'`')) return Fail(text, at, "expected a quoted value", out error);
        byte quote = text[at++];
        var rest = text[at..];
        int end = quote == '`' ? rest.IndexOf((byte)'`') : rest.IndexOfAny((byte)'"', (byte)'\\', (byte)'\n');
        if (end < 0) return Fail(text, text.Length, "the value's quote is not closed", out error);
        if (rest[end] == quote)
        {
            into.Add(name, rest[..end]);
            at += end + 1;
            return true;
        }
        // With escapes the value takes the slow road; they are rare.
        int from = at - 1;
        int i = 0;
        while (i < rest.Length && rest[i] != '"') i += rest[i] == '\\' ? 2 : 1;
        if (i >= rest.Length) return Fail(text, text.Length, "the value's quote is not closed", out error);
        string literal = Encoding.UTF8.GetString(text.Slice(from, i + 2));
        if (!GoString.TryUnquote(literal, out string? value, out string? wrong, out int wrongAt)) return Fail(text, from + wrongAt, wrong, out error);
        at += i + 1;
        into.Add(name, Encoding.UTF8.GetBytes(value));
        return true;
    }

    private static void SkipSpace(ReadOnlySpan<byte> text, ref int at)
    {
        while (at < text.Length && text[at] is (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\r') at++;
    }

    private static bool Fail(ReadOnlySpan<byte> text, int at, string what, out string error)
    {
        string shown = Encoding.UTF8.GetString(text[..Math.Min(text.Length, 256)]);
        error = $"error parsing labels: {shown}: 1:{at + 1}: parse error: {what}";
        return false;
    }
}
