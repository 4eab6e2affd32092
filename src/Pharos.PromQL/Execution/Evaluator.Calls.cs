using Pharos.Core;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Execution;

/// <content>Function calls.</content>
internal sealed partial class Evaluator
{
    private IEnumerable<Column> Call(CallExpr call, Grid grid)
    {
        var arguments = call.Arguments;
        string name = call.Function.Name;
        if (call.Function.Experimental && !run.Options.ExperimentalFunctions) throw run.Fail(call, $"function \"{name}\" is not enabled");
        if (MathFunctions.Find(name) is { } map) return DropNames(MapFloats(Vector(arguments[0], grid), map), arguments[0], grid);
        switch (name)
        {
            case "absent":
                return Absent(call, grid);
            case "absent_over_time":
                return AbsentOverTime(call, grid);
            case "vector":
                return Constant(Scalar(arguments[0], grid));
            case "timestamp":
                return DropNames(Timestamps(arguments[0], grid), arguments[0], grid);
            case "start_timestamp":
                return DropNames(StartTimestamps(arguments[0], grid), arguments[0], grid);
            case "round":
                var nearest = arguments.Count > 1 ? Scalar(arguments[1], grid) : null;
                return DropNames(MapFloats(Vector(arguments[0], grid), (v, i) => Round(v, nearest is null ? 1 : nearest[i])), arguments[0], grid);
            case "clamp":
                var (low, high) = (Scalar(arguments[1], grid), Scalar(arguments[2], grid));
                return DropNames(
                    MapFloats(Vector(arguments[0], grid), (v, i) => high[i] < low[i] ? Column.Absent : Math.Max(low[i], Math.Min(high[i], v))), arguments[0], grid);
            case "clamp_min":
                var least = Scalar(arguments[1], grid);
                return DropNames(MapFloats(Vector(arguments[0], grid), (v, i) => Math.Max(least[i], v)), arguments[0], grid);
            case "clamp_max":
                var most = Scalar(arguments[1], grid);
                return DropNames(MapFloats(Vector(arguments[0], grid), (v, i) => Math.Min(most[i], v)), arguments[0], grid);
            case "day_of_month" or "day_of_week" or "day_of_year" or "days_in_month" or "hour" or "minute" or "month" or "year":
                return Date(name, call, grid);
            case "sort" or "sort_desc" or "sort_by_label" or "sort_by_label_desc":
                return Sort(call, grid);
            case "label_replace":
                return LabelReplace(call, grid);
            case "label_join":
                return LabelJoin(call, grid);
            case "histogram_quantile" or "histogram_quantiles" or "histogram_fraction":
                return HistogramCall(call, grid);
            case "histogram_avg" or "histogram_count" or "histogram_sum" or "histogram_stddev" or "histogram_stdvar":
                return DropNames(MapHistograms(Vector(arguments[0], grid), HistogramFunctions.Find(name)), arguments[0], grid);
            case "info":
                return Info(call, grid);
            default:
                return OverWindows(call, grid);
        }
    }

    private static double Round(double value, double nearest)
    {
        // By the inverse, so that decimal fractions round exactly.
        double inverse = 1 / nearest;
        return Math.Floor((value * inverse) + 0.5) / inverse;
    }

    private IEnumerable<Column> Constant(double[] values)
    {
        var column = new Column(Labels.Empty, dropName: false, values.Length, run.Memory);
        values.CopyTo(column.Values);
        yield return column;
    }

    private static IEnumerable<Column> MapFloats(IEnumerable<Column> columns, Func<double, double> map)
    {
        foreach (var column in columns)
        {
            var values = column.Values;
            bool any = false;
            for (int i = 0; i < values.Length; i++)
            {
                if (!Column.IsPresent(values[i])) continue;
                if (column.HistogramAt(i) is not null)
                {
                    column.Remove(i);
                    continue;
                }
                values[i] = map(values[i]);
                any = true;
            }
            if (any) yield return column;
            else column.Dispose();
        }
    }

    private static IEnumerable<Column> MapFloats(IEnumerable<Column> columns, Func<double, int, double> map)
    {
        foreach (var column in columns)
        {
            var values = column.Values;
            bool any = false;
            for (int i = 0; i < values.Length; i++)
            {
                if (!Column.IsPresent(values[i])) continue;
                if (column.HistogramAt(i) is not null)
                {
                    column.Remove(i);
                    continue;
                }
                values[i] = map(values[i], i);
                any |= Column.IsPresent(values[i]);
            }
            if (any) yield return column;
            else column.Dispose();
        }
    }

