using Pharos.Core;

namespace Pharos.PromQL.Execution;

/// <summary>A histogram that is being computed with.</summary>
internal sealed class WorkingHistogram
{
    private double countLost;
    private double sumLost;
    private double zeroLost;

    public CounterResetHint Hint { get; set; }
    public int Schema { get; private set; }
    public double ZeroThreshold { get; private set; }
    public double ZeroCount { get; private set; }
    public double Count { get; private set; }
    public double Sum { get; private set; }
    public double[] CustomValues { get; private set; } = [];
    public required BucketList Positive { get; init; }
    public required BucketList Negative { get; init; }

    public bool Custom => Schema == Histogram.CustomBucketsSchema;

    public static WorkingHistogram From(Histogram h) => new()
    {
        Hint = h.ResetHint,
        Schema = h.Schema,
        ZeroThreshold = h.ZeroThreshold,
        ZeroCount = h.ZeroCount,
        Count = h.Count,
        Sum = h.Sum,
        CustomValues = h.CustomValues,
        Positive = BucketList.From(h.PositiveSpans, h.PositiveBuckets),
        Negative = BucketList.From(h.NegativeSpans, h.NegativeBuckets),
    };

    public WorkingHistogram Clone() => new()
    {
        Hint = Hint,
        Schema = Schema,
        ZeroThreshold = ZeroThreshold,
        ZeroCount = ZeroCount,
        Count = Count,
        Sum = Sum,
        CustomValues = CustomValues,
        countLost = countLost,
        sumLost = sumLost,
        zeroLost = zeroLost,
        Positive = Positive.Clone(),
        Negative = Negative.Clone(),
    };

    public Histogram ToHistogram()
    {
        var (positiveSpans, positive) = Positive.Compact();
        var (negativeSpans, negative) = Negative.Compact();
        return new Histogram
        {
            ResetHint = Hint,
            Schema = Schema,
            ZeroThreshold = ZeroThreshold,
            ZeroCount = Whole(ZeroCount, zeroLost),
            Count = Whole(Count, countLost),
            Sum = Whole(Sum, sumLost),
            PositiveSpans = positiveSpans,
            PositiveBuckets = positive,
            NegativeSpans = negativeSpans,
            NegativeBuckets = negative,
            CustomValues = CustomValues,
            IsFloat = true,
        };

        static double Whole(double sum, double lost) => double.IsInfinity(sum) ? sum : sum + lost;
    }

    /// <summary>
    /// Adds (or with a sign of -1 subtracts) another histogram, at the lower resolution of the two.
    /// False where one has custom and the other exponential buckets; then nothing is changed.
    /// </summary>
    public bool Add(WorkingHistogram other, double sign, out bool reconciled)
    {
        reconciled = false;
        if (Custom != other.Custom) return false;
        other = other.Clone();
        if (Custom)
        {
            if (!CustomValues.AsSpan().SequenceEqual(other.CustomValues))
            {
                reconciled = true;
                double[] common = [.. CustomValues.Intersect(other.CustomValues)];
                ToBounds(common);
                other.ToBounds(common);
            }
        }
        else
        {
            ReconcileZero(other);
            if (other.Schema < Schema) Reduce(other.Schema);
            else if (Schema < other.Schema) other.Reduce(Schema);
            double zero = ZeroCount, lost = zeroLost;
            Kahan.Add(sign * other.ZeroCount, ref zero, ref lost);
            ZeroCount = zero;
            zeroLost = lost + (sign * other.zeroLost);
        }
        double count = Count, countC = countLost, sum = Sum, sumC = sumLost;
        Kahan.Add(sign * other.Count, ref count, ref countC);
        Kahan.Add(sign * other.Sum, ref sum, ref sumC);
        (Count, countLost, Sum, sumLost) = (count, countC + (sign * other.countLost), sum, sumC + (sign * other.sumLost));
        Positive.Add(other.Positive, sign);
        Negative.Add(other.Negative, sign);
        return true;
    }

