using Pharos.Core;
using Pharos.Metrics.Blocks;
using Pharos.Metrics.Head;

namespace Pharos.Metrics;

/// <summary>Reading: head and blocks together.</summary>
public sealed partial class MetricStore
{
    public IReadOnlyList<ISeries> Select(
        TenantId tenant, IReadOnlyList<Matcher> matchers, TimeRange range, SelectHints hints, CancellationToken cancel)
    {
        if (!tenants.TryGetValue(tenant, out var store)) return [];
        try
        {
            return Select(store, matchers, range, hints, cancel);
        }
        catch (OperationCanceledException cancelled)
        {
            throw new QueryException(QueryErrorKind.Canceled, "the query was cancelled", default, cancelled);
        }
    }

    public IReadOnlyList<Labels> Series(
        TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, int limit, CancellationToken cancel)
    {
        if (!tenants.TryGetValue(tenant, out var store)) return [];
        IReadOnlyList<IReadOnlyList<Matcher>> sets = matcherSets.Count == 0 ? [[]] : matcherSets;
        try
        {
            if (sets.Count == 1) return [.. Limited(Select(store, sets[0], range, SelectHints.None, cancel).Select(s => s.Labels), limit)];
            var all = new SortedSet<Labels>();
            foreach (var matchers in sets) all.UnionWith(Select(store, matchers, range, SelectHints.None, cancel).Select(s => s.Labels));
            return [.. Limited(all, limit)];
        }
        catch (OperationCanceledException cancelled)
        {
            throw new QueryException(QueryErrorKind.Canceled, "the query was cancelled", default, cancelled);
        }
    }

    public IReadOnlyList<string> LabelNames(
        TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, int limit, CancellationToken cancel)
    {
        if (!tenants.TryGetValue(tenant, out var store)) return [];
        var names = new SortedSet<string>(StringComparer.Ordinal);
        if (matcherSets.Count == 0)
        {
            if (HeadOverlaps(store, range)) names.UnionWith(store.Head.Index.Names());
            foreach (var block in BlockQuery.Overlapping(store.Blocks.Current, range)) names.UnionWith(block.LabelNames);
        }
        else
        {
            foreach (var labels in Series(tenant, matcherSets, range, 0, cancel))
            {
                foreach (var label in labels) names.Add(label.Name);
            }
        }
        return [.. Limited(names, limit)];
    }

    public IReadOnlyList<string> LabelValues(
        TenantId tenant, string name, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, int limit, CancellationToken cancel)
    {
        if (!tenants.TryGetValue(tenant, out var store)) return [];
        var values = new List<string>();
        if (matcherSets.Count == 0)
        {
            if (HeadOverlaps(store, range)) store.Head.Index.VisitValues(name, values.Add);
            var blocks = BlockQuery.Overlapping(store.Blocks.Current, range);
            bool several = blocks.Count > (values.Count > 0 ? 0 : 1);
            foreach (var block in blocks) block.VisitValues(name, values.Add);
            if (several) values = [.. values.Distinct(StringComparer.Ordinal)];
        }
        else
        {
            var seen = new HashSet<string>(StringComparer.Ordinal);
            foreach (var labels in Series(tenant, matcherSets, range, 0, cancel))
            {
                if (labels.TryGetValue(name, out string? value) && seen.Add(value)) values.Add(value);
            }
        }
        OrdinalSort.Sort(values);
        return limit > 0 && limit < values.Count ? values[..limit] : values;
    }

    public IReadOnlyDictionary<string, IReadOnlyList<MetricMetadata>> Metadata(TenantId tenant, string? family, int limit)
    {
        if (!tenants.TryGetValue(tenant, out var store)) return new Dictionary<string, IReadOnlyList<MetricMetadata>>();
        lock (store.Head.Extras) return store.Head.Metadata.Read(family, limit);
    }

    public IReadOnlyList<(Labels Series, IReadOnlyList<Exemplar> Exemplars)> Exemplars(
        TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, CancellationToken cancel)
    {
        if (!tenants.TryGetValue(tenant, out var store)) return [];
        bool Wanted(Labels series)
        {
            foreach (var matchers in matcherSets)
            {
                if (Matcher.All(matchers, series)) return true;
            }
            return matcherSets.Count == 0;
        }
        lock (store.Head.Extras) return store.Head.Exemplars.Read(Wanted, range);
    }

