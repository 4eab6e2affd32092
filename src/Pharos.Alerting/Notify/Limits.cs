using System.Text;

namespace Pharos.Alerting;

/// <summary>Cuts texts to what a service takes; a cut text ends with an ellipsis.</summary>
internal static class Limits
{
    /// <summary>At most so many Unicode characters.</summary>
    public static string Runes(string text, int max)
    {
        if (text.Length <= max) return text;
        int runes = 0, at = 0, keep = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (runes == max - 1) keep = at;
            if (runes == max) return max <= 3 ? text[..at] : string.Concat(text.AsSpan(0, keep), "…");
            at += rune.Utf16SequenceLength;
            runes++;
        }
        return text;
    }

    /// <summary>At most so many bytes of UTF-8, cut between characters.</summary>
    public static string Bytes(string text, int max)
    {
        if (Encoding.UTF8.GetByteCount(text) <= max) return text;
        int room = max - 3, at = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (room < rune.Utf8SequenceLength) break;
            room -= rune.Utf8SequenceLength;
            at += rune.Utf16SequenceLength;
        }
        return string.Concat(text.AsSpan(0, at), "…");
    }
}