    public void Scale(double factor)
    {
        (Count, Sum, ZeroCount) = (Count * factor, Sum * factor, ZeroCount * factor);
        (countLost, sumLost, zeroLost) = (countLost * factor, sumLost * factor, zeroLost * factor);
        Positive.Scale(factor);
        Negative.Scale(factor);
        if (factor < 0) Hint = CounterResetHint.Gauge;
    }

    public void Divide(double divisor)
    {
        (Count, Sum, ZeroCount) = (Count / divisor, Sum / divisor, ZeroCount / divisor);
        (countLost, sumLost, zeroLost) = (countLost / divisor, sumLost / divisor, zeroLost / divisor);
        if (divisor == 0)
        {
            Positive.RemoveWhere(_ => true);
            Negative.RemoveWhere(_ => true);
        }
        else
        {
            Positive.Divide(divisor);
            Negative.Divide(divisor);
        }
        if (divisor < 0) Hint = CounterResetHint.Gauge;
    }

    public bool Overflows()
    {
        if (double.IsInfinity(Count) || double.IsInfinity(Sum) || double.IsInfinity(ZeroCount)) return true;
        foreach (double count in Positive.Counts)
        {
            if (double.IsInfinity(count)) return true;
        }
        foreach (double count in Negative.Counts)
        {
            if (double.IsInfinity(count)) return true;
        }
        return false;
    }

    public void Reduce(int schema)
    {
        if (schema >= Schema) return;
        int from = Schema;
        Positive.Remap(i => HistogramBuckets.Coarser(i, from, schema));
        Negative.Remap(i => HistogramBuckets.Coarser(i, from, schema));
        Schema = schema;
    }

    public void ToBounds(double[] bounds)
    {
        var old = CustomValues;
        Positive.Remap(i =>
        {
            double upper = i < old.Length ? old[i] : double.PositiveInfinity;
            int at = bounds.AsSpan().BinarySearch(upper);
            return at >= 0 ? at : ~at;
        });
        CustomValues = bounds;
    }

    /// <summary>The zero count with a wider zero bucket. The threshold grows further where it would cut a bucket that holds something.</summary>
    public (double Count, double Threshold) ZeroWith(double threshold)
    {
        if (threshold == ZeroThreshold) return (ZeroCount, threshold);
        while (true)
        {
            double count = ZeroCount;
            for (int i = 0; i < Positive.Count; i++)
            {
                double lower = HistogramBuckets.UpperBound(Positive.Indexes[i] - 1, Schema, []), upper = HistogramBuckets.UpperBound(Positive.Indexes[i], Schema, []);
                if (lower >= threshold) break;
                count += Positive.Counts[i];
                if (upper <= threshold) continue;
                if (Positive.Counts[i] != 0) threshold = upper;
                break;
            }
            bool again = false;
            for (int i = 0; i < Negative.Count; i++)
            {
                double near = HistogramBuckets.UpperBound(Negative.Indexes[i] - 1, Schema, []), far = HistogramBuckets.UpperBound(Negative.Indexes[i], Schema, []);
                if (near >= threshold) break;
                count += Negative.Counts[i];
                if (far <= threshold) continue;
                if (Negative.Counts[i] != 0)
                {
                    threshold = far;
                    again = true;
                }
                break;
            }
            if (!again) return (count, threshold);
        }
    }

    public void WidenZero(double threshold)
    {
        (ZeroCount, ZeroThreshold) = ZeroWith(threshold);
        double limit = ZeroThreshold;
        int schema = Schema;
        Positive.RemoveWhere(i => HistogramBuckets.UpperBound(i, schema, []) <= limit);
        Negative.RemoveWhere(i => HistogramBuckets.UpperBound(i, schema, []) <= limit);
    }

    private void ReconcileZero(WorkingHistogram other)
    {
        while (other.ZeroThreshold != ZeroThreshold)
        {
            if (ZeroThreshold > other.ZeroThreshold) other.WidenZero(ZeroThreshold);
            else WidenZero(other.ZeroThreshold);
        }
    }
}
