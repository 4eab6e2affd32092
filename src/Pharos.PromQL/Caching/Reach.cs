using Pharos.Core;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Caching;

/// <summary>The times that a step of a query reads.</summary>
/// <param name="BackMs">Milliseconds before the step, never negative.</param>
/// <param name="AheadMs">Milliseconds after the step, from negative offsets and smoothing; never negative.</param>
/// <param name="PinnedFromMs">Earliest and latest time that a selector pinned with <c>@</c> reads; the largest and the smallest number where none is.</param>
internal readonly record struct Reach(long BackMs, long AheadMs, long PinnedFromMs, long PinnedToMs)
{
    /// <summary>The first time whose samples a step may see.</summary>
    public long FirstMs(long stepMs) => Math.Min(stepMs - BackMs, PinnedFromMs);

    /// <summary>The last time whose samples a step may see.</summary>
    public long LastMs(long stepMs) => Math.Max(stepMs + AheadMs, PinnedToMs);

    /// <summary>Null where a step's value depends on the whole query's start, end or step, so that steps cannot be taken apart.</summary>
    public static Reach? Of(Expr expr, long lookbackMs)
    {
        switch (expr)
        {
            case CallExpr { Function.Name: "start" or "end" or "step" or "range" }:
                return null;
            case VectorSelector selector:
                return Timed(selector, Around(selector, lookbackMs, lookbackMs));
            case MatrixSelector matrix:
                return matrix.Range.IsConstant ? Timed(matrix.Selector, Around(matrix.Selector, matrix.Range.EvaluateMs(0, 0), lookbackMs)) : null;
            case SubqueryExpr subquery:
                if (!subquery.Range.IsConstant || subquery.Step is { IsConstant: false } || Of(subquery.Inner, lookbackMs) is not { } inner) return null;
                return Timed(subquery, inner with { BackMs = inner.BackMs + subquery.Range.EvaluateMs(0, 0) });
        }
        // Some functions look series up by themselves, as instant selectors do.
        var all = new Reach(lookbackMs, 0, long.MaxValue, long.MinValue);
        foreach (var child in expr.Children)
        {
            if (Of(child, lookbackMs) is not { } reach) return null;
            all = new Reach(
                Math.Max(all.BackMs, reach.BackMs), Math.Max(all.AheadMs, reach.AheadMs),
                Math.Min(all.PinnedFromMs, reach.PinnedFromMs), Math.Max(all.PinnedToMs, reach.PinnedToMs));
        }
        return all;
    }

    /// <summary>What a window of samples that ends at the step reads; those with borders look beyond them.</summary>
    private static Reach Around(VectorSelector selector, long windowMs, long lookbackMs) => new(
        windowMs + (selector.Borders == BorderMode.None ? 0 : lookbackMs), selector.Borders == BorderMode.Smoothed ? lookbackMs : 0, long.MaxValue, long.MinValue);

    private static Reach? Timed(TimedExpr timed, Reach inner)
    {
        if (timed.At is AtKind.Start or AtKind.End || timed.Offset is { IsConstant: false }) return null;
        long offset = timed.Offset?.EvaluateMs(0, 0) ?? 0;
        long back = inner.BackMs + offset, ahead = inner.AheadMs - offset;
        return timed.At == AtKind.Timestamp
            ? new Reach(0, 0, Math.Min(inner.PinnedFromMs, timed.AtMs - back), Math.Max(inner.PinnedToMs, timed.AtMs + ahead))
            : inner with { BackMs = Math.Max(0, back), AheadMs = Math.Max(0, ahead) };
    }
}
