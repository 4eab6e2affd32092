namespace Pharos.LogQL.Syntax;

/// <summary>A piece of a pattern: literal text, a named capture, or <c>&lt;_&gt;</c> (a capture without a name).</summary>
internal readonly record struct PatternPart(bool IsCapture, string Text)
{
    public bool IsNamed => IsCapture && Text != "_";
}

/// <summary>The pattern language of <c>| pattern</c> and <c>|&gt;</c>.</summary>
internal static class PatternText
{
    public static List<PatternPart> Parse(string text)
    {
        var parts = new List<PatternPart>();
        int literalFrom = 0, at = 0;
        while (at < text.Length)
        {
            if (text[at] == '<')
            {
                int end = at + 1;
                while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] == '_')) end++;
                if (end > at + 1 && end < text.Length && text[end] == '>' && !char.IsAsciiDigit(text[at + 1]))
                {
                    if (at > literalFrom) parts.Add(new PatternPart(false, text[literalFrom..at]));
                    parts.Add(new PatternPart(true, text[(at + 1)..end]));
                    at = literalFrom = end + 1;
                    continue;
                }
            }
            at++;
        }
        if (literalFrom < text.Length) parts.Add(new PatternPart(false, text[literalFrom..]));
        return parts;
    }

    /// <summary>What is wrong with it as a parser stage; null for nothing.</summary>
    public static string? CheckParser(IReadOnlyList<PatternPart> parts)
    {
        if (parts.Count == 0) return "empty pattern";
        if (!parts.Any(p => p.IsNamed)) return "at least one capture is required";
        if (HasNeighbours(parts)) return "consecutive capture not allowed: put text between them";
        var names = parts.Where(p => p.IsNamed).Select(p => p.Text).ToList();
        return names.Distinct(StringComparer.Ordinal).Count() < names.Count ? "duplicate capture name" : null;
    }

    /// <summary>What is wrong with it as a line filter; null for nothing.</summary>
    public static string? CheckFilter(IReadOnlyList<PatternPart> parts)
    {
        if (parts.Any(p => p.IsNamed)) return "named captures are not allowed in a line filter; use <_>";
        return HasNeighbours(parts) ? "consecutive capture not allowed: put text between them" : null;
    }

    private static bool HasNeighbours(IReadOnlyList<PatternPart> parts)
    {
        for (int i = 1; i < parts.Count; i++)
        {
            if (parts[i].IsCapture && parts[i - 1].IsCapture) return true;
        }
        return false;
    }
}
