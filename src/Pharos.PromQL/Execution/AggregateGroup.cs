using Pharos.Core;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Execution;

/// <summary>One group of sum, avg, min, max, count, group, stddev or stdvar, folded over all steps as its series come.</summary>
internal sealed class AggregateGroup
{
    private const byte Floats = 1, HistogramsSeen = 2, Incompatible = 4, Incremental = 8;

    private readonly AggregateExpr aggregate;
    private readonly Evaluation run;
    private readonly Column result;
    private readonly byte[] flags;
    private readonly double[] compensation;
    private readonly double[] counts;
    private readonly double[] means;
    private HistogramAccumulator?[]? histograms;

    /// <param name="result">Takes the results; given back by <see cref="Result"/>.</param>
    public AggregateGroup(AggregateExpr aggregate, Evaluation run, Column result)
    {
        this.aggregate = aggregate;
        this.run = run;
        this.result = result;
        int steps = result.Count;
        result.Values.Fill(Column.Absent);
        flags = new byte[steps];
        bool sums = aggregate.Op is AggregateOp.Sum or AggregateOp.Avg;
        bool deviates = aggregate.Op is AggregateOp.StdDev or AggregateOp.StdVar;
        compensation = sums ? new double[steps] : [];
        counts = aggregate.Op == AggregateOp.Avg || deviates ? new double[steps] : [];
        means = aggregate.Op == AggregateOp.Avg || deviates ? new double[steps] : [];
    }

    public Labels Labels => result.Labels;

    public bool DropName { get; set; }

    public void Add(Column column)
    {
        var from = column.Values;
        var into = result.Values;
        switch (aggregate.Op)
        {
            case AggregateOp.Count:
                for (int i = 0; i < from.Length; i++)
                {
                    if (Column.IsPresent(from[i])) into[i] = Column.IsPresent(into[i]) ? into[i] + 1 : 1;
                }
                return;
            case AggregateOp.Group:
                for (int i = 0; i < from.Length; i++)
                {
                    if (Column.IsPresent(from[i])) into[i] = 1;
                }
                return;
            case AggregateOp.Min or AggregateOp.Max:
                AddExtremes(column);
                return;
            case AggregateOp.StdDev or AggregateOp.StdVar:
                AddDeviations(column);
                return;
            case AggregateOp.Sum:
                for (int i = 0; i < from.Length; i++)
                {
                    if (!Column.IsPresent(from[i])) continue;
                    if (column.HistogramAt(i) is { } histogram)
                    {
                        AddHistogram(i, histogram);
                        continue;
                    }
                    if ((flags[i] & Floats) == 0)
                    {
                        flags[i] |= Floats;
                        into[i] = from[i];
                    }
                    else
                    {
                        Kahan.Add(from[i], ref into[i], ref compensation[i]);
                    }
                }
                return;
            default:
                for (int i = 0; i < from.Length; i++)
                {
                    if (!Column.IsPresent(from[i])) continue;
                    if (column.HistogramAt(i) is { } histogram) AddHistogram(i, histogram);
                    else AddToMean(i, from[i]);
                }
                return;
        }
    }

    public Column Result()
    {
        result.DropName = DropName;
        var values = result.Values;
        for (int i = 0; i < values.Length; i++)
        {
            byte seen = flags[i];
            switch (aggregate.Op)
            {
                case AggregateOp.Sum or AggregateOp.Avg when seen != 0:
                    Finish(i, seen);
                    break;
                case AggregateOp.StdVar when Column.IsPresent(values[i]):
                    values[i] /= counts[i];
                    break;
                case AggregateOp.StdDev when Column.IsPresent(values[i]):
                    values[i] = Math.Sqrt(values[i] / counts[i]);
                    break;
            }
        }
        return result;
    }

