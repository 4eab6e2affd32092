using Pharos.Core;
using Pharos.Metrics.Head;

namespace Pharos.Metrics;

/// <summary>Active series that match a tenant's selectors, counted in each round of maintenance.</summary>
public sealed partial class MetricStore
{
    private const int SeriesAtOnce = 4096;

    private readonly Lock tracking = new();

    // What the metric shows now, so that trackers that found nothing, or are gone, leave it.
    private readonly HashSet<(TenantId Tenant, string Name)> tracked = [];

    private void CountTrackers(TenantStore store, TenantLimits allowed)
    {
        lock (tracking)
        {
            var found = new HashSet<string>(StringComparer.Ordinal);
            foreach (var tracker in allowed.ActiveSeriesTrackers)
            {
                int active = CountActive(store.Head, tracker.Matchers);
                if (active == 0) continue;
                found.Add(tracker.Name);
                tracked.Add((store.Tenant, tracker.Name));
                instruments.TrackedSeries.With(store.Tenant.Name, tracker.Name).Set(active);
            }
            foreach (var gone in tracked.Where(t => t.Tenant == store.Tenant && !found.Contains(t.Name)).ToList())
            {
                tracked.Remove(gone);
                instruments.TrackedSeries.Remove(gone.Tenant.Name, gone.Name);
            }
        }
    }

    private int CountActive(TenantHead head, IReadOnlyList<Matcher> matchers)
    {
        long sinceMs = time.UnixMs() - (long)ActiveSeries.IdleTime.TotalMilliseconds;
        int active = 0;
        foreach (uint[] ids in PostingSearch.Find(head.Index, matchers, CancellationToken.None).ToArray().Chunk(SeriesAtOnce))
        {
            foreach (uint id in ids)
            {
                if (head.Table.Get((int)id) is { } series && series.MaxMs >= sinceMs) active++;
            }
        }
        return active;
    }
}
