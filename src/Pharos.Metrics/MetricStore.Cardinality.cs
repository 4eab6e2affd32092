using Pharos.Core;
using Pharos.Metrics.Head;

namespace Pharos.Metrics;

/// <summary>What makes the series of a tenant's head many.</summary>
public sealed partial class MetricStore
{
    /// <summary>Series looked at in one hold of a lock of the head.</summary>
    private const int SeriesPerHold = 256;

    /// <summary>Label sets of the head's series that match.</summary>
    /// <param name="activeOnly">Only series with a sample in the last 20 minutes.</param>
    public IReadOnlyList<Labels> HeadSeries(TenantId tenant, IReadOnlyList<Matcher> matchers, bool activeOnly, CancellationToken cancel)
    {
        if (!tenants.TryGetValue(tenant, out var store)) return [];
        long sinceMs = activeOnly ? time.UnixMs() - (long)ActiveSeries.IdleTime.TotalMilliseconds : long.MinValue;
        var found = new List<Labels>();
        foreach (uint[] ids in PostingSearch.Find(store.Head.Index, matchers, cancel).ToArray().Chunk(SeriesPerHold))
        {
            cancel.ThrowIfCancellationRequested();
            using (store.Head.Locks.Hold(HeadLocks.BitOf((int)ids[0])))
            {
                foreach (uint id in ids)
                {
                    if (store.Head.Table.Get((int)id) is { } series && series.MaxMs >= sinceMs) found.Add(store.Head.LabelsOf(series));
                }
            }
        }
        return found;
    }

    /// <summary>Values of labels with the number of series of each, of the head's series that match; sorted by name, values in no order.</summary>
    /// <param name="names">The labels to look at; null for all.</param>
    public IReadOnlyList<LabelCardinality> Cardinality(
        TenantId tenant, IReadOnlyList<Matcher> matchers, bool activeOnly, IReadOnlyList<string>? names, CancellationToken cancel)
    {
        if (!tenants.TryGetValue(tenant, out var store)) return [];
        if (matchers.Count == 0 && !activeOnly)
        {
            // The index has the numbers already.
            return [.. (names ?? store.Head.Index.Names()).Order(StringComparer.Ordinal)
                .Select(n => new LabelCardinality(n, [.. store.Head.Index.Counts(n).Select(v => new NamedCount(v.Value, v.Series))]))];
        }
        var counts = new SortedDictionary<string, Dictionary<string, long>>(StringComparer.Ordinal);
        foreach (string name in names ?? []) counts[name] = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var labels in HeadSeries(tenant, matchers, activeOnly, cancel))
        {
            foreach (var (name, value) in labels)
            {
                if (!counts.TryGetValue(name, out var values))
                {
                    if (names is not null) continue;
                    counts[name] = values = new Dictionary<string, long>(StringComparer.Ordinal);
                }
                values[value] = values.GetValueOrDefault(value) + 1;
            }
        }
        return [.. counts.Select(c => new LabelCardinality(c.Key, [.. c.Value.Select(v => new NamedCount(v.Key, v.Value))]))];
    }

    /// <summary>Deletes all of a tenant's samples, metadata and exemplars. What comes while this runs may go too.</summary>
    /// <exception cref="IOException">The disk refused; what is gone is gone, and calling again goes on.</exception>
    public async Task DeleteTenantAsync(TenantId tenant, CancellationToken cancel)
    {
        if (!tenants.TryGetValue(tenant, out var store)) return;
        await store.DeleteAllAsync(cancel);
        ReleaseLog();
    }
}

/// <summary>The values of a label, each with the number of its series.</summary>
public sealed record LabelCardinality(string Name, IReadOnlyList<NamedCount> Values)
{
    /// <summary>Series that have the label.</summary>
    public long Series => Values.Sum(v => v.Value);
}