    private static IEnumerable<Column> MapHistograms(IEnumerable<Column> columns, Func<Histogram, double> map)
    {
        foreach (var column in columns)
        {
            if (column.Histograms is null)
            {
                column.Dispose();
                continue;
            }
            var values = column.Values;
            for (int i = 0; i < values.Length; i++)
            {
                if (!Column.IsPresent(values[i])) continue;
                values[i] = column.HistogramAt(i) is { } histogram ? map(histogram) : Column.Absent;
            }
            column.Histograms = null;
            yield return column;
        }
    }

    private IEnumerable<Column> Timestamps(Expr argument, Grid grid)
    {
        if (argument.Unwrapped is VectorSelector { Borders: BorderMode.None } selector)
        {
            foreach (var column in Instant(selector, grid, "timestamp", timestamps: true)) yield return column;
            yield break;
        }
        foreach (var column in Vector(argument, grid))
        {
            for (int i = 0; i < grid.Count; i++)
            {
                if (column.Has(i)) column.Values[i] = grid.At(i) / 1000.0;
            }
            column.Histograms = null;
            yield return column;
        }
    }

    private IEnumerable<Column> StartTimestamps(Expr argument, Grid grid)
    {
        if (argument.Unwrapped is not VectorSelector selector) yield break;
        var times = Moved(selector, grid);
        var range = new TimeRange(times.StartMs - run.LookbackMs + 1, times.EndMs);
        using var samples = new SampleColumns();
        var usage = run.UsageOf(selector);
        var all = Select(selector, usage, range, new SelectHints(run.Grid.StepMs, "start_timestamp", 0));
        using var held = all as IDisposable;
        foreach (var series in all)
        {
            samples.Clear();
            series.Read(range, samples);
            run.Load(usage, samples);
            var column = new Column(series.Labels, dropName: false, grid.Count, run.Memory);
            if (Newest(samples, samples.Histograms, times, run.LookbackMs, timestamps: true, column) == 0)
            {
                column.Dispose();
                continue;
            }
            var values = column.Values;
            for (int i = 0; i < values.Length; i++)
            {
                if (!Column.IsPresent(values[i])) continue;
                int at = samples.Timestamps.BinarySearch((long)Math.Round(values[i] * 1000));
                values[i] = at < 0 || samples.StartTimestamps.IsEmpty ? 0 : samples.StartTimestamps[at] / 1000.0;
            }
            yield return column;
        }
    }

    private IEnumerable<Column> Date(string name, CallExpr call, Grid grid)
    {
        if (call.Arguments.Count == 0)
        {
            var column = new Column(Labels.Empty, dropName: false, grid.Count, run.Memory);
            for (int i = 0; i < grid.Count; i++) column.Values[i] = Calendar.Part(name, grid.At(i) / 1000.0);
            return [column];
        }
        return DropNames(MapFloats(Vector(call.Arguments[0], grid), v => Calendar.Part(name, v)), call.Arguments[0], grid);
    }

    private IEnumerable<Column> Absent(CallExpr call, Grid grid)
    {
        var present = new bool[grid.Count];
        foreach (var column in Vector(call.Arguments[0], grid))
        {
            using (column)
            {
                for (int i = 0; i < present.Length; i++) present[i] |= column.Has(i);
            }
        }
        return AbsentColumn(call.Arguments[0], present);
    }

    private IEnumerable<Column> AbsentOverTime(CallExpr call, Grid grid)
    {
        var present = new bool[grid.Count];
        var spec = Windows(call.Arguments[0], grid);
        foreach (var series in Ranges(call.Arguments[0], grid, "absent_over_time", spec))
        {
            var t = series.Timestamps;
            int next = 0;
            for (int i = 0; i < present.Length; i++)
            {
                long at = spec.Times.At(i);
                while (next < t.Length && t[next] <= at) next++;
                present[i] |= next > 0 && t[next - 1] > at - spec.RangeMs;
            }
        }
        return AbsentColumn(call.Arguments[0], present);
    }

