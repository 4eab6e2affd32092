using Pharos.Core;

namespace Pharos.PromQL.Tests.Running;

/// <summary>A store of so many series that a query over it takes long, and that counts how often one is read.</summary>
internal sealed class EndlessMetrics : IMetricQueryable
{
    private const int SeriesCount = 200_000;

    /// <summary>Reads after which a query is truly under way.</summary>
    private const int BusyReads = 200;

    private readonly IReadOnlyList<ISeries> series;
    private int reads;

    public EndlessMetrics() => series = [.. Enumerable.Range(0, SeriesCount).Select(i =>
        new Slow(this, Labels.Of((Labels.MetricName, "x_bucket"), ("i", $"{i / 4:D6}"), ("le", (i % 4).ToString(System.Globalization.CultureInfo.InvariantCulture)))))];

    public int Reads => Volatile.Read(ref reads);

    /// <summary>Completes once a query is at work.</summary>
    public TaskCompletionSource Busy { get; private set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Restart()
    {
        reads = 0;
        Busy = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    public IReadOnlyList<ISeries> Select(TenantId tenant, IReadOnlyList<Matcher> matchers, TimeRange range, SelectHints hints, CancellationToken cancel) => series;

    public IReadOnlyList<Labels> Series(
        TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, int limit, CancellationToken cancel) => [];

    public IReadOnlyList<string> LabelNames(
        TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, int limit, CancellationToken cancel) => [];

    public IReadOnlyList<string> LabelValues(
        TenantId tenant, string name, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, int limit, CancellationToken cancel) => [];

    public IReadOnlyDictionary<string, IReadOnlyList<MetricMetadata>> Metadata(TenantId tenant, string? family, int limit) =>
        new Dictionary<string, IReadOnlyList<MetricMetadata>>();

    public IReadOnlyList<(Labels Series, IReadOnlyList<Exemplar> Exemplars)> Exemplars(
        TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, CancellationToken cancel) => [];

    private sealed class Slow(EndlessMetrics store, Labels labels) : ISeries
    {
        public Labels Labels { get; } = labels;

        public void Read(TimeRange range, SampleColumns into)
        {
            // The work of some hundred samples: long enough that all series together take seconds.
            Thread.SpinWait(500);
            for (int i = 0; i < 10; i++) into.Add(range.MaxMs - ((10 - i) * 1000), i);
            if (Interlocked.Increment(ref store.reads) == BusyReads) store.Busy.TrySetResult();
        }
    }
}
