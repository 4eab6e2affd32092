using Pharos.Core;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Caching;

/// <summary>How far past its own time a step of a query reads.</summary>
/// <param name="AheadMs">Milliseconds after the step, from negative offsets and smoothing; never negative.</param>
/// <param name="PinnedMs">Latest time that a selector is pinned to with <c>@</c>; the smallest number where none is.</param>
internal readonly record struct Reach(long AheadMs, long PinnedMs)
{
    private static readonly Reach Nothing = new(0, long.MinValue);

    /// <summary>The last time whose samples a step at <paramref name="stepMs"/> may see.</summary>
    public long LastMs(long stepMs) => Math.Max(stepMs + AheadMs, PinnedMs);

    /// <summary>Null where a step's value depends on the whole query's start, end or step, so that steps cannot be taken apart.</summary>
    public static Reach? Of(Expr expr, long lookbackMs)
    {
        switch (expr)
        {
            case CallExpr { Function.Name: "start" or "end" or "step" or "range" }:
                return null;
            case VectorSelector selector:
                return Timed(selector, new Reach(selector.Borders == BorderMode.Smoothed ? lookbackMs : 0, long.MinValue));
            case MatrixSelector matrix:
                return matrix.Range.IsConstant ? Of(matrix.Selector, lookbackMs) : null;
            case SubqueryExpr subquery:
                return subquery.Range.IsConstant && subquery.Step is null or { IsConstant: true } && Of(subquery.Inner, lookbackMs) is { } inner ? Timed(subquery, inner) : null;
        }
        var all = Nothing;
        foreach (var child in expr.Children)
        {
            if (Of(child, lookbackMs) is not { } reach) return null;
            all = new Reach(Math.Max(all.AheadMs, reach.AheadMs), Math.Max(all.PinnedMs, reach.PinnedMs));
        }
        return all;
    }

    private static Reach? Timed(TimedExpr timed, Reach inner)
    {
        if (timed.At is AtKind.Start or AtKind.End || timed.Offset is { IsConstant: false }) return null;
        long ahead = inner.AheadMs - (timed.Offset?.EvaluateMs(0, 0) ?? 0);
        return timed.At == AtKind.Timestamp
            ? new Reach(0, Math.Max(inner.PinnedMs, timed.AtMs + ahead))
            : new Reach(Math.Max(0, ahead), inner.PinnedMs);
    }
}
