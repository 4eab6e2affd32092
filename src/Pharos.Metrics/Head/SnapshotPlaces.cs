using Pharos.Storage.WriteLog;

namespace Pharos.Metrics.Head;

/// <summary>
/// Up to where in the write log a loaded snapshot knows each page of the series table: pages are written one after the other
/// while appends go on, so each has a place of its own.
/// </summary>
internal sealed class SnapshotPlaces
{
    private readonly List<WriteLogPosition> pages = [];

    /// <summary>Records before this are in the snapshot, whatever series they are about.</summary>
    public WriteLogPosition First { get; private set; } = new(long.MaxValue, 0);

    /// <summary>Records from here on are not in the snapshot.</summary>
    public WriteLogPosition Last { get; private set; }

    public void Page(int page, WriteLogPosition place)
    {
        while (pages.Count <= page) pages.Add(default);
        pages[page] = place;
        if (place < First) First = place;
    }

    public void End(WriteLogPosition place)
    {
        Last = place;
        if (place < First) First = place;
    }

    /// <summary>Whether what a record says of a series is in the snapshot.</summary>
    public bool Holds(int series, WriteLogPosition record)
    {
        int page = series / SeriesTable.PageSize;
        return page < pages.Count && record < pages[page];
    }
}
