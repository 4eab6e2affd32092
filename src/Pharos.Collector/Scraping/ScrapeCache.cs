using System.Text;
using Pharos.Collector.Relabeling;
using Pharos.Core;
using Pharos.Wire.Exposition;
using Pharos.Wire.Histograms;

namespace Pharos.Collector.Scraping;

/// <summary>
/// Turns one target's expositions into batches. Remembers what became of each series (relabelled labels, or dropped),
/// so that a steady target costs no parsing of labels, and which series were there last time, so that one that vanishes gets its stale marker.
/// </summary>
internal sealed class ScrapeCache(ScrapeTarget target, ScrapeOptions options) : IDisposable
{
    /// <summary>Scrapes for which the metadata of a family that is no longer exposed is kept, as Prometheus keeps it.</summary>
    private const int MetadataScrapes = 10;

    private readonly ByteMap<Known> known = new();
    private readonly ByteMap<Series> bySeries = new();
    private readonly ByteMap<Family> families = new();
    private readonly List<Family> changed = [];
    private readonly List<Family> fresh = [];
    private volatile Family[] published = [];
    private readonly LabelsBuilder builder = new();
    private readonly int schemaMax = SchemaOf(options.NativeHistogramMinBucketFactor);
    private List<Series> before = [];
    private List<Series> now = [];
    private Known current = null!;
    private long iteration = 1;
    private long scrapeMs;
    private long latestMs;
    private bool wantsStarts;
    private int knownSeen;
    private int lastIndex;
    private long startMs;

    public MetricBatch Batch { get; } = new();

    /// <summary>Samples of the exposition, before relabelling.</summary>
    public int Scraped { get; private set; }

    public int AfterRelabelling { get; private set; }

    /// <summary>Series not seen before.</summary>
    public int Added { get; private set; }

    public int Duplicates { get; private set; }

    public int OutOfBounds { get; private set; }

    /// <summary>What the target says of its metric families, as of its last whole exposition. Safe for several threads.</summary>
    public IReadOnlyList<MetricMetadata> Metadata => [.. published.Select(f => f.ToMetadata())];

    /// <param name="timestampMs">Time of samples that bring none.</param>
    public void Begin(long timestampMs)
    {
        Batch.Clear();
        iteration++;
        scrapeMs = timestampMs;
        latestMs = timestampMs + 600_000;
        now.Clear();
        Scraped = AfterRelabelling = Added = Duplicates = OutOfBounds = 0;
        knownSeen = 0;
        startMs = 0;
    }

    public Handler Take(ExpositionFormat format)
    {
        // In protobuf they stand beside the samples; in text they are samples of their own, which then are none.
        wantsStarts = options.StartTimestamps || format == ExpositionFormat.Protobuf;
        return new Handler(this);
    }

    /// <summary>After a whole exposition: limits, and markers for what was there before and is not now.</summary>
    public void Complete()
    {
        if (options.SampleLimit > 0 && AfterRelabelling > options.SampleLimit)
            throw new ScrapeException($"sample limit exceeded: {AfterRelabelling} samples, sample_limit is {options.SampleLimit}", ScrapeFault.SampleLimit);
        foreach (var series in before)
        {
            if (series.Tracked != iteration && series.Appended != iteration) Batch.AddSample(Batch.AddSeries(series.Labels), scrapeMs, SampleValue.Stale);
        }
        (before, now) = (now, before);
        foreach (var metadata in ChangedMetadata()) Batch.Metadata.Add(metadata);
        PublishFamilies();
        if (known.Count <= (2 * knownSeen) + 1000) return;
        known.RemoveWhere(k => k.Seen != iteration);
        bySeries.RemoveWhere(s => s.Tracked != iteration && s.Appended != iteration);
    }

    /// <summary>A failed scrape is an empty one: what was parsed is forgotten, and every series of the last one ends.</summary>
    public void Fail()
    {
        Batch.Clear();
        iteration++;
        now.Clear();
        AfterRelabelling = Added = 0;
        EndAll(scrapeMs);
    }

    /// <summary>Stale markers for all series of the last scrape.</summary>
    public void EndAll(long timestampMs)
    {
        foreach (var series in before) Batch.AddSample(Batch.AddSeries(series.Labels), timestampMs, SampleValue.Stale);
        before.Clear();
    }

    public void Dispose() => Batch.Dispose();

    private bool TryKnown(ReadOnlySpan<byte> raw)
    {
        if (!known.TryGet(raw, out var found)) return false;
        current = found;
        Seen();
        return true;
    }

