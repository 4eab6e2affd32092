using Pharos.Storage.WriteLog;

namespace Pharos.Metrics.Head;

/// <summary>Letting go of what is in blocks.</summary>
internal sealed partial class TenantHead
{
    /// <summary>Where the log ended when it was replayed.</summary>
    public WriteLogPosition ReplayedTo { get; set; }

    /// <summary>
    /// Further numbers under which the replayed part of the log has samples of a series: it left the head and came back.
    /// As long as that part is kept, their definitions are kept too.
    /// </summary>
    public List<LoggedSeries> OtherNumbers { get; } = [];

    /// <summary>Puts late samples before a time aside, step by step so that appends go on in between.</summary>
    public void StartOutOfOrderCut(long belowMs)
    {
        ForEachPage(alone: false, page =>
        {
            foreach (var series in page) series?.StartOutOfOrderCut(belowMs);
        });
    }

    /// <summary>Counts the series that had a sample lately, step by step.</summary>
    public void CountActive(long nowMs)
    {
        long sinceMs = nowMs - (long)ActiveSeries.IdleTime.TotalMilliseconds;
        int active = 0;
        ForEachPage(alone: false, page =>
        {
            foreach (var series in page)
            {
                if (series is not null && series.MaxMs >= sinceMs) active++;
            }
        });
        using (Locks.HoldAll()) Active.Counted(active);
    }

    /// <summary>The cut failed: everything is as before.</summary>
    public void TakeBackOutOfOrderCut()
    {
        ForEachPage(alone: false, page =>
        {
            foreach (var series in page) series?.EndOutOfOrderCut(written: false);
        });
    }

    /// <summary>Lets go of samples before a time, which are in blocks now, and of series that have nothing left.</summary>
    public void Truncate(long belowMs)
    {
        long minMs = long.MaxValue;
        lock (ordering) minSinceTruncateMs = long.MaxValue;
        ForEachPage(alone: true, page =>
        {
            int chunks = 0;
            var gone = new List<MemSeries>();
            foreach (var series in page)
            {
                if (series is null) continue;
                series.EndOutOfOrderCut(written: true);
                chunks += series.Truncate(belowMs);
                if (!series.HasSamples && series.InFlight == 0) gone.Add(series);
                else minMs = Math.Min(minMs, series.MinMs);
            }
            lock (ordering) totals.Chunks -= chunks;
            foreach (var series in gone) Table.Remove(series);
            Index.Remove(gone);
            instruments.SeriesRemoved.Add(gone.Count);
        });
        lock (ordering) totals.MinMs = Math.Min(minMs, minSinceTruncateMs);
    }

    /// <summary>Series whose definitions are in the log, in steps of a few thousand, for writing them anew.</summary>
    public IEnumerable<IReadOnlyList<MemSeries>> AllLogged()
    {
        int pages = Table.PageCount;
        for (int i = 0; i < pages; i++)
        {
            var step = new List<MemSeries>(SeriesTable.PageSize);
            using (Locks.Hold(HeadLocks.BitsOf(i)))
            {
                foreach (var series in Table.Page(i) ?? [])
                {
                    if (series is { Logged: true }) step.Add(series);
                }
            }
            if (step.Count > 0) yield return step;
        }
    }

    /// <param name="alone">Whether series leave: under all locks, not only those of the page.</param>
    private void ForEachPage(bool alone, Action<MemSeries?[]> work)
    {
        int pages = Table.PageCount;
        for (int i = 0; i < pages; i++)
        {
            using (Locks.Hold(alone ? HeadLocks.All : HeadLocks.BitsOf(i)))
            {
                if (Table.Page(i) is not { } page) continue;
                BeginChange();
                try
                {
                    work(page);
                }
                finally
                {
                    EndChange();
                }
            }
        }
    }
}
