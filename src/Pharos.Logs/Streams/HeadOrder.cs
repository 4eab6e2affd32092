using System.Buffers;

namespace Pharos.Logs.Streams;

/// <summary>
/// The numbers of an open block's entries by time, those of one time in the order of arrival; kept from query to query, 4 bytes for each entry, and carried on with
/// what came since. Safe for several threads.
/// </summary>
internal sealed class HeadOrder
{
    // Of so many entries as it is long, the first ones. Replaced as a whole.
    private volatile int[] known = [];

    /// <summary>The order of the first entries of the block, as many as are given.</summary>
    /// <returns>Not to be changed.</returns>
    public int[] Of(ReadOnlySpan<HeadEntry> entries)
    {
        int[] last = known;
        int count = entries.Length;
        if (last.Length == count) return last;
        // Somebody has seen more of the block than this reader may.
        if (last.Length > count) return Array.FindAll(last, i => i < count);
        int[] order = new int[count];
        var late = order.AsSpan(last.Length);
        Fill(entries[last.Length..], late);
        foreach (ref int number in late) number += last.Length;
        Merge(entries, last, order);
        known = order;
        return order;
    }

    /// <summary>Gives the numbers of entries, from 0, in their order.</summary>
    /// <param name="order">As long as there are entries.</param>
    public static void Fill(ReadOnlySpan<HeadEntry> entries, Span<int> order)
    {
        if (!TryPutInOrder(entries, order)) Sort(entries, order);
    }

    /// <summary>Merges what is known with the newer entries, which are in order behind the room for it.</summary>
    private static void Merge(ReadOnlySpan<HeadEntry> entries, ReadOnlySpan<int> known, Span<int> order)
    {
        // From the front: what is written never overtakes what has to be read, as known stands elsewhere.
        int[] newer = ArrayPool<int>.Shared.Rent(order.Length - known.Length);
        int late = 0, count = order.Length - known.Length;
        order[known.Length..].CopyTo(newer);
        int at = FirstFrom(entries, known, entries[newer[0]].TimestampNs + 1);
        known[..at].CopyTo(order);
        for (int to = at; to < order.Length; to++)
        {
            bool fromKnown = late == count || (at < known.Length && entries[known[at]].TimestampNs <= entries[newer[late]].TimestampNs);
            order[to] = fromKnown ? known[at++] : newer[late++];
        }
        ArrayPool<int>.Shared.Return(newer);
    }

    /// <summary>Entries of senders beside each other come a little late: each stretch of such is merged with the few that are newer. False where they are many.</summary>
    private static bool TryPutInOrder(ReadOnlySpan<HeadEntry> entries, Span<int> order)
    {
        for (int i = 0; i < order.Length; i++) order[i] = i;
        long moves = 8L * entries.Length;
        int[] newer = [];
        for (int from = 1; from < entries.Length; from++)
        {
            // What stands before is in order, what follows as it came.
            long newestNs = entries[order[from - 1]].TimestampNs;
            if (entries[from].TimestampNs >= newestNs) continue;
            int to = from + 1;
            while (to < entries.Length && entries[to].TimestampNs >= entries[to - 1].TimestampNs && entries[to].TimestampNs < newestNs) to++;
            int at = FirstFrom(entries, order[..from], entries[from].TimestampNs + 1), count = from - at;
            moves -= to - at;
            if (moves < 0) return false;
            if (newer.Length < count) newer = new int[2 * count];
            order[at..from].CopyTo(newer);
            int late = from;
            for (int i = 0; i < count; at++) order[at] = late < to && entries[late].TimestampNs < entries[newer[i]].TimestampNs ? late++ : newer[i++];
            from = to - 1;
        }
        return true;
    }

    private static void Sort(ReadOnlySpan<HeadEntry> entries, Span<int> order)
    {
        long[] times = ArrayPool<long>.Shared.Rent(entries.Length);
        for (int i = 0; i < entries.Length; i++) (times[i], order[i]) = (entries[i].TimestampNs, i);
        times.AsSpan(0, entries.Length).Sort(order);
        for (int from = 0; from < entries.Length;)
        {
            int to = from + 1;
            while (to < entries.Length && times[to] == times[from]) to++;
            if (to - from > 1) order[from..to].Sort();
            from = to;
        }
        ArrayPool<long>.Shared.Return(times);
    }

    /// <summary>The first of entries in order that is not before a time.</summary>
    private static int FirstFrom(ReadOnlySpan<HeadEntry> entries, ReadOnlySpan<int> order, long timestampNs)
    {
        int from = 0, to = order.Length;
        while (from < to)
        {
            int middle = (from + to) >>> 1;
            if (entries[order[middle]].TimestampNs < timestampNs) from = middle + 1;
            else to = middle;
        }
        return from;
    }
}