    private IEnumerable<Column> AbsentColumn(Expr argument, bool[] present)
    {
        var matchers = argument.Unwrapped switch
        {
            VectorSelector selector => selector.Matchers,
            MatrixSelector matrix => matrix.Selector.Matchers,
            _ => [],
        };
        // A label is known only where one matcher says what it equals and no other speaks of it.
        var labels = new LabelsBuilder();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var matcher in matchers)
        {
            if (matcher.Name == Labels.MetricName) continue;
            if (matcher.Op == MatchOp.Equal && seen.Add(matcher.Name)) labels.Set(matcher.Name, matcher.Value);
            else labels.Remove(matcher.Name);
        }
        var column = new Column(labels.ToLabels(), dropName: false, present.Length, run.Memory);
        bool any = false;
        for (int i = 0; i < present.Length; i++)
        {
            column.Values[i] = present[i] ? Column.Absent : 1;
            any |= !present[i];
        }
        return any ? [column] : [];
    }

    private IEnumerable<Column> OverWindows(CallExpr call, Grid grid)
    {
        int matrixAt = call.Arguments[0].Type == ExprType.Matrix ? 0 : 1;
        var matrix = call.Arguments[matrixAt];
        string name = call.Function.Name;
        var spec = Windows(matrix, grid);
        var columns = matrix.Unwrapped is MatrixSelector selector
            ? EachSeries(() => WindowSource(call, selector, grid, spec, needed: null), grid.Count)
            : Slide(call, matrix, grid, spec);
        return name is "last_over_time" or "first_over_time" ? columns : DropNames(columns, matrix, grid);
    }

    /// <param name="needed">The labels that are looked at; null for all.</param>
    private SeriesSource WindowSource(CallExpr call, MatrixSelector matrix, Grid grid, WindowSpec spec, IReadOnlyList<string>? needed)
    {
        string name = call.Function.Name;
        var range = ReadRange(spec);
        var usage = run.UsageOf(matrix);
        var all = Select(matrix.Selector, usage, range, new SelectHints(run.Grid.StepMs, name, spec.RangeMs) { NeededLabels = needed });
        return new SeriesSource(all, range.MaxMs - range.MinMs, Worker);

        SeriesWorker Worker()
        {
            var function = WindowFunctions.Create(name, this, call, grid, run, matrix);
            return new SeriesWorker(new ReadTally(run, usage), (series, space, tally) =>
            {
                var samples = space.Samples;
                samples.Clear();
                series.Read(range, samples);
                tally.Load(samples);
                space.Window.Take(series.Labels, samples, Hinted(matrix.Selector, samples), run.Options.StartTimestamps);
                return space.Window.Count == 0 ? null : SlideOver(function, matrix, space.Window, grid, spec, name, space, tally);
            });
        }
    }

    private IEnumerable<Column> Slide(CallExpr call, Expr matrix, Grid grid, WindowSpec spec)
    {
        string name = call.Function.Name;
        var function = WindowFunctions.Create(name, this, call, grid, run, matrix);
        using var space = new WorkSpace(run.Memory);
        var tally = new ReadTally(run, run.UsageOf(matrix.Unwrapped));
        foreach (var series in Ranges(matrix, grid, name, spec))
        {
            if (SlideOver(function, matrix, series, grid, spec, name, space, tally) is { } column) yield return column;
        }
        tally.Settle();
    }

    private Column? SlideOver(WindowFunction function, Expr matrix, RangeSeries series, Grid grid, WindowSpec spec, string name, WorkSpace space, ReadTally tally)
    {
        var column = space.Column(series.Labels, series.DropName, grid.Count);
        bool any = spec.Borders == BorderMode.None
            ? Slide(function, series, grid, spec, column, tally)
            : BorderWindows.Slide(run, name, matrix, series, grid, spec, column);
        if (any) return column;
        space.GiveBack(column);
        return null;
    }

    private bool Slide(WindowFunction function, RangeSeries series, Grid grid, WindowSpec spec, Column into, ReadTally tally)
    {
        function.Begin(series);
        var perStep = run.PerStep is { } steps && steps.Length == grid.Count ? steps : null;
        bool floats = !series.HasHistograms && !series.HasStarts;
        if (floats && function.TrySlide(series, spec.Times, spec.RangeMs, into.Values, perStep, out long seen, out bool found))
        {
            tally.CountQueryable(seen);
            return found;
        }
        var sliding = grid.Count > 1 && spec.Times.StepMs < spec.RangeMs && floats ? function.Sliding : null;
        sliding?.Begin(series.Values);
        var t = series.Timestamps;
        var values = into.Values;
        int from = 0, to = 0;
        long looked = 0;
        bool any = false;
        for (int i = 0; i < values.Length; i++)
        {
            long end = spec.Times.At(i), start = end - spec.RangeMs;
            while (to < t.Length && t[to] <= end) to++;
            while (from < to && t[from] <= start) from++;
            if (from == to)
            {
                values[i] = Column.Absent;
                continue;
            }
            looked += to - from;
            if (perStep is not null) perStep[i] += to - from;
            if (sliding is not null)
            {
                values[i] = sliding.Move(series.Values, from, to);
                any = true;
                continue;
            }
            var window = new Window(series, from, to, start, end, grid.At(i));
            if (!function.Evaluate(window, i, out double value, out var histogram))
            {
                values[i] = Column.Absent;
                continue;
            }
            if (histogram is not null) into.Set(i, histogram);
            else values[i] = value;
            any = true;
            if ((looked & 0xfffff) < to - from) run.CheckCancelled();
        }
        tally.CountQueryable(looked);
        return any;
    }
}
