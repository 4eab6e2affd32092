using Pharos.Core;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Execution;

/// <content>histogram_quantile, histogram_quantiles and histogram_fraction, over classic and native histograms.</content>
internal sealed partial class Evaluator
{
    /// <summary>Series of one histogram: its classic buckets, and its native form.</summary>
    private sealed class HistogramGroup(Labels labels)
    {
        public Labels Labels { get; } = labels;
        public List<(double UpperBound, Column Column)> Classic { get; } = [];
        public List<Column> Native { get; } = [];
        public bool DropName { get; set; }
    }

    private static readonly NameList BucketLabel = new(["le"]);

    private IEnumerable<Column> HistogramCall(CallExpr call, Grid grid)
    {
        string name = call.Function.Name;
        bool several = name == "histogram_quantiles", fraction = name == "histogram_fraction";
        var vector = several ? call.Arguments[0] : call.Arguments[^1];
        var parameters = (several ? call.Arguments.Skip(2) : call.Arguments.Take(call.Arguments.Count - 1)).ToArray();
        var scalars = parameters.Select(p => Scalar(p, grid)).ToArray();
        string label = several ? LabelName(call.Arguments[1]) : "";
        if (!fraction)
        {
            for (int p = 0; p < parameters.Length; p++) WarnOfQuantiles(parameters[p], scalars[p], grid);
        }
        var groups = HistogramGroups(vector, grid);
        return DropNames(Results(), vector, grid);

        IEnumerable<Column> Results()
        {
            long held = 0;
            foreach (var group in groups)
            {
                held += (group.Classic.Count + group.Native.Count) * (long)grid.Count;
                var buckets = new ClassicBucket[group.Classic.Count];
                int variants = fraction ? 1 : scalars.Length;
                for (int variant = 0; variant < variants; variant++)
                {
                    foreach (var column in GroupResults(group, variant, buckets)) yield return column;
                }
                foreach (var (_, column) in group.Classic) column.Dispose();
                foreach (var column in group.Native) column.Dispose();
            }
            run.Release(held);
        }

        IEnumerable<Column> GroupResults(HistogramGroup group, int variant, ClassicBucket[] buckets)
        {
            // Several series may be left of one histogram where only their names differ.
            var natives = group.Native.Count == 0 ? [null] : group.Native.Cast<Column?>();
            bool classicDone = false;
            foreach (var native in natives)
            {
                var result = new Column(several ? Labels.Empty : group.Labels, group.DropName, grid.Count, run.Memory);
                result.Values.Fill(Column.Absent);
                bool any = false;
                double labelled = double.NaN;
                Dictionary<Labels, Column>? byQuantile = null;
                for (int i = 0; i < grid.Count; i++)
                {
                    int n = 0;
                    if (!classicDone)
                    {
                        foreach (var (bound, column) in group.Classic)
                        {
                            if (column.Has(i)) buckets[n++] = new ClassicBucket(bound, column.Values[i]);
                        }
                    }
                    var histogram = native?.HistogramAt(i);
                    if (histogram is null && n == 0) continue;
                    if (histogram is not null && n > 0)
                    {
                        run.Annotations.Warn(vector, $"vector contains a mix of classic and native histograms{Annotations.ForMetric(group.Labels)}", run.StepOf(grid, i));
                        continue;
                    }
                    double value = fraction
                        ? FractionAt(i, histogram, buckets.AsSpan(0, n), group)
                        : QuantileAt(i, scalars[variant][i], histogram, buckets.AsSpan(0, n), group);
                    any = true;
                    if (!several)
                    {
                        result.Values[i] = value;
                        continue;
                    }
                    labelled = scalars[variant][i];
                    byQuantile ??= new Dictionary<Labels, Column>(LabelsComparer.Instance);
                    var labels = group.Labels.With(label, NumberText.FormatOpenMetrics(labelled));
                    if (!byQuantile.TryGetValue(labels, out var into))
                    {
                        into = new Column(labels, group.DropName, grid.Count, run.Memory);
                        into.Values.Fill(Column.Absent);
                        byQuantile.Add(labels, into);
                    }
                    into.Values[i] = value;
                }
                classicDone = true;
                if (any && !several) yield return result;
                else result.Dispose();
                if (byQuantile is null) continue;
                foreach (var column in byQuantile.Values) yield return column;
            }
        }

        double FractionAt(int step, Histogram? histogram, Span<ClassicBucket> buckets, HistogramGroup group)
        {
            double from = scalars[0][step], to = scalars[1][step];
            if (histogram is null) return HistogramFunctions.Fraction(from, to, buckets);
            double value = HistogramFunctions.Fraction(from, to, histogram, out bool nan);
            if (nan)
                run.Annotations.Info(vector, $"input to histogram_fraction has NaN observations, which are excluded from all fractions{Annotations.ForMetric(group.Labels)}", run.StepOf(grid, step));
            return value;
        }

        double QuantileAt(int step, double q, Histogram? histogram, Span<ClassicBucket> buckets, HistogramGroup group)
        {
            if (histogram is null)
            {
                double classic = HistogramFunctions.Quantile(q, buckets, out bool forced);
                if (forced)
                {
                    run.Annotations.Info(
                        vector,
                        $"input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile){Annotations.ForMetric(group.Labels)}",
                        run.StepOf(grid, step));
                }
                return classic;
            }
            double value = HistogramFunctions.Quantile(q, histogram, out int nan);
            if (nan > 0)
            {
                run.Annotations.Info(
                    vector,
                    $"input to histogram_quantile has NaN observations, result is {(nan == 2 ? "NaN" : "skewed higher")}{Annotations.ForMetric(group.Labels)}",
                    run.StepOf(grid, step));
            }
            return value;
        }
    }

