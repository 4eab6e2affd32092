using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.RegularExpressions;

namespace Pharos.Core;

/// <summary>
/// A regular expression with RE2's syntax that runs in time linear in its input, whatever the pattern: with <see cref="CaptureMatcher"/>, or with .NET's
/// non-backtracking engine where the expression is too large for that (whose word boundaries are those of Unicode, not of ASCII). Matches and groups are those of RE2.
/// Immutable, safe for several threads.
/// </summary>
public sealed class LinearRegex
{
    private readonly List<string?> groupNames;

    /// <summary>Null where the other engine is asked.</summary>
    private readonly RegexProgram? program;
    private readonly Regex? regex;

    /// <summary>Matchers that no thread is using.</summary>
    private readonly ConcurrentBag<CaptureMatcher> idle = [];
    private CaptureMatcher? firstIdle;

    private LinearRegex(string pattern, List<string?> groupNames, RegexProgram program, CaptureMatcher matcher)
    {
        Pattern = pattern;
        this.groupNames = groupNames;
        this.program = program;
        firstIdle = matcher;
    }

    private LinearRegex(string pattern, List<string?> groupNames, Regex regex)
    {
        Pattern = pattern;
        this.groupNames = groupNames;
        this.regex = regex;
    }

    /// <summary>Whether .NET's engine is never asked.</summary>
    internal bool IsOwn => program is not null;

    /// <summary>The expression as the user wrote it.</summary>
    public string Pattern { get; }

    /// <summary>Names of the groups by number; null for the whole match (0) and for groups without a name.</summary>
    public IReadOnlyList<string?> GroupNames => groupNames;

    /// <summary>Must match the whole input.</summary>
    /// <exception cref="FormatException">The expression is not RE2.</exception>
    public static LinearRegex Anchored(string pattern, bool dotMatchesNewline = true) => Create(pattern, true, dotMatchesNewline);

    /// <summary>May match anywhere in the input.</summary>
    /// <exception cref="FormatException">The expression is not RE2.</exception>
    public static LinearRegex Unanchored(string pattern, bool dotMatchesNewline = false) => Create(pattern, false, dotMatchesNewline);

    public static bool TryCreate(
        string pattern, bool anchored, bool dotMatchesNewline, [NotNullWhen(true)] out LinearRegex? regex, [NotNullWhen(false)] out string? error)
    {
        try
        {
            regex = Create(pattern, anchored, dotMatchesNewline);
            error = null;
            return true;
        }
        catch (FormatException e)
        {
            regex = null;
            error = e.Message;
            return false;
        }
    }

    /// <summary>What every text that an anchored expression matches begins with; may be shorter than it could be, and empty.</summary>
    public static string LiteralPrefix(string pattern)
    {
        if (pattern.Contains('|', StringComparison.Ordinal)) return "";
        int length = pattern.AsSpan().IndexOfAny(NameChars.RegexMeta);
        if (length < 0) return pattern;
        // What follows may make the character before it optional.
        bool optional = length > 0 && pattern[length] is '*' or '?' or '{';
        if (optional && char.IsLowSurrogate(pattern[length - 1])) length--;
        return optional ? pattern[..Math.Max(0, length - 1)] : pattern[..length];
    }

    /// <summary>Where the expression is a plain list of literals (<c>a|b|c</c>, also just <c>a</c>), those literals.</summary>
    public static bool TryLiteralAlternatives(string pattern, [NotNullWhen(true)] out string[]? literals)
    {
        literals = pattern.AsSpan().IndexOfAny(NameChars.RegexMetaButBar) < 0 ? pattern.Split('|') : null;
        return literals is not null;
    }

    /// <summary>The text with every character that has a meaning in RE2 escaped.</summary>
    public static string Escape(string literal)
    {
        if (literal.AsSpan().IndexOfAny(NameChars.RegexMeta) < 0) return literal;
        var text = new StringBuilder(literal.Length + 8);
        foreach (char c in literal)
        {
            if (NameChars.RegexMeta.Contains(c)) text.Append('\\');
            text.Append(c);
        }
        return text.ToString();
    }

    public bool IsMatch(string input) => IsMatch(input.AsSpan());

    public bool IsMatch(ReadOnlySpan<char> input)
    {
        if (regex is not null) return regex.IsMatch(input);
        var matcher = Rent();
        bool match = matcher.IsMatch(input);
        Return(matcher);
        return match;
    }

    /// <summary>The leftmost match; groups by RE2's numbers.</summary>
    public RegexMatch Match(string input)
    {
        if (regex is not null) return Of(input, regex.Match(input));
        var matcher = Rent();
        var match = matcher.Match(input);
        Return(matcher);
        return match;
    }

