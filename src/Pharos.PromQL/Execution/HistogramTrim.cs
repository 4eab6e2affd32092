using Pharos.Core;

namespace Pharos.PromQL.Execution;

/// <summary>
/// Cuts a histogram off at a value. Inside a bucket the cut is interpolated as quantiles are; the sum is estimated
/// anew from the means of what is left, and kept where nothing was cut.
/// </summary>
internal static class HistogramTrim
{
    /// <param name="upper">Cut what is above the value, else what is below.</param>
    public static Histogram Trim(Histogram h, double cut, bool upper)
    {
        var positive = new List<Bucket>();
        var negative = new List<Bucket>();
        HistogramBuckets.AddPositive(h, positive);
        HistogramBuckets.AddNegative(h, negative);
        bool trimmed = false;
        double count = 0, sum = 0, sumLost = 0, zero = 0;
        bool anyPositive = h.PositiveBuckets.Length > 0, anyNegative = h.NegativeBuckets.Length > 0;
        if (!h.UsesCustomBuckets && h.ZeroCount != 0)
        {
            double low = anyPositive && !anyNegative ? 0 : -h.ZeroThreshold, high = anyNegative && !anyPositive ? 0 : h.ZeroThreshold;
            zero = Take(low, high, h.ZeroCount, exponential: false);
        }
        var keptPositive = positive.Select(b => Take(b.Lower, b.Upper, b.Count, !h.UsesCustomBuckets)).ToArray();
        var keptNegative = negative.Select(b => Take(b.Lower, b.Upper, b.Count, !h.UsesCustomBuckets)).ToArray();
        if (!trimmed) return h;
        var (positiveSpans, positiveBuckets) = BucketList.From(h.PositiveSpans, keptPositive).Compact();
        var (negativeSpans, negativeBuckets) = BucketList.From(h.NegativeSpans, keptNegative).Compact();
        return new Histogram
        {
            ResetHint = CounterResetHint.Gauge,
            Schema = h.Schema,
            ZeroThreshold = h.ZeroThreshold,
            ZeroCount = zero,
            Count = count,
            Sum = sum + sumLost,
            PositiveSpans = positiveSpans,
            PositiveBuckets = positiveBuckets,
            NegativeSpans = negativeSpans,
            NegativeBuckets = negativeBuckets,
            CustomValues = h.CustomValues,
            IsFloat = true,
        };

        double Take(double low, double high, double n, bool exponential)
        {
            if (n == 0) return 0;
            double kept = Part(ref low, ref high, n, cut, upper, exponential);
            if (kept != n) trimmed = true;
            if (kept == 0) return 0;
            count += kept;
            Kahan.Add(kept * Mean(low, high, exponential), ref sum, ref sumLost);
            return kept;
        }
    }

    /// <summary>How much of a bucket is left; its bounds are narrowed to that part.</summary>
    private static double Part(ref double low, ref double high, double n, double cut, bool upper, bool exponential)
    {
        if (upper ? double.IsPositiveInfinity(cut) : double.IsNegativeInfinity(cut)) return n;
        if (upper ? double.IsNegativeInfinity(cut) : double.IsPositiveInfinity(cut)) return 0;
        if (double.IsNegativeInfinity(low) && double.IsPositiveInfinity(high)) return 0;
        // The lowest custom bucket starts at 0 where it ends above 0.
        if (double.IsNegativeInfinity(low) && high > 0 && (upper || cut >= 0)) low = 0;
        if (double.IsNegativeInfinity(low))
        {
            if (!upper) return 0;
            low = high = Math.Min(high, cut);
            return n;
        }
        if (double.IsPositiveInfinity(high))
        {
            if (upper) return 0;
            low = high = Math.Max(low, cut);
            return n;
        }
        if (upper ? high <= cut : low >= cut) return n;
        if (upper ? low >= cut : high <= cut) return 0;
        double below;
        if (exponential && !(low <= 0 && high >= 0))
        {
            double logLow = Math.Log2(Math.Abs(low)), logHigh = Math.Log2(Math.Abs(high)), logCut = Math.Log2(Math.Abs(cut));
            below = (logCut - logLow) / (logHigh - logLow);
        }
        else
        {
            below = (cut - low) / (high - low);
        }
        if (upper) high = cut;
        else low = cut;
        return n * (upper ? below : 1 - below);
    }

    private static double Mean(double low, double high, bool exponential)
    {
        if (low == high) return low;
        if (!exponential || (low <= 0 && high >= 0)) return (low + high) / 2;
        double mean = Math.Sqrt(low * high);
        return high < 0 || low < 0 ? -mean : mean;
    }
}
