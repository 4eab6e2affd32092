using System.Text;

namespace Pharos.Core;

/// <summary>What may be the name of a label or a metric.</summary>
public static class LabelNames
{
    /// <summary><c>[a-zA-Z_][a-zA-Z0-9_]*</c>: a name that needs no quotes in a query.</summary>
    public static bool IsLegacy(ReadOnlySpan<char> name)
    {
        if (name.IsEmpty) return false;
        for (int i = 0; i < name.Length; i++)
        {
            char c = name[i];
            if (!(char.IsAsciiLetter(c) || c == '_' || (i > 0 && char.IsAsciiDigit(c)))) return false;
        }
        return true;
    }

    /// <summary><c>[a-zA-Z_:][a-zA-Z0-9_:]*</c>: a metric name that needs no quotes in a query.</summary>
    public static bool IsLegacyMetric(ReadOnlySpan<char> name)
    {
        if (name.IsEmpty) return false;
        for (int i = 0; i < name.Length; i++)
        {
            char c = name[i];
            if (!(char.IsAsciiLetter(c) || c is '_' or ':' || (i > 0 && char.IsAsciiDigit(c)))) return false;
        }
        return true;
    }

    /// <summary>
    /// The label name for a field of a log line: trimmed, other characters than those of a label name become <c>_</c>. May be empty.
    /// </summary>
    /// <param name="leading">True: a leading digit gets <c>_</c> in front. False for a part that follows a prefix: it may start with a digit.</param>
    public static string FromField(string field, bool leading)
    {
        field = field.Trim();
        if (field.Length == 0) return "";
        var text = new StringBuilder(field.Length + 1);
        if (leading && char.IsAsciiDigit(field[0])) text.Append('_');
        foreach (var rune in field.EnumerateRunes())
        {
            bool legal = rune.IsAscii && (char.IsAsciiLetterOrDigit((char)rune.Value) || rune.Value == '_');
            text.Append(legal ? (char)rune.Value : '_');
        }
        return text.ToString();
    }
}
