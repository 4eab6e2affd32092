namespace Pharos.Metrics.Head;

/// <summary>The head's series by number and by label bytes. Finding a known series allocates nothing. Used under the head's gate.</summary>
internal sealed class SeriesTable(LabelPairs pairs)
{
    public const int PageSize = 4096;

    private readonly List<MemSeries?[]?> pages = [];
    private readonly List<int> pageCounts = [];
    private NumberTable slots = new();

    public int Count { get; private set; }

    /// <summary>The number for the next new series; numbers start at 1.</summary>
    public int NextId { get; private set; } = 1;

    public MemSeries? Get(int id)
    {
        int page = id / PageSize;
        return page < pages.Count ? pages[page]?[id % PageSize] : null;
    }

    public MemSeries? Find(ulong hash, ReadOnlySpan<byte> labels)
    {
        var probe = slots.Find(hash);
        while (probe.Next(out int id))
        {
            var series = Get(id)!;
            if (pairs.Equal(series.Pairs, labels)) return series;
        }
        return null;
    }

    /// <summary>Adds a series that has labels and a number of its own.</summary>
    /// <param name="hash">Of its canonical label bytes.</param>
    public void Add(MemSeries series, ulong hash)
    {
        int page = series.Id / PageSize;
        while (pages.Count <= page)
        {
            pages.Add(null);
            pageCounts.Add(0);
        }
        (pages[page] ??= new MemSeries?[PageSize])[series.Id % PageSize] = series;
        pageCounts[page]++;
        if (series.Id >= NextId) NextId = series.Id + 1;
        Count++;
        slots.Add(hash, series.Id);
    }

    /// <summary>Makes room for so many series, so that adding them does not grow the table in between.</summary>
    public void Reserve(int series) => slots.Reserve(series);

    /// <summary>Makes sure that no new series gets a number that the write log may still hold.</summary>
    public void SkipTo(int id) => NextId = Math.Max(NextId, id);

    /// <summary>Takes a series out whose label pairs are still there.</summary>
    public void Remove(MemSeries series)
    {
        int page = series.Id / PageSize;
        pages[page]![series.Id % PageSize] = null;
        if (--pageCounts[page] == 0) pages[page] = null;
        Count--;
        slots.Remove(pairs.Hash(series.Pairs), series.Id);
    }

    /// <summary>Series of one page, for walking all of them in steps.</summary>
    public MemSeries?[]? Page(int page) => pages[page];

    public int PageCount => pages.Count;

    public IEnumerable<MemSeries> All()
    {
        foreach (var page in pages)
        {
            if (page is null) continue;
            foreach (var series in page)
            {
                if (series is not null) yield return series;
            }
        }
    }
}
