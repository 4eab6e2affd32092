using Pharos.Core;

namespace Pharos.PromQL.Execution;

/// <summary>A cumulative classic bucket at one step.</summary>
internal record struct ClassicBucket(double UpperBound, double Count);

/// <summary>Values out of native histograms and classic buckets.</summary>
internal static class HistogramFunctions
{
    public static Func<Histogram, double> Find(string name) => name switch
    {
        "histogram_count" => h => h.Count,
        "histogram_sum" => h => h.Sum,
        "histogram_avg" => h => h.Sum / h.Count,
        "histogram_stdvar" => Variance,
        _ => h => Math.Sqrt(Variance(h)),
    };

    private static double Variance(Histogram h)
    {
        double mean = h.Sum / h.Count, variance = 0, lost = 0;
        foreach (var bucket in HistogramBuckets.All(h))
        {
            if (bucket.Count == 0) continue;
            double value;
            if (h.UsesCustomBuckets) value = (bucket.Upper + bucket.Lower) / 2;
            else if (bucket.Lower <= 0 && bucket.Upper >= 0) value = 0;
            else value = Math.Sqrt(bucket.Upper * bucket.Lower) * (bucket.Upper < 0 ? -1 : 1);
            double delta = value - mean;
            Kahan.Add(bucket.Count * delta * delta, ref variance, ref lost);
        }
        return (variance + lost) / h.Count;
    }

    /// <param name="nan">0: no observation was NaN; 1: some were, the result is skewed; 2: the result is NaN because of them.</param>
    public static double Quantile(double q, Histogram h, out int nan)
    {
        nan = 0;
        if (q < 0) return double.NegativeInfinity;
        if (q > 1) return double.PositiveInfinity;
        if (h.Count == 0 || double.IsNaN(q)) return double.NaN;
        bool hasNaN = double.IsNaN(h.Sum);
        bool forward = hasNaN || q < 0.5;
        double rank = (forward ? q : 1 - q) * h.Count, count = 0;
        var buckets = HistogramBuckets.All(h);
        var bucket = default(Bucket);
        for (int i = 0; i < buckets.Count; i++)
        {
            var candidate = buckets[forward ? i : buckets.Count - 1 - i];
            if (candidate.Count == 0) continue;
            bucket = candidate;
            count += bucket.Count;
            if (count >= rank) break;
        }
        double lower = bucket.Lower, upper = bucket.Upper;
        if (!h.UsesCustomBuckets && lower < 0 && upper > 0)
        {
            if (h.NegativeBuckets.Length == 0 && h.PositiveBuckets.Length > 0) lower = 0;
            else if (h.PositiveBuckets.Length == 0 && h.NegativeBuckets.Length > 0) upper = 0;
        }
        else if (h.UsesCustomBuckets)
        {
            if (double.IsNegativeInfinity(lower))
            {
                if (upper <= 0) return upper;
                lower = 0;
            }
            else if (double.IsPositiveInfinity(upper))
            {
                return lower;
            }
        }
        if (count > h.Count) count = h.Count;
        if (count < rank)
        {
            if (!hasNaN) return upper;
            nan = 2;
            return double.NaN;
        }
        if (hasNaN) nan = 1;
        rank = forward ? rank - (count - bucket.Count) : count - rank;
        double fraction = rank / bucket.Count;
        if (h.UsesCustomBuckets || (lower <= 0 && upper >= 0)) return lower + ((upper - lower) * fraction);
        double logLower = Math.Log2(Math.Abs(lower)), logUpper = Math.Log2(Math.Abs(upper));
        if (lower > 0) return Exp2(logLower + ((logUpper - logLower) * fraction));
        return -Exp2(logUpper + ((logLower - logUpper) * (1 - fraction)));

        static double Exp2(double x) => Math.Pow(2, x);
    }

    public static double Fraction(double from, double to, Histogram h, out bool nan)
    {
        nan = double.IsNaN(h.Sum);
        if (h.Count == 0 || double.IsNaN(from) || double.IsNaN(to)) return double.NaN;
        if (from >= to) return 0;
        double rank = 0;
        double? fromRank = null, toRank = null;
        foreach (var bucket in HistogramBuckets.All(h))
        {
            double lower = bucket.Lower, upper = bucket.Upper;
            bool linear = h.UsesCustomBuckets;
            if (!h.UsesCustomBuckets && lower <= 0 && upper >= 0)
            {
                linear = true;
                if (h.NegativeBuckets.Length == 0 && h.PositiveBuckets.Length > 0) lower = 0;
                else if (h.PositiveBuckets.Length == 0 && h.NegativeBuckets.Length > 0) upper = 0;
            }
            else if (h.UsesCustomBuckets && double.IsNegativeInfinity(lower) && upper > 0)
            {
                lower = 0;
            }
            fromRank ??= lower >= from ? rank : null;
            toRank ??= lower >= to ? rank : null;
            if (fromRank is not null && toRank is not null) break;
            if (lower < from && upper > from) fromRank ??= rank + (bucket.Count * Inside(from, lower, upper, linear));
            if (lower < to && upper > to) toRank ??= rank + (bucket.Count * Inside(to, lower, upper, linear));
            if (fromRank is not null && toRank is not null) break;
            rank += bucket.Count;
        }
        // NaN observations are in the count, but in no bucket.
        double all = nan ? HistogramBuckets.All(h).Sum(b => b.Count) : h.Count;
        return (Math.Min(toRank ?? all, all) - Math.Min(fromRank ?? all, all)) / h.Count;
    }

