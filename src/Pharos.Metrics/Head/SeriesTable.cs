using Pharos.Core;

namespace Pharos.Metrics.Head;

/// <summary>The head's series by number and by label bytes. Finding a known series allocates nothing. Used under the head's gate.</summary>
internal sealed class SeriesTable
{
    private const int PageSize = 4096;

    private readonly List<MemSeries?[]?> pages = [];
    private readonly List<int> pageCounts = [];

    // Linear probing; a slot holds the upper hash bits and the number, 0 is free.
    private ulong[] slots = new ulong[1024];

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
        int mask = slots.Length - 1;
        for (int at = (int)hash & mask; slots[at] != 0; at = (at + 1) & mask)
        {
            ulong slot = slots[at];
            if (slot >> 32 != hash >> 32) continue;
            var series = Get((int)(uint)slot)!;
            if (series.Labels.Hash == hash && series.Labels.Encoded.SequenceEqual(labels)) return series;
        }
        return null;
    }

    /// <summary>Adds a series that has labels and a number of its own.</summary>
    public void Add(MemSeries series)
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
        if (Count * 3 > slots.Length * 2) Grow();
        Place(slots, series);
    }

    /// <summary>Makes sure that no new series gets a number that the write log may still hold.</summary>
    public void SkipTo(int id) => NextId = Math.Max(NextId, id);

    public void Remove(MemSeries series)
    {
        int page = series.Id / PageSize;
        pages[page]![series.Id % PageSize] = null;
        if (--pageCounts[page] == 0) pages[page] = null;
        Count--;
        int mask = slots.Length - 1;
        int at = (int)series.Labels.Hash & mask;
        while ((uint)slots[at] != (uint)series.Id) at = (at + 1) & mask;
        // Close the gap, so that later entries of the same run are still found.
        int gap = at;
        while (true)
        {
            at = (at + 1) & mask;
            if (slots[at] == 0) break;
            int home = (int)Get((int)(uint)slots[at])!.Labels.Hash & mask;
            if (((at - home) & mask) < ((at - gap) & mask)) continue;
            slots[gap] = slots[at];
            gap = at;
        }
        slots[gap] = 0;
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

    private static void Place(ulong[] into, MemSeries series)
    {
        int mask = into.Length - 1;
        int at = (int)series.Labels.Hash & mask;
        while (into[at] != 0) at = (at + 1) & mask;
        into[at] = (series.Labels.Hash >> 32 << 32) | (uint)series.Id;
    }

    private void Grow()
    {
        var larger = new ulong[slots.Length * 2];
        foreach (ulong slot in slots)
        {
            if (slot != 0 && Get((int)(uint)slot) is { } series) Place(larger, series);
        }
        slots = larger;
    }
}
