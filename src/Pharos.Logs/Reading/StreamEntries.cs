using Pharos.Core;
using Pharos.Logs.Deletion;
using Pharos.Logs.Streams;

namespace Pharos.Logs.Reading;

/// <summary>
/// Entries of one stream, merged from its blocks in order of time; a block is opened when its turn comes.
/// Where blocks overlap, entries that are the same (time, line, metadata) come once.
/// </summary>
internal sealed class StreamEntries : IDisposable
{
    private readonly bool backward;
    private readonly HiddenEntries? hidden;
    private readonly List<EntrySource> waiting;
    private readonly List<EntrySource> open = [];
    private readonly List<(byte[] Line, byte[] Metadata)> atThisTime = [];
    private long thisTime = long.MinValue;
    private bool overlapped;

    /// <param name="counted">Whether the stream's blocks were counted already.</param>
    public StreamEntries(Labels labels, in StreamSnapshot stream, ReadContext context, bool counted = false)
    {
        Labels = labels;
        backward = context.Selection.Backward;
        waiting = [];
        var selection = context.Selection;
        hidden = HiddenEntries.Of(labels, context.Deletions, selection.StartNs, selection.EndNs);
        foreach (var block in stream.Blocks)
        {
            if (block.Header.Overlaps(selection.StartNs, selection.EndNs)) waiting.Add(new BlockEntries(block, labels, context));
        }
        foreach (var head in stream.Heads) AddHead(head, context);
        foreach (var source in waiting)
        {
            if (!counted) source.Counts.Chunks++;
        }
        // The next to open stands at the end. The sort is stable, so that blocks of one time open in the order of writing.
        var sorted = backward ? waiting.OrderBy(s => s.MaxNs).ToList() : [.. waiting.OrderByDescending(s => s.MinNs)];
        waiting = sorted;
    }

    public Labels Labels { get; }

    public EntrySource Current { get; private set; } = null!;

    /// <summary>The time that the next entry cannot be before (backward: after); used to order streams before they are opened.</summary>
    public long Bound
    {
        get
        {
            if (open.Count > 0 || waiting.Count == 0) return Current is null ? 0 : Current.TimestampNs;
            return backward ? waiting[^1].MaxNs : waiting[^1].MinNs;
        }
    }

    public bool HasSources => waiting.Count > 0;

    public bool MoveNext()
    {
        if (Current is not null && !Current.Next())
        {
            open.Remove(Current);
            Current.Dispose();
        }
        while (true)
        {
            OpenDue();
            if (open.Count == 0) return false;
            Current = Best();
            if (IsRepeat()) Current.Counts.Duplicates++;
            else if (hidden?.Hides(Current.TimestampNs, Current) == true) Current.Counts.Hidden++;
            else return true;
            if (!Current.Next())
            {
                open.Remove(Current);
                Current.Dispose();
            }
        }
    }

    public void Dispose()
    {
        foreach (var source in open) source.Dispose();
        open.Clear();
        waiting.Clear();
    }

    private void AddHead(HeadSnapshot head, ReadContext context)
    {
        if (head.Count == 0) return;
        var source = new HeadSource(head, context);
        if (source.MinNs <= source.MaxNs) waiting.Add(source);
    }

    /// <summary>Opens every waiting source that could hold the next entry.</summary>
    private void OpenDue()
    {
        while (waiting.Count > 0)
        {
            var next = waiting[^1];
            if (open.Count > 0)
            {
                long best = Best().TimestampNs;
                if (backward ? next.MaxNs < best : next.MinNs > best) return;
            }
            waiting.RemoveAt(waiting.Count - 1);
            if (next.Next())
            {
                open.Add(next);
                if (open.Count > 1) overlapped = true;
            }
            else
            {
                next.Dispose();
            }
        }
    }

    private EntrySource Best()
    {
        var best = open[0];
        for (int i = 1; i < open.Count; i++)
        {
            if (backward ? open[i].TimestampNs >= best.TimestampNs : open[i].TimestampNs < best.TimestampNs) best = open[i];
        }
        return best;
    }

    private bool IsRepeat()
    {
        if (!overlapped) return false;
        if (open.Count == 1 && Current.TimestampNs != thisTime)
        {
            overlapped = false;
            atThisTime.Clear();
            return false;
        }
        if (Current.TimestampNs != thisTime)
        {
            thisTime = Current.TimestampNs;
            atThisTime.Clear();
        }
        foreach (var (line, metadata) in atThisTime)
        {
            if (Current.Line.SequenceEqual(line) && Current.WholeMetadata.SequenceEqual(metadata)) return true;
        }
        // Lines are looked at only where another block has an entry of the very same time.
        if (HasCompany()) atThisTime.Add((Current.Line.ToArray(), Current.WholeMetadata.ToArray()));
        return false;
    }

    private bool HasCompany()
    {
        foreach (var source in open)
        {
            if (source != Current && source.TimestampNs == thisTime) return true;
        }
        return false;
    }
}