    private static double Inside(double value, double lower, double upper, bool linear)
    {
        if (linear) return double.IsNegativeInfinity(lower) ? 1 : (value - lower) / (upper - lower);
        double logLower = Math.Log2(Math.Abs(lower)), logUpper = Math.Log2(Math.Abs(upper)), logValue = Math.Log2(Math.Abs(value));
        return value > 0 ? (logValue - logLower) / (logUpper - logLower) : 1 - ((logValue - logUpper) / (logLower - logUpper));
    }

    /// <summary>The quantile of cumulative buckets. Sorts and repairs them in place.</summary>
    /// <param name="forced">Counts that fell were lifted.</param>
    public static double Quantile(double q, Span<ClassicBucket> buckets, out bool forced)
    {
        forced = false;
        if (double.IsNaN(q)) return double.NaN;
        if (q < 0) return double.NegativeInfinity;
        if (q > 1) return double.PositiveInfinity;
        if (!Prepare(ref buckets)) return double.NaN;
        double previous = buckets[0].Count;
        for (int i = 1; i < buckets.Length; i++)
        {
            double count = buckets[i].Count;
            if (count == previous) continue;
            // Differences of rounding are repaired without a word.
            if (Near(previous, count, 1e-12)) buckets[i].Count = previous;
            else if (count < previous)
            {
                buckets[i].Count = previous;
                forced = true;
            }
            else previous = count;
        }
        if (buckets.Length < 2) return double.NaN;
        double observations = buckets[^1].Count;
        if (observations == 0) return double.NaN;
        double rank = q * observations;
        int b = 0;
        while (b < buckets.Length - 1 && !(buckets[b].Count >= rank)) b++;
        if (b == buckets.Length - 1) return buckets[^2].UpperBound;
        if (b == 0 && buckets[0].UpperBound <= 0) return buckets[0].UpperBound;
        double start = 0, end = buckets[b].UpperBound, inside = buckets[b].Count;
        if (b > 0)
        {
            start = buckets[b - 1].UpperBound;
            inside -= buckets[b - 1].Count;
            rank -= buckets[b - 1].Count;
        }
        return start + ((end - start) * (rank / inside));
    }

    public static double Fraction(double from, double to, Span<ClassicBucket> buckets)
    {
        if (!Prepare(ref buckets)) return double.NaN;
        double all = buckets[^1].Count;
        if (all == 0 || double.IsNaN(from) || double.IsNaN(to)) return double.NaN;
        if (from >= to) return 0;
        double rank = 0;
        double? fromRank = null, toRank = null;
        for (int i = 0; i < buckets.Length; i++)
        {
            double lower = i > 0 ? buckets[i - 1].UpperBound : buckets[0].UpperBound > 0 ? 0 : double.NegativeInfinity;
            double upper = buckets[i].UpperBound, count = buckets[i].Count;
            fromRank ??= lower >= from ? rank : null;
            toRank ??= lower >= to ? rank : null;
            if (fromRank is not null && toRank is not null) break;
            if (lower < from && upper > from) fromRank ??= rank + ((count - rank) * Inside(from, lower, upper, linear: true));
            if (lower < to && upper > to) toRank ??= rank + ((count - rank) * Inside(to, lower, upper, linear: true));
            if (fromRank is not null && toRank is not null) break;
            rank = count;
        }
        return (Math.Min(toRank ?? all, all) - Math.Min(fromRank ?? all, all)) / all;
    }

    // Sorts by bound and merges equal bounds; false where the +Inf bucket is missing.
    private static bool Prepare(ref Span<ClassicBucket> buckets)
    {
        if (buckets.IsEmpty) return false;
        buckets.Sort(static (a, b) => a.UpperBound.CompareTo(b.UpperBound));
        if (!double.IsPositiveInfinity(buckets[^1].UpperBound)) return false;
        int n = 0;
        for (int i = 1; i < buckets.Length; i++)
        {
            if (buckets[i].UpperBound == buckets[n].UpperBound) buckets[n].Count += buckets[i].Count;
            else buckets[++n] = buckets[i];
        }
        buckets = buckets[..(n + 1)];
        return true;
    }

    private static bool Near(double a, double b, double tolerance)
    {
        if (a == b) return true;
        double distance = Math.Abs(a - b), size = Math.Abs(a) + Math.Abs(b);
        if (a == 0 || b == 0 || size < 2.2250738585072014e-308) return distance < tolerance * 2.2250738585072014e-308;
        return distance / Math.Min(size, double.MaxValue) < tolerance;
    }
}
