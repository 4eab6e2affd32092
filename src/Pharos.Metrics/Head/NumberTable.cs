namespace Pharos.Metrics.Head;

/// <summary>
/// Positive numbers by hash, in eight bytes each: linear probing; a slot holds the upper half of the hash, which also says
/// where it belongs, and the number. Several numbers may have one hash; the caller looks at each. One writer; a reader beside it may miss
/// a number that is there, and may find one that has left.
/// </summary>
internal struct NumberTable()
{
    private ulong[] slots = new ulong[64];
    private int count;

    public readonly Probe Find(ulong hash) => new(Volatile.Read(in slots), hash);

    /// <summary>Fetches the place of a hash for <see cref="Find"/>.</summary>
    public readonly void FetchAhead(ulong hash)
    {
        var all = Volatile.Read(in slots);
        Ahead.Fetch(ref all[Home(hash, all.Length - 1)]);
    }

    public void Add(ulong hash, int number)
    {
        if (++count * 3 > slots.Length * 2) Grow();
        Place(slots, (hash >> 32 << 32) | (uint)number);
    }

    public void Remove(ulong hash, int number)
    {
        int mask = slots.Length - 1;
        int at = Home(hash, mask);
        while ((uint)slots[at] != (uint)number) at = (at + 1) & mask;
        // Close the gap, so that later entries of the same run are still found.
        int gap = at;
        while (true)
        {
            at = (at + 1) & mask;
            if (slots[at] == 0) break;
            if (((at - Home(slots[at], mask)) & mask) < ((at - gap) & mask)) continue;
            slots[gap] = slots[at];
            gap = at;
        }
        slots[gap] = 0;
        count--;
    }

    /// <summary>Makes room, so that so many numbers are added without growing in between.</summary>
    public void Reserve(int numbers)
    {
        while (numbers * 3L > slots.Length * 2L) Grow();
    }

    private static int Home(ulong hash, int mask) => (int)(hash >> 32) & mask;

    private static void Place(ulong[] into, ulong slot)
    {
        int mask = into.Length - 1;
        int at = Home(slot, mask);
        while (into[at] != 0) at = (at + 1) & mask;
        Volatile.Write(ref into[at], slot);
    }

    private void Grow()
    {
        var larger = new ulong[slots.Length * 2];
        foreach (ulong slot in slots)
        {
            if (slot != 0) Place(larger, slot);
        }
        Volatile.Write(ref slots, larger);
    }

    /// <summary>Walks the numbers whose hash has the same upper half.</summary>
    public struct Probe(ulong[] slots, ulong hash)
    {
        private int at = Home(hash, slots.Length - 1);

        public bool Next(out int number)
        {
            for (ulong slot; (slot = Volatile.Read(ref slots[at])) != 0; at = (at + 1) & (slots.Length - 1))
            {
                if (slot >> 32 != hash >> 32) continue;
                number = (int)(uint)slot;
                at = (at + 1) & (slots.Length - 1);
                return true;
            }
            number = 0;
            return false;
        }
    }
}
