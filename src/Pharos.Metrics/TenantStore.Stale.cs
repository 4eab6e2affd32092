using Pharos.Core;
using Pharos.Metrics.Append;
using Pharos.Metrics.Head;
using Pharos.Storage.WriteLog;

namespace Pharos.Metrics;

/// <summary>Series that have ended leave the head before the rest of their range is cut.</summary>
internal sealed partial class TenantStore
{
    /// <summary>Moves the series that have ended into blocks of their own, where they are so large a share of the head.</summary>
    /// <param name="share">0 to 1; 0: only counts them.</param>
    /// <exception cref="IOException">The blocks could not be written; the head is as before.</exception>
    public async Task CutStaleAsync(double share, CancellationToken cancel)
    {
        await changing.WaitAsync(cancel);
        try
        {
            var (stale, total) = Head.FindStale();
            if (share <= 0 || stale.Count == 0 || stale.Count < share * total) return;
            await Task.Run(() => CutStale(stale, cancel), cancel);
            // What is saved still holds them.
            saved = (saved.Mark, default);
            foreach (var step in stale.Chunk(SeriesTable.PageSize))
            {
                ValueTask<WriteLogPosition> noted = default;
                var record = new ByteBuffer();
                Head.Leave(step, gone =>
                {
                    MetricRecord.WriteDepartures(record, gone);
                    noted = log.AppendAsync(RecordKind.Metrics, Tenant, record.WrittenMemory, CancellationToken.None);
                });
                // Without it a restart reads them into the head again, beside their block; queries merge the two.
                await noted;
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or StoreUnavailableException)
        {
            instruments.CompactionsFailed.Add(1);
            MetricsLog.CutFailed(logger, Tenant.Name, failure.Message);
            throw;
        }
        finally
        {
            changing.Release();
        }
    }

    private void CutStale(List<(MemSeries Series, long MaxMs)> stale, CancellationToken cancel)
    {
        long started = time.GetTimestamp();
        MakeFolder(Folder);
        var metas = HeadCut.Write(
            Head, options.Disk, Folder, stale.Max(s => s.MaxMs) + 1, options.BlockRangeMs, snapshot: false, time.UnixMs(), cancel, [.. stale.Select(s => s.Series)]);
        foreach (var meta in metas) MetricsLog.Cut(logger, meta.Id, Tenant.Name, meta.MinMs, meta.EndMs, meta.Series, meta.FloatSamples + meta.HistogramSamples);
        // Readers look at the head first and at blocks second: from here on they see the samples twice, never not at all.
        Blocks.Change(Blocks.OpenNew(metas), [], "");
        instruments.Compactions.Add(metas.Count);
        instruments.CompactionSeconds.Observe(time.GetElapsedTime(started).TotalSeconds);
    }
}
