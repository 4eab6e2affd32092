using Pharos.Core;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Execution;

/// <content>Reading series: instant selectors, and the samples under range functions.</content>
internal sealed partial class Evaluator
{
    private long OffsetMs(TimedExpr timed) => timed.Offset?.EvaluateMs(run.StepSeconds, run.RangeSeconds) ?? 0;

    /// <summary>The time that <c>@</c> pins a selector to; null for none.</summary>
    private long? PinMs(TimedExpr timed) => timed.At switch
    {
        AtKind.Timestamp => timed.AtMs,
        AtKind.Start => run.Grid.StartMs,
        AtKind.End => run.EndMs,
        _ => null,
    };

    /// <summary>The grid on which a selector really reads: moved by its offset, one pinned step where it has an <c>@</c>.</summary>
    private Grid Moved(TimedExpr timed, Grid grid)
    {
        long offset = OffsetMs(timed);
        return PinMs(timed) is { } pin ? new Grid(pin - offset, 0, grid.Count) : grid with { StartMs = grid.StartMs - offset };
    }

    private IReadOnlyList<ISeries> Select(VectorSelector selector, SelectorUsage usage, TimeRange range, SelectHints hints)
    {
        run.CheckCancelled();
        var series = run.Queryable.Select(run.Tenant, selector.Matchers, range, hints with { Budget = run.Budget, AnyOrder = hints.NeededLabels is not null || unordered.Contains(selector), Warn = text => run.Annotations.Warn(selector, text) }, run.Cancel);
        run.Found(usage, series);
        return series;
    }

    /// <summary>The newest sample of each series in the lookback before each step.</summary>
    /// <param name="timestamps">Give the samples' times, in seconds, for their values.</param>
    internal IEnumerable<Column> Instant(VectorSelector selector, Grid grid, string function, bool timestamps)
    {
        var times = Moved(selector, grid);
        if (selector.Borders == BorderMode.Smoothed)
        {
            foreach (var column in Smoothed(selector, grid, times, function)) yield return column;
            yield break;
        }
        foreach (var column in EachSeries(() => InstantSource(selector, grid, function, timestamps, needed: null), grid.Count)) yield return column;
    }

    /// <param name="needed">The labels that are looked at; null for all.</param>
    private SeriesSource InstantSource(VectorSelector selector, Grid grid, string function, bool timestamps, IReadOnlyList<string>? needed)
    {
        var times = Moved(selector, grid);
        var range = new TimeRange(times.StartMs - run.LookbackMs + 1, times.EndMs);
        var usage = run.UsageOf(selector);
        var all = Select(selector, usage, range, new SelectHints(run.Grid.StepMs, function, 0) { NeededLabels = needed });
        return new SeriesSource(all, range.MaxMs - range.MinMs, () => new SeriesWorker(new ReadTally(run, usage), Read));

        Column? Read(ISeries series, WorkSpace space, ReadTally tally)
        {
            var samples = space.Samples;
            samples.Clear();
            series.Read(range, samples);
            tally.Load(samples);
            if (samples.Count == 0) return null;
            var column = space.Column(series.Labels, dropName: false, grid.Count);
            int present = Newest(samples, Hinted(selector, samples), times, run.LookbackMs, timestamps, column);
            if (present == 0)
            {
                space.GiveBack(column);
                return null;
            }
            tally.CountQueryable(present);
            CountSteps(grid, column);
            return column;
        }
    }

    private void CountSteps(Grid grid, Column column)
    {
        if (run.PerStep is not { } perStep || grid.Count != perStep.Length) return;
        for (int i = 0; i < grid.Count; i++)
        {
            if (column.Has(i)) perStep[i]++;
        }
    }

    private static int Newest(SampleColumns samples, ReadOnlySpan<Histogram?> h, Grid times, long lookbackMs, bool timestamps, Column into)
    {
        var t = samples.Timestamps;
        var v = samples.Values;
        var values = into.Values;
        int next = 0, present = 0;
        for (int i = 0; i < values.Length; i++)
        {
            long at = times.At(i);
            while (next < t.Length && t[next] <= at) next++;
            int newest = next - 1;
            if (newest < 0 || t[newest] <= at - lookbackMs)
            {
                values[i] = Column.Absent;
                continue;
            }
            if (!h.IsEmpty && h[newest] is { } histogram)
            {
                if (histogram.IsStale)
                {
                    values[i] = Column.Absent;
                    continue;
                }
                if (timestamps) values[i] = t[newest] / 1000.0;
                else into.Set(i, histogram);
            }
            else
            {
                // A stale marker's bits are those of an absent sample.
                values[i] = timestamps && Column.IsPresent(v[newest]) ? t[newest] / 1000.0 : v[newest];
                if (!Column.IsPresent(values[i])) continue;
            }
            present++;
        }
        return present;
    }

