using Pharos.Core;

namespace Pharos.Metrics.Head;

/// <summary>Whether two histograms are the same sample: all fields but the reset hint, floats by their bits.</summary>
internal static class HistogramEquality
{
    public static bool Same(Histogram a, Histogram b) =>
        ReferenceEquals(a, b)
        || (a.IsStale && b.IsStale)
        || (a.Schema == b.Schema && a.IsFloat == b.IsFloat
            && Bits(a.ZeroThreshold, b.ZeroThreshold) && Bits(a.ZeroCount, b.ZeroCount) && Bits(a.Count, b.Count) && Bits(a.Sum, b.Sum)
            && a.PositiveSpans.AsSpan().SequenceEqual(b.PositiveSpans) && a.NegativeSpans.AsSpan().SequenceEqual(b.NegativeSpans)
            && a.PositiveBuckets.AsSpan().SequenceEqual(b.PositiveBuckets) && a.NegativeBuckets.AsSpan().SequenceEqual(b.NegativeBuckets)
            && a.CustomValues.AsSpan().SequenceEqual(b.CustomValues));

    private static bool Bits(double a, double b) => BitConverter.DoubleToInt64Bits(a) == BitConverter.DoubleToInt64Bits(b);
}
