using System.Buffers;
using Pharos.Core;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Execution;

/// <summary>One group of sum, avg, min, max, count, group, stddev or stdvar, folded over all steps as its series come.</summary>
internal sealed class AggregateGroup
{
    private const byte Floats = 1, HistogramsSeen = 2, Incompatible = 4, Incremental = 8;

    private readonly AggregateExpr aggregate;
    private readonly Evaluation run;
    private readonly Grid grid;
    private readonly Column result;
    private byte[] flags;
    private double[] compensation;
    private double[] counts;
    private double[] means;
    private HistogramAccumulator?[]? histograms;

    /// <param name="result">Takes the results; given back by <see cref="Result"/>.</param>
    public AggregateGroup(AggregateExpr aggregate, Evaluation run, Grid grid, Column result)
    {
        this.aggregate = aggregate;
        this.run = run;
        this.grid = grid;
        this.result = result;
        int steps = result.Count;
        result.Values.Fill(Column.Absent);
        bool sums = aggregate.Op is AggregateOp.Sum or AggregateOp.Avg;
        bool deviates = aggregate.Op is AggregateOp.StdDev or AggregateOp.StdVar;
        flags = Zeros<byte>(sums, steps);
        compensation = Zeros<double>(sums, steps);
        counts = Zeros<double>(aggregate.Op == AggregateOp.Avg || deviates, steps);
        means = Zeros<double>(aggregate.Op == AggregateOp.Avg || deviates, steps);
    }

    public Labels Labels => result.Labels;

    public bool DropName { get; set; }

    /// <summary>Whether a series was folded in since the beginning or <see cref="Reset"/>.</summary>
    public bool IsUsed { get; private set; }

    public void Add(Column column)
    {
        IsUsed = true;
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
                if (column.Histograms is null)
                {
                    Kahan.Add(from, into, compensation);
                    return;
                }
                for (int i = 0; i < from.Length; i++)
                {
                    if (!Column.IsPresent(from[i])) continue;
                    if (column.HistogramAt(i) is { } histogram) AddHistogram(i, histogram);
                    else Kahan.Add(from.Slice(i, 1), into.Slice(i, 1), compensation.AsSpan(i, 1));
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
            switch (aggregate.Op)
            {
                // The value of a sum is there once it has seen a float.
                case AggregateOp.Sum when flags[i] != 0 || Column.IsPresent(values[i]):
                    Finish(i, (byte)(flags[i] | (Column.IsPresent(values[i]) ? Floats : 0)));
                    break;
                case AggregateOp.Avg when flags[i] != 0:
                    Finish(i, flags[i]);
                    break;
                case AggregateOp.StdVar when Column.IsPresent(values[i]):
                    values[i] /= counts[i];
                    break;
                case AggregateOp.StdDev when Column.IsPresent(values[i]):
                    values[i] = Math.Sqrt(values[i] / counts[i]);
                    break;
            }
        }
        Release();
        return result;
    }

    /// <summary>Back to the beginning, with the same labels. It has seen no histograms.</summary>
    public void Reset()
    {
        IsUsed = false;
        DropName = false;
        result.Values.Fill(Column.Absent);
        Array.Clear(flags);
        Array.Clear(compensation);
        Array.Clear(counts);
        Array.Clear(means);
    }

    /// <summary>Gives back what it holds, without a result.</summary>
    public void Drop()
    {
        result.Dispose();
        Release();
    }

    /// <summary>Folds in what another group of the same labels folded, of series that come after those of this one. The other has seen no histograms.</summary>
    public void Merge(AggregateGroup other)
    {
        IsUsed = true;
        DropName |= other.DropName;
        var from = other.result.Values;
        var into = result.Values;
        switch (aggregate.Op)
        {
            case AggregateOp.Sum:
                for (int i = 0; i < from.Length; i++)
                {
                    if (!Column.IsPresent(from[i])) continue;
                    bool isFirst = !Column.IsPresent(into[i]);
                    Kahan.Add(from.Slice(i, 1), into.Slice(i, 1), compensation.AsSpan(i, 1));
                    if (isFirst) compensation[i] = other.compensation[i];
                    else if (!double.IsInfinity(into[i])) compensation[i] += other.compensation[i];
                }
                break;
            case AggregateOp.Avg:
                for (int i = 0; i < from.Length; i++) MergeMean(other, i);
                break;
            case AggregateOp.Count:
                for (int i = 0; i < from.Length; i++)
                {
                    if (Column.IsPresent(from[i])) into[i] = Column.IsPresent(into[i]) ? into[i] + from[i] : from[i];
                }
                break;
            case AggregateOp.StdDev or AggregateOp.StdVar:
                for (int i = 0; i < from.Length; i++) MergeDeviation(other, i);
                break;
            default:
                Add(other.result);
                break;
        }
    }

