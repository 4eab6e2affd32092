using Pharos.Core;

namespace Pharos.Server.Mimir;

/// <summary>
/// Reads several tenants as one. Every series gets the label <c>__tenant_id__</c>; one it had of that name becomes <c>original___tenant_id__</c>.
/// Matchers on <c>__tenant_id__</c> choose among the tenants. All or nothing: what fails for one tenant fails for all.
/// Reads of a single tenant go through unchanged. Source: Mimir's tenant federation.
/// </summary>
internal sealed class FederatedQueryable(IMetricQueryable store) : IMetricQueryable, IMetricChanges
{
    public const string TenantLabel = "__tenant_id__";
    private const string OriginalLabel = "original_" + TenantLabel;

    /// <summary>Tenants that are read at once for one request. Mimir: tenant-federation.max-concurrent.</summary>
    private const int ConcurrencyMax = 16;

    /// <inheritdoc/>
    public long VersionOf(TenantId tenant, long fromMs, long toMs)
    {
        if (store is not IMetricChanges changes) return IMetricChanges.Unknown;
        return tenant.IsFederated ? tenant.Members.Sum(m => changes.VersionOf(m, fromMs, toMs)) : changes.VersionOf(tenant, fromMs, toMs);
    }

    public IReadOnlyList<ISeries> Select(
        TenantId tenant, IReadOnlyList<Matcher> matchers, TimeRange range, SelectHints hints, CancellationToken cancel)
    {
        if (!tenant.IsFederated) return store.Select(tenant, matchers, range, hints, cancel);
        var (members, rest) = Split(tenant, matchers);
        if (hints.NeededLabels is { } needed) hints = hints with { NeededLabels = [.. needed, TenantLabel] };
        var merged = new List<ISeries>();
        foreach (var (member, found) in Each(members, m => store.Select(m, rest, range, hints, cancel)))
        {
            foreach (var series in found) merged.Add(new TenantSeries(series, Labelled(series.Labels, member)));
        }
        merged.Sort(static (a, b) => a.Labels.CompareTo(b.Labels));
        return merged;
    }

    public IReadOnlyList<Labels> Series(
        TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, int limit, CancellationToken cancel)
    {
        if (!tenant.IsFederated) return store.Series(tenant, matcherSets, range, limit, cancel);
        var merged = new SortedSet<Labels>();
        foreach (var (member, found) in EachOfSets(tenant, matcherSets, (m, sets) => store.Series(m, sets, range, limit, cancel)))
        {
            foreach (var labels in found) merged.Add(Labelled(labels, member));
        }
        return [.. Limited(merged, limit)];
    }

