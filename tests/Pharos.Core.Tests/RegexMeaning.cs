using Pharos.Core;

namespace Pharos.Core.Tests;

/// <summary>What the parts of an expression mean, in the plainest words: for expressions and texts that are small.</summary>
internal static class RegexMeaning
{
    public static bool Holds(RegexPlace place, string text, int at) => place switch
    {
        RegexPlace.TextStart => at == 0,
        RegexPlace.TextEnd => at == text.Length,
        RegexPlace.LineStart => at == 0 || text[at - 1] == '\n',
        RegexPlace.WordBoundary => IsWord(text, at - 1) != IsWord(text, at),
        RegexPlace.NoWordBoundary => IsWord(text, at - 1) == IsWord(text, at),
        _ => at == text.Length || text[at] == '\n',
    };

    /// <summary>The preferred match that begins at a place or behind it: where each group begins and ends; null where there is none.</summary>
    /// <param name="node">Repeats nothing that may be empty.</param>
    /// <param name="groups">With the whole match.</param>
    public static (int Begin, int End)[]? Match(RegexNode node, string text, int from, int groups)
    {
        for (int begin = from; begin <= text.Length; begin++)
        {
            var found = new (int Begin, int End)[groups];
            found.AsSpan().Fill((-1, -1));
            int end = -1;
            if (!Try(node, text, begin, found, to => (end = to) >= 0)) continue;
            found[0] = (begin, end);
            return found;
        }
        return null;
    }

    private static bool Try(RegexNode node, string text, int at, (int Begin, int End)[] found, Func<int, bool> then)
    {
        switch (node)
        {
            case RegexNode.Symbol symbol:
                return at < text.Length && symbol.Set.Contains(text[at]) && then(at + 1);
            case RegexNode.Place place:
                return Holds(place.Where, text, at) && then(at);
            case RegexNode.Choice choice:
                return choice.Items.Exists(item => Try(item, text, at, found, then));
            case RegexNode.Sequence sequence:
                return Items(0, at);
            case RegexNode.Repeat repeat:
                return Times(0, at);
            case RegexNode.Group group:
                return Try(group.Item, text, at, found, to =>
                {
                    var before = found[group.Number];
                    found[group.Number] = (at, to);
                    if (then(to)) return true;
                    found[group.Number] = before;
                    return false;
                });
            default:
                throw new ArgumentException(node.ToString(), nameof(node));
        }

        bool Items(int number, int here)
        {
            var items = ((RegexNode.Sequence)node).Items;
            return number == items.Count ? then(here) : Try(items[number], text, here, found, to => Items(number + 1, to));
        }

        bool Times(int count, int here)
        {
            var repeat = (RegexNode.Repeat)node;
            bool may = count >= repeat.Min;
            if (may && repeat.Lazy && then(here)) return true;
            if ((repeat.Max < 0 || count < repeat.Max) && Try(repeat.Item, text, here, found, to => Times(count + 1, to))) return true;
            return may && !repeat.Lazy && then(here);
        }
    }

    private static bool IsWord(string text, int at) => at >= 0 && at < text.Length && (char.IsAsciiLetterOrDigit(text[at]) || text[at] == '_');
}
