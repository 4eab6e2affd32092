using System.Buffers;

namespace Pharos.Metrics;

/// <summary>Sorted numbers of series: a list of an index, which is never written to, or a pooled array of its own.</summary>
internal struct SeriesNumbers : IDisposable
{
    private ReadOnlyMemory<uint> numbers;
    private uint[]? own;

    /// <summary>Numbers that an index handed out.</summary>
    public SeriesNumbers(ReadOnlyMemory<uint> numbers) => this.numbers = numbers;

    public readonly ReadOnlyMemory<uint> Memory => numbers;

    public readonly ReadOnlySpan<uint> Span => numbers.Span;

    public readonly int Length => numbers.Length;

    /// <summary>The numbers of all lists, each once.</summary>
    public static SeriesNumbers Union(List<ReadOnlyMemory<uint>> lists)
    {
        if (lists.Count == 1) return new SeriesNumbers(lists[0]);
        int total = 0;
        foreach (var list in lists) total += list.Length;
        uint[] all = ArrayPool<uint>.Shared.Rent(total);
        int at = 0;
        bool sorted = true;
        foreach (var list in lists)
        {
            var span = list.Span;
            // Values whose series came one after the other are in order already.
            sorted &= at == 0 || span.IsEmpty || span[0] > all[at - 1];
            span.CopyTo(all.AsSpan(at));
            at += span.Length;
        }
        if (!sorted) at = SortOnce(all.AsSpan(0, total));
        return new SeriesNumbers(all.AsMemory(0, at)) { own = all };
    }

    /// <summary>Keeps those that are in a sorted list too.</summary>
    public void Intersect(ReadOnlySpan<uint> other)
    {
        var mine = numbers.Span;
        var shorter = mine.Length <= other.Length ? mine : other;
        var longer = mine.Length <= other.Length ? other : mine;
        var both = Own(shorter.Length);
        int count = 0;
        // Never writes behind what it has read of either.
        foreach (uint wanted in shorter)
        {
            longer = longer[LowerBound(longer, wanted)..];
            if (longer.IsEmpty) break;
            if (longer[0] == wanted) both[count++] = wanted;
        }
        numbers = own.AsMemory(0, count);
    }

    /// <summary>Takes away those that are in a sorted list.</summary>
    public void Subtract(ReadOnlySpan<uint> gone)
    {
        if (gone.IsEmpty) return;
        var from = numbers.Span;
        var left = Own(from.Length);
        int count = 0;
        foreach (uint series in from)
        {
            gone = gone[LowerBound(gone, series)..];
            if (gone.IsEmpty || gone[0] != series) left[count++] = series;
        }
        numbers = own.AsMemory(0, count);
    }

    /// <summary>Keeps those of which a matcher matches the label.</summary>
    public void Filter(IPostings index, Core.Matcher matcher)
    {
        var from = numbers.Span;
        int count = index.Filter(from, matcher, Own(from.Length));
        numbers = own.AsMemory(0, count);
    }

    /// <summary>The numbers in an array that stays; gives the pooled one back.</summary>
    public uint[] ToArray()
    {
        uint[] all = numbers.ToArray();
        Dispose();
        return all;
    }

    public void Dispose()
    {
        if (own is not null) ArrayPool<uint>.Shared.Return(own);
        own = null;
        numbers = default;
    }

    private Span<uint> Own(int length) => own ??= ArrayPool<uint>.Shared.Rent(length);

    private static int SortOnce(Span<uint> all)
    {
        all.Sort();
        // A series has one value of a label, so there is nothing to merge but for a list asked for twice.
        int kept = 0;
        for (int i = 0; i < all.Length; i++)
        {
            if (kept == 0 || all[kept - 1] != all[i]) all[kept++] = all[i];
        }
        return kept;
    }

    /// <summary>First index whose number is at least the wanted one; looks near the start first.</summary>
    private static int LowerBound(ReadOnlySpan<uint> sorted, uint wanted)
    {
        int step = 1;
        while (step < sorted.Length && sorted[step] < wanted) step *= 2;
        int low = step / 2, high = Math.Min(step + 1, sorted.Length);
        if (sorted.Length > 0 && sorted[0] >= wanted) return 0;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (sorted[middle] < wanted) low = middle + 1;
            else high = middle;
        }
        return low;
    }
}
