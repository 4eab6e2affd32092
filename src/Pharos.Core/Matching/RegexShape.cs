namespace Pharos.Core;

/// <summary>
/// An anchored expression that is no more than texts, single characters, small classes, <c>.*</c>, <c>.+</c>, options and alternatives:
/// the same language as a list of plain patterns, which are compared without an automaton.
/// </summary>
internal sealed class RegexShape
{
    /// <summary>Patterns that an expression may become; one that would become more stays an expression.</summary>
    private const int PatternsMax = 128;

    private readonly GlobPattern[] patterns;

    private RegexShape(GlobPattern[] patterns)
    {
        this.patterns = patterns;
        if (Array.TrueForAll(patterns, p => p.IsLiteral)) Literals = [.. patterns.Select(p => p.Literal).Distinct(StringComparer.Ordinal)];
    }

    /// <summary>The only texts that match, where their number is finite; else null.</summary>
    public string[]? Literals { get; }

    /// <summary>What every text that matches begins with, where there is one pattern; else empty.</summary>
    public ReadOnlySpan<byte> PrefixUtf8 => patterns.Length == 1 ? patterns[0].PrefixUtf8 : [];

    /// <summary>Null where the expression is something else, or wrong.</summary>
    public static RegexShape? Of(string pattern)
    {
        var parser = new Parser(pattern);
        return parser.Parse() is { } found ? new RegexShape([.. found.Select(atoms => new GlobPattern(atoms))]) : null;
    }

    public bool Matches(ReadOnlySpan<byte> utf8)
    {
        foreach (var pattern in patterns)
        {
            if (pattern.Matches(utf8)) return true;
        }
        return false;
    }

    /// <summary>Reads the expression into alternatives of atoms. Whatever it does not know makes it give up.</summary>
    private ref struct Parser(string pattern)
    {
        private readonly ReadOnlySpan<char> text = pattern;
        private int at;

        public List<List<GlobAtom>>? Parse() => Alternatives(0) is { } all && at == text.Length ? all : null;

        private List<List<GlobAtom>>? Alternatives(int depth)
        {
            var all = new List<List<GlobAtom>>();
            while (true)
            {
                if (Sequence(depth) is not { } some) return null;
                all.AddRange(some);
                if (all.Count > PatternsMax) return null;
                if (at == text.Length || text[at] != '|') return all;
                at++;
            }
        }

        private List<List<GlobAtom>>? Sequence(int depth)
        {
            var all = new List<List<GlobAtom>> { new() };
            bool begins = true;
            for (; at < text.Length && text[at] is not ('|' or ')'); begins = false)
            {
                if (depth == 0 && begins && text[at] == '^')
                {
                    at++;
                    continue;
                }
                if (depth == 0 && text[at] == '$' && (at + 1 == text.Length || text[at + 1] == '|'))
                {
                    at++;
                    break;
                }
                if (Item(depth) is not { } next) return null;
                if (all.Count * next.Count > PatternsMax) return null;
                all = next.Count == 1 && all.Count == 1 ? [[.. all[0], .. next[0]]] : [.. all.SelectMany(left => next.Select(right => (List<GlobAtom>)[.. left, .. right]))];
            }
            return all;
        }

        private List<List<GlobAtom>>? Item(int depth)
        {
            List<List<GlobAtom>>? item;
            bool isDot = text[at] == '.';
            if (text[at] == '(')
            {
                at++;
                if (at + 1 < text.Length && text[at] == '?' && text[at + 1] == ':') at += 2;
                else if (at < text.Length && text[at] == '?') return null;
                if (depth > 8) return null;
                item = Alternatives(depth + 1);
                if (item is null || at == text.Length || text[at] != ')') return null;
                at++;
            }
            else
            {
                item = Single();
            }
            if (item is null || at == text.Length) return item;
            switch (text[at])
            {
                case '*' when isDot:
                    item = [[GlobAtom.Star]];
                    break;
                case '+' when isDot:
                    item = [[GlobAtom.Any, GlobAtom.Star]];
                    break;
                case '?':
                    item = [[], .. item];
                    break;
                case '*' or '+' or '{':
                    return null;
                default:
                    return item;
            }
            at++;
            // Whether it takes as little as it can makes no difference to what matches as a whole.
            if (at < text.Length && text[at] == '?') at++;
            return at < text.Length && text[at] is '*' or '+' or '?' or '{' ? null : item;
        }

        private List<List<GlobAtom>>? Single()
        {
            char c = text[at];
            switch (c)
            {
                case '.':
                    at++;
                    return [[GlobAtom.Any]];
                case '[':
                    return Class();
                case '\\':
                    if (at + 1 == text.Length || !char.IsAscii(text[at + 1]) || char.IsAsciiLetterOrDigit(text[at + 1]) || text[at + 1] < '!') return null;
                    at += 2;
                    return [[GlobAtom.Of(text.Slice(at - 1, 1))]];
                case '*' or '+' or '?' or '{' or '}' or '^' or '$' or ']':
                    return null;
                default:
                    if (char.IsSurrogate(c) && !(char.IsHighSurrogate(c) && at + 1 < text.Length && char.IsLowSurrogate(text[at + 1]))) return null;
                    int length = char.IsSurrogate(c) ? 2 : 1;
                    at += length;
                    return [[GlobAtom.Of(text.Slice(at - length, length))]];
            }
        }

        /// <summary>A class of ASCII characters and ranges, without escapes.</summary>
        private List<List<GlobAtom>>? Class()
        {
            int end = text[at..].IndexOf(']');
            if (end < 2) return null;
            var inside = text.Slice(at + 1, end - 1);
            bool negated = inside[0] == '^';
            if (negated) inside = inside[1..];
            if (inside.IsEmpty || inside.IndexOfAny('\\', '[') >= 0 || inside.ContainsAnyExceptInRange('!', '~')) return null;
            UInt128 set = 0;
            for (int i = 0; i < inside.Length; i++)
            {
                char from = inside[i], to = from;
                if (i + 2 < inside.Length && inside[i + 1] == '-')
                {
                    to = inside[i + 2];
                    i += 2;
                }
                else if (from == '-' && i > 0 && i < inside.Length - 1)
                {
                    return null;
                }
                if (to < from) return null;
                for (int member = from; member <= to; member++) set |= UInt128.One << member;
            }
            at += end + 1;
            if (negated) return [[GlobAtom.NoneOf(set)]];
            if (UInt128.PopCount(set) > 16) return [[GlobAtom.OneOf(set)]];
            // A small one becomes texts, which an index can look up.
            var members = new List<List<GlobAtom>>();
            for (int member = 0; member < 128; member++)
            {
                if ((set >> member & 1) != 0) members.Add([GlobAtom.Of(((char)member).ToString())]);
            }
            return members;
        }
    }
}
