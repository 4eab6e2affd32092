using Pharos.Core;

namespace Pharos.PromQL.Execution;

/// <summary>Buckets of one side by index, rising, with the lost low bits of each sum.</summary>
internal sealed class BucketList
{
    private int[] indexes;
    private double[] counts;
    private double[] lost;

    private BucketList(int capacity)
    {
        indexes = new int[capacity];
        counts = new double[capacity];
        lost = new double[capacity];
    }

    public int Count { get; private set; }

    public ReadOnlySpan<int> Indexes => indexes.AsSpan(0, Count);
    public Span<double> Counts => counts.AsSpan(0, Count);
    public Span<double> Lost => lost.AsSpan(0, Count);

    public static BucketList From(BucketSpan[] spans, double[] buckets)
    {
        var list = new BucketList(buckets.Length);
        int index = 0, at = 0;
        foreach (var span in spans)
        {
            index += span.Offset;
            for (uint i = 0; i < span.Length; i++, index++)
            {
                double count = buckets[at++];
                if (count == 0) continue;
                list.indexes[list.Count] = index;
                list.counts[list.Count++] = count;
            }
        }
        return list;
    }

    public BucketList Clone() => new(0) { indexes = (int[])indexes.Clone(), counts = (double[])counts.Clone(), lost = (double[])lost.Clone(), Count = Count };

    /// <summary>Changes indexes by a rising function; buckets that fall together are summed, where the function says -1 below zero ones are dropped.</summary>
    public void Remap(Func<int, int> map)
    {
        int n = 0;
        for (int i = 0; i < Count; i++)
        {
            int to = map(indexes[i]);
            if (n > 0 && indexes[n - 1] == to)
            {
                Kahan.Add(counts[i], ref counts[n - 1], ref lost[n - 1]);
                lost[n - 1] += lost[i];
                continue;
            }
            indexes[n] = to;
            counts[n] = counts[i];
            lost[n++] = lost[i];
        }
        Count = n;
    }

    public void RemoveWhere(Func<int, bool> remove)
    {
        int n = 0;
        for (int i = 0; i < Count; i++)
        {
            if (remove(indexes[i])) continue;
            indexes[n] = indexes[i];
            counts[n] = counts[i];
            lost[n++] = lost[i];
        }
        Count = n;
    }

    /// <summary>Adds the other's buckets times a sign.</summary>
    public void Add(BucketList other, double sign)
    {
        if (other.Count == 0) return;
        var merged = new BucketList(Count + other.Count);
        int a = 0, b = 0, n = 0;
        while (a < Count || b < other.Count)
        {
            if (b >= other.Count || (a < Count && indexes[a] < other.indexes[b]))
            {
                merged.indexes[n] = indexes[a];
                merged.counts[n] = counts[a];
                merged.lost[n++] = lost[a++];
            }
            else if (a >= Count || other.indexes[b] < indexes[a])
            {
                merged.indexes[n] = other.indexes[b];
                merged.counts[n] = sign * other.counts[b];
                merged.lost[n++] = sign * other.lost[b++];
            }
            else
            {
                merged.indexes[n] = indexes[a];
                merged.counts[n] = counts[a];
                merged.lost[n] = lost[a++];
                Kahan.Add(sign * other.counts[b], ref merged.counts[n], ref merged.lost[n]);
                merged.lost[n++] += sign * other.lost[b++];
            }
        }
        (indexes, counts, lost, Count) = (merged.indexes, merged.counts, merged.lost, n);
    }

    public void Scale(double factor)
    {
        for (int i = 0; i < Count; i++)
        {
            counts[i] *= factor;
            lost[i] *= factor;
        }
    }

    public void Divide(double divisor)
    {
        for (int i = 0; i < Count; i++)
        {
            counts[i] /= divisor;
            lost[i] /= divisor;
        }
    }

    /// <summary>Spans and counts without empty buckets.</summary>
    public (BucketSpan[] Spans, double[] Buckets) Compact()
    {
        var keep = new List<int>(Count);
        var values = new List<double>(Count);
        for (int i = 0; i < Count; i++)
        {
            double total = double.IsInfinity(counts[i]) ? counts[i] : counts[i] + lost[i];
            if (total == 0) continue;
            keep.Add(indexes[i]);
            values.Add(total);
        }
        return (HistogramBuckets.Spans(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(keep)), [.. values]);
    }
}

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

/// <summary>The sum or mean of histograms, with compensated summation.</summary>
internal sealed class HistogramAccumulator(bool average)
{
    private WorkingHistogram? total;
    private double count;
    private bool incremental;

    private bool resetSeen;
    private bool noResetSeen;

    /// <summary>Some sample says that it follows a counter reset, some other that it does not.</summary>
    public bool Conflict => resetSeen && noResetSeen;

    /// <summary>Custom bounds differed; only those in common were kept.</summary>
    public bool Reconciled { get; private set; }

    /// <summary>False where the bucket layouts cannot be added.</summary>
    public bool Add(Histogram h)
    {
        var next = WorkingHistogram.From(h);
        count++;
        resetSeen |= h.ResetHint == CounterResetHint.Reset;
        noResetSeen |= h.ResetHint == CounterResetHint.NotReset;
        if (total is null)
        {
            total = next;
            return true;
        }
        HistogramMath.JoinHints(total.Hint, next.Hint, out var hint);
        total.Hint = hint;
        bool reconciled;
        if (average && !incremental)
        {
            var trial = total.Clone();
            if (!trial.Add(next, 1, out reconciled)) return false;
            if (!trial.Overflows())
            {
                Reconciled |= reconciled;
                total = trial;
                return true;
            }
            incremental = true;
            total.Divide(count - 1);
        }
        if (incremental)
        {
            total.Scale((count - 1) / count);
            next.Divide(count);
        }
        if (!total.Add(next, 1, out reconciled)) return false;
        Reconciled |= reconciled;
        return true;
    }

    public Histogram Result()
    {
        if (average && !incremental && count > 1) total!.Divide(count);
        return total!.ToHistogram();
    }
}