    private void MergeMean(AggregateGroup other, int i)
    {
        if ((other.flags[i] & Floats) == 0) return;
        var sums = result.Values;
        double sum = other.result.Values[i];
        if ((flags[i] & Floats) == 0)
        {
            flags[i] = other.flags[i];
            (sums[i], counts[i], means[i], compensation[i]) = (sum, other.counts[i], other.means[i], other.compensation[i]);
            return;
        }
        double count = counts[i] + other.counts[i];
        if (((flags[i] | other.flags[i]) & Incremental) == 0)
        {
            double newSum = sums[i], newC = compensation[i];
            Kahan.Add(sum, ref newSum, ref newC);
            if (!double.IsInfinity(newSum))
            {
                (sums[i], compensation[i], counts[i]) = (newSum, newC + other.compensation[i], count);
                return;
            }
        }
        // The sum of one of them, or of both, overflows: their means, each by its weight.
        double own = Mean(i), more = other.Mean(i);
        flags[i] |= Incremental;
        bool ownStays = double.IsInfinity(own) && (double.IsFinite(more) || own == more);
        means[i] = ownStays ? own : (own * (counts[i] / count)) + (more * (other.counts[i] / count));
        compensation[i] = 0;
        counts[i] = count;
    }

    private double Mean(int i) =>
        (flags[i] & Incremental) != 0 ? means[i] + compensation[i] : (result.Values[i] / counts[i]) + (compensation[i] / counts[i]);

    private void MergeDeviation(AggregateGroup other, int i)
    {
        var squares = result.Values;
        double more = other.result.Values[i];
        if (!Column.IsPresent(more)) return;
        if (!Column.IsPresent(squares[i]))
        {
            (squares[i], counts[i], means[i]) = (more, other.counts[i], other.means[i]);
            return;
        }
        double count = counts[i] + other.counts[i], delta = other.means[i] - means[i];
        squares[i] += more + (delta * delta * counts[i] * other.counts[i] / count);
        means[i] += delta * (other.counts[i] / count);
        counts[i] = count;
    }

    private static T[] Zeros<T>(bool needed, int count)
    {
        if (!needed) return [];
        var zeros = ArrayPool<T>.Shared.Rent(count);
        zeros.AsSpan(0, count).Clear();
        return zeros;
    }

    private void Release()
    {
        Return(ref flags);
        Return(ref compensation);
        Return(ref counts);
        Return(ref means);
    }

    private static void Return<T>(ref T[] array)
    {
        if (array.Length > 0) ArrayPool<T>.Shared.Return(array);
        array = [];
    }

    private void Finish(int i, byte seen)
    {
        var values = result.Values;
        if ((seen & Floats) != 0 && (seen & HistogramsSeen) != 0)
        {
            run.Annotations.Warn(aggregate.Operand, "encountered a mix of histograms and floats for aggregation", run.StepOf(grid, i));
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
            if (total.Conflict) run.Annotations.Warn(aggregate.Operand, "conflicting counter resets during histogram aggregation", run.StepOf(grid, i));
            if (total.Reconciled) run.Annotations.Info(aggregate.Operand, "mismatched custom buckets were reconciled during aggregation", run.StepOf(grid, i));
            result.Set(i, total.Result());
            return;
        }
        if (aggregate.Op == AggregateOp.Sum) values[i] += compensation[i];
        else if ((seen & Incremental) != 0) values[i] = means[i] + compensation[i];
        else values[i] = (values[i] / counts[i]) + (compensation[i] / counts[i]);
    }

    private void AddHistogram(int i, Histogram histogram)
    {
        histograms ??= new HistogramAccumulator?[result.Count];
        flags[i] |= HistogramsSeen;
        if ((flags[i] & Incompatible) != 0) return;
        var total = histograms[i] ??= new HistogramAccumulator(aggregate.Op == AggregateOp.Avg);
        if (total.Add(histogram)) return;
        flags[i] |= Incompatible;
        run.Annotations.Warn(aggregate.Operand, "vector contains a mix of histograms with exponential and custom buckets schemas", run.StepOf(grid, i));
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
                run.Annotations.Info(aggregate.Operand, $"ignored histogram in {Aggregates.NameOf(aggregate.Op)} aggregation", run.StepOf(grid, i));
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
                run.Annotations.Info(aggregate.Operand, $"ignored histogram in {Aggregates.NameOf(aggregate.Op)} aggregation", run.StepOf(grid, i));
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
