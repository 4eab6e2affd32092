using Pharos.Core;

namespace Pharos.Testing;

/// <summary>A metric store in memory: the engine's counterpart in tests.</summary>
/// <param name="hinted">Gives a histogram the counter reset hint that a store would, from the histogram before it; null leaves hints alone.</param>
public sealed class MemoryMetrics(Func<Histogram, Histogram?, Histogram>? hinted = null) : IMetricQueryable
{
    private readonly SortedDictionary<Labels, MemorySeries> series = [];

    private readonly Dictionary<string, IReadOnlyList<MetricMetadata>> metadata = new(StringComparer.Ordinal);
    private readonly SortedDictionary<Labels, IReadOnlyList<Exemplar>> exemplars = [];

    public void Clear() => series.Clear();

    public void Add(MetricMetadata entry) => metadata[entry.Family] = [entry];

    public void Add(Labels labels, IReadOnlyList<Exemplar> beside) => exemplars[labels] = beside;

    public MemorySeries SeriesOf(Labels labels)
    {
        if (!series.TryGetValue(labels, out var found)) series.Add(labels, found = new MemorySeries(labels, hinted));
        return found;
    }

    public void Add(Labels labels, long timestampMs, double value, long startMs = 0) => SeriesOf(labels).Add(timestampMs, value, null, startMs);

    public void Add(Labels labels, long timestampMs, Histogram value, long startMs = 0) => SeriesOf(labels).Add(timestampMs, 0, value, startMs);

    public IReadOnlyList<ISeries> Select(TenantId tenant, IReadOnlyList<Matcher> matchers, TimeRange range, SelectHints hints, CancellationToken cancel) =>
        [.. series.Values.Where(s => Matcher.All(matchers, s.Labels))];

    public IReadOnlyList<Labels> Series(
        TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, int limit, CancellationToken cancel) =>
        [.. Limit(Matching(matcherSets, range).Select(s => s.Labels), limit)];

    public IReadOnlyList<string> LabelNames(
        TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, int limit, CancellationToken cancel) =>
        [.. Limit(Matching(matcherSets, range).SelectMany(s => s.Labels.ToDictionary().Keys).Distinct().Order(StringComparer.Ordinal), limit)];

    public IReadOnlyList<string> LabelValues(
        TenantId tenant, string name, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, int limit, CancellationToken cancel) =>
        [.. Limit(Matching(matcherSets, range).Select(s => s.Labels[name]).Where(v => v.Length > 0).Distinct().Order(StringComparer.Ordinal), limit)];

    public IReadOnlyDictionary<string, IReadOnlyList<MetricMetadata>> Metadata(TenantId tenant, string? family, int limit) =>
        metadata.Where(m => family is null || m.Key == family).ToDictionary(m => m.Key, m => m.Value);

    public IReadOnlyList<(Labels Series, IReadOnlyList<Exemplar> Exemplars)> Exemplars(
        TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, CancellationToken cancel) =>
        [.. exemplars.Where(e => matcherSets.Any(m => Matcher.All(m, e.Key))).Select(e => (e.Key, e.Value))];

    private IEnumerable<MemorySeries> Matching(IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range) =>
        series.Values.Where(s => (matcherSets.Count == 0 || matcherSets.Any(m => Matcher.All(m, s.Labels))) && s.Overlaps(range));

    private static IEnumerable<T> Limit<T>(IEnumerable<T> all, int limit) => limit > 0 ? all.Take(limit) : all;
}

/// <summary>One series of <see cref="MemoryMetrics"/>.</summary>
public sealed class MemorySeries(Labels labels, Func<Histogram, Histogram?, Histogram>? hinted) : ISeries
{
    private readonly List<(long TimestampMs, double Value, Histogram? Histogram, long StartMs)> samples = [];

    public Labels Labels { get; } = labels;

    /// <summary>Adds a sample; one at a time that is taken already is ignored.</summary>
    public void Add(long timestampMs, double value, Histogram? histogram, long startMs)
    {
        if (hinted is not null && histogram is not null) histogram = hinted(histogram, samples.Count > 0 ? samples[^1].Histogram : null);
        int at = samples.Count;
        while (at > 0 && samples[at - 1].TimestampMs > timestampMs) at--;
        if (at > 0 && samples[at - 1].TimestampMs == timestampMs) return;
        samples.Insert(at, (timestampMs, value, histogram, startMs));
    }

    public bool Overlaps(TimeRange range) => samples.Any(s => range.Contains(s.TimestampMs));

    public void Read(TimeRange range, SampleColumns into)
    {
        bool starts = samples.Any(s => s.StartMs != 0);
        foreach (var (timestampMs, value, histogram, startMs) in samples)
        {
            if (!range.Contains(timestampMs)) continue;
            if (histogram is not null) into.Add(timestampMs, histogram);
            else into.Add(timestampMs, value);
            if (starts) into.SetStart(startMs);
        }
    }
}
