using Pharos.Core;
using Pharos.Storage.WriteLog;

namespace Pharos.Metrics.Head;

/// <summary>Letting go of what is in blocks.</summary>
internal sealed partial class TenantHead
{
    /// <summary>First place in the log that this head needs; null where it needs nothing.</summary>
    public WriteLogPosition? NeededFrom { get; private set; }

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
        ForEachPage(page =>
        {
            foreach (var series in page) series?.StartOutOfOrderCut(belowMs);
        });
    }

    /// <summary>Counts the series that had a sample lately, step by step.</summary>
    public void CountActive(long nowMs)
    {
        long sinceMs = nowMs - (long)ActiveSeries.IdleTime.TotalMilliseconds;
        int active = 0;
        ForEachPage(page =>
        {
            foreach (var series in page)
            {
                if (series is not null && series.MaxMs >= sinceMs) active++;
            }
        });
        lock (Gate) Active.Counted(active);
    }

    /// <summary>The cut failed: everything is as before.</summary>
    public void TakeBackOutOfOrderCut()
    {
        ForEachPage(page =>
        {
            foreach (var series in page) series?.EndOutOfOrderCut(written: false);
        });
    }

    /// <summary>Lets go of samples before a time, which are in blocks now, and of series that have nothing left.</summary>
    public void Truncate(long belowMs)
    {
        long minMs = long.MaxValue;
        lock (Gate) minSinceTruncateMs = long.MaxValue;
        ForEachPage(page =>
        {
            var gone = new List<MemSeries>();
            foreach (var series in page)
            {
                if (series is null) continue;
                series.EndOutOfOrderCut(written: true);
                writer.Chunks -= series.Truncate(belowMs);
                if (!series.HasSamples && series.InFlight == 0) gone.Add(series);
                else minMs = Math.Min(minMs, series.MinMs);
            }
            foreach (var series in gone) Table.Remove(series);
            Index.Remove(gone);
            instruments.SeriesRemoved.Add(gone.Count);
        });
        lock (Gate) writer.MinMs = Math.Min(minMs, minSinceTruncateMs);
    }

    /// <summary>Says what the head needs of the log, once its series' definitions were written anew to the end of it.</summary>
    /// <param name="belowMs">Samples before this are in blocks.</param>
    /// <param name="appliedTo">Where the log stood when the late samples were put aside.</param>
    public void Needs(long belowMs, WriteLogPosition appliedTo)
    {
        lock (Gate)
        {
            if (Table.Count == 0 && underWay.Count == 0)
            {
                NeededFrom = null;
            }
            else
            {
                var first = FirstRecordFrom(belowMs);
                NeededFrom = first is { } position && position < appliedTo ? position : appliedTo;
            }
            ForgetRanges(belowMs);
            if (NeededFrom is null || NeededFrom >= ReplayedTo) OtherNumbers.Clear();
        }
    }

    /// <summary>The place before which the log holds nothing for this head; a record under way counts.</summary>
    public WriteLogPosition LogBound(WriteLogPosition otherwise)
    {
        lock (Gate)
        {
            if (NeededFrom is { } needed) return needed;
            return underWay.Count > 0 && AppliedTo < otherwise ? AppliedTo : otherwise;
        }
    }

    /// <summary>Series whose definitions are in the log, in steps of a few thousand, for writing them anew.</summary>
    public IEnumerable<IReadOnlyList<MemSeries>> AllLogged()
    {
        int pages;
        lock (Gate) pages = Table.PageCount;
        for (int i = 0; i < pages; i++)
        {
            var step = new List<MemSeries>(SeriesTable.PageSize);
            lock (Gate)
            {
                foreach (var series in Table.Page(i) ?? [])
                {
                    if (series is { Logged: true }) step.Add(series);
                }
            }
            if (step.Count > 0) yield return step;
        }
    }

    private void ForEachPage(Action<MemSeries?[]> work)
    {
        int pages;
        lock (Gate) pages = Table.PageCount;
        for (int i = 0; i < pages; i++)
        {
            lock (Gate)
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
