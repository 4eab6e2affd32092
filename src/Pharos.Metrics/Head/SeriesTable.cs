namespace Pharos.Metrics.Head;

/// <summary>
/// The head's series by number and by label bytes. Finding a known series allocates nothing. Used under all of the head's locks, but for
/// <see cref="Get"/>, which needs none, and <see cref="Find"/>, which without it may miss a series or find one that has left.
/// </summary>
internal sealed class SeriesTable(LabelPairs pairs)
{
    public const int PageSize = 4096;

    // Replaced as a whole where it grows, so that a reader needs no lock.
    private MemSeries?[]?[] pages = new MemSeries?[4][];
    private int[] pageCounts = new int[4];
    private NumberTable slots = new();

    public int Count { get; private set; }

    /// <summary>The number for the next new series; numbers start at 1.</summary>
    public int NextId { get; private set; } = 1;

    public MemSeries? Get(int id)
    {
        var all = Volatile.Read(ref pages);
        int page = id / PageSize;
        return page < all.Length ? all[page]?[id % PageSize] : null;
    }

    public MemSeries? Find(ulong hash, ReadOnlySpan<byte> labels)
    {
        var probe = slots.Find(hash);
        while (probe.Next(out int id))
        {
            if (Get(id) is { } series && pairs.Equal(series.Pairs, labels)) return series;
        }
        return null;
    }

    /// <summary>
    /// Finds several series as <see cref="Find"/> does each, with one wait for memory for all of them at each step.
    /// </summary>
    /// <param name="hashes">Of their labels; at most <see cref="Ahead.Count"/>.</param>
    /// <param name="found">Gets for each a series that may be the one: its labels are still to be compared.</param>
    public void FindLikely(ReadOnlySpan<ulong> hashes, Span<MemSeries?> found)
    {
        Span<int> ids = stackalloc int[Ahead.Count];
        foreach (ulong hash in hashes) slots.FetchAhead(hash);
        var all = Volatile.Read(ref pages);
        for (int i = 0; i < hashes.Length; i++)
        {
            var probe = slots.Find(hashes[i]);
            if (probe.Next(out int id) && id / PageSize < all.Length && all[id / PageSize] is { } page) Ahead.Fetch(ref page[id % PageSize]);
            ids[i] = id;
        }
        for (int i = 0; i < hashes.Length; i++)
        {
            found[i] = ids[i] == 0 ? null : Get(ids[i]);
            found[i]?.FetchAhead();
        }
        for (int i = 0; i < hashes.Length; i++) found[i]?.FetchPairsAhead();
    }

    /// <summary>Whether a series has these labels.</summary>
    public bool Is(MemSeries series, ReadOnlySpan<byte> labels) => pairs.Equal(series.Pairs, labels);

    /// <summary>Adds a series that has labels and a number of its own.</summary>
    /// <param name="hash">Of its canonical label bytes.</param>
    public void Add(MemSeries series, ulong hash)
    {
        int page = series.Id / PageSize;
        if (page >= pages.Length)
        {
            var larger = new MemSeries?[]?[Math.Max(page + 1, pages.Length * 2)];
            pages.CopyTo(larger, 0);
            Array.Resize(ref pageCounts, larger.Length);
            Volatile.Write(ref pages, larger);
        }
        PageCount = Math.Max(PageCount, page + 1);
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

    public int PageCount { get; private set; }

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
