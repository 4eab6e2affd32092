using Pharos.Core;

namespace Pharos.Rules.UnitTests;

/// <summary>
/// The metric store of one rule unit test, in memory: given series, of which only samples up to the present of the test can be seen,
/// and what rules write.
/// </summary>
internal sealed class TestStore : IMetricSink, IMetricQueryable
{
    private readonly SortedDictionary<Labels, TestSeries> series = [];
    private readonly List<(TestSeries Series, List<SeriesValue> Values, long StartMs, long StepMs)> given = [];
    private readonly Dictionary<TestSeries, int> loaded = [];

    public void Give(Labels labels, List<SeriesValue> values, long startMs, long stepMs) => given.Add((Of(labels), values, startMs, stepMs));

    /// <summary>Lets given samples up to this time be seen.</summary>
    public void LoadUntil(long ms)
    {
        for (int g = 0; g < given.Count; g++)
        {
            var (into, values, startMs, stepMs) = given[g];
            int next = loaded.GetValueOrDefault(into);
            for (; next < values.Count && startMs + (next * stepMs) <= ms; next++)
            {
                if (!values[next].Missing) into.Add(startMs + (next * stepMs), values[next].Value, values[next].Histogram);
            }
            loaded[into] = next;
        }
    }

    public ValueTask<AppendResult> AppendAsync(TenantId tenant, MetricBatch batch, CancellationToken cancel)
    {
        foreach (var sample in batch.Samples) Of(Labels.FromEncoded(batch.LabelsOf(sample.Series))).Add(sample.TimestampMs, sample.Value, null);
        foreach (var sample in batch.Histograms) Of(Labels.FromEncoded(batch.LabelsOf(sample.Series))).Add(sample.TimestampMs, 0, sample.Histogram);
        return ValueTask.FromResult(new AppendResult(batch.Samples.Length, batch.Histograms.Count, 0, []));
    }

    public IReadOnlyList<ISeries> Select(TenantId tenant, IReadOnlyList<Matcher> matchers, TimeRange range, SelectHints hints, CancellationToken cancel) =>
        [.. series.Values.Where(s => s.Overlaps(range) && matchers.All(m => m.Matches(s.Labels[m.Name])))];

    public IReadOnlyList<Labels> Series(
        TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, int limit, CancellationToken cancel) =>
        [.. Limited(Matching(matcherSets, range), limit)];

    public IReadOnlyList<string> LabelNames(
        TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, int limit, CancellationToken cancel) =>
        [.. Limited(Matching(matcherSets, range).SelectMany(l => l.ToDictionary().Keys).Distinct().Order(StringComparer.Ordinal), limit)];

    public IReadOnlyList<string> LabelValues(
        TenantId tenant, string name, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, int limit, CancellationToken cancel) =>
        [.. Limited(Matching(matcherSets, range).Select(l => l[name]).Where(v => v.Length > 0).Distinct().Order(StringComparer.Ordinal), limit)];

    public IReadOnlyDictionary<string, IReadOnlyList<MetricMetadata>> Metadata(TenantId tenant, string? family, int limit) =>
        new Dictionary<string, IReadOnlyList<MetricMetadata>>();

    public IReadOnlyList<(Labels Series, IReadOnlyList<Exemplar> Exemplars)> Exemplars(
        TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, CancellationToken cancel) => [];

    private TestSeries Of(Labels labels)
    {
        if (!series.TryGetValue(labels, out var found)) series.Add(labels, found = new TestSeries(labels));
        return found;
    }

    private IEnumerable<Labels> Matching(IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range) => series.Values
        .Where(s => s.Overlaps(range) && (matcherSets.Count == 0 || matcherSets.Any(set => set.All(m => m.Matches(s.Labels[m.Name])))))
        .Select(s => s.Labels);

    private static IEnumerable<T> Limited<T>(IEnumerable<T> all, int limit) => limit > 0 ? all.Take(limit) : all;

    private sealed class TestSeries(Labels labels) : ISeries
    {
        private readonly List<(long TimestampMs, double Value, Histogram? Histogram)> samples = [];

        public Labels Labels { get; } = labels;

        /// <summary>Adds a sample; a histogram's hint is set as a store sets it: "not reset" where the counter goes on.</summary>
        public void Add(long timestampMs, double value, Histogram? histogram)
        {
            int at = samples.Count;
            while (at > 0 && samples[at - 1].TimestampMs > timestampMs) at--;
            if (at > 0 && samples[at - 1].TimestampMs == timestampMs) return;
            if (histogram is { ResetHint: CounterResetHint.Unknown } && at > 0 && samples[at - 1].Histogram is { ResetHint: not CounterResetHint.Gauge } before
                && HistogramSum.Continues(before, histogram))
                histogram = HistogramSum.With(histogram, CounterResetHint.NotReset);
            samples.Insert(at, (timestampMs, value, histogram));
        }

        public bool Overlaps(TimeRange range)
        {
            int at = From(range.MinMs);
            return at < samples.Count && samples[at].TimestampMs <= range.MaxMs;
        }

        public void Read(TimeRange range, SampleColumns into)
        {
            for (int i = From(range.MinMs); i < samples.Count && samples[i].TimestampMs <= range.MaxMs; i++)
            {
                var (timestampMs, value, histogram) = samples[i];
                if (histogram is null) into.Add(timestampMs, value);
                else into.Add(timestampMs, histogram);
            }
        }

        /// <summary>Index of the first sample at or after a time.</summary>
        private int From(long ms)
        {
            int low = 0, high = samples.Count;
            while (low < high)
            {
                int middle = (low + high) / 2;
                if (samples[middle].TimestampMs < ms) low = middle + 1;
                else high = middle;
            }
            return low;
        }
    }
}
