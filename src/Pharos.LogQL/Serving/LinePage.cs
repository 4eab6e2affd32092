namespace Pharos.LogQL.Serving;

/// <summary>
/// Collects one page of lines: in the order of time, and within one time in that of their hashes, each line once over all pages.
/// Of one time no more lines are held than the page takes, however many there are.
/// </summary>
internal sealed class LinePage(int limit, PageCursor? after)
{
    private readonly List<(UInt128 Hash, LogQlEntry Entry)> page = [];

    // The first lines of the present time, the last of them on top.
    private readonly PriorityQueue<LogQlEntry, UInt128> present = new(Comparer<UInt128>.Create(static (a, b) => b.CompareTo(a)));
    private long presentNs;
    private int skipped;
    private bool more;

    public IReadOnlyList<LogQlEntry> Entries => [.. page.Select(p => p.Entry)];

    /// <summary>Where the page ended; null where no line follows.</summary>
    public PageCursor? Next { get; private set; }

    /// <summary>Takes a line; false once the page is full.</summary>
    public bool Take(LogQlEntry entry)
    {
        if (entry.TimestampNs != presentNs)
        {
            CloseTime();
            if (page.Count >= limit)
            {
                more = true;
                return false;
            }
            presentNs = entry.TimestampNs;
        }
        var hash = PageCursor.HashOf(entry);
        if (after is { } last && last.TimestampNs == entry.TimestampNs)
        {
            if (hash < last.Hash || (hash == last.Hash && skipped++ < last.Same)) return true;
        }
        present.Enqueue(entry, hash);
        if (present.Count > limit - page.Count)
        {
            present.Dequeue();
            more = true;
        }
        return true;
    }

    /// <summary>Ends the page. Null <see cref="Next"/> means that there is nothing more.</summary>
    /// <param name="complete">Whether the lines came to their end.</param>
    public void Finish(bool complete)
    {
        // Where the lines were broken off, others of the present time may have come that stand before these.
        if (!complete) present.Clear();
        CloseTime();
        if ((complete && !more) || page.Count == 0) return;
        var (hash, entry) = page[^1];
        int same = page.Count(p => p.Hash == hash && p.Entry.TimestampNs == entry.TimestampNs);
        if (after is { } last && last.TimestampNs == entry.TimestampNs && last.Hash == hash) same += last.Same;
        Next = new PageCursor(entry.TimestampNs, hash, same);
    }

    private void CloseTime()
    {
        int from = page.Count;
        while (present.TryDequeue(out var entry, out var hash)) page.Add((hash, entry));
        page.Reverse(from, page.Count - from);
    }
}
