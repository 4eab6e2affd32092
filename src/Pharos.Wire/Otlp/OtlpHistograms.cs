using System.Runtime.InteropServices;
using Pharos.Core;
using Pharos.Wire.Histograms;

namespace Pharos.Wire.Otlp;

/// <summary>Turns histogram points of OTLP into native histograms.</summary>
internal static class OtlpHistograms
{
    private const double DefaultZeroThreshold = 1e-128;

    /// <summary>Bucket indexes of any double at the finest scale are well inside; beyond them there is nothing to count.</summary>
    private const int IndexMax = 1 << 19;

    /// <summary>Empty buckets up to this many between two others are written out; longer gaps begin a new span, as in Prometheus.</summary>
    private const int GapMax = 2;

    /// <summary>An exponential histogram. Null, with the fault, where it cannot be one.</summary>
    public static Histogram? Exponential(OtlpPoint point, CounterResetHint hint, out string? fault)
    {
        fault = null;
        if (point.IsStale) return Histogram.StaleMarker;
        int down = Math.Max(0, point.Scale - HistogramRules.SchemaMax);
        if (point.Scale < HistogramRules.SchemaMin)
        {
            fault = $"cannot convert exponential to native histogram: scale must be >= {HistogramRules.SchemaMin}, was {point.Scale}";
            return null;
        }
        if (!TryLayOut(point.Positive, down, out var positiveSpans, out var positive) || !TryLayOut(point.Negative, down, out var negativeSpans, out var negative))
        {
            fault = $"bucket offsets {point.Positive.Offset} and {point.Negative.Offset} are outside of what a number can hold";
            return null;
        }
        var histogram = new Histogram
        {
            ResetHint = hint,
            Schema = point.Scale - down,
            ZeroThreshold = point.ZeroThreshold > 0 ? point.ZeroThreshold : DefaultZeroThreshold,
            ZeroCount = point.ZeroCount,
            Count = point.Count,
            Sum = point.Sum ?? 0,
            PositiveSpans = positiveSpans,
            PositiveBuckets = positive,
            NegativeSpans = negativeSpans,
            NegativeBuckets = negative,
        };
        fault = HistogramRules.Fault(histogram);
        return fault is null ? histogram : null;
    }

    /// <summary>An explicit histogram as a native one with custom buckets. Null, with the fault, where it cannot be one.</summary>
    public static Histogram? Custom(OtlpPoint point, CounterResetHint hint, out string? fault)
    {
        fault = null;
        if (point.IsStale) return Histogram.StaleMarker;
        var spans = new List<BucketSpan>();
        var counts = new List<double>();
        LayOut(point.BucketCounts.Count > 0 ? point.BucketCounts : [point.Count], 0, 0, spans, counts);
        var histogram = new Histogram
        {
            ResetHint = hint,
            Schema = Histogram.CustomBucketsSchema,
            Count = point.Count,
            Sum = point.Sum ?? 0,
            PositiveSpans = [.. spans],
            PositiveBuckets = [.. counts],
            CustomValues = [.. point.Bounds],
        };
        fault = HistogramRules.Fault(histogram);
        return fault is null ? histogram : null;
    }

    /// <summary>Halves the resolution as often as told: neighbouring buckets merge. Indexes are OTLP's.</summary>
    public static OtlpBuckets Downscale(OtlpBuckets buckets, int steps)
    {
        var merged = new OtlpBuckets { Offset = buckets.Offset >> steps };
        for (int i = 0; i < buckets.Counts.Count; i++)
        {
            long index = (((long)buckets.Offset + i) >> steps) - merged.Offset;
            if (index == merged.Counts.Count) merged.Counts.Add(0);
            CollectionsMarshal.AsSpan(merged.Counts)[(int)index] += buckets.Counts[i];
        }
        return merged;
    }

    private static bool TryLayOut(OtlpBuckets buckets, int down, out BucketSpan[] spans, out double[] counts)
    {
        var spanList = new List<BucketSpan>();
        var countList = new List<double>();
        if (down > 0) buckets = Downscale(buckets, Math.Min(down, 31));
        // OTLP's bucket 0 begins at 1, Prometheus's ends there.
        bool right = Math.Abs((long)buckets.Offset) < IndexMax && LayOut(buckets.Counts, buckets.Offset + 1, GapMax, spanList, countList);
        spans = [.. spanList];
        counts = [.. countList];
        return right;
    }

    private static bool LayOut(List<ulong> dense, int first, int gapMax, List<BucketSpan> spans, List<double> counts)
    {
        int next = 0;
        for (int i = 0; i < dense.Count; i++)
        {
            if (dense[i] == 0) continue;
            if (first + i > IndexMax) return false;
            int index = first + i;
            int gap = index - next;
            if (spans.Count == 0 || gap > gapMax)
            {
                spans.Add(new BucketSpan(gap, 0));
            }
            else
            {
                for (int empty = 0; empty < gap; empty++) counts.Add(0);
                spans[^1] = spans[^1] with { Length = spans[^1].Length + (uint)gap };
            }
            spans[^1] = spans[^1] with { Length = spans[^1].Length + 1 };
            counts.Add(dense[i]);
            next = index + 1;
        }
        return true;
    }
}
