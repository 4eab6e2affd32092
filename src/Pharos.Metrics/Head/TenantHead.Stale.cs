namespace Pharos.Metrics.Head;

/// <summary>Series that have ended: their newest sample is a stale marker.</summary>
internal sealed partial class TenantHead
{
    /// <summary>How many series there were when they were last counted.</summary>
    public int StaleCount { get; private set; }

    /// <summary>Finds the series that have ended, step by step.</summary>
    /// <returns>Each with the time of its newest sample, and how many series there are in all.</returns>
    public (List<(MemSeries Series, long MaxMs)> Stale, int Total) FindStale()
    {
        var stale = new List<(MemSeries, long)>();
        int total = 0;
        ForEachPage(alone: false, page =>
        {
            foreach (var series in page)
            {
                if (series is null) continue;
                total++;
                if (series.IsStale) stale.Add((series, series.MaxMs));
            }
        });
        StaleCount = stale.Count;
        return (stale, total);
    }

    /// <summary>Lets go of series whose samples are in blocks now, but for those that had another sample meanwhile.</summary>
    /// <param name="note">Gets those that left, under all locks: in the log it stands before anything that comes for them later.</param>
    public void Leave(IReadOnlyList<(MemSeries Series, long MaxMs)> stale, Action<IReadOnlyList<MemSeries>> note)
    {
        using var held = Locks.HoldAll();
        var gone = stale.Where(s => s.Series.IsStale && s.Series.MaxMs == s.MaxMs && Table.Get(s.Series.Id) == s.Series).Select(s => s.Series).ToList();
        if (gone.Count == 0) return;
        BeginChange();
        try
        {
            foreach (var series in gone) Table.Remove(series);
            Index.Remove(gone);
        }
        finally
        {
            EndChange();
        }
        instruments.SeriesRemoved.Add(gone.Count);
        StaleCount -= gone.Count;
        note(gone);
        lock (ordering)
        {
            totals.Chunks -= gone.Sum(s => s.ChunkCount);
            if (Table.Count == 0 && IsIdle) neededFrom = null;
        }
    }
}
