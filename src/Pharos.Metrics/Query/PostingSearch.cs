using Pharos.Core;

namespace Pharos.Metrics;

/// <summary>Finds the series of an index that match all matchers.</summary>
internal static class PostingSearch
{
    /// <summary>Sorted numbers of the series.</summary>
    public static uint[] Find(IPostings index, IReadOnlyList<Matcher> matchers, CancellationToken cancel)
    {
        uint[]? found = null;
        var rest = new List<Matcher>();
        foreach (var matcher in matchers)
        {
            if (matcher.Op == MatchOp.Equal && matcher.Value.Length > 0)
            {
                found = Intersect(found, index.Of(matcher.Name, matcher.Value).Span);
            }
            else if (matcher.Op == MatchOp.Regex && matcher.Alternatives is { } alternatives && !matcher.MatchesEmpty)
            {
                found = Intersect(found, Union(alternatives.Select(a => index.Of(matcher.Name, a)).ToList()));
            }
            else
            {
                rest.Add(matcher);
                continue;
            }
            if (found.Length == 0) return found;
        }
        // Matchers that do not match an absent label narrow; the others take away what does not match.
        foreach (var matcher in rest.OrderBy(m => m.MatchesEmpty))
        {
            cancel.ThrowIfCancellationRequested();
            // To look at a series takes longer than to look at a value.
            if (found is not null && found.Length * 4L <= index.ValueCount(matcher.Name))
            {
                found = index.Filter(found, matcher);
            }
            else if (matcher.MatchesEmpty)
            {
                found = Subtract(found ?? index.All(), Union(Values(index, matcher, matching: false)));
            }
            else
            {
                found = Intersect(found, Union(Values(index, matcher, matching: true)));
            }
            if (found.Length == 0) return found;
        }
        return found ?? index.All();
    }

    private static List<ReadOnlyMemory<uint>> Values(IPostings index, Matcher matcher, bool matching)
    {
        var lists = new List<ReadOnlyMemory<uint>>();
        if (!matching && matcher.Op == MatchOp.NotEqual) lists.Add(index.Of(matcher.Name, matcher.Value));
        else if (!matching && matcher is { Op: MatchOp.NotRegex, Alternatives: { } alternatives }) lists.AddRange(alternatives.Select(a => index.Of(matcher.Name, a)));
        else index.Collect(matcher, matching, lists);
        return lists;
    }

    private static uint[] Union(List<ReadOnlyMemory<uint>> lists)
    {
        if (lists.Count == 1) return lists[0].ToArray();
        int total = 0;
        foreach (var list in lists) total += list.Length;
        var all = new uint[total];
        int at = 0;
        foreach (var list in lists)
        {
            list.Span.CopyTo(all.AsSpan(at));
            at += list.Length;
        }
        Array.Sort(all);
        // A series has one value of a label, so there is nothing to merge but for a list asked for twice.
        int kept = 0;
        for (int i = 0; i < all.Length; i++)
        {
            if (kept == 0 || all[kept - 1] != all[i]) all[kept++] = all[i];
        }
        return kept == all.Length ? all : all[..kept];
    }

    private static uint[] Intersect(uint[]? left, ReadOnlySpan<uint> right)
    {
        if (left is null) return right.ToArray();
        var shorter = left.Length <= right.Length ? left : right;
        var longer = left.Length <= right.Length ? right : left;
        var both = new uint[shorter.Length];
        int count = 0;
        foreach (uint wanted in shorter)
        {
            longer = longer[LowerBound(longer, wanted)..];
            if (longer.IsEmpty) break;
            if (longer[0] == wanted) both[count++] = wanted;
        }
        return count == both.Length ? both : both[..count];
    }

    private static uint[] Subtract(uint[] from, ReadOnlySpan<uint> gone)
    {
        if (gone.IsEmpty) return from;
        var left = new uint[from.Length];
        int count = 0;
        foreach (uint series in from)
        {
            gone = gone[LowerBound(gone, series)..];
            if (gone.IsEmpty || gone[0] != series) left[count++] = series;
        }
        return left[..count];
    }

    /// <summary>First index whose number is at least the wanted one; looks near the start first.</summary>
    private static int LowerBound(ReadOnlySpan<uint> sorted, uint wanted)
    {
        int step = 1;
        while (step < sorted.Length && sorted[step] < wanted) step *= 2;
        int low = step / 2, high = Math.Min(step + 1, sorted.Length);
        if (sorted.Length > 0 && sorted[0] >= wanted) return 0;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (sorted[middle] < wanted) low = middle + 1;
            else high = middle;
        }
        return low;
    }
}
