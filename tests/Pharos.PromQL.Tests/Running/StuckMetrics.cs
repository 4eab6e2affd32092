using Pharos.Core;

namespace Pharos.PromQL.Tests.Running;

/// <summary>A store that answers no selection until the query is cancelled.</summary>
internal sealed class StuckMetrics : IMetricQueryable, IDisposable
{
    private readonly MemoryMetrics rest = new();

    public TaskCompletionSource Entered { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public IReadOnlyList<ISeries> Select(TenantId tenant, IReadOnlyList<Matcher> matchers, TimeRange range, SelectHints hints, CancellationToken cancel)
    {
        Entered.TrySetResult();
        cancel.WaitHandle.WaitOne(TimeSpan.FromSeconds(30));
        cancel.ThrowIfCancellationRequested();
        return [];
    }

    public IReadOnlyList<Labels> Series(TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, int limit, CancellationToken cancel) =>
        rest.Series(tenant, matcherSets, range, limit, cancel);

    public IReadOnlyList<string> LabelNames(TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, int limit, CancellationToken cancel) => [];

    public IReadOnlyList<string> LabelValues(
        TenantId tenant, string name, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, int limit, CancellationToken cancel) => [];

    public IReadOnlyDictionary<string, IReadOnlyList<MetricMetadata>> Metadata(TenantId tenant, string? family, int limit) =>
        rest.Metadata(tenant, family, limit);

    public IReadOnlyList<(Labels Series, IReadOnlyList<Exemplar> Exemplars)> Exemplars(
        TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, CancellationToken cancel) => [];

    public void Dispose() => Entered.TrySetCanceled();
}