    private void Finish(int i, byte seen)
    {
        var values = result.Values;
        if ((seen & Floats) != 0 && (seen & HistogramsSeen) != 0)
        {
            run.Annotations.Warn(aggregate.Operand, "encountered a mix of histograms and floats for aggregation");
            result.Remove(i);
            return;
        }
        if ((seen & HistogramsSeen) != 0)
        {
            if ((seen & Incompatible) != 0)
            {
                result.Remove(i);
                return;
            }
            var total = histograms![i]!;
            if (total.Conflict) run.Annotations.Warn(aggregate.Operand, "conflicting counter resets during histogram aggregation");
            if (total.Reconciled) run.Annotations.Info(aggregate.Operand, "mismatched custom buckets were reconciled during aggregation");
            result.Set(i, total.Result());
            return;
        }
        if (aggregate.Op == AggregateOp.Sum) values[i] += compensation[i];
        else if ((seen & Incremental) != 0) values[i] = means[i] + compensation[i];
        else values[i] = (values[i] / counts[i]) + (compensation[i] / counts[i]);
    }

    private void AddHistogram(int i, Histogram histogram)
    {
        histograms ??= new HistogramAccumulator?[flags.Length];
        flags[i] |= HistogramsSeen;
        if ((flags[i] & Incompatible) != 0) return;
        var total = histograms[i] ??= new HistogramAccumulator(aggregate.Op == AggregateOp.Avg);
        if (total.Add(histogram)) return;
        flags[i] |= Incompatible;
        run.Annotations.Warn(aggregate.Operand, "vector contains a mix of histograms with exponential and custom buckets schemas");
    }

    private void AddToMean(int i, double value)
    {
        var sums = result.Values;
        if ((flags[i] & Floats) == 0)
        {
            flags[i] |= Floats;
            sums[i] = value;
            counts[i] = 1;
            return;
        }
        double count = ++counts[i];
        ref double c = ref compensation[i];
        if ((flags[i] & Incremental) == 0)
        {
            double newSum = sums[i], newC = c;
            Kahan.Add(value, ref newSum, ref newC);
            if (!double.IsInfinity(newSum))
            {
                sums[i] = newSum;
                c = newC;
                return;
            }
            // The sum overflows: go on with a running mean.
            flags[i] |= Incremental;
            means[i] = sums[i] / (count - 1);
            c /= count - 1;
        }
        if (double.IsInfinity(means[i]))
        {
            if (double.IsInfinity(value) && means[i] > 0 == value > 0) return;
            if (!double.IsInfinity(value) && !double.IsNaN(value)) return;
        }
        double q = (count - 1) / count;
        means[i] *= q;
        c *= q;
        Kahan.Add(value / count, ref means[i], ref c);
    }

    private void AddExtremes(Column column)
    {
        var from = column.Values;
        var into = result.Values;
        bool max = aggregate.Op == AggregateOp.Max;
        for (int i = 0; i < from.Length; i++)
        {
            double value = from[i];
            if (!Column.IsPresent(value)) continue;
            if (column.HistogramAt(i) is not null)
            {
                run.Annotations.Info(aggregate.Operand, $"ignored histogram in {Aggregates.NameOf(aggregate.Op)} aggregation");
                continue;
            }
            if (!Column.IsPresent(into[i]) || double.IsNaN(into[i]) || (max ? value > into[i] : value < into[i])) into[i] = value;
        }
    }

    private void AddDeviations(Column column)
    {
        var from = column.Values;
        var into = result.Values;
        for (int i = 0; i < from.Length; i++)
        {
            double value = from[i];
            if (!Column.IsPresent(value)) continue;
            if (column.HistogramAt(i) is not null)
            {
                run.Annotations.Info(aggregate.Operand, $"ignored histogram in {Aggregates.NameOf(aggregate.Op)} aggregation");
                continue;
            }
            if (!Column.IsPresent(into[i]))
            {
                counts[i] = 1;
                means[i] = value;
                into[i] = double.IsFinite(value) ? 0 : double.NaN;
                continue;
            }
            double delta = value - means[i];
            means[i] += delta / ++counts[i];
            into[i] += delta * (value - means[i]);
        }
    }
}
