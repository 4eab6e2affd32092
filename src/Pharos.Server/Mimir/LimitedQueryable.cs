using Pharos.Core;

namespace Pharos.Server.Mimir;

/// <summary>
/// The limits of a read that give less instead of an error: how far back it sees, how long a range of labels is, how many results come;
/// and the budget of readers that bring none.
/// For several tenants the strictest of their limits hold.
/// </summary>
internal sealed class LimitedQueryable(IMetricQueryable store, ITenantLimits limits, TimeProvider time) : IMetricQueryable, IMetricChanges
{
    /// <inheritdoc/>
    public long VersionOf(TenantId tenant, long fromMs, long toMs) =>
        // Where only the last so many days are seen, what is seen changes with the clock.
        store is IMetricChanges changes && limits.For(tenant).QueryLookbackMax <= TimeSpan.Zero ? changes.VersionOf(tenant, fromMs, toMs) : IMetricChanges.Unknown;

    public IReadOnlyList<ISeries> Select(
        TenantId tenant, IReadOnlyList<Matcher> matchers, TimeRange range, SelectHints hints, CancellationToken cancel)
    {
        var allowed = limits.For(tenant);
        if (LookedBack(allowed, range) is not { } seen) return [];
        // A reader that does not count over its whole query, as remote read, has a budget for each selection.
        var found = store.Select(tenant, matchers, seen, hints with { Budget = hints.Budget ?? QueryBudget.Of(allowed) }, cancel);
        return seen == range ? found : [.. found.Select(s => new Clamped(s, seen.MinMs))];
    }

    public IReadOnlyList<Labels> Series(
        TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, int limit, CancellationToken cancel)
    {
        var allowed = limits.For(tenant);
        return Shortened(allowed, range) is { } seen ? store.Series(tenant, matcherSets, seen, Least(limit, allowed.SeriesQueryMax), cancel) : [];
    }

    public IReadOnlyList<string> LabelNames(
        TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, int limit, CancellationToken cancel)
    {
        var allowed = limits.For(tenant);
        return Shortened(allowed, range) is { } seen ? store.LabelNames(tenant, matcherSets, seen, Least(limit, allowed.LabelNamesQueryMax), cancel) : [];
    }

    public IReadOnlyList<string> LabelValues(
        TenantId tenant, string name, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, int limit, CancellationToken cancel)
    {
        var allowed = limits.For(tenant);
        return Shortened(allowed, range) is { } seen ? store.LabelValues(tenant, name, matcherSets, seen, Least(limit, allowed.LabelValuesQueryMax), cancel) : [];
    }

    public IReadOnlyDictionary<string, IReadOnlyList<MetricMetadata>> Metadata(TenantId tenant, string? family, int limit) => store.Metadata(tenant, family, limit);

    public IReadOnlyList<(Labels Series, IReadOnlyList<Exemplar> Exemplars)> Exemplars(
        TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, CancellationToken cancel) =>
        LookedBack(limits.For(tenant), range) is { } seen ? store.Exemplars(tenant, matcherSets, seen, cancel) : [];

    /// <summary>What is left of a range; null where nothing is.</summary>
    private TimeRange? LookedBack(TenantLimits allowed, TimeRange range)
    {
        if (allowed.QueryLookbackMax <= TimeSpan.Zero) return range;
        long oldestMs = time.UnixMs() - (long)allowed.QueryLookbackMax.TotalMilliseconds;
        if (range.MinMs >= oldestMs) return range;
        return range.MaxMs < oldestMs ? null : new TimeRange(oldestMs, range.MaxMs);
    }

    private TimeRange? Shortened(TenantLimits allowed, TimeRange range)
    {
        var within = LookedBack(allowed, range);
        if (within is not { } seen || allowed.LabelsQueryLengthMax <= TimeSpan.Zero) return within;
        // An open end means now.
        long endMs = Math.Min(seen.MaxMs, Math.Max(seen.MinMs, time.UnixMs()));
        long startMs = endMs - (long)allowed.LabelsQueryLengthMax.TotalMilliseconds;
        return seen.MinMs >= startMs ? seen : new TimeRange(startMs, seen.MaxMs);
    }

    private static int Least(int asked, int allowed) => allowed <= 0 ? asked : asked <= 0 ? allowed : Math.Min(asked, allowed);

    /// <summary>A series of which nothing before a time is read, whatever range the reader asks for.</summary>
    private sealed class Clamped(ISeries series, long fromMs) : ISeries
    {
        public Labels Labels => series.Labels;

        public void Read(TimeRange range, SampleColumns into)
        {
            if (range.MaxMs >= fromMs) series.Read(range.MinMs >= fromMs ? range : new TimeRange(fromMs, range.MaxMs), into);
        }
    }
}
