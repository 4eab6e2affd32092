using Pharos.Core;

namespace Pharos.Alerting;

/// <summary>
/// Reads matchers as Alertmanager writes them: <c>{a="b",c=~"d"}</c>, braces and one trailing comma optional.
/// Source of both grammars: Alertmanager's packages labels (classic) and matcher/parse (UTF-8).
/// </summary>
public static class MatcherText
{
    /// <summary>All matchers of a text; none where it is empty.</summary>
    /// <param name="warning">Where the two grammars differ: what was taken and what to write instead; else null.</param>
    /// <exception cref="FormatException">The text is in neither grammar that the mode allows, or an expression is not RE2.</exception>
    public static IReadOnlyList<Matcher> ParseAll(string text, MatcherMode mode, out string? warning)
    {
        warning = null;
        if (mode == MatcherMode.Utf8) return new Utf8MatcherParser(text).ParseAll();
        if (mode == MatcherMode.Classic) return ClassicMatcherParser.ParseAll(text);
        IReadOnlyList<Matcher>? modern = null, classic = null;
        FormatException? modernError = null;
        try
        {
            modern = new Utf8MatcherParser(text).ParseAll();
        }
        catch (FormatException e)
        {
            modernError = e;
        }
        try
        {
            classic = ClassicMatcherParser.ParseAll(text);
        }
        catch (FormatException) when (modern is not null)
        {
            return modern;
        }
        if (modern is null)
        {
            warning = $"matchers {GoString.Quote(text)} will not be readable once the classic grammar is gone ({modernError!.Message}); write {Join(classic)}";
            return classic;
        }
        if (!modern.SequenceEqual(classic))
        {
            warning = $"matchers {GoString.Quote(text)} mean {Join(classic)} in the classic grammar, which counts, and {Join(modern)} in the UTF-8 one; write {Join(classic)}";
            return classic;
        }
        return modern;
    }

    /// <inheritdoc cref="ParseAll(string, MatcherMode, out string?)"/>
    public static IReadOnlyList<Matcher> ParseAll(string text, MatcherMode mode = MatcherMode.Fallback) => ParseAll(text, mode, out _);

    /// <summary>Exactly one matcher.</summary>
    /// <exception cref="FormatException">None, several, or not readable.</exception>
    public static Matcher ParseOne(string text, MatcherMode mode = MatcherMode.Fallback)
    {
        var all = ParseAll(text, mode, out _);
        return all.Count switch
        {
            1 => all[0],
            0 => throw new FormatException("no matchers"),
            _ => throw new FormatException($"expected 1 matcher, found {all.Count}"),
        };
    }

    /// <summary>One matcher as Alertmanager prints it; part of group keys, so the bytes matter.</summary>
    public static string Format(Matcher matcher)
    {
        if (matcher.Name.AsSpan().IndexOfAny(Utf8MatcherParser.ReservedChars) >= 0 || matcher.Name.Any(char.IsWhiteSpace))
            return $"{GoString.Quote(matcher.Name)}{Matcher.Symbol(matcher.Op)}{GoString.Quote(matcher.Value)}";
        string value = matcher.Value.Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace("\n", "\\n", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
        return $"{matcher.Name}{Matcher.Symbol(matcher.Op)}\"{value}\"";
    }

    /// <summary>All matchers in braces, joined by commas: <c>{a="b",c=~"d"}</c>.</summary>
    public static string Join(IEnumerable<Matcher> matchers) => "{" + string.Join(',', matchers.Select(Format)) + "}";

    /// <summary>Alertmanager's order within one route: name, then value, then operator.</summary>
    public static int Compare(Matcher a, Matcher b)
    {
        int order = string.CompareOrdinal(a.Name, b.Name);
        if (order == 0) order = string.CompareOrdinal(a.Value, b.Value);
        return order != 0 ? order : ((int)a.Op).CompareTo((int)b.Op);
    }
}
