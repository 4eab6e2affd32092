using Pharos.Core;
using Pharos.Metrics.Head;
using Pharos.Storage.WriteLog;

namespace Pharos.Metrics;

/// <summary>Snapshots of the heads, which spare a restart most of the write log.</summary>
public sealed partial class MetricStore
{
    /// <summary>What a chunk aims at: good enough to guess how much a head would have to read again.</summary>
    private const int SamplesPerChunk = 120;

    private long samplesSinceSave;

    /// <summary>Writes all heads beside running appends. What fails is reported; then the old snapshots hold on.</summary>
    public async Task SaveHeadsAsync(CancellationToken cancel)
    {
        Interlocked.Exchange(ref samplesSinceSave, 0);
        // Read before any head is looked at: a tenant that appears later has its records behind it.
        var end = log.End;
        var from = end;
        var saved = new List<string>();
        try
        {
            foreach (var store in tenants.Values)
            {
                var needed = await store.SaveHeadAsync(cancel);
                if (needed is not null) saved.Add(store.Tenant.Name);
                var bound = needed ?? store.Head.LogBound(end);
                if (bound < from) from = bound;
            }
            new SnapshotList(from, saved).Save(options.Folder, options.Disk);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            MetricsLog.SnapshotFailed(logger, options.Folder, failure.Message);
        }
    }

    private async Task SaveHeadsIfDueAsync(CancellationToken cancel)
    {
        if (options.HeadSaveSamples <= 0) return;
        bool due = Interlocked.Read(ref samplesSinceSave) >= options.HeadSaveSamples
            || tenants.Values.Any(t => t.IsSnapshotStale && t.Head.ChunkCount * (long)SamplesPerChunk >= options.HeadSaveSamples);
        if (due) await SaveHeadsAsync(cancel);
    }

    /// <summary>Loads what snapshots there are. Returns from where the log must be read.</summary>
    private WriteLogPosition LoadSnapshots()
    {
        var list = SnapshotList.Load(options.Folder);
        foreach (var store in tenants.Values) store.LoadSnapshot();
        bool complete = list is not null && list.Tenants.All(tenants.Values.Where(t => t.HasLoaded).Select(t => t.Tenant.Name).ToHashSet().Contains);
        return complete ? list!.From : default;
    }
}