    /// <summary>
    /// All matches that do not overlap, from left to right; as in Go, none that is empty right behind another. They are found one by one, in time linear in the input
    /// for all.
    /// </summary>
    public IEnumerable<RegexMatch> Matches(string input)
    {
        var matcher = regex is null ? Rent() : null;
        try
        {
            if (matcher?.Read(input) == false) yield break;
            int before = -1;
            for (int at = 0; at <= input.Length;)
            {
                var match = matcher is null ? Of(input, regex!.Match(input, at)) : matcher.Next(at);
                if (!match.Success) yield break;
                int end = match.Index + match.Length;
                bool again = match.Length == 0 && match.Index == before;
                before = end;
                if (end > at) at = end;
                else at += at + 1 < input.Length && char.IsSurrogatePair(input[at], input[at + 1]) ? 2 : 1;
                if (!again) yield return match;
            }
        }
        finally
        {
            if (matcher is not null) Return(matcher);
        }
    }

    /// <summary>
    /// Fills in <c>$1</c>, <c>$name</c>, <c>${1}</c>, <c>${name}</c> and <c>$$</c> as Go's Regexp.Expand does:
    /// a name is as long as it can be, an unknown group is empty.
    /// </summary>
    public string Expand(string template, RegexMatch match)
    {
        if (!template.Contains('$')) return template;
        var text = new StringBuilder();
        Expand(template, match, text);
        return text.ToString();
    }

    /// <summary>Replaces every match by the expanded template.</summary>
    public string ReplaceAll(string input, string template)
    {
        var text = new StringBuilder();
        int from = 0;
        foreach (var match in Matches(input))
        {
            text.Append(input, from, match.Index - from);
            Expand(template, match, text);
            from = match.Index + match.Length;
        }
        return from == 0 && text.Length == 0 ? input : text.Append(input, from, input.Length - from).ToString();
    }

    public override string ToString() => Pattern;

    private void Expand(string template, RegexMatch match, StringBuilder text)
    {
        for (int i = 0; i < template.Length; i++)
        {
            char c = template[i];
            if (c != '$' || i + 1 >= template.Length)
            {
                text.Append(c);
                continue;
            }
            if (template[i + 1] == '$')
            {
                text.Append('$');
                i++;
                continue;
            }
            bool braces = template[i + 1] == '{';
            int start = i + (braces ? 2 : 1);
            int end = start;
            while (end < template.Length && (char.IsAsciiLetterOrDigit(template[end]) || template[end] == '_' || char.IsLetterOrDigit(template[end]))) end++;
            if (end == start || (braces && (end >= template.Length || template[end] != '}')))
            {
                text.Append('$');
                continue;
            }
            string name = template[start..end];
            int group = int.TryParse(name, out int number) ? number : groupNames.IndexOf(name);
            if (group >= 0 && group < groupNames.Count) text.Append(match[group].Span);
            i = braces ? end : end - 1;
        }
    }

    private CaptureMatcher Rent() =>
        Interlocked.Exchange(ref firstIdle, null) ?? (idle.TryTake(out var other) ? other : CaptureMatcher.Of(program!, groupNames.Count)!);

    private void Return(CaptureMatcher matcher)
    {
        matcher.Release();
        if (Interlocked.CompareExchange(ref firstIdle, matcher, null) is not null) idle.Add(matcher);
    }

    private RegexMatch Of(string input, Match match)
    {
        if (!match.Success) return default;
        int[] places = new int[2 * groupNames.Count];
        for (int i = 0; i < groupNames.Count; i++)
        {
            var group = match.Groups[i];
            (places[2 * i], places[(2 * i) + 1]) = group.Success ? (group.Index, group.Index + group.Length) : (-1, -1);
        }
        return new RegexMatch(input, places);
    }

    private static LinearRegex Create(string pattern, bool anchored, bool dotMatchesNewline)
    {
        var translator = new Re2Translator(pattern);
        string body = translator.Translate();
        string whole = $"{(dotMatchesNewline ? "(?s)" : "")}{(anchored ? $"\\A(?:{body})\\z" : body)}";
        var nodes = new RegexNodeParser(whole, groups: true).Parse();
        if (nodes is not null && RegexProgram.Of(nodes) is { } program && CaptureMatcher.Of(program, translator.GroupNames.Count) is { } matcher)
            return new LinearRegex(pattern, translator.GroupNames, program, matcher);
        try
        {
            // Without a time limit: with one, .NET 10's engine says of some long texts that they do not match where they do.
            var regex = new Regex(whole, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
            return new LinearRegex(pattern, translator.GroupNames, regex);
        }
        catch (ArgumentException e)
        {
            throw new FormatException($"error parsing regexp: {e.Message}", e);
        }
        catch (NotSupportedException e)
        {
            throw new FormatException("error parsing regexp: expression is too large: use fewer alternatives and smaller repeat counts", e);
        }
    }
}
