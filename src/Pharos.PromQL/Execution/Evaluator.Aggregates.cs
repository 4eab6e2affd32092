using Pharos.Core;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Execution;

/// <content>Aggregations.</content>
internal sealed partial class Evaluator
{
    private IEnumerable<Column> Aggregate(AggregateExpr aggregate, Grid grid)
    {
        if (aggregate.Op is AggregateOp.LimitK or AggregateOp.LimitRatio && !run.Options.ExperimentalFunctions)
            throw run.Fail(aggregate, $"{Aggregates.NameOf(aggregate.Op)}() is not enabled");
        return aggregate.Op switch
        {
            AggregateOp.TopK or AggregateOp.BottomK or AggregateOp.LimitK => TopK(aggregate, grid),
            AggregateOp.LimitRatio => LimitRatio(aggregate, grid),
            AggregateOp.Quantile => QuantileOf(aggregate, grid),
            AggregateOp.CountValues => CountValues(aggregate, grid),
            _ => Fold(aggregate, grid),
        };
    }

    private static LabelKey GroupKey(AggregateExpr aggregate) => new(aggregate.Grouping, keep: !aggregate.Without, dropName: true);

    /// <summary>True where the group's labels hold the name, so that a delayed drop of it must be carried on.</summary>
    private static bool KeepsName(AggregateExpr aggregate) => !aggregate.Without && aggregate.Grouping.Contains(Labels.MetricName);

    private (List<Column> Columns, List<List<int>> Groups) Gather(AggregateExpr aggregate, Grid grid, out List<Labels> keys)
    {
        using var key = GroupKey(aggregate);
        var columns = new List<Column>();
        var groups = new List<List<int>>();
        keys = [];
        var index = new Dictionary<Labels, int>(LabelsComparer.Instance);
        var lookup = index.GetAlternateLookup<ReadOnlySpan<byte>>();
        foreach (var column in Vector(aggregate.Operand, grid))
        {
            var signature = key.Of(column.Labels);
            if (!lookup.TryGetValue(signature, out int at))
            {
                at = groups.Count;
                lookup[signature] = at;
                groups.Add([]);
                keys.Add(Labels.FromEncoded(signature));
            }
            groups[at].Add(columns.Count);
            columns.Add(column);
            run.Hold(aggregate, grid.Count);
        }
        run.Release((long)columns.Count * grid.Count);
        return (columns, groups);
    }

    /// <summary>topk, bottomk and limitk: which series stay, decided anew at each step.</summary>
    private IEnumerable<Column> TopK(AggregateExpr aggregate, Grid grid)
    {
        var limits = Scalar(aggregate.Parameter!, grid);
        foreach (double k in limits)
        {
            if (double.IsNaN(k)) throw run.Fail(aggregate.Parameter!, "Parameter value is NaN");
            if (k >= long.MaxValue) throw run.Fail(aggregate.Parameter!, $"Scalar value {NumberText.FormatG(k)} overflows int64");
            if (k <= long.MinValue) throw run.Fail(aggregate.Parameter!, $"Scalar value {NumberText.FormatG(k)} underflows int64");
        }
        var (columns, groups) = Gather(aggregate, grid, out _);
        bool values = aggregate.Op != AggregateOp.LimitK;
        bool top = aggregate.Op == AggregateOp.TopK;
        string name = Aggregates.NameOf(aggregate.Op);
        var ranked = new List<Column>();
        foreach (var group in groups)
        {
            var candidates = new List<int>(group.Count);
            for (int i = 0; i < grid.Count; i++)
            {
                candidates.Clear();
                run.CheckCancelled();
                foreach (int c in group)
                {
                    if (!columns[c].Has(i)) continue;
                    if (values && columns[c].HistogramAt(i) is not null)
                    {
                        run.Annotations.Info(aggregate, $"ignored histogram in {name} aggregation", run.StepOf(grid, i));
                        columns[c].Remove(i);
                        continue;
                    }
                    candidates.Add(c);
                }
                long k = limits[i] < 1 ? 0 : Math.Min((long)limits[i], candidates.Count);
                int step = i;
                if (values && k > 0 && k * 16 < candidates.Count) SelectBest(candidates, (int)k, columns, step, top);
                else if (values && (k < candidates.Count || grid.Count == 1)) candidates.Sort((a, b) => Rank(columns[a].Values[step], columns[b].Values[step], a, b, top));
                for (int c = (int)k; c < candidates.Count; c++) columns[candidates[c]].Remove(i);
                if (grid.Count == 1)
                {
                    for (int c = 0; c < k; c++) ranked.Add(columns[candidates[c]]);
                }
            }
        }
        foreach (var column in columns)
        {
            if (column.IsEmpty()) column.Dispose();
            else if (grid.Count > 1) ranked.Add(column);
        }
        foreach (var column in ranked) yield return column;
    }

    /// <summary>Brings the best k to the front, in order, without sorting the rest.</summary>
    private static void SelectBest(List<int> candidates, int k, List<Column> columns, int step, bool top)
    {
        for (int c = 1; c < candidates.Count; c++)
        {
            int candidate = candidates[c];
            double value = columns[candidate].Values[step];
            int last = Math.Min(c, k) - 1;
            if (c >= k && Rank(value, columns[candidates[last]].Values[step], candidate, candidates[last], top) > 0) continue;
            int into = Math.Min(c, k - 1);
            // What falls off the front takes the candidate's place, so that every one is still there once.
            if (c >= k) candidates[c] = candidates[k - 1];
            while (into > 0 && Rank(value, columns[candidates[into - 1]].Values[step], candidate, candidates[into - 1], top) < 0)
            {
                candidates[into] = candidates[into - 1];
                into--;
            }
            candidates[into] = candidate;
        }
    }

