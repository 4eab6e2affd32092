using Pharos.Core;

namespace Pharos.Wire.Histograms;

/// <summary>What a well-formed native histogram is, and how its resolution is reduced. Source: prometheus/model/histogram.</summary>
public static class HistogramRules
{
    public const int SchemaMax = 8;
    public const int SchemaMin = -4;

    /// <summary>What is wrong with a histogram; null where it may be stored.</summary>
    public static string? Fault(Histogram histogram)
    {
        if (histogram.IsStale) return null;
        if (Spans("positive", histogram.PositiveSpans, histogram.PositiveBuckets) is { } positive) return positive;
        if (Spans("negative", histogram.NegativeSpans, histogram.NegativeBuckets) is { } negative) return negative;
        if (!(histogram.Count >= 0)) return $"count is {histogram.Count}, it must not be negative";
        if (!(histogram.ZeroCount >= 0)) return $"zero bucket count is {histogram.ZeroCount}, it must not be negative";
        if (histogram.UsesCustomBuckets)
        {
            if (histogram.NegativeSpans.Length > 0 || histogram.NegativeBuckets.Length > 0) return "custom buckets cannot have a negative side";
            if (histogram.ZeroCount != 0 || histogram.ZeroThreshold != 0) return "custom buckets cannot have a zero bucket";
            for (int i = 0; i < histogram.CustomValues.Length; i++)
            {
                double bound = histogram.CustomValues[i];
                if (double.IsNaN(bound) || double.IsPositiveInfinity(bound)) return "custom bucket bounds must be numbers without +Inf";
                if (i > 0 && bound <= histogram.CustomValues[i - 1]) return "custom bucket bounds must rise";
            }
            long reach = 0;
            foreach (var span in histogram.PositiveSpans) reach += span.Offset + span.Length;
            if (reach > histogram.CustomValues.Length + 1) return $"buckets reach {reach}, but there are only {histogram.CustomValues.Length} custom bounds";
        }
        else
        {
            if (histogram.Schema is < SchemaMin or > SchemaMax) return $"schema {histogram.Schema} is not between {SchemaMin} and {SchemaMax}";
            if (histogram.CustomValues.Length > 0) return $"schema {histogram.Schema} cannot have custom bucket bounds";
        }
        if (!histogram.IsFloat)
        {
            double observed = histogram.ZeroCount;
            foreach (double count in histogram.PositiveBuckets) observed += count;
            foreach (double count in histogram.NegativeBuckets) observed += count;
            if (double.IsNaN(histogram.Sum) ? observed > histogram.Count : observed != histogram.Count)
                return $"{observed} observations in the buckets, but the count is {histogram.Count}";
        }
        return null;
    }

    /// <summary>
    /// The same observations at a lower resolution: each step down of the schema merges two neighbouring buckets.
    /// </summary>
    public static Histogram ReduceTo(Histogram histogram, int schema)
    {
        if (histogram.UsesCustomBuckets || histogram.Schema <= schema) return histogram;
        int steps = histogram.Schema - schema;
        var (positiveSpans, positive) = Merge(histogram.PositiveSpans, histogram.PositiveBuckets, steps);
        var (negativeSpans, negative) = Merge(histogram.NegativeSpans, histogram.NegativeBuckets, steps);
        return new Histogram
        {
            ResetHint = histogram.ResetHint,
            Schema = schema,
            ZeroThreshold = histogram.ZeroThreshold,
            ZeroCount = histogram.ZeroCount,
            Count = histogram.Count,
            Sum = histogram.Sum,
            IsFloat = histogram.IsFloat,
            PositiveSpans = positiveSpans,
            PositiveBuckets = positive,
            NegativeSpans = negativeSpans,
            NegativeBuckets = negative,
        };
    }

    private static (BucketSpan[] Spans, double[] Buckets) Merge(BucketSpan[] spans, double[] buckets, int steps)
    {
        var mergedSpans = new List<BucketSpan>();
        var merged = new List<double>();
        long index = 0, last = 0;
        int at = 0;
        foreach (var span in spans)
        {
            index += span.Offset;
            for (uint i = 0; i < span.Length && at < buckets.Length; i++, index++, at++)
            {
                // Bucket i holds (base^(i-1), base^i], so indexes merge by (i-1)/2+1, rounding down.
                long target = ((index - 1) >> steps) + 1;
                if (merged.Count > 0 && target == last)
                {
                    merged[^1] += buckets[at];
                    continue;
                }
                if (merged.Count > 0 && target == last + 1) mergedSpans[^1] = mergedSpans[^1] with { Length = mergedSpans[^1].Length + 1 };
                else mergedSpans.Add(new BucketSpan((int)(merged.Count == 0 ? target : target - last - 1), 1));
                merged.Add(buckets[at]);
                last = target;
            }
        }
        return ([.. mergedSpans], [.. merged]);
    }

    private static string? Spans(string side, BucketSpan[] spans, double[] buckets)
    {
        long wanted = 0;
        for (int i = 0; i < spans.Length; i++)
        {
            if (i > 0 && spans[i].Offset < 0) return $"{side} span {i + 1} has a negative offset";
            wanted += spans[i].Length;
        }
        if (wanted != buckets.Length) return $"{side} spans need {wanted} buckets, there are {buckets.Length}";
        foreach (double count in buckets)
        {
            if (!(count >= 0)) return $"{side} bucket count is {count}, it must not be negative";
        }
        return null;
    }
}
