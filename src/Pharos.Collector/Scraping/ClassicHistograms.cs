using System.Text;
using Pharos.Collector.Relabeling;
using Pharos.Core;
using Pharos.Wire.Exposition;

namespace Pharos.Collector.Scraping;

/// <summary>
/// Makes a native histogram with custom buckets of the series of each classic histogram in one target's expositions.
/// Remembers what each series is, so that a steady target costs no parsing of labels. Source: prometheus/util/convertnhcb.
/// </summary>
/// <param name="keepClassic">The classic series go on too.</param>
internal sealed class ClassicHistograms(bool keepClassic)
{
    private static readonly (string Suffix, PartKind Kind)[] Suffixes = [("_bucket", PartKind.Bucket), ("_count", PartKind.Count), ("_sum", PartKind.Sum)];
    private static readonly Part NoPart = new(null, PartKind.Other, 0);

    private readonly ByteMap<ClassicFamily> families = new();
    private readonly ByteMap<Part> parts = new();
    private readonly ByteMap<ClassicHistogram> histograms = new();
    private readonly List<ClassicHistogram> open = [];
    private readonly LabelsBuilder builder = new();
    private Part current = NoPart;
    private ClassicFamily? lastFamily;
    private long iteration;
    private long startMs;

    private bool Swallows => current.Histogram is not null && !keepClassic;

    private enum PartKind
    {
        Other,
        Bucket,
        Count,
        Sum,
    }

    /// <summary>Starts an exposition; what comes goes on through <paramref name="inner"/>.</summary>
    public Handler Take(ScrapeCache.Handler inner)
    {
        iteration++;
        open.Clear();
        lastFamily = null;
        // Series that come and go must not fill the memory: all are looked at anew.
        if (parts.Count > 1_000_000) Forget();
        return new Handler(this, inner);
    }

    /// <summary>Hands on the histograms of the exposition. A family that has native histograms of its own keeps those.</summary>
    public void Complete(ScrapeCache.Handler inner)
    {
        foreach (var histogram in open)
        {
            if (histogram.Family.NativeAt == iteration || histogram.Convert() is not { } converted) continue;
            if (!inner.TryKnown(histogram.Key)) inner.New(histogram.Key, histogram.Labels.Encoded);
            if (histogram.StartMs != 0) inner.Start(histogram.StartMs);
            inner.Histogram(converted, histogram.TimestampMs);
            foreach (var (labels, value, timestampMs) in histogram.Exemplars) inner.Exemplar(labels, value, timestampMs);
        }
    }

    private void Forget()
    {
        parts.Clear();
        histograms.Clear();
    }

    private void Type(ReadOnlySpan<byte> name, MetricType type)
    {
        if (!families.TryGet(name, out var family))
        {
            family = new ClassicFamily();
            families.Add(name, family);
        }
        if (family.IsHistogram != (type == MetricType.Histogram))
        {
            family.IsHistogram = !family.IsHistogram;
            Forget();
        }
        lastFamily = family;
    }

    private Part PartOf(ReadOnlySpan<byte> encoded)
    {
        var labels = Labels.FromEncoded(encoded);
        string name = labels.Name;
        foreach (var (suffix, kind) in Suffixes)
        {
            if (!name.EndsWith(suffix, StringComparison.Ordinal)) continue;
            if (!families.TryGet(Encoding.UTF8.GetBytes(name[..^suffix.Length]), out var family) || !family.IsHistogram) return NoPart;
            double bound = 0;
            if (kind == PartKind.Bucket && !GoFloat.TryParse(Encoding.UTF8.GetBytes(labels["le"]), out bound)) return NoPart;
            var own = builder.Reset(labels).Set(Labels.MetricName, name[..^suffix.Length]).Remove("le").ToLabels();
            if (!histograms.TryGet(own.Encoded, out var histogram))
            {
                histogram = new ClassicHistogram(family, own);
                histograms.Add(own.Encoded, histogram);
            }
            return new Part(histogram, kind, bound);
        }
        return NoPart;
    }

    private void Add(ClassicHistogram histogram, double value, long? timestampMs)
    {
        if (histogram.At != iteration)
        {
            histogram.Begin(iteration);
            open.Add(histogram);
        }
        histogram.TimestampMs = timestampMs;
        histogram.StartMs = startMs;
        switch (current.Kind)
        {
            case PartKind.Bucket:
                histogram.Buckets.Add((current.Bound, value));
                break;
            case PartKind.Count:
                histogram.Count = value;
                break;
            default:
                histogram.Sum = value;
                break;
        }
    }

    /// <summary>Between a parser and the cache.</summary>
    public readonly struct Handler(ClassicHistograms owner, ScrapeCache.Handler inner) : IExpositionHandler
    {
        public void Help(ReadOnlySpan<byte> family, ReadOnlySpan<byte> help) => inner.Help(family, help);

        public void Type(ReadOnlySpan<byte> family, MetricType type)
        {
            owner.Type(family, type);
            inner.Type(family, type);
        }

        public void Unit(ReadOnlySpan<byte> family, ReadOnlySpan<byte> unit) => inner.Unit(family, unit);

        public bool TryKnown(ReadOnlySpan<byte> raw)
        {
            if (!owner.parts.TryGet(raw, out var part)) return false;
            owner.current = part;
            return owner.Swallows || inner.TryKnown(raw);
        }

        public void New(ReadOnlySpan<byte> raw, ReadOnlySpan<byte> labels)
        {
            if (!owner.parts.TryGet(raw, out var part))
            {
                part = owner.PartOf(labels);
                owner.parts.Add(raw, part);
            }
            owner.current = part;
            if (!owner.Swallows && !inner.TryKnown(raw)) inner.New(raw, labels);
        }

        public bool WantsStarts => inner.WantsStarts;

        public void Start(long startMs)
        {
            owner.startMs = startMs;
            if (!owner.Swallows) inner.Start(startMs);
        }

        public void Sample(double value, long? timestampMs)
        {
            if (owner.current.Histogram is { } histogram) owner.Add(histogram, value, timestampMs);
            owner.startMs = 0;
            if (!owner.Swallows) inner.Sample(value, timestampMs);
        }

        public void Histogram(Histogram histogram, long? timestampMs)
        {
            if (owner.lastFamily is { } family) family.NativeAt = owner.iteration;
            owner.startMs = 0;
            inner.Histogram(histogram, timestampMs);
        }

        public void Exemplar(ReadOnlySpan<byte> labels, double value, long? timestampMs)
        {
            if (owner.current.Histogram is { } histogram) histogram.Exemplars.Add((labels.ToArray(), value, timestampMs));
            if (!owner.Swallows) inner.Exemplar(labels, value, timestampMs);
        }
    }

    /// <summary>What one series of the exposition is.</summary>
    private sealed record Part(ClassicHistogram? Histogram, PartKind Kind, double Bound);
}
