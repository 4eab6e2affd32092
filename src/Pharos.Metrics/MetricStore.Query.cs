using System.Runtime.InteropServices;
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
            var seen = new HashSet<byte[]>(ByteKeys.Instance);
            var lookup = seen.GetAlternateLookup<ReadOnlySpan<byte>>();
            foreach (var matchers in matcherSets)
            {
                foreach (var series in Select(tenant, matchers, range, SelectHints.None with { AnyOrder = true }, cancel))
                {
                    foreach (var label in series.Labels)
                    {
                        if (lookup.Add(label.NameUtf8)) names.Add(label.Name);
                    }
                }
            }
        }
        return [.. Limited(names, limit)];
    }

    public IReadOnlyList<string> LabelValues(
        TenantId tenant, string name, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, int limit, CancellationToken cancel)
    {
        if (!tenants.TryGetValue(tenant, out var store)) return [];
        try
        {
            // The head first: what leaves it meanwhile is in a block already.
            var values = Utf8Texts.Empty;
            if (HeadOverlaps(store, range))
            {
                if (matcherSets.Count == 0) values = store.Head.Index.Values(name);
                foreach (var matchers in matcherSets) values = Utf8Texts.Merge(values, HeadValues(store, name, matchers, range, cancel));
            }
            var blocks = BlockQuery.Overlapping(store.Blocks.Current, range);
            if (blocks.Count > 0) values = Utf8Texts.Merge(values, BlockQuery.Values(blocks, name, matcherSets, range, instruments.BlocksDamaged, logger, cancel));
            return limit > 0 ? values.First(limit) : values;
        }
        catch (OperationCanceledException cancelled)
        {
            throw new QueryException(QueryErrorKind.Canceled, "the query was cancelled", default, cancelled);
        }
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
        List<ISeries> sorted = [];
        // The head first: what leaves it meanwhile is in a block already.
        if (HeadOverlaps(store, range)) sorted = HeadSeries(store, matchers, range, some ? hints : hints with { NeededLabels = null }, cancel);
        var blocks = BlockQuery.Overlapping(store.Blocks.Current, range);
        if (blocks.Count > 0)
        {
            // The head was cut in between.
            if (some) return Select(store, matchers, range, hints with { NeededLabels = null, AnyOrder = true }, cancel);
            var found = new Dictionary<Labels, MergedSeries>();
            foreach (ref var series in CollectionsMarshal.AsSpan(sorted))
            {
                var merged = new MergedSeries(series.Labels);
                merged.Add((HeadPart)series);
                found[series.Labels] = merged;
                series = merged;
            }
            BlockQuery.Add(blocks, matchers, range, found, sorted, budget, instruments.BlocksDamaged, logger, cancel);
        }
        if (!hints.AnyOrder) sorted.Sort(static (a, b) => a.Labels.CompareTo(b.Labels));
        return sorted;
    }

    private static List<ISeries> HeadSeries(TenantStore store, IReadOnlyList<Matcher> matchers, TimeRange range, SelectHints hints, CancellationToken cancel)
    {
        uint[] ids = PostingSearch.Find(store.Head.Index, matchers, cancel);
        var labels = LabelsOf(store.Head, ids, hints.NeededLabels is { } needed ? new NeededLabels(store.Head.Pairs, needed) : null, cancel);
        var parts = store.Head.Capture(ids, cancel);
        var found = new List<ISeries>(ids.Length);
        for (int i = 0; i < ids.Length; i++)
        {
            if (labels[i] is not { } name || parts[i] is not { IsEmpty: false } part) continue;
            if (!range.Overlaps(part.MinMs, part.MaxMs)) continue;
            if (part.Deleted is { } deleted && deleted.Covers(part.MinMs, part.MaxMs)) continue;
            part.Labels = name;
            found.Add(part);
            hints.Budget?.Take(1, part.ChunkCount(range), hints.Budget.CountsBytes ? part.ChunkBytes(range) : 0);
        }
        return found;
    }

    private static Utf8Texts HeadValues(TenantStore store, string name, IReadOnlyList<Matcher> matchers, TimeRange range, CancellationToken cancel)
    {
        // Series with the same value share one label set.
        var sets = new HashSet<Labels>();
        foreach (var series in HeadSeries(store, matchers, range, SelectHints.None with { NeededLabels = [name] }, cancel)) sets.Add(series.Labels);
        var values = new List<ReadOnlyMemory<byte>>(sets.Count);
        foreach (var labels in sets)
        {
            foreach (var label in labels) values.Add(labels.EncodedMemory[^label.ValueUtf8.Length..]);
        }
        return Utf8Texts.Sorted([.. values]);
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
