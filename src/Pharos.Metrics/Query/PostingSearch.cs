using Pharos.Core;

namespace Pharos.Metrics;

/// <summary>Finds the series of an index that match all matchers.</summary>
internal static class PostingSearch
{
    /// <summary>Sorted numbers of the series; the caller disposes of them.</summary>
    public static SeriesNumbers Find(IPostings index, IReadOnlyList<Matcher> matchers, CancellationToken cancel)
    {
        SeriesNumbers? found = null;
        var rest = new List<Matcher>();
        foreach (var matcher in matchers)
        {
            if (matcher.Op == MatchOp.Equal && matcher.Value.Length > 0)
            {
                found = Both(found, new SeriesNumbers(index.Of(matcher.Name, matcher.Value)));
            }
            else if (matcher.Op == MatchOp.Regex && matcher.Alternatives is { } alternatives && !matcher.MatchesEmpty)
            {
                found = Both(found, SeriesNumbers.Union(alternatives.Select(a => index.Of(matcher.Name, a)).ToList()));
            }
            else
            {
                rest.Add(matcher);
                continue;
            }
            if (found.Value.Length == 0) return found.Value;
        }
        // Matchers that do not match an absent label narrow; the others take away what does not match.
        foreach (var matcher in rest.OrderBy(m => m.MatchesEmpty))
        {
            cancel.ThrowIfCancellationRequested();
            // To look at a series takes longer than to look at a value.
            if (found is { } few && few.Length * 4L <= index.ValueCount(matcher.Name))
            {
                few.Filter(index, matcher);
                found = few;
            }
            else if (matcher.MatchesEmpty)
            {
                var left = found ?? new SeriesNumbers(index.All());
                using var gone = SeriesNumbers.Union(Values(index, matcher, matching: false));
                left.Subtract(gone.Span);
                found = left;
            }
            else
            {
                found = Both(found, SeriesNumbers.Union(Values(index, matcher, matching: true)));
            }
            if (found.Value.Length == 0) return found.Value;
        }
        return found ?? new SeriesNumbers(index.All());
    }

    /// <summary>What is in both; the second one is used up.</summary>
    private static SeriesNumbers Both(SeriesNumbers? found, SeriesNumbers more)
    {
        if (found is not { } both) return more;
        both.Intersect(more.Span);
        more.Dispose();
        return both;
    }

    private static List<ReadOnlyMemory<uint>> Values(IPostings index, Matcher matcher, bool matching)
    {
        var lists = new List<ReadOnlyMemory<uint>>();
        if (!matching && matcher.Op == MatchOp.NotEqual) lists.Add(index.Of(matcher.Name, matcher.Value));
        else if (!matching && matcher is { Op: MatchOp.NotRegex, Alternatives: { } alternatives }) lists.AddRange(alternatives.Select(a => index.Of(matcher.Name, a)));
        else index.Collect(matcher, matching, lists);
        return lists;
    }
}