    /// <summary>
    /// Under histogram_count, histogram_sum and histogram_avg counter resets are found while reading, as the buckets
    /// that would show them later are not needed any more.
    /// </summary>
    private ReadOnlySpan<Histogram?> Hinted(VectorSelector selector, SampleColumns samples)
    {
        if (!samples.HasHistograms || !run.StatisticsSelectors.Contains(selector)) return samples.Histograms;
        var hinted = samples.Histograms.ToArray();
        for (int i = 1; i < hinted.Length; i++)
        {
            if (hinted[i] is not { ResetHint: CounterResetHint.Unknown, IsStale: false } current || samples.Histograms[i - 1] is not { } before) continue;
            hinted[i] = HistogramMath.WithHint(current, HistogramMath.WentDown(current, before) ? CounterResetHint.Reset : CounterResetHint.NotReset);
        }
        return hinted;
    }

    /// <summary>Series with their samples and the windows that a range function slides over them.</summary>
    internal IEnumerable<RangeSeries> Ranges(Expr matrix, Grid grid, string function, WindowSpec spec)
    {
        switch (matrix.Unwrapped)
        {
            case MatrixSelector selector:
                return SelectorRanges(selector, grid, function, spec);
            case SubqueryExpr subquery:
                return SubqueryRanges(subquery, grid, spec);
            default:
                throw run.Fail(matrix, "range functions take a range selector or a subquery");
        }
    }

    /// <summary>Where the windows of a range expression lie.</summary>
    internal WindowSpec Windows(Expr matrix, Grid grid)
    {
        switch (matrix.Unwrapped)
        {
            case MatrixSelector selector:
                return new WindowSpec(RangeMs(selector.Range, selector), Moved(selector.Selector, grid), selector.Selector.Borders);
            case SubqueryExpr subquery:
                return new WindowSpec(RangeMs(subquery.Range, subquery), Moved(subquery, grid), BorderMode.None);
            default:
                throw run.Fail(matrix, "range functions take a range selector or a subquery");
        }
    }

    private long RangeMs(DurationExpr duration, Expr at)
    {
        long ms = duration.EvaluateMs(run.StepSeconds, run.RangeSeconds);
        if (ms <= 0) throw run.Fail(at, "duration must be greater than 0");
        return ms;
    }

    /// <summary>The times to read for windows: those with borders look beyond them.</summary>
    private TimeRange ReadRange(WindowSpec spec)
    {
        long before = spec.Borders == BorderMode.None ? 0 : run.LookbackMs;
        long after = spec.Borders == BorderMode.Smoothed ? run.LookbackMs : 0;
        return new TimeRange(spec.Times.StartMs - spec.RangeMs + 1 - before, spec.Times.EndMs + after);
    }

    private IEnumerable<RangeSeries> SelectorRanges(MatrixSelector matrix, Grid grid, string function, WindowSpec spec)
    {
        var range = ReadRange(spec);
        using var samples = new SampleColumns();
        var window = new RangeSeries();
        var usage = run.UsageOf(matrix);
        var all = Select(matrix.Selector, usage, range, new SelectHints(run.Grid.StepMs, function, spec.RangeMs));
        using var held = all as IDisposable;
        foreach (var series in all)
        {
            samples.Clear();
            series.Read(range, samples);
            run.Load(usage, samples);
            window.Take(series.Labels, samples, Hinted(matrix.Selector, samples), run.Options.StartTimestamps);
            if (window.Count > 0) yield return window;
        }
    }

    private IEnumerable<RangeSeries> SubqueryRanges(SubqueryExpr subquery, Grid grid, WindowSpec spec)
    {
        var inner = SubqueryGrid(subquery, spec);
        var window = new RangeSeries();
        var usage = run.UsageOf(subquery);
        if (inner.Count <= 0) yield break;
        foreach (var column in Vector(subquery.Inner, inner))
        {
            using (column)
            {
                window.Take(column, inner);
                run.Load(usage, window.Count);
                if (window.Count > 0) yield return window;
            }
        }
    }

    /// <summary>Times of a subquery: multiples of its step, after the first window's start, up to the last window's end.</summary>
    private Grid SubqueryGrid(SubqueryExpr subquery, WindowSpec spec)
    {
        long step = subquery.Step?.EvaluateMs(run.StepSeconds, run.RangeSeconds) ?? (long)run.Options.SubqueryStep.TotalMilliseconds;
        if (step <= 0) throw run.Fail(subquery, "the step of a subquery must be greater than 0");
        long after = spec.Times.StartMs - spec.RangeMs;
        long first = Math.DivRem(after, step, out long rest) * step;
        if (rest < 0) first -= step;
        first += step;
        long count = ((spec.Times.EndMs - first) / step) + 1;
        if (spec.Times.EndMs < first) count = 0;
        if (count > 11_000_000) throw run.Fail(subquery, $"subquery has {count} steps, at most 11000000 are evaluated; use a shorter range or a larger step");
        return new Grid(first, step, (int)count) { IsInner = true };
    }
}
