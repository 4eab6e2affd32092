using System.Globalization;
using Pharos.Core;

namespace Pharos.PromQL.Tests.Conformance;

/// <summary>Makes native histograms with custom buckets of the classic histograms that were loaded.</summary>
internal static class CustomBuckets
{
    public static void Add(MemoryMetrics store, List<(Labels Labels, List<SequenceValue> Values, List<long?>? Starts)> loaded, long intervalMs)
    {
        var groups = new Dictionary<Labels, (SortedDictionary<double, List<SequenceValue>> Buckets, List<SequenceValue>? Sum, List<SequenceValue>? Count)>();
        foreach (var (labels, values, _) in loaded)
        {
            string name = labels.Name;
            string? suffix = new[] { "_bucket", "_sum", "_count" }.FirstOrDefault(s => name.EndsWith(s, StringComparison.Ordinal));
            if (suffix is null || (suffix == "_bucket" && !labels.Has("le"))) continue;
            var key = labels.With(Labels.MetricName, name[..^suffix.Length]).Without("le");
            var group = groups.GetValueOrDefault(key, ([], null, null));
            if (suffix == "_sum") group.Sum = values;
            else if (suffix == "_count") group.Count = values;
            else
            {
                string le = labels["le"];
                double bound = le is "+Inf" or "Inf" ? double.PositiveInfinity
                    : double.TryParse(le, NumberStyles.Float, CultureInfo.InvariantCulture, out double b) ? b : double.NaN;
                if (!double.IsNaN(bound)) group.Buckets[bound] = values;
            }
            groups[key] = group;
        }
        foreach (var (labels, (buckets, sum, count)) in groups)
        {
            if (buckets.Count == 0) continue;
            int length = buckets.Values.Max(v => v.Count);
            for (int i = 0; i < length; i++)
            {
                var there = buckets.Where(b => i < b.Value.Count && !b.Value[i].Missing).ToArray();
                if (there.Length == 0) continue;
                double total = At(count, i) ?? there[^1].Value[i].Value;
                var bounds = there.Select(b => b.Key).Where(double.IsFinite).ToArray();
                var counts = new List<double>();
                double before = 0;
                foreach (var (bound, values) in there)
                {
                    if (!double.IsFinite(bound)) continue;
                    counts.Add(values[i].Value - before);
                    before = values[i].Value;
                }
                counts.Add((double.IsPositiveInfinity(there[^1].Key) ? there[^1].Value[i].Value : total) - before);
                if (counts.Any(c => c < 0)) continue;
                store.Add(labels, i * intervalMs, new Histogram
                {
                    Schema = Histogram.CustomBucketsSchema,
                    CustomValues = bounds,
                    Count = double.IsPositiveInfinity(there[^1].Key) && At(count, i) is null ? there[^1].Value[i].Value : total,
                    Sum = At(sum, i) ?? 0,
                    PositiveSpans = [new BucketSpan(0, (uint)counts.Count)],
                    PositiveBuckets = [.. counts],
                    IsFloat = true,
                });
            }
        }
    }

    private static double? At(List<SequenceValue>? values, int i) => values is null || i >= values.Count || values[i].Missing ? null : values[i].Value;
}