    public IReadOnlyList<string> LabelNames(
        TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, int limit, CancellationToken cancel)
    {
        if (!tenant.IsFederated) return store.LabelNames(tenant, matcherSets, range, limit, cancel);
        var merged = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var (_, found) in EachOfSets(tenant, matcherSets, (m, sets) => store.LabelNames(m, sets, range, 0, cancel)))
        {
            if (found.Count > 0) merged.Add(TenantLabel);
            foreach (string name in found) merged.Add(name == TenantLabel ? OriginalLabel : name);
        }
        return [.. Limited(merged, limit)];
    }

    public IReadOnlyList<string> LabelValues(
        TenantId tenant, string name, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, int limit, CancellationToken cancel)
    {
        if (!tenant.IsFederated) return store.LabelValues(tenant, name, matcherSets, range, limit, cancel);
        var merged = new SortedSet<string>(StringComparer.Ordinal);
        if (name == TenantLabel)
        {
            foreach (var (member, found) in EachOfSets(tenant, matcherSets, (m, sets) => store.Series(m, sets, range, 1, cancel)))
            {
                if (found.Count > 0) merged.Add(member.Name);
            }
        }
        else
        {
            string inner = name == OriginalLabel ? TenantLabel : name;
            foreach (var (_, found) in EachOfSets(tenant, matcherSets, (m, sets) => store.LabelValues(m, inner, sets, range, limit, cancel))) merged.UnionWith(found);
        }
        return [.. Limited(merged, limit)];
    }

    public IReadOnlyDictionary<string, IReadOnlyList<MetricMetadata>> Metadata(TenantId tenant, string? family, int limit)
    {
        if (!tenant.IsFederated) return store.Metadata(tenant, family, limit);
        var merged = new SortedDictionary<string, IReadOnlyList<MetricMetadata>>(StringComparer.Ordinal);
        foreach (var (_, found) in Each(tenant.Members, m => store.Metadata(m, family, limit)))
        {
            foreach (var (name, entries) in found) merged[name] = merged.TryGetValue(name, out var there) ? [.. there.Union(entries)] : entries;
        }
        return limit > 0 ? merged.Take(limit).ToDictionary() : merged;
    }

    public IReadOnlyList<(Labels Series, IReadOnlyList<Exemplar> Exemplars)> Exemplars(
        TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, CancellationToken cancel)
    {
        if (!tenant.IsFederated) return store.Exemplars(tenant, matcherSets, range, cancel);
        var merged = new List<(Labels Series, IReadOnlyList<Exemplar> Exemplars)>();
        foreach (var (member, found) in EachOfSets(tenant, matcherSets, (m, sets) => store.Exemplars(m, sets, range, cancel)))
            merged.AddRange(found.Select(f => (Labelled(f.Series, member), f.Exemplars)));
        merged.Sort(static (a, b) => a.Series.CompareTo(b.Series));
        return merged;
    }

    /// <summary>The tenants that the matchers choose, and the matchers that are left for their series.</summary>
    private static (IReadOnlyList<TenantId> Members, IReadOnlyList<Matcher> Matchers) Split(TenantId tenant, IReadOnlyList<Matcher> matchers)
    {
        var members = tenant.Members.Where(m => matchers.All(x => x.Name != TenantLabel || x.Matches(m.Name))).ToList();
        return (members, [.. matchers.Where(m => m.Name != TenantLabel).Select(m => m.Name == OriginalLabel ? new Matcher(m.Op, TenantLabel, m.Value) : m)]);
    }

    private static IEnumerable<(TenantId Member, T Found)> EachOfSets<T>(
        TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, Func<TenantId, IReadOnlyList<IReadOnlyList<Matcher>>, T> read)
    {
        if (matcherSets.Count == 0) return Each(tenant.Members, m => read(m, []));
        var split = matcherSets.Select(m => Split(tenant, m)).ToList();
        var chosen = tenant.Members.Where(m => split.Exists(s => s.Members.Contains(m))).ToList();
        return Each(chosen, m => read(m, [.. split.Where(s => s.Members.Contains(m)).Select(s => s.Matchers)]));
    }

    private static IEnumerable<(TenantId Member, T Found)> Each<T>(IReadOnlyList<TenantId> members, Func<TenantId, T> read)
    {
        var found = new (TenantId Member, T Found)[members.Count];
        try
        {
            Parallel.For(0, members.Count, new ParallelOptions { MaxDegreeOfParallelism = ConcurrencyMax }, i => found[i] = (members[i], read(members[i])));
        }
        catch (AggregateException several)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(several.InnerExceptions[0]);
        }
        return found;
    }

    private static Labels Labelled(Labels labels, TenantId member)
    {
        var builder = new LabelsBuilder(labels);
        if (labels.TryGetValue(TenantLabel, out string? own)) builder.Set(OriginalLabel, own);
        return builder.Set(TenantLabel, member.Name).ToLabels();
    }

    private static IEnumerable<T> Limited<T>(IEnumerable<T> all, int limit) => limit > 0 ? all.Take(limit) : all;

    private sealed class TenantSeries(ISeries series, Labels labels) : ISeries
    {
        public Labels Labels { get; } = labels;

        public void Read(TimeRange range, SampleColumns into) => series.Read(range, into);
    }
}
