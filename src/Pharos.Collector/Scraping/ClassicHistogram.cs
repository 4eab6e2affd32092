using Pharos.Core;

namespace Pharos.Collector.Scraping;

/// <summary>The series of one classic histogram in one exposition.</summary>
/// <param name="labels">Of the native histogram: the family's name, no <c>le</c>.</param>
internal sealed class ClassicHistogram(ClassicFamily family, Labels labels)
{
    public ClassicFamily Family { get; } = family;

    public Labels Labels { get; } = labels;

    /// <summary>Stands for the converted series in the cache: no exposition writes a series that starts with this byte.</summary>
    public byte[] Key { get; } = [0xff, .. labels.Encoded];

    /// <summary>Upper bounds with their cumulative counts, as they came.</summary>
    public List<(double Bound, double Count)> Buckets { get; } = [];

    public List<(byte[] Labels, double Value, long? TimestampMs)> Exemplars { get; } = [];

    public double? Count { get; set; }

    public double Sum { get; set; }

    public long? TimestampMs { get; set; }

    /// <summary>When it began to count; 0 for not known.</summary>
    public long StartMs { get; set; }

    /// <summary>The exposition that it holds.</summary>
    public long At { get; private set; } = -1;

    public void Begin(long iteration)
    {
        At = iteration;
        Buckets.Clear();
        Exemplars.Clear();
        Count = null;
        Sum = 0;
    }

    /// <summary>A histogram with custom buckets, without its empty ones; null where the counts contradict each other.</summary>
    public Histogram? Convert()
    {
        Buckets.Sort((a, b) => a.Bound.CompareTo(b.Bound));
        double count = Count ?? (Buckets.Count > 0 ? Buckets[^1].Count : 0);
        bool isFloat = count != Math.Truncate(count);
        var bounds = new List<double>();
        var spans = new List<BucketSpan>();
        var counts = new List<double>();
        double before = 0, at = double.NegativeInfinity;
        int next = 0;
        foreach (var (bound, cumulative) in Buckets)
        {
            // One bucket written twice is one.
            if (bound == at) continue;
            at = bound;
            if (!(cumulative >= before)) return null;
            isFloat |= cumulative != Math.Truncate(cumulative);
            if (double.IsPositiveInfinity(bound)) break;
            Add(bounds.Count, cumulative - before);
            bounds.Add(bound);
            before = cumulative;
        }
        if (!(count >= before)) return null;
        Add(bounds.Count, count - before);
        return new Histogram
        {
            Schema = Histogram.CustomBucketsSchema,
            Count = count,
            Sum = Sum,
            CustomValues = [.. bounds],
            PositiveSpans = [.. spans],
            PositiveBuckets = [.. counts],
            IsFloat = isFloat,
        };

        void Add(int index, double observations)
        {
            if (observations == 0) return;
            if (spans.Count > 0 && index == next) spans[^1] = spans[^1] with { Length = spans[^1].Length + 1 };
            else spans.Add(new BucketSpan(index - next, 1));
            counts.Add(observations);
            next = index + 1;
        }
    }
}

/// <summary>A metric family of one target.</summary>
internal sealed class ClassicFamily
{
    public bool IsHistogram { get; set; }

    /// <summary>The last exposition in which it had native histograms.</summary>
    public long NativeAt { get; set; } = -1;
}
