using System.Text;
using Pharos.Core;
using Pharos.PromQL.Execution;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL;

/// <summary>A histogram as text, as Prometheus shows it: <c>{count:4, sum:5, (0.5,1]:1}</c>.</summary>
public static class HistogramText
{
    public static string Format(Histogram h)
    {
        var text = new StringBuilder("{count:").Append(NumberText.FormatG(h.Count)).Append(", sum:").Append(NumberText.FormatG(h.Sum));
        foreach (var bucket in HistogramBuckets.All(h))
        {
            if (bucket.Count == 0) continue;
            text.Append(", ").Append(bucket.LowerInclusive ? '[' : '(').Append(NumberText.FormatG(bucket.Lower)).Append(',')
                .Append(NumberText.FormatG(bucket.Upper)).Append(bucket.UpperInclusive ? ']' : ')').Append(':').Append(NumberText.FormatG(bucket.Count));
        }
        return text.Append('}').ToString();
    }

    /// <summary>The buckets that hold something, in rising order.</summary>
    public static IEnumerable<HistogramBucket> Buckets(Histogram h) =>
        HistogramBuckets.All(h).Where(b => b.Count != 0).Select(b => new HistogramBucket(b.Lower, b.Upper, b.Count, b.LowerInclusive, b.UpperInclusive));
}

/// <summary>One bucket of a native histogram with its bounds.</summary>
public readonly record struct HistogramBucket(double Lower, double Upper, double Count, bool LowerInclusive, bool UpperInclusive);