    // NaN ranks last; of equal values the one that came first wins.
    private static int Rank(double a, double b, int orderA, int orderB, bool top)
    {
        bool nanA = double.IsNaN(a), nanB = double.IsNaN(b);
        if (nanA != nanB) return nanA ? 1 : -1;
        int order = nanA || a == b ? 0 : a > b ? -1 : 1;
        if (order == 0) return orderA.CompareTo(orderB);
        return top ? order : -order;
    }

    private IEnumerable<Column> LimitRatio(AggregateExpr aggregate, Grid grid)
    {
        var ratios = Scalar(aggregate.Parameter!, grid);
        for (int i = 0; i < ratios.Length; i++)
        {
            double ratio = ratios[i];
            if (double.IsNaN(ratio)) throw run.Fail(aggregate.Parameter!, "Ratio value is NaN");
            if (Math.Abs(ratio) <= 1) continue;
            ratios[i] = Math.Sign(ratio);
            run.Annotations.Warn(
                aggregate.Parameter!, $"ratio value should be between -1 and 1, got {NumberText.FormatG(ratio)}, capping to {NumberText.FormatG(ratios[i])}", run.StepOf(grid, i));
        }
        foreach (var column in Vector(aggregate.Operand, grid))
        {
            // Which series stay depends on their labels alone, so that r and r-1 complement each other.
            double offset = column.Labels.Hash / (double)ulong.MaxValue;
            bool any = false;
            for (int i = 0; i < grid.Count; i++)
            {
                if (!column.Has(i)) continue;
                if (ratios[i] >= 0 ? offset < ratios[i] : offset >= 1 + ratios[i]) any = true;
                else column.Remove(i);
            }
            if (any) yield return column;
            else column.Dispose();
        }
    }

    private IEnumerable<Column> QuantileOf(AggregateExpr aggregate, Grid grid)
    {
        var quantiles = Scalar(aggregate.Parameter!, grid);
        var (columns, groups) = Gather(aggregate, grid, out var keys);
        var buffer = new double[columns.Count];
        for (int g = 0; g < groups.Count; g++)
        {
            var result = new Column(keys[g], KeepsName(aggregate) && groups[g].Any(c => columns[c].DropName), grid.Count, run.Memory);
            bool any = false;
            for (int i = 0; i < grid.Count; i++)
            {
                int n = 0;
                run.CheckCancelled();
                foreach (int c in groups[g])
                {
                    if (!columns[c].Has(i)) continue;
                    if (columns[c].HistogramAt(i) is not null) run.Annotations.Info(aggregate.Operand, "ignored histogram in quantile aggregation", run.StepOf(grid, i));
                    else buffer[n++] = columns[c].Values[i];
                }
                if (n == 0)
                {
                    result.Values[i] = Column.Absent;
                    continue;
                }
                double q = quantiles[i];
                if (double.IsNaN(q) || q < 0 || q > 1)
                    run.Annotations.Warn(aggregate.Parameter!, $"quantile value should be between 0 and 1, got {NumberText.FormatG(q)}", run.StepOf(grid, i));
                result.Values[i] = Quantiles.Of(q, buffer.AsSpan(0, n));
                any = true;
            }
            if (any) yield return result;
            else result.Dispose();
        }
        foreach (var column in columns) column.Dispose();
    }

    private IEnumerable<Column> CountValues(AggregateExpr aggregate, Grid grid)
    {
        string label = LabelName(aggregate.Parameter!);
        if (label.Length == 0) throw run.Fail(aggregate.Parameter!, "invalid label name \"\"");
        using var key = new LabelKey(aggregate.Without ? [.. aggregate.Grouping, label] : aggregate.Grouping, keep: !aggregate.Without, dropName: true);
        var counts = new Dictionary<Labels, Column>(LabelsComparer.Instance);
        var order = new List<Column>();
        var builder = new LabelsBuilder();
        foreach (var column in Vector(aggregate.Operand, grid))
        {
            using (column)
            {
                var group = Labels.FromEncoded(key.Of(column.Labels));
                double lastValue = double.NaN;
                Column? lastCount = null;
                for (int i = 0; i < grid.Count; i++)
                {
                    if (!column.Has(i)) continue;
                    double value = column.Values[i];
                    var histogram = column.HistogramAt(i);
                    if (lastCount is null || histogram is not null || BitConverter.DoubleToInt64Bits(value) != BitConverter.DoubleToInt64Bits(lastValue))
                    {
                        string text = histogram is null ? NumberText.Format(value) : HistogramText.Format(histogram);
                        var labels = builder.Reset(group).Set(label, text).ToLabels();
                        if (!counts.TryGetValue(labels, out lastCount))
                        {
                            lastCount = new Column(labels, dropName: false, grid.Count, run.Memory);
                            lastCount.Values.Fill(Column.Absent);
                            counts.Add(labels, lastCount);
                            order.Add(lastCount);
                            run.Hold(aggregate, grid.Count);
                        }
                        lastValue = histogram is null ? value : double.NaN;
                        if (histogram is not null)
                        {
                            Bump(lastCount, i);
                            lastCount = null;
                            continue;
                        }
                    }
                    Bump(lastCount, i);
                }
            }
        }
        run.Release((long)order.Count * grid.Count);
        return order;

        static void Bump(Column count, int step) => count.Values[step] = count.Has(step) ? count.Values[step] + 1 : 1;
    }
}