    private void WarnOfQuantiles(Expr parameter, double[] quantiles, Grid grid)
    {
        bool constant = parameter.Unwrapped is NumberLiteral;
        for (int i = 0; i < quantiles.Length; i++)
        {
            double q = quantiles[i];
            if (!double.IsNaN(q) && q >= 0 && q <= 1) continue;
            // A number is wrong at every step.
            run.Annotations.Warn(
                parameter, $"quantile value should be between 0 and 1, got {NumberText.FormatG(q)}", constant && grid == run.Grid ? TimeRange.All : run.StepOf(grid, i));
            if (constant) return;
        }
    }

    private List<HistogramGroup> HistogramGroups(Expr vector, Grid grid)
    {
        var groups = new Dictionary<Labels, HistogramGroup>(LabelsComparer.Instance);
        var order = new List<HistogramGroup>();
        foreach (var column in Vector(vector, grid))
        {
            run.Hold(vector, grid.Count);
            if (column.Histograms is not null)
            {
                var native = GroupOf(column.Labels);
                native.Native.Add(column);
                native.DropName |= column.DropName;
            }
            if (column.Histograms is not null && !HasFloats(column)) continue;
            string le = column.Labels["le"];
            if (!TryBound(le, out double bound))
            {
                run.Annotations.Warn(
                    vector, $"bucket label \"le\" is missing or has a malformed value of {GoString.Quote(le)}{Annotations.ForMetric(column.Labels)}",
                    column.Histograms is null ? run.StepsOf(grid, column) : null);
                if (column.Histograms is null) column.Dispose();
                continue;
            }
            var floats = column;
            if (column.Histograms is not null)
            {
                // The same series holds both forms: its floats are taken as a series of their own.
                floats = new Column(column.Labels, column.DropName, grid.Count, run.Memory);
                for (int i = 0; i < grid.Count; i++) floats.Values[i] = column.HistogramAt(i) is null ? column.Values[i] : Column.Absent;
            }
            var group = GroupOf(LabelEditing.Filter(column.Labels, BucketLabel, keep: false));
            group.Classic.Add((bound, floats));
            group.DropName |= column.DropName;
        }
        return order;

        HistogramGroup GroupOf(Labels labels)
        {
            if (groups.TryGetValue(labels, out var group)) return group;
            group = new HistogramGroup(labels);
            groups.Add(labels, group);
            order.Add(group);
            return group;
        }

        static bool HasFloats(Column column)
        {
            for (int i = 0; i < column.Count; i++)
            {
                if (column.Has(i) && column.HistogramAt(i) is null) return true;
            }
            return false;
        }
    }

    private static bool TryBound(string le, out double bound)
    {
        bound = 0;
        switch (le.ToLowerInvariant())
        {
            case "": return false;
            case "+inf" or "inf" or "infinity" or "+infinity":
                bound = double.PositiveInfinity;
                return true;
            case "-inf" or "-infinity":
                bound = double.NegativeInfinity;
                return true;
            default:
                return double.TryParse(le, System.Globalization.NumberStyles.Float, System.Globalization.CultureInfo.InvariantCulture, out bound);
        }
    }
}
