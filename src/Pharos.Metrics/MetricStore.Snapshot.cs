using Pharos.Core;
using Pharos.Metrics.Head;
using Pharos.Storage.WriteLog;

namespace Pharos.Metrics;

/// <summary>Snapshots of the heads, which spare a restart most of the write log.</summary>
public sealed partial class MetricStore
{
    /// <summary>What a chunk aims at: good enough to guess how much a head would have to read again.</summary>
    private const int SamplesPerChunk = 120;

    /// <summary>A small head is saved after fewer samples: about as many bytes as the log got meanwhile, and no sooner than half a second's reading.</summary>
    private const int SamplesPerSeries = 20;
    private const long SamplesMin = 2_000_000;

    private readonly SemaphoreSlim saving = new(1, 1);
    private long samplesSinceSave;

    // As it was when it was last reached: heads grow.
    private long saveDue;
    private int savingSoon;

    /// <summary>Ends when the saving that appends asked for last has ended.</summary>
    private Task headsSaved = Task.CompletedTask;

    /// <summary>Writes all heads beside running appends. What fails is reported; then the old snapshots hold on.</summary>
    public async Task SaveHeadsAsync(CancellationToken cancel)
    {
        await saving.WaitAsync(cancel);
        try
        {
            Interlocked.Exchange(ref samplesSinceSave, 0);
            // Read before any head is looked at: a tenant that appears later has its records behind it.
            var end = log.End;
            var from = end;
            var saved = new List<string>();
            foreach (var store in tenants.Values)
            {
                var needed = await store.SaveHeadAsync(cancel);
                if (needed is not null) saved.Add(store.Tenant.Name);
                var bound = needed ?? store.Head.LogBound(end);
                if (bound < from) from = bound;
            }
            new SnapshotList(from, saved).Save(options.Folder, options.Disk);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            // Whatever it is: appends, maintenance and closing go on.
            MetricsLog.SnapshotFailed(logger, options.Folder, failure.Message);
        }
        finally
        {
            saving.Release();
        }
    }

    /// <summary>Counts samples that a restart would have to read, and has the heads saved, beside all else, where they are many.</summary>
    private void CountUnsaved(int samples)
    {
        if (options.HeadSaveSamples <= 0) return;
        long unsaved = Interlocked.Add(ref samplesSinceSave, samples);
        if (Volatile.Read(ref savingSoon) != 0 || unsaved < Interlocked.Read(ref saveDue) || unsaved < FindSaveDue() || Interlocked.Exchange(ref savingSoon, 1) != 0) return;
        headsSaved = Task.Run(async () =>
        {
            try
            {
                await SaveHeadsAsync(CancellationToken.None);
            }
            finally
            {
                Interlocked.Exchange(ref savingSoon, 0);
            }
        });
    }

    private long FindSaveDue()
    {
        long wanted = tenants.Values.Sum(t => (long)t.Head.Table.Count) * SamplesPerSeries;
        long due = Math.Clamp(wanted, Math.Min(SamplesMin, options.HeadSaveSamples), options.HeadSaveSamples);
        Interlocked.Exchange(ref saveDue, due);
        return due;
    }

    private async Task SaveHeadsIfDueAsync(CancellationToken cancel)
    {
        await headsSaved;
        if (options.HeadSaveSamples <= 0) return;
        long enough = FindSaveDue();
        bool due = Interlocked.Read(ref samplesSinceSave) >= enough || tenants.Values.Any(t => t.IsSnapshotStale && t.Head.ChunkCount * (long)SamplesPerChunk >= enough);
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
