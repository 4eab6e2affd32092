using Pharos.Core;
using Pharos.Storage.WriteLog;

namespace Pharos.Metrics;

/// <summary>What runs beside ingestion: cutting heads, merging and deleting blocks, releasing the write log.</summary>
public sealed partial class MetricStore
{
    /// <summary>One round of maintenance over all tenants; the loop does this by itself.</summary>
    public async Task MaintainAsync(CancellationToken cancel)
    {
        foreach (var store in tenants.Values)
        {
            cancel.ThrowIfCancellationRequested();
            try
            {
                if (store.CutDue() is { } below) await store.CutAsync(below, cancel);
                var allowed = limits.For(store.Tenant);
                await store.CutStaleAsync(allowed.StaleSeriesShareMax, cancel);
                await store.CompactAsync(cancel);
                store.Head.CountActive(time.UnixMs());
                CountTrackers(store, allowed);
                await store.RetainAsync(allowed, cancel);
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                // Whatever it is, the other tenants go on, and the next round tries again.
                MetricsLog.MaintenanceFailed(logger, store.Tenant.Name, failure.Message);
            }
        }
        ReleaseLog();
        await SaveHeadsIfDueAsync(cancel);
    }

    /// <summary>Moves a tenant's samples before a time from the head into blocks.</summary>
    public async Task CutHeadAsync(TenantId tenant, long belowMs, CancellationToken cancel)
    {
        if (!tenants.TryGetValue(tenant, out var store)) return;
        await store.CutAsync(belowMs, cancel);
        ReleaseLog();
    }

    /// <summary>Moves all samples of all tenants from the heads into blocks.</summary>
    public async Task FlushAsync(CancellationToken cancel)
    {
        foreach (var store in tenants.Values) await store.CutAsync(long.MaxValue, cancel);
        ReleaseLog();
    }

    /// <summary>Deletes samples of the series that match any of the lists. They are hidden when this returns; their bytes go later.</summary>
    public async Task DeleteSeriesAsync(TenantId tenant, IReadOnlyList<IReadOnlyList<Matcher>> matcherSets, TimeRange range, CancellationToken cancel)
    {
        if (range.MinMs > range.MaxMs || !tenants.TryGetValue(tenant, out var store)) return;
        foreach (var matchers in matcherSets) await store.DeleteAsync(matchers, range, cancel);
        store.Changes.Note(range.MinMs, range.MaxMs);
    }

    /// <summary>Rewrites blocks without their deleted samples.</summary>
    public async Task CleanTombstonesAsync(TenantId tenant, CancellationToken cancel)
    {
        if (tenants.TryGetValue(tenant, out var store)) await store.CleanTombstonesAsync(cancel);
    }

    /// <summary>Makes a folder with copies of a tenant's blocks, and of its head as further blocks.</summary>
    /// <returns>The folder's name; it is in <c>snapshots/</c> of the tenant's folder.</returns>
    /// <exception cref="IOException">It could not be written; there is none.</exception>
    public async Task<string> SnapshotAsync(TenantId tenant, bool skipHead, CancellationToken cancel)
    {
        string name = $"{time.GetUtcNow():yyyyMMddTHHmmssZ}-{Blocks.Ulid.New(time.UnixMs())[10..].ToLowerInvariant()}";
        var store = Tenant(tenant);
        string folder = Path.Combine(store.Folder, "snapshots", name);
        try
        {
            await store.SnapshotAsync(folder, !skipHead, cancel);
        }
        catch
        {
            // Half a snapshot would be taken for a whole one.
            Blocks.BlockWriter.Discard(options.Disk, folder);
            throw;
        }
        return name;
    }

    /// <summary>Where a tenant's blocks are.</summary>
    public string FolderOf(TenantId tenant) => Tenant(tenant).Folder;

    /// <summary>Opens blocks that were put into a tenant's folder now, not in the next round of maintenance.</summary>
    public Task TakeInAsync(TenantId tenant, CancellationToken cancel) => Tenant(tenant).RetainAsync(limits.For(tenant), cancel);

    private void ReleaseLog()
    {
        // Read before the heads are looked at: what comes later is behind it.
        var bound = log.End;
        foreach (var store in tenants.Values)
        {
            var needed = store.Head.LogBound(bound);
            if (needed < bound) bound = needed;
        }
        log.Release(RecordKind.Metrics, bound);
    }

    private async Task MaintainForeverAsync(CancellationToken cancel)
    {
        try
        {
            while (true)
            {
                await Task.Delay(options.MaintenanceInterval, time, cancel);
                await MaintainAsync(cancel);
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // The store is being closed.
        }
    }
}