    private List<ISeries> Select(TenantStore store, IReadOnlyList<Matcher> matchers, TimeRange range, SelectHints hints, CancellationToken cancel)
    {
        var budget = hints.Budget;
        // Series of several places are known to be one by all their labels.
        bool some = hints.NeededLabels is not null && BlockQuery.Overlapping(store.Blocks.Current, range).Count == 0;
        var found = new Dictionary<Labels, MergedSeries>();
        var sorted = new List<ISeries>();
        // The head first: what leaves it meanwhile is in a block already.
        if (HeadOverlaps(store, range))
        {
            uint[] ids = PostingSearch.Find(store.Head.Index, matchers, cancel);
            var labels = LabelsOf(store.Head, ids, some ? new NeededLabels(store.Head.Pairs, hints.NeededLabels!) : null, cancel);
            var parts = store.Head.Capture(ids, cancel);
            for (int i = 0; i < ids.Length; i++)
            {
                if (labels[i] is not { } name || parts[i] is not { IsEmpty: false } part) continue;
                if (!range.Overlaps(part.MinMs, part.MaxMs)) continue;
                if (part.Deleted is { } deleted && deleted.Covers(part.MinMs, part.MaxMs)) continue;
                var merged = new MergedSeries(name);
                merged.Add(part);
                sorted.Add(merged);
                budget?.Take(1, part.ChunkCount(range), budget.CountsBytes ? part.ChunkBytes(range) : 0);
            }
        }
        var blocks = BlockQuery.Overlapping(store.Blocks.Current, range);
        if (blocks.Count > 0)
        {
            // The head was cut in between.
            if (some) return Select(store, matchers, range, hints with { NeededLabels = null, AnyOrder = true }, cancel);
            foreach (var series in sorted) found[series.Labels] = (MergedSeries)series;
            BlockQuery.Add(blocks, matchers, range, found, sorted, budget, instruments.BlocksDamaged, logger, cancel);
        }
        if (!hints.AnyOrder) sorted.Sort(static (a, b) => a.Labels.CompareTo(b.Labels));
        return sorted;
    }

    /// <summary>Labels of series by number, null for those that left. No number is given twice, so what they belong to stays true.</summary>
    private static Labels?[] LabelsOf(TenantHead head, uint[] ids, NeededLabels? needed, CancellationToken cancel)
    {
        var labels = new Labels?[ids.Length];
        for (int from = 0; from < ids.Length; from += SeriesPerHold)
        {
            cancel.ThrowIfCancellationRequested();
            int to = Math.Min(ids.Length, from + SeriesPerHold);
            // Appends get between: putting labels together takes longer than all else.
            ulong stripe = HeadLocks.BitOf((int)ids[from]);
            long version = head.Version;
            if (needed is not null)
            {
                using (head.Locks.Hold(stripe)) needed.Begin();
            }
            Read(from, to);
            if (head.IsStill(version)) continue;
            using (head.Locks.Hold(stripe))
            {
                needed?.Begin();
                Read(from, to);
            }
        }
        return labels;

        void Read(int from, int to)
        {
            for (int i = from; i < to; i++)
                labels[i] = head.Table.Get((int)ids[i]) is not { } series ? null : needed is null ? head.Pairs.ToLabelsUnlocked(series.Pairs) : needed.Of(series.Pairs);
        }
    }

    /// <summary>Late samples may be older than the head's own start, so only the upper bound and the oldest late sample decide.</summary>
    private static bool HeadOverlaps(TenantStore store, TimeRange range)
    {
        // Without a lock: what comes or leaves meanwhile may be seen or not.
        if (store.Head.Table.Count == 0) return false;
        return range.Overlaps(store.Head.OldestMs, Math.Max(store.Head.MaxMs, store.Head.NewestLateMs));
    }

    private static IEnumerable<T> Limited<T>(IEnumerable<T> all, int limit) => limit > 0 ? all.Take(limit) : all;
}
