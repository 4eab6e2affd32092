using Pharos.Core;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Execution;

/// <content>The <c>smoothed</c> instant selector: values between the samples before and after each step.</content>
internal sealed partial class Evaluator
{
    private IEnumerable<Column> Smoothed(VectorSelector selector, Grid grid, Grid times, string function)
    {
        var range = new TimeRange(times.StartMs - run.LookbackMs + 1, times.EndMs + run.LookbackMs);
        using var samples = new SampleColumns();
        var window = new RangeSeries();
        var usage = run.UsageOf(selector);
        var all = Select(selector, usage, range, new SelectHints(run.Grid.StepMs, function, 0));
        using var held = all as IDisposable;
        foreach (var series in all)
        {
            samples.Clear();
            series.Read(range, samples);
            run.Load(usage, samples);
            window.Take(series.Labels, samples, samples.Histograms, withStarts: false);
            if (window.Count == 0) continue;
            var column = new Column(series.Labels, dropName: false, times.Count, run.Memory);
            if (Smooth(selector, window, grid, times, column)) yield return column;
            else column.Dispose();
        }
    }

    private bool Smooth(VectorSelector selector, RangeSeries series, Grid grid, Grid times, Column into)
    {
        var t = series.Timestamps;
        bool any = false;
        for (int i = 0; i < into.Count; i++)
        {
            long at = times.At(i);
            into.Values[i] = Column.Absent;
            int found = t.BinarySearch(at);
            int before = found >= 0 ? found : ~found - 1, after = found >= 0 ? found : ~found;
            bool hasBefore = before >= 0 && t[before] > at - run.LookbackMs;
            bool hasAfter = after < t.Length && t[after] < at + run.LookbackMs;
            if (!hasBefore) continue;
            var h = series.Histograms;
            if (series.HasHistograms && series.HasFloats && MixedAround(series, at))
            {
                run.Annotations.Warn(selector, $"encountered a mix of histograms and floats{Annotations.ForMetric(series.Labels)}", run.StepOf(grid, i));
                continue;
            }
            if (found >= 0 || !hasAfter)
            {
                if (!h.IsEmpty && h[before] is { } histogram) into.Set(i, histogram);
                else into.Values[i] = series.Values[before];
            }
            else if (!h.IsEmpty && h[before] is { } from && h[after] is { } to)
            {
                bool counter = from.ResetHint != CounterResetHint.Gauge && to.ResetHint != CounterResetHint.Gauge;
                if (HistogramBorders.Interpolate(from, to, HistogramBorders.Fraction(t, before, at), counter) is not { } between)
                {
                    run.Annotations.Warn(
                        selector, $"vector contains a mix of histograms with exponential and custom buckets schemas{Annotations.ForMetric(series.Labels)}", run.StepOf(grid, i));
                    continue;
                }
                into.Set(i, between.ToHistogram());
            }
            else
            {
                into.Values[i] = BorderWindows.Interpolate(t, series.Values, before, at, counter: false);
            }
            any = true;
        }
        return any;
    }

    private bool MixedAround(RangeSeries series, long at)
    {
        bool floats = false, histograms = false;
        for (int i = 0; i < series.Count; i++)
        {
            if (series.Timestamps[i] <= at - run.LookbackMs || series.Timestamps[i] >= at + run.LookbackMs) continue;
            if (series.Histograms[i] is null) floats = true;
            else histograms = true;
        }
        return floats && histograms;
    }
}
