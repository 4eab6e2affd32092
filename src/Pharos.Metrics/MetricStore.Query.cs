using System.Buffers;
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
            if (sets.Count == 1)
            {
                using var only = Select(store, sets[0], range, SelectHints.None, cancel);
                return [.. Limited(only.Select(s => s.Labels), limit)];
            }
            var all = new SortedSet<Labels>();
            foreach (var matchers in sets)
            {
                using var some = Select(store, matchers, range, SelectHints.None, cancel);
                all.UnionWith(some.Select(s => s.Labels));
            }
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
                using var found = Select(store, matchers, range, SelectHints.None with { AnyOrder = true }, cancel);
                foreach (var series in found)
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

    private ISeriesList Select(TenantStore store, IReadOnlyList<Matcher> matchers, TimeRange range, SelectHints hints, CancellationToken cancel)
    {
        // Series of several places are known to be one by all their labels.
        bool some = hints.NeededLabels is not null && BlockQuery.Overlapping(store.Blocks.Current, range).Count == 0;
        // The head first: what leaves it meanwhile is in a block already.
        var head = HeadOverlaps(store, range) ? HeadSeries(store, matchers, range, some ? hints : hints with { NeededLabels = null }, cancel) : null;
        try
        {
            var blocks = BlockQuery.Overlapping(store.Blocks.Current, range);
            if (blocks.Count == 0)
            {
                if (!hints.AnyOrder) head?.Sort();
                return (ISeriesList?)head ?? new MergedSeriesList([], null);
            }
            // The head was cut in between.
            if (some)
            {
                head?.Dispose();
                return Select(store, matchers, range, hints with { NeededLabels = null, AnyOrder = true }, cancel);
            }
            var all = new List<ISeries>(head?.Count ?? 0);
            var found = new Dictionary<Labels, MergedSeries>();
            foreach (var series in (IEnumerable<ISeries>?)head ?? [])
            {
                var merged = new MergedSeries(series.Labels);
                merged.Add((ISeriesPart)series);
                found[series.Labels] = merged;
                all.Add(merged);
            }
            BlockQuery.Add(blocks, matchers, range, found, all, hints.Budget, instruments.BlocksDamaged, logger, cancel);
            if (!hints.AnyOrder) all.Sort(static (a, b) => a.Labels.CompareTo(b.Labels));
            return new MergedSeriesList(all, head);
        }
        catch
        {
            head?.Dispose();
            throw;
        }
    }

    private static HeadSeriesList HeadSeries(TenantStore store, IReadOnlyList<Matcher> matchers, TimeRange range, SelectHints hints, CancellationToken cancel)
    {
        using var ids = PostingSearch.Find(store.Head.Index, matchers, cancel);
        var labels = LabelsOf(store.Head, ids.Span, hints.NeededLabels is { } needed ? new NeededLabels(store.Head.Pairs, needed) : null, cancel);
        var found = new HeadSeriesList(store.Head.Capture(ids.Memory, cancel), labels, ids.Length);
        try
        {
            found.Narrow(range, hints.Budget);
            return found;
        }
        catch
        {
            found.Dispose();
            throw;
        }
    }

    private static Utf8Texts HeadValues(TenantStore store, string name, IReadOnlyList<Matcher> matchers, TimeRange range, CancellationToken cancel)
    {
        // Series with the same value share one label set.
        var sets = new HashSet<Labels>();
        using (var found = HeadSeries(store, matchers, range, SelectHints.None with { NeededLabels = [name] }, cancel))
        {
            foreach (var series in found) sets.Add(series.Labels);
        }
        var values = new List<ReadOnlyMemory<byte>>(sets.Count);
        foreach (var labels in sets)
        {
            foreach (var label in labels) values.Add(labels.EncodedMemory[^label.ValueUtf8.Length..]);
        }
        return Utf8Texts.Sorted([.. values]);
    }

    /// <summary>Labels of series by number, in a pooled array; null for those that left. No number is given twice, so what they belong to stays true.</summary>
    private static Labels?[] LabelsOf(TenantHead head, ReadOnlySpan<uint> ids, NeededLabels? needed, CancellationToken cancel)
    {
        var labels = ArrayPool<Labels?>.Shared.Rent(ids.Length);
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
            Read(ids[from..to], labels.AsSpan(from));
            if (head.IsStill(version)) continue;
            using (head.Locks.Hold(stripe))
            {
                needed?.Begin();
                Read(ids[from..to], labels.AsSpan(from));
            }
        }
        return labels;

        void Read(ReadOnlySpan<uint> some, Span<Labels?> into)
        {
            for (int i = 0; i < some.Length; i++)
                into[i] = head.Table.Get((int)some[i]) is not { } series ? null : needed is null ? head.Pairs.ToLabelsUnlocked(series.Pairs) : needed.Of(series.Pairs);
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
