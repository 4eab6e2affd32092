using Pharos.Core;

namespace Pharos.PromQL.Execution;

/// <summary>A bucket with its bounds.</summary>
internal readonly record struct Bucket(double Lower, double Upper, double Count, bool LowerInclusive, bool UpperInclusive, int Index);

/// <summary>Bounds and walks over the buckets of a native histogram.</summary>
internal static class HistogramBuckets
{
    /// <summary>Upper bound of a positive bucket (mirrored for a negative one).</summary>
    public static double UpperBound(int index, int schema, double[] customValues)
    {
        if (schema == Histogram.CustomBucketsSchema)
        {
            if (index < 0) return double.NegativeInfinity;
            return index < customValues.Length ? customValues[index] : double.PositiveInfinity;
        }
        if (schema <= 0)
        {
            int exponent = index << -schema;
            if (exponent >= 1024) return exponent == 1024 ? double.MaxValue : double.PositiveInfinity;
            return Math.ScaleB(1, exponent);
        }
        int fraction = index & ((1 << schema) - 1);
        int whole = index >> schema;
        return fraction == 0 && whole == 1024 ? double.MaxValue : Math.ScaleB(ExponentialBounds.Of(fraction, schema), whole);
    }

    /// <summary>All buckets with their index, empty ones inside spans too, in rising order.</summary>
    public static List<Bucket> All(Histogram h)
    {
        var buckets = new List<Bucket>(h.PositiveBuckets.Length + h.NegativeBuckets.Length + 1);
        AddNegative(h, buckets);
        buckets.Reverse();
        // A zero bucket below nothing, as subtraction makes it, is left out, as Prometheus does.
        if (!h.UsesCustomBuckets && h.ZeroCount > 0) buckets.Add(Zero(h));
        AddPositive(h, buckets);
        return buckets;
    }

    public static Bucket Zero(Histogram h) => new(-h.ZeroThreshold, h.ZeroThreshold, h.ZeroCount, true, true, int.MinValue);

    public static void AddPositive(Histogram h, List<Bucket> into)
    {
        int index = 0, at = 0;
        foreach (var span in h.PositiveSpans)
        {
            index += span.Offset;
            for (uint i = 0; i < span.Length; i++, index++)
            {
                double upper = UpperBound(index, h.Schema, h.CustomValues), lower = UpperBound(index - 1, h.Schema, h.CustomValues);
                bool custom = h.UsesCustomBuckets;
                into.Add(new Bucket(lower, upper, h.PositiveBuckets[at++], custom ? index == 0 : lower < 0, custom || upper > 0, index));
            }
        }
    }

    /// <summary>Negative buckets, those near zero first.</summary>
    public static void AddNegative(Histogram h, List<Bucket> into)
    {
        int index = 0, at = 0;
        foreach (var span in h.NegativeSpans)
        {
            index += span.Offset;
            for (uint i = 0; i < span.Length; i++, index++)
            {
                double lower = -UpperBound(index, h.Schema, h.CustomValues), upper = -UpperBound(index - 1, h.Schema, h.CustomValues);
                into.Add(new Bucket(lower, upper, h.NegativeBuckets[at++], lower < 0, upper > 0, index));
            }
        }
    }

    /// <summary>Index of the bucket that holds this one at a lower resolution.</summary>
    public static int Coarser(int index, int fromSchema, int toSchema) => ((index - 1) >> (fromSchema - toSchema)) + 1;

    /// <summary>Spans over rising indexes.</summary>
    public static BucketSpan[] Spans(ReadOnlySpan<int> indexes)
    {
        var spans = new List<BucketSpan>();
        int end = 0;
        for (int i = 0; i < indexes.Length;)
        {
            int start = i;
            while (i < indexes.Length && indexes[i] == indexes[start] + (i - start)) i++;
            spans.Add(new BucketSpan(indexes[start] - end, (uint)(i - start)));
            end = indexes[start] + (i - start);
        }
        return [.. spans];
    }
}
