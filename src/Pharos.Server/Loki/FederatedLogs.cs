using Pharos.Core;
using Pharos.Server.Mimir;

namespace Pharos.Server.Loki;

/// <summary>
/// Reads the logs of several tenants as one. Every stream gets the label <c>__tenant_id__</c>; matchers on it choose among the tenants.
/// Reads of a single tenant go through unchanged. Source: Loki's multi-tenant queries.
/// </summary>
internal sealed class FederatedLogs(ILogQueryable store) : ILogQueryable, ILogChanges
{
    private const string TenantLabel = FederatedQueryable.TenantLabel;
    private const string OriginalLabel = "original_" + TenantLabel;

    public ILogCursor Open(TenantId tenant, LogSelection selection, CancellationToken cancel)
    {
        if (!tenant.IsFederated) return store.Open(tenant, selection, cancel);
        var (members, matchers) = Split(tenant, selection.Matchers);
        var own = selection with { Matchers = matchers, MetadataNames = null };
        return new FederatedLogCursor([.. members.Select(m => new MemberCursor(store.Open(m, own, cancel), m))], selection);
    }

    public IReadOnlyList<ILogCursor> OpenSplit(TenantId tenant, LogSelection selection, int cursorsMax, CancellationToken cancel) =>
        tenant.IsFederated ? [Open(tenant, selection, cancel)] : store.OpenSplit(tenant, selection, cursorsMax, cancel);

    public ILogSections OpenSections(TenantId tenant, LogSelection selection, CancellationToken cancel) =>
        tenant.IsFederated ? new WholeSelection(Open(tenant, selection, cancel), selection) : store.OpenSections(tenant, selection, cancel);

    public IReadOnlyList<Labels> Streams(
        TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, long startNs, long endNs, CancellationToken cancel)
    {
        if (!tenant.IsFederated) return store.Streams(tenant, matcherSets, startNs, endNs, cancel);
        var merged = new SortedSet<Labels>();
        foreach (var set in matcherSets.Count == 0 ? [[]] : matcherSets)
        {
            var (members, matchers) = Split(tenant, set);
            foreach (var member in members)
            {
                foreach (var stream in store.Streams(member, [matchers], startNs, endNs, cancel)) merged.Add(Labelled(stream, member));
            }
        }
        return [.. merged];
    }

    public IReadOnlyCollection<string> LabelNames(TenantId tenant, IReadOnlyList<Matcher> matchers, long startNs, long endNs, CancellationToken cancel) => tenant.IsFederated
        ? [.. Streams(tenant, [matchers], startNs, endNs, cancel).SelectMany(s => s.ToDictionary().Keys).Distinct().Order(StringComparer.Ordinal)]
        : store.LabelNames(tenant, matchers, startNs, endNs, cancel);

    public IReadOnlyCollection<string> LabelValues(TenantId tenant, string name, IReadOnlyList<Matcher> matchers, long startNs, long endNs, CancellationToken cancel) => tenant.IsFederated
        ? [.. Streams(tenant, [matchers], startNs, endNs, cancel).Select(s => s[name]).Where(v => v.Length > 0).Distinct().Order(StringComparer.Ordinal)]
        : store.LabelValues(tenant, name, matchers, startNs, endNs, cancel);

    public IReadOnlyList<(Labels Stream, LogVolume Volume)> Volumes(
        TenantId tenant, IReadOnlyList<Matcher> matchers, long startNs, long endNs, CancellationToken cancel)
    {
        if (!tenant.IsFederated) return store.Volumes(tenant, matchers, startNs, endNs, cancel);
        var (members, own) = Split(tenant, matchers);
        return [.. members.SelectMany(m => store.Volumes(m, own, startNs, endNs, cancel).Select(v => (Labelled(v.Stream, m), v.Volume)))];
    }

    public IReadOnlyList<(Labels Stream, IReadOnlyList<(int Step, long Bytes)> Steps)> VolumesBySteps(
        TenantId tenant, IReadOnlyList<Matcher> matchers, long startNs, long endNs, long stepNs, CancellationToken cancel)
    {
        if (!tenant.IsFederated) return store.VolumesBySteps(tenant, matchers, startNs, endNs, stepNs, cancel);
        var (members, own) = Split(tenant, matchers);
        return [.. members.SelectMany(m => store.VolumesBySteps(m, own, startNs, endNs, stepNs, cancel).Select(v => (Labelled(v.Stream, m), v.Steps)))];
    }

    public long VersionOf(TenantId tenant, IReadOnlyList<Matcher> matchers, long startNs, long endNs)
    {
        var changes = (ILogChanges)store;
        if (!tenant.IsFederated) return changes.VersionOf(tenant, matchers, startNs, endNs);
        var (members, own) = Split(tenant, matchers);
        return members.Sum(m => changes.VersionOf(m, own, startNs, endNs));
    }

    internal static Labels Labelled(Labels labels, TenantId member)
    {
        var builder = new LabelsBuilder(labels);
        if (labels.TryGetValue(TenantLabel, out string? own)) builder.Set(OriginalLabel, own);
        return builder.Set(TenantLabel, member.Name).ToLabels();
    }

    /// <summary>The tenants that the matchers choose, and the matchers that are left for their streams.</summary>
    private static (List<TenantId> Members, IReadOnlyList<Matcher> Matchers) Split(TenantId tenant, IReadOnlyList<Matcher> matchers) =>
        ([.. tenant.Members.Where(m => matchers.All(x => x.Name != TenantLabel || x.Matches(m.Name)))],
            [.. matchers.Where(m => m.Name != TenantLabel).Select(m => m.Name == OriginalLabel ? new Matcher(m.Op, TenantLabel, m.Value) : m)]);
}
