using Pharos.Core;

namespace Pharos.Rules.UnitTests;

/// <summary>What the series notation needs of histograms: sums of the same layout, equality, and whether a counter went down.</summary>
internal static class HistogramSum
{
    /// <exception cref="FormatException">The two have different schemas, zero buckets or bounds.</exception>
    public static Histogram Add(Histogram a, Histogram b, double sign)
    {
        if (a.Schema != b.Schema || !a.CustomValues.AsSpan().SequenceEqual(b.CustomValues) || (b.ZeroThreshold != 0 && a.ZeroThreshold != b.ZeroThreshold))
            throw new FormatException("histograms with different schemas, zero buckets or bounds cannot be added");
        var (positiveSpans, positive) = Join(a.PositiveSpans, a.PositiveBuckets, b.PositiveSpans, b.PositiveBuckets, sign);
        var (negativeSpans, negative) = Join(a.NegativeSpans, a.NegativeBuckets, b.NegativeSpans, b.NegativeBuckets, sign);
        return new Histogram
        {
            Schema = a.Schema,
            ZeroThreshold = a.ZeroThreshold,
            ZeroCount = a.ZeroCount + (sign * b.ZeroCount),
            Count = a.Count + (sign * b.Count),
            Sum = a.Sum + (sign * b.Sum),
            PositiveSpans = positiveSpans,
            PositiveBuckets = positive,
            NegativeSpans = negativeSpans,
            NegativeBuckets = negative,
            CustomValues = a.CustomValues,
            ResetHint = a.ResetHint,
            IsFloat = true,
        };
    }

    public static bool Equal(Histogram a, Histogram b, Func<double, double, bool> same) =>
        a.Schema == b.Schema && a.ResetHint == b.ResetHint && same(a.ZeroThreshold, b.ZeroThreshold) && same(a.ZeroCount, b.ZeroCount)
        && same(a.Count, b.Count) && same(a.Sum, b.Sum) && a.CustomValues.AsSpan().SequenceEqual(b.CustomValues)
        && Equal(Buckets(a.PositiveSpans, a.PositiveBuckets), Buckets(b.PositiveSpans, b.PositiveBuckets), same)
        && Equal(Buckets(a.NegativeSpans, a.NegativeBuckets), Buckets(b.NegativeSpans, b.NegativeBuckets), same);

    /// <summary>Is the later one the same counter going on?</summary>
    public static bool Continues(Histogram before, Histogram after) =>
        before.Schema == after.Schema && before.ZeroThreshold == after.ZeroThreshold && before.CustomValues.AsSpan().SequenceEqual(after.CustomValues)
        && after.Count >= before.Count && after.ZeroCount >= before.ZeroCount
        && NotBelow(Buckets(before.PositiveSpans, before.PositiveBuckets), Buckets(after.PositiveSpans, after.PositiveBuckets))
        && NotBelow(Buckets(before.NegativeSpans, before.NegativeBuckets), Buckets(after.NegativeSpans, after.NegativeBuckets));

    public static Histogram With(Histogram h, CounterResetHint hint) => new()
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

    private static SortedDictionary<int, double> Buckets(BucketSpan[] spans, double[] counts)
    {
        var buckets = new SortedDictionary<int, double>();
        int index = 0, at = 0;
        foreach (var span in spans)
        {
            index += span.Offset;
            for (uint i = 0; i < span.Length; i++) buckets[index++] = counts[at++];
        }
        return buckets;
    }

    private static (BucketSpan[] Spans, double[] Counts) Join(BucketSpan[] spansA, double[] a, BucketSpan[] spansB, double[] b, double sign)
    {
        var buckets = Buckets(spansA, a);
        foreach (var (index, count) in Buckets(spansB, b)) buckets[index] = buckets.GetValueOrDefault(index) + (sign * count);
        if (buckets.Count == 0) return ([], []);
        int first = buckets.Keys.First(), last = buckets.Keys.Last();
        var counts = new double[last - first + 1];
        foreach (var (index, count) in buckets) counts[index - first] = count;
        return ([new BucketSpan(first, (uint)counts.Length)], counts);
    }

    private static bool Equal(SortedDictionary<int, double> a, SortedDictionary<int, double> b, Func<double, double, bool> same) =>
        a.Keys.Union(b.Keys).All(i => same(a.GetValueOrDefault(i), b.GetValueOrDefault(i)));

    private static bool NotBelow(SortedDictionary<int, double> before, SortedDictionary<int, double> after) =>
        before.All(bucket => after.GetValueOrDefault(bucket.Key) >= bucket.Value);
}
