using Pharos.Core;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Execution;

/// <summary>Range functions over <c>anchored</c> and <c>smoothed</c> selectors: the borders have values of their own, nothing is extended.</summary>
internal static class BorderWindows
{
    public static bool Slide(Evaluation run, string name, Expr matrix, RangeSeries series, Grid grid, WindowSpec spec, Column into)
    {
        bool any = false;
        for (int i = 0; i < grid.Count; i++)
        {
            long end = spec.Times.At(i), start = end - spec.RangeMs;
            any |= spec.Borders == BorderMode.Anchored
                ? Anchored(run, name, matrix, series, grid, start, end, i, into)
                : Smoothed(run, name, matrix, series, grid, start, end, i, into);
        }
        return any;
    }

    /// <summary>Index of the newest sample at or before a time; -1 for none.</summary>
    private static int AtOrBefore(ReadOnlySpan<long> timestamps, long at)
    {
        int index = timestamps.BinarySearch(at);
        return index >= 0 ? index : ~index - 1;
    }

    private static bool Anchored(Evaluation run, string name, Expr matrix, RangeSeries series, Grid grid, long start, long end, int step, Column into)
    {
        into.Values[step] = Column.Absent;
        var t = series.Timestamps;
        int last = AtOrBefore(t, end);
        // A window without a sample of its own has no result.
        if (last < 0 || t[last] <= start) return false;
        int anchor = AtOrBefore(t, start);
        if (anchor >= 0 && t[anchor] <= start - run.LookbackMs) anchor = -1;
        int first = anchor >= 0 ? anchor : AtOrBefore(t, start) + 1;
        if (name is "changes" or "resets")
        {
            var window = new Window(series, first, last + 1, start, end, end);
            new TransitionWindow(name == "resets") { Run = run, Argument = matrix, Grid = grid }.Evaluate(window, step, out double count, out _);
            into.Values[step] = count;
            return true;
        }
        if (series.HasHistograms && series.Histograms[first..(last + 1)].ContainsAnyExcept((Histogram?)null))
            return HistogramBorders.Grow(run, name, matrix, series, grid, start, end, first, last, smoothed: false, step, into);
        double growth = series.Values[last] - series.Values[first];
        if (name != "delta")
        {
            for (int i = first + 1; i <= last; i++)
            {
                if (series.Values[i] < series.Values[i - 1]) growth += series.Values[i - 1];
            }
        }
        into.Values[step] = name == "rate" ? growth / ((end - start) / 1000.0) : growth;
        return true;
    }

    private static bool Smoothed(Evaluation run, string name, Expr matrix, RangeSeries series, Grid grid, long start, long end, int step, Column into)
    {
        into.Values[step] = Column.Absent;
        var t = series.Timestamps;
        int first = AtOrBefore(t, start);
        if (first >= 0 && t[first] <= start - run.LookbackMs) first = -1;
        if (first < 0) first = AtOrBefore(t, start) + 1;
        int last = AtOrBefore(t, end);
        if (last < 0 || t[last] < end)
        {
            // The first sample after the window bends its end.
            if (last + 1 < t.Length && t[last + 1] < end + run.LookbackMs) last++;
        }
        if (first >= t.Length || last < first) return false;
        // All samples on one side of the window say nothing about it.
        if (t[first] > end || t[last] <= start) return false;
        if (series.HasHistograms && series.Histograms[first..(last + 1)].ContainsAnyExcept((Histogram?)null))
            return HistogramBorders.Grow(run, name, matrix, series, grid, start, end, first, last, smoothed: true, step, into);
        bool counter = name != "delta";
        var v = series.Values;
        double left = t[first] < start && first < last ? Interpolate(t, v, first, start, counter) : v[first];
        double right = t[last] > end && first < last ? Interpolate(t, v, last - 1, end, counter) : v[last];
        double growth = right - left;
        if (counter)
        {
            // Between two interpolated values of one pair the interpolation has dealt with the reset already.
            double previous = left;
            int from = t[first] < start ? first + 1 : first;
            int to = t[last] > end ? last - 1 : last;
            for (int i = from; i <= to; i++)
            {
                if (t[i] <= start) continue;
                bool interpolatedHere = i == first + 1 && t[first] < start && v[i] < v[first];
                if (!interpolatedHere && v[i] < previous) growth += previous;
                previous = v[i];
            }
            bool samePair = t[first] < start && t[last] > end && last - first == 1;
            if (t[last] > end && first < last && !samePair && right < previous && v[last] < v[last - 1]) growth += previous;
        }
        into.Values[step] = name == "rate" ? growth / ((end - start) / 1000.0) : growth;
        return true;
    }

    /// <summary>The value at a time between sample i and the next. A counter that was reset in between starts from zero at i.</summary>
    internal static double Interpolate(ReadOnlySpan<long> t, ReadOnlySpan<double> v, int i, long at, bool counter)
    {
        double fraction = (at - t[i]) / (double)(t[i + 1] - t[i]);
        double from = counter && v[i + 1] < v[i] ? 0 : v[i];
        return from + ((v[i + 1] - from) * fraction);
    }
}
