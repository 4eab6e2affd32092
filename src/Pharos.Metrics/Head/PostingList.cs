namespace Pharos.Metrics.Head;

/// <summary>
/// Sorted series numbers. Most label values of a large head have one series or few: one is held without an array.
/// An array only grows behind what was handed out, and a removal makes a new one.
/// </summary>
internal struct PostingList
{
    private uint[]? ids;
    private uint single;

    public int Count { get; private set; }

    public void Add(uint id)
    {
        if (Count == 0)
        {
            ids = null;
            single = id;
            Count = 1;
            return;
        }
        if (ids is null)
        {
            ids = new uint[2];
            ids[0] = single;
        }
        else if (Count == ids.Length)
        {
            Array.Resize(ref ids, Count + (Count >> 1) + 1);
        }
        ids[Count++] = id;
        // Numbers rise, but a replayed log may define an older one later.
        for (int i = Count - 1; i > 0 && ids[i - 1] > ids[i]; i--) (ids[i - 1], ids[i]) = (ids[i], ids[i - 1]);
    }

    /// <param name="gone">Sorted.</param>
    public void Remove(ReadOnlySpan<uint> gone)
    {
        if (ids is null)
        {
            if (Count == 1 && gone.BinarySearch(single) >= 0) Count = 0;
            return;
        }
        // What goes lies close together: only that stretch is looked at, the rest is copied.
        var all = ids.AsSpan(0, Count);
        int from = LowerBound(all, gone[0]), to = LowerBound(all, gone[^1] + 1);
        var left = new uint[Count];
        all[..from].CopyTo(left);
        int kept = from;
        for (int i = from; i < to; i++)
        {
            if (gone.BinarySearch(all[i]) < 0) left[kept++] = all[i];
        }
        all[to..].CopyTo(left.AsSpan(kept));
        Count = kept + Count - to;
        ids = left;
    }

    /// <summary>Never written to.</summary>
    public readonly ReadOnlyMemory<uint> AsMemory() => Count == 0 ? default : ids is null ? new[] { single } : ids.AsMemory(0, Count);

    private static int LowerBound(ReadOnlySpan<uint> sorted, uint wanted)
    {
        int found = sorted.BinarySearch(wanted);
        return found >= 0 ? found : ~found;
    }
}
