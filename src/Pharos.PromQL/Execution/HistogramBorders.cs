using Pharos.Core;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Execution;

/// <summary>Growth of histograms between borders, and histograms interpolated between two samples.</summary>
internal static class HistogramBorders
{
    public static bool Grow(
        Evaluation run, string name, Expr matrix, RangeSeries series, Grid grid, long start, long end, int first, int last, bool smoothed, int step, Column into)
    {
        var here = run.StepOf(grid, step);
        var h = series.Histograms;
        var t = series.Timestamps;
        bool counter = name != "delta";
        bool custom = false, gauge = false, allGauge = true;
        for (int i = first; i <= last; i++)
        {
            if (h[i] is null)
            {
                run.Annotations.Warn(matrix, $"encountered a mix of histograms and floats{Annotations.ForMetric(series.Labels)}", here);
                return false;
            }
            if (i == first) custom = h[i]!.UsesCustomBuckets;
            else if (h[i]!.UsesCustomBuckets != custom) return Mixed(run, matrix, series.Labels, here);
            gauge |= h[i]!.ResetHint == CounterResetHint.Gauge;
        }
        allGauge = h[first]!.ResetHint == CounterResetHint.Gauge && h[last]!.ResetHint == CounterResetHint.Gauge;
        string quoted = GoString.Quote(series.Labels.Name);
        if (counter && gauge) run.Annotations.Warn(matrix, $"this native histogram metric is not a counter: {quoted}", here);
        if (!counter && !allGauge) run.Annotations.Warn(matrix, $"this native histogram metric is not a gauge: {quoted}", here);
        bool cutLeft = smoothed && t[first] < start && first < last, cutRight = smoothed && t[last] > end && first < last;
        var left = cutLeft ? Interpolate(h[first]!, h[first + 1]!, Fraction(t, first, start), counter) : WorkingHistogram.From(h[first]!);
        var right = cutRight ? Interpolate(h[last - 1]!, h[last]!, Fraction(t, last - 1, end), counter) : WorkingHistogram.From(h[last]!);
        if (left is null || right is null || !right.Add(left, -1, out _)) return Mixed(run, matrix, series.Labels, here);
        if (counter)
        {
            // The pair that the left border cuts has its reset in the interpolation already.
            int from = cutLeft ? first + 2 : first + 1;
            for (int i = from; i <= last; i++)
            {
                if (!HistogramMath.IsReset(h[i]!, h[i - 1]!)) continue;
                if (!right.Add(WorkingHistogram.From(h[i - 1]!), 1, out _)) return Mixed(run, matrix, series.Labels, here);
            }
        }
        if (name == "rate") right.Divide((end - start) / 1000.0);
        right.Hint = CounterResetHint.Gauge;
        into.Set(step, right.ToHistogram());
        return true;
    }

    public static double Fraction(ReadOnlySpan<long> t, int i, long at) => (at - t[i]) / (double)(t[i + 1] - t[i]);

    /// <summary>The histogram at a fraction of the way between two; null where their layouts differ.</summary>
    public static WorkingHistogram? Interpolate(Histogram from, Histogram to, double fraction, bool counter)
    {
        if (from.UsesCustomBuckets != to.UsesCustomBuckets) return null;
        if (counter && HistogramMath.IsReset(to, from))
        {
            // A counter that was reset in between starts from zero.
            var fresh = WorkingHistogram.From(to);
            fresh.Scale(fraction);
            return fresh;
        }
        var result = WorkingHistogram.From(from);
        var growth = WorkingHistogram.From(to);
        if (!growth.Add(result, -1, out _)) return null;
        growth.Scale(fraction);
        return result.Add(growth, 1, out _) ? result : null;
    }

    private static bool Mixed(Evaluation run, Expr matrix, Labels labels, TimeRange? here)
    {
        run.Annotations.Warn(matrix, $"vector contains a mix of histograms with exponential and custom buckets schemas{Annotations.ForMetric(labels)}", here);
        return false;
    }
}
