using System.Globalization;

namespace Pharos.Core;

/// <summary>
/// Reads what <see cref="Re2Translator"/> writes, and so has the language of <see cref="LinearRegex"/> to the letter.
/// Gives up (null) on groups nested more than <see cref="DepthMax"/> deep. Word boundaries are those of ASCII, as RE2 has them.
/// </summary>
/// <param name="translated">What the translator wrote.</param>
/// <param name="groups">Whether the groups are asked for; without them, whether a text matches is known and no more.</param>
internal ref struct RegexNodeParser(string translated, bool groups = false)
{
    private const int DepthMax = 64;

    private readonly string text = translated;
    private readonly bool groups = groups;
    private int at;
    private Flags flags;

    private struct Flags
    {
        public bool IgnoreCase;
        public bool DotAll;
        public bool Multiline;
    }

    public RegexNode? Parse() => Choice(0) is { } node && at == text.Length ? node : null;

    private RegexNode? Choice(int depth)
    {
        if (depth > DepthMax) return null;
        var items = new List<RegexNode>();
        while (true)
        {
            if (Sequence(depth) is not { } item) return null;
            items.Add(item);
            if (at == text.Length || text[at] != '|') return items.Count == 1 ? item : new RegexNode.Choice(items);
            at++;
        }
    }

    private RegexNode.Sequence? Sequence(int depth)
    {
        var items = new List<RegexNode>();
        while (at < text.Length && text[at] is not ('|' or ')'))
        {
            if (Item(depth) is not { } item || Repeated(item) is not { } repeated) return null;
            items.Add(repeated);
        }
        return new RegexNode.Sequence(items);
    }

    private RegexNode? Item(int depth)
    {
        char c = text[at++];
        switch (c)
        {
            case '(': return Group(depth);
            case '[': return Class();
            case '.': return new RegexNode.Symbol(flags.DotAll ? SymbolSet.Any : SymbolSet.AnyButNewline);
            case '^': return new RegexNode.Place(flags.Multiline ? RegexPlace.LineStart : RegexPlace.TextStart);
            // The translator leaves it alone in multiline mode only.
            case '$': return new RegexNode.Place(RegexPlace.LineEnd);
            case '\\': return Escaped();
            default: return Literal(c);
        }
    }

    private RegexNode? Escaped()
    {
        char e = text[at++];
        return e switch
        {
            'A' => new RegexNode.Place(RegexPlace.TextStart),
            'z' => new RegexNode.Place(RegexPlace.TextEnd),
            'n' => Literal('\n'),
            'b' => new RegexNode.Place(RegexPlace.WordBoundary),
            'B' => new RegexNode.Place(RegexPlace.NoWordBoundary),
            'p' or 'P' => Symbol(Category(e == 'P')),
            _ when char.IsAsciiLetterOrDigit(e) => null,
            _ => Literal(e),
        };
    }

    private readonly RegexNode.Symbol Literal(char c) => Symbol(SymbolSet.Of([(c, c)]));

    private readonly RegexNode.Symbol Symbol(SymbolSet set) => new(flags.IgnoreCase ? CaseRelatives.Fold(set) : set);

    /// <summary>Reads the name of <c>\p{…}</c>.</summary>
    private SymbolSet Category(bool negated)
    {
        int close = text.IndexOf('}', at);
        var set = UnicodeSets.Of(text[(at + 1)..close]);
        at = close + 1;
        return negated ? set.Negate() : set;
    }

    private RegexNode? Group(int depth)
    {
        var outer = flags;
        int number = 0;
        if (text[at] != '?') return null;
        at++;
        if (text[at] == '<')
        {
            int close = text.IndexOf('>', at);
            number = int.Parse(text.AsSpan(at + 1, close - at - 1), CultureInfo.InvariantCulture);
            at = close + 1;
        }
        else
        {
            bool on = true;
            for (; text[at] is not (':' or ')'); at++)
            {
                switch (text[at])
                {
                    case '-': on = false; break;
                    case 'i': flags.IgnoreCase = on; break;
                    case 's': flags.DotAll = on; break;
                    case 'm': flags.Multiline = on; break;
                    default: return null;
                }
            }
            // Flags alone hold until the group around them ends.
            if (text[at++] == ')') return new RegexNode.Sequence([]);
        }
        var inner = Choice(depth + 1);
        if (inner is null || at == text.Length) return null;
        at++;
        flags = outer;
        return groups && number > 0 ? new RegexNode.Group(inner, number) : inner;
    }

    private RegexNode? Repeated(RegexNode item)
    {
        if (at == text.Length) return item;
        int min = 0, max = -1;
        switch (text[at])
        {
            case '*': break;
            case '+': min = 1; break;
            case '?': max = 1; break;
            case '{':
                int close = text.IndexOf('}', at);
                var bounds = text.AsSpan(at + 1, close - at - 1);
                int comma = bounds.IndexOf(',');
                min = int.Parse(comma < 0 ? bounds : bounds[..comma], CultureInfo.InvariantCulture);
                max = comma < 0 ? min : comma == bounds.Length - 1 ? -1 : int.Parse(bounds[(comma + 1)..], CultureInfo.InvariantCulture);
                at = close;
                break;
            default: return item;
        }
        at++;
        bool lazy = at < text.Length && text[at] == '?';
        if (lazy) at++;
        return at < text.Length && text[at] is '*' or '+' or '?' or '{' ? null : new RegexNode.Repeat(item, min, max, lazy);
    }

    private RegexNode.Symbol? Class()
    {
        bool negated = text[at] == '^';
        if (negated) at++;
        var ranges = new List<(int Low, int High)>();
        while (text[at] != ']')
        {
            if (text[at] == '\\' && text[at + 1] is 'p' or 'P')
            {
                at += 2;
                ranges.AddRange(Category(text[at - 1] == 'P').Ranges);
                continue;
            }
            if (!Member(out int low)) return null;
            int high = low;
            if (text[at] == '-' && text[at + 1] != ']')
            {
                at++;
                if (!Member(out high) || high < low) return null;
            }
            ranges.Add((low, high));
        }
        at++;
        var set = Symbol(SymbolSet.Of(ranges)).Set;
        return new RegexNode.Symbol(negated ? set.Negate() : set);
    }

    private bool Member(out int unit)
    {
        unit = text[at++];
        if (unit == '[') return false;
        if (unit != '\\') return true;
        char e = text[at++];
        switch (e)
        {
            case 'u':
                unit = int.Parse(text.AsSpan(at, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
                at += 4;
                return true;
            case 't': unit = '\t'; return true;
            case 'n': unit = '\n'; return true;
            case 'v': unit = '\v'; return true;
            case 'f': unit = '\f'; return true;
            case 'r': unit = '\r'; return true;
            case 'b': unit = '\b'; return true;
            default:
                unit = e;
                return !char.IsAsciiLetterOrDigit(e);
        }
    }
}
