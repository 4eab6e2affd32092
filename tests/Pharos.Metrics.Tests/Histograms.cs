using Pharos.Core;

namespace Pharos.Metrics.Tests;

/// <summary>Native histograms to test with.</summary>
internal static class Histograms
{
    /// <summary>Rises with i; a wide one has more buckets than the others.</summary>
    public static Histogram Exponential(int i, bool wide = false) => new()
    {
        Schema = 0,
        ZeroThreshold = 0.001,
        ZeroCount = 2 + i,
        Count = 12 + (5 * i) + (wide ? 7 : 0),
        Sum = 18.4 * (i + 1),
        PositiveSpans = wide ? [new BucketSpan(1, 2), new BucketSpan(3, 1)] : [new BucketSpan(1, 2)],
        PositiveBuckets = wide ? [3 + i, 4 + i, 7] : [3 + i, 4 + i],
        NegativeSpans = [new BucketSpan(1, 2)],
        NegativeBuckets = [2 + i, 1 + i],
    };

    public static Histogram Float(int i) => new()
    {
        IsFloat = true,
        Schema = 0,
        Count = 4.5 * i,
        Sum = 10.5 * i,
        PositiveSpans = [new BucketSpan(1, 2)],
        PositiveBuckets = [1.5 * i, 3.0 * i],
    };

    public static Histogram Custom(int i) => new()
    {
        Schema = Histogram.CustomBucketsSchema,
        Count = 6 + (3 * i),
        Sum = 3 + i,
        CustomValues = [0.5, 1, 2.25],
        PositiveSpans = [new BucketSpan(0, 3)],
        PositiveBuckets = [1 + i, 2 + i, 3 + i],
    };
}