    private void New(ReadOnlySpan<byte> raw, ReadOnlySpan<byte> labels)
    {
        builder.Reset(Labels.FromEncoded(labels));
        if (options.LegacyNames) CheckNames();
        Series? series = null;
        AddTargetLabels();
        if (RelabelRule.Apply(options.MetricRelabelRules, builder) && builder.Pairs.Count > 0)
        {
            var final = builder.ToLabels();
            CheckLabelLimits(final);
            if (!bySeries.TryGet(final.Encoded, out series))
            {
                series = new Series(final.Encoded.ToArray());
                bySeries.Add(final.Encoded, series);
                Added++;
            }
        }
        current = new Known(series);
        known.Add(raw, current);
        Seen();
    }

    private void Seen()
    {
        if (current.Seen != iteration) knownSeen++;
        current.Seen = iteration;
    }

    private void Sample(double value, Histogram? histogram, long? timestampMs)
    {
        long began = startMs;
        startMs = 0;
        Scraped++;
        lastIndex = -1;
        if (current.Series is not { } series) return;
        AfterRelabelling++;
        // Over the limit the rest is only counted, for the error message.
        if (options.SampleLimit > 0 && AfterRelabelling > options.SampleLimit) return;
        if (!options.HonorTimestamps) timestampMs = null;
        if (timestampMs > latestMs)
        {
            OutOfBounds++;
            return;
        }
        if (series.Appended == iteration)
        {
            if (timestampMs is null)
            {
                Duplicates++;
                return;
            }
        }
        else
        {
            series.Index = Batch.AddSeries(series.Labels);
            series.Appended = iteration;
        }
        lastIndex = series.Index;
        if (histogram is null)
        {
            Batch.AddSample(series.Index, timestampMs ?? scrapeMs, value);
            Batch.AddSampleStart(began);
        }
        else
        {
            Batch.AddHistogram(series.Index, timestampMs ?? scrapeMs, Reduced(histogram));
            Batch.AddHistogramStart(began);
        }
        if (series.Tracked == iteration || (timestampMs is not null && !options.TrackTimestampsStaleness)) return;
        series.Tracked = iteration;
        now.Add(series);
    }

    private void Exemplar(ReadOnlySpan<byte> labels, double value, long? timestampMs)
    {
        if (lastIndex >= 0) Batch.Exemplars.Add(new BatchExemplar(lastIndex, timestampMs ?? scrapeMs, value, Labels.FromEncoded(labels)));
    }

    private void AddTargetLabels()
    {
        List<(string Name, string Value)>? renamed = null;
        foreach (var (name, value) in target.Labels)
        {
            string own = builder.Get(name);
            if (options.HonorLabels)
            {
                if (own.Length == 0) builder.Set(name, value);
                continue;
            }
            if (own.Length > 0) (renamed ??= []).Add((name, own));
            builder.Set(name, value);
        }
        if (renamed is null) return;
        foreach (var (name, value) in renamed)
        {
            string free = "exported_" + name;
            while (builder.Get(free).Length > 0) free = "exported_" + free;
            builder.Set(free, value);
        }
    }

