using Pharos.Core;

namespace Pharos.PromQL.Execution;

/// <summary>Arithmetic and comparison of native histograms.</summary>
internal static class HistogramMath
{
    public static Histogram Scale(Histogram h, double factor)
    {
        var work = WorkingHistogram.From(h);
        work.Scale(factor);
        return work.ToHistogram();
    }

    public static Histogram Divide(Histogram h, double divisor)
    {
        var work = WorkingHistogram.From(h);
        work.Divide(divisor);
        return work.ToHistogram();
    }

    /// <param name="conflict">One says it follows a counter reset, the other that it does not.</param>
    /// <param name="reconciled">Custom bounds differed.</param>
    public static bool TryAdd(Histogram left, Histogram right, bool subtract, out Histogram? result, out bool conflict, out bool reconciled)
    {
        var work = WorkingHistogram.From(left);
        conflict = JoinHints(left.ResetHint, right.ResetHint, out var hint);
        if (!work.Add(WorkingHistogram.From(right), subtract ? -1 : 1, out reconciled))
        {
            result = null;
            return false;
        }
        work.Hint = subtract ? CounterResetHint.Gauge : hint;
        result = work.ToHistogram();
        return true;
    }

    /// <summary>The hint of a sum. True where "reset" met "no reset".</summary>
    public static bool JoinHints(CounterResetHint a, CounterResetHint b, out CounterResetHint joined)
    {
        joined = a;
        if (a == b || a == CounterResetHint.Gauge) return false;
        if (b == CounterResetHint.Gauge)
        {
            joined = b;
            return false;
        }
        joined = CounterResetHint.Unknown;
        return a != CounterResetHint.Unknown && b != CounterResetHint.Unknown;
    }

    /// <summary>Same value, whatever the layout of empty buckets.</summary>
    public static bool SameValue(Histogram a, Histogram b)
    {
        if (ReferenceEquals(a, b)) return true;
        if (a.Schema != b.Schema || !Bits(a.Count, b.Count) || !Bits(a.Sum, b.Sum)) return false;
        if (!a.UsesCustomBuckets && (a.ZeroThreshold != b.ZeroThreshold || !Bits(a.ZeroCount, b.ZeroCount))) return false;
        if (!a.CustomValues.AsSpan().SequenceEqual(b.CustomValues)) return false;
        return Same(BucketList.From(a.PositiveSpans, a.PositiveBuckets), BucketList.From(b.PositiveSpans, b.PositiveBuckets))
            && Same(BucketList.From(a.NegativeSpans, a.NegativeBuckets), BucketList.From(b.NegativeSpans, b.NegativeBuckets));

        static bool Same(BucketList a, BucketList b) =>
            a.Indexes.SequenceEqual(b.Indexes) && System.Runtime.InteropServices.MemoryMarshal.AsBytes(a.Counts).SequenceEqual(System.Runtime.InteropServices.MemoryMarshal.AsBytes(b.Counts));

        static bool Bits(double a, double b) => BitConverter.DoubleToInt64Bits(a) == BitConverter.DoubleToInt64Bits(b);
    }

    /// <summary>True where a counter was reset between two histograms: by the later one's hint, else by a count that went down.</summary>
    public static bool IsReset(Histogram current, Histogram previous)
    {
        if (current.ResetHint == CounterResetHint.Reset) return true;
        if (current.ResetHint == CounterResetHint.NotReset) return false;
        return WentDown(current, previous);
    }

    /// <summary>True where some count is lower than before, the hints left aside.</summary>
    public static bool WentDown(Histogram current, Histogram previous)
    {
        if (current.Count < previous.Count) return true;
        if (current.UsesCustomBuckets != previous.UsesCustomBuckets) return true;
        var now = WorkingHistogram.From(current);
        var before = WorkingHistogram.From(previous);
        if (current.UsesCustomBuckets)
        {
            if (!current.CustomValues.AsSpan().SequenceEqual(previous.CustomValues))
            {
                double[] common = [.. current.CustomValues.Intersect(previous.CustomValues)];
                now.ToBounds(common);
                before.ToBounds(common);
            }
            return Lower(now.Positive, before.Positive);
        }
        if (current.Schema > previous.Schema || current.ZeroThreshold < previous.ZeroThreshold) return true;
        if (current.ZeroThreshold != previous.ZeroThreshold)
        {
            var (_, threshold) = before.ZeroWith(current.ZeroThreshold);
            if (threshold != current.ZeroThreshold) return true;
            before.WidenZero(threshold);
        }
        if (now.ZeroCount < before.ZeroCount) return true;
        before.Reduce(now.Schema);
        return Lower(now.Positive, before.Positive) || Lower(now.Negative, before.Negative);

        static bool Lower(BucketList now, BucketList before)
        {
            int at = 0;
            for (int i = 0; i < before.Count; i++)
            {
                while (at < now.Count && now.Indexes[at] < before.Indexes[i]) at++;
                double count = at < now.Count && now.Indexes[at] == before.Indexes[i] ? now.Counts[at] : 0;
                if (count < before.Counts[i]) return true;
            }
            return false;
        }
    }

    /// <summary>The same histogram with another hint.</summary>
    public static Histogram WithHint(Histogram h, CounterResetHint hint) => h.ResetHint == hint ? h : new Histogram
    {
        ResetHint = hint,
        Schema = h.Schema,
        ZeroThreshold = h.ZeroThreshold,
        ZeroCount = h.ZeroCount,
        Count = h.Count,
        Sum = h.Sum,
        PositiveSpans = h.PositiveSpans,
        NegativeSpans = h.NegativeSpans,
        PositiveBuckets = h.PositiveBuckets,
        NegativeBuckets = h.NegativeBuckets,
        CustomValues = h.CustomValues,
        IsFloat = h.IsFloat,
    };
}
