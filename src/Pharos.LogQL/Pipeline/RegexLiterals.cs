using System.Text;

namespace Pharos.LogQL.Pipeline;

/// <summary>Finds strings that every match of an RE2 expression must hold, so that lines can be passed over by a byte search.</summary>
internal static class RegexLiterals
{
    /// <summary>
    /// Literals of at least two characters, longest first. Looks at the outermost sequence only, and gives up (no literals)
    /// on alternatives and flags: an empty answer is always right.
    /// </summary>
    public static List<string> Required(string pattern)
    {
        var found = new List<string>();
        var run = new StringBuilder();
        int at = 0;
        while (at < pattern.Length)
        {
            char c = pattern[at];
            int next = at + 1;
            string? literal = null;
            switch (c)
            {
                case '|':
                    return [];
                case '(':
                    int close = GroupEnd(pattern, at);
                    if (close < 0 || IsFlagGroup(pattern, at)) return [];
                    next = close + 1;
                    break;
                case '[':
                    int end = ClassEnd(pattern, at);
                    if (end < 0) return [];
                    next = end + 1;
                    break;
                case '\\':
                    if (at + 1 >= pattern.Length) return [];
                    char e = pattern[at + 1];
                    next = at + 2;
                    if (char.IsAsciiLetterOrDigit(e))
                    {
                        // A class or an anchor is one element; anything longer (\x, \p, \Q, octal) ends the search for literals here.
                        if (e is not ('d' or 'D' or 'w' or 'W' or 's' or 'S' or 'b' or 'B' or 'A' or 'z' or 'n' or 't' or 'r')) return HasMoreBars(pattern, at) ? [] : Finish(found, run);
                    }
                    else
                    {
                        literal = e.ToString();
                    }
                    break;
                case '.' or '^' or '$':
                    break;
                case '*' or '+' or '?' or '{':
                    return HasMoreBars(pattern, at) ? [] : Finish(found, run);
                default:
                    literal = char.IsHighSurrogate(c) && at + 1 < pattern.Length ? pattern.Substring(at, 2) : c.ToString();
                    next = at + literal.Length;
                    break;
            }
            int afterRepeat = RepeatEnd(pattern, next, out bool mayBeAbsent);
            bool repeated = afterRepeat > next;
            if (literal is null || (repeated && mayBeAbsent)) Cut(found, run);
            else
            {
                run.Append(literal);
                if (repeated) Cut(found, run);
            }
            at = afterRepeat;
        }
        return Finish(found, run);
    }

    /// <summary>Whether an alternative may follow, which would make nothing before it required.</summary>
    private static bool HasMoreBars(string pattern, int at) => pattern.IndexOf('|', at) >= 0;

    private static List<string> Finish(List<string> found, StringBuilder run)
    {
        // An element that could not be read may have taken its quantifier from the run's last character: leave that out.
        Cut(found, run);
        found.Sort(static (a, b) => b.Length.CompareTo(a.Length));
        return found;
    }

    private static void Cut(List<string> found, StringBuilder run)
    {
        if (run.Length >= 2) found.Add(run.ToString());
        run.Clear();
    }

    private static int RepeatEnd(string pattern, int at, out bool mayBeAbsent)
    {
        mayBeAbsent = false;
        if (at >= pattern.Length) return at;
        int end = at;
        switch (pattern[at])
        {
            case '*' or '?':
                mayBeAbsent = true;
                end = at + 1;
                break;
            case '+':
                end = at + 1;
                break;
            case '{':
                int close = pattern.IndexOf('}', at);
                if (close < 0 || close == at + 1 || !char.IsAsciiDigit(pattern[at + 1])) return at;
                mayBeAbsent = true;
                end = close + 1;
                break;
        }
        if (end > at && end < pattern.Length && pattern[end] == '?') end++;
        return end;
    }

    private static bool IsFlagGroup(string pattern, int at) =>
        at + 2 < pattern.Length && pattern[at + 1] == '?' && pattern[at + 2] is not (':' or 'P' or '<');

    private static int GroupEnd(string pattern, int at)
    {
        int depth = 0;
        for (int i = at; i < pattern.Length; i++)
        {
            switch (pattern[i])
            {
                case '\\': i++; break;
                case '[':
                    i = ClassEnd(pattern, i);
                    if (i < 0) return -1;
                    break;
                case '(': depth++; break;
                case ')':
                    if (--depth == 0) return i;
                    break;
            }
        }
        return -1;
    }

    private static int ClassEnd(string pattern, int at)
    {
        int i = at + 1;
        if (i < pattern.Length && pattern[i] == '^') i++;
        if (i < pattern.Length && pattern[i] == ']') i++;
        for (; i < pattern.Length; i++)
        {
            if (pattern[i] == '\\') i++;
            else if (pattern[i] == '[' && i + 1 < pattern.Length && pattern[i + 1] == ':')
            {
                int end = pattern.IndexOf(":]", i + 2, StringComparison.Ordinal);
                if (end > 0) i = end + 1;
            }
            else if (pattern[i] == ']') return i;
        }
        return -1;
    }
}