    private void CheckNames()
    {
        foreach (var (name, value) in builder.Pairs)
        {
            bool right = name == Labels.MetricName ? LabelNames.IsLegacyMetric(value) : LabelNames.IsLegacy(name);
            if (!right) throw new ScrapeException($"invalid {(name == Labels.MetricName ? $"metric name \"{value}\"" : $"label name \"{name}\"")} for the legacy validation scheme");
        }
    }

    private void CheckLabelLimits(Labels labels)
    {
        if (options is { LabelLimit: 0, LabelNameLengthLimit: 0, LabelValueLengthLimit: 0 }) return;
        string metric = labels.Name;
        int count = labels.Count;
        if (options.LabelLimit > 0 && count > options.LabelLimit)
            throw new ScrapeException($"label_limit exceeded (metric: {metric}, number of labels: {count}, limit: {options.LabelLimit})", ScrapeFault.LabelLimit);
        foreach (var label in labels)
        {
            if (options.LabelNameLengthLimit > 0 && label.NameUtf8.Length > options.LabelNameLengthLimit)
                throw new ScrapeException($"label_name_length_limit exceeded (metric: {metric}, label name: {label.Name}, length: {label.NameUtf8.Length}, limit: {options.LabelNameLengthLimit})", ScrapeFault.LabelLimit);
            if (options.LabelValueLengthLimit > 0 && label.ValueUtf8.Length > options.LabelValueLengthLimit)
                throw new ScrapeException($"label_value_length_limit exceeded (metric: {metric}, label name: {label.Name}, value length: {label.ValueUtf8.Length}, limit: {options.LabelValueLengthLimit})", ScrapeFault.LabelLimit);
        }
    }

    private Histogram Reduced(Histogram histogram)
    {
        histogram = HistogramRules.ReduceTo(histogram, schemaMax);
        if (options.NativeHistogramBucketLimit == 0) return histogram;
        while (histogram.PositiveBuckets.Length + histogram.NegativeBuckets.Length > options.NativeHistogramBucketLimit)
        {
            if (histogram.UsesCustomBuckets || histogram.Schema <= HistogramRules.SchemaMin)
                throw new ScrapeException($"histogram bucket limit exceeded: over {options.NativeHistogramBucketLimit} buckets at the lowest resolution");
            histogram = HistogramRules.ReduceTo(histogram, histogram.Schema - 1);
        }
        return histogram;
    }

    /// <summary>The finest schema whose buckets grow by at least a factor. Source: prometheus/scrape pickSchema.</summary>
    private static int SchemaOf(double factor) =>
        factor <= 1 ? HistogramRules.SchemaMax : (int)Math.Clamp(Math.Floor(-Math.Log2(Math.Log2(factor))), HistogramRules.SchemaMin, HistogramRules.SchemaMax);

    private Family FamilyOf(ReadOnlySpan<byte> name)
    {
        if (!families.TryGet(name, out var family))
        {
            family = new Family(Encoding.UTF8.GetString(name));
            families.Add(name, family);
            fresh.Add(family);
        }
        family.Seen = iteration;
        return family;
    }

    /// <summary>Allocates only where families came or went.</summary>
    private void PublishFamilies()
    {
        bool gone = false;
        foreach (var family in published) gone |= IsGone(family);
        foreach (var family in fresh) gone |= IsGone(family);
        if (!gone && fresh.Count == 0) return;
        if (gone) families.RemoveWhere(IsGone);
        published = [.. published.Concat(fresh).Where(f => !IsGone(f))];
        fresh.Clear();
    }

    private bool IsGone(Family family) => iteration - family.Seen > MetadataScrapes;

    private IEnumerable<MetricMetadata> ChangedMetadata()
    {
        foreach (var family in changed)
        {
            family.Changed = false;
            yield return family.ToMetadata();
        }
        changed.Clear();
    }

    private void Mark(Family family)
    {
        if (family.Changed) return;
        family.Changed = true;
        changed.Add(family);
    }

    /// <summary>Takes the pieces of an exposition into the cache.</summary>
    public readonly struct Handler(ScrapeCache cache) : IExpositionHandler
    {
        public void Help(ReadOnlySpan<byte> family, ReadOnlySpan<byte> help)
        {
            var known = cache.FamilyOf(family);
            if (help.SequenceEqual(known.Help)) return;
            known.Help = help.ToArray();
            cache.Mark(known);
        }

        public void Type(ReadOnlySpan<byte> family, MetricType type)
        {
            var known = cache.FamilyOf(family);
            if (known.Type == type) return;
            known.Type = type;
            cache.Mark(known);
        }

        public void Unit(ReadOnlySpan<byte> family, ReadOnlySpan<byte> unit)
        {
            var known = cache.FamilyOf(family);
            if (unit.SequenceEqual(known.Unit)) return;
            known.Unit = unit.ToArray();
            cache.Mark(known);
        }

        public bool TryKnown(ReadOnlySpan<byte> raw) => cache.TryKnown(raw);

        public void New(ReadOnlySpan<byte> raw, ReadOnlySpan<byte> labels) => cache.New(raw, labels);

        public bool WantsStarts => cache.wantsStarts;

        public void Start(long startMs) => cache.startMs = startMs;

        public void Sample(double value, long? timestampMs) => cache.Sample(value, null, timestampMs);

        public void Histogram(Histogram histogram, long? timestampMs) => cache.Sample(0, histogram, timestampMs);

        public void Exemplar(ReadOnlySpan<byte> labels, double value, long? timestampMs) => cache.Exemplar(labels, value, timestampMs);
    }

    /// <summary>A series as the exposition writes it. No series: the rules drop it.</summary>
    private sealed class Known(Series? series)
    {
        public Series? Series { get; } = series;

        /// <summary>The last iteration that had it.</summary>
        public long Seen { get; set; }
    }

    /// <summary>A series as it is stored; several spellings may lead to one.</summary>
    private sealed class Series(byte[] labels)
    {
        public byte[] Labels { get; } = labels;

        /// <summary>The last iteration that appended to it; <see cref="Index"/> is its place in that batch.</summary>
        public long Appended { get; set; }

        public int Index { get; set; }

        /// <summary>The last iteration after which its absence means its end.</summary>
        public long Tracked { get; set; }
    }

    private sealed class Family(string name)
    {
        public string Name { get; } = name;
        public MetricType Type { get; set; }
        public byte[] Help { get; set; } = [];
        public byte[] Unit { get; set; } = [];
        public bool Changed { get; set; }

        /// <summary>The last iteration that had it.</summary>
        public long Seen { get; set; }

        public MetricMetadata ToMetadata() => new(Name, Type, Encoding.UTF8.GetString(Help), Encoding.UTF8.GetString(Unit));
    }
}
