using Pharos.Core;
using Pharos.Logs.Streams;

namespace Pharos.Logs.Reading;

/// <summary>Entries of all streams in one order of time, range by range.</summary>
internal sealed class LogCursor : ILogCursor
{
    private readonly StreamRanges ranges;
    private readonly Func<LogSelection, ReadContext> contextOf;
    private readonly bool backward;
    private readonly PriorityQueue<StreamEntries, (long Time, int Order)> byTime = new();
    private readonly Dictionary<StreamEntries, int> orderOf = [];
    private LogReadStatistics before;
    private ReadContext context;
    private StreamEntries? current;
    private bool started;
    private int sinceCheck;

    public LogCursor(StreamRanges ranges, Func<LogSelection, ReadContext> contextOf, LogSelection selection)
    {
        this.ranges = ranges;
        this.contextOf = contextOf;
        backward = selection.Backward;
        context = contextOf(selection);
    }

    public Labels Stream => current!.Labels;

    public long TimestampNs => current!.Current.TimestampNs;

    public ReadOnlySpan<byte> Line => current!.Current.Line;

    public int LineBytes => current!.Current.LineLength;

    public LogFields? Fields => current!.Current.Fields;

    public int FieldRow => current!.Current.Row;

    public ReadOnlySpan<byte> Metadata => current!.Current.Metadata;

    public bool InMemory => current!.Current.InMemory;

    public bool LineFiltersHold => current!.Current.LineFiltersHold;

    public LogReadStatistics Statistics => before + context.Statistics;

    public bool MoveNext()
    {
        if (++sinceCheck >= 1024)
        {
            sinceCheck = 0;
            context.Cancel.ThrowIfCancellationRequested();
        }
        while (!NextByTime())
        {
            if (!NextRange()) return false;
        }
        return true;
    }

    public void Dispose()
    {
        current?.Dispose();
        while (byTime.TryDequeue(out var stream, out _)) stream.Dispose();
        current = null;
    }

    private bool NextRange()
    {
        orderOf.Clear();
        before = Statistics;
        if (ranges.Next() is not var (range, streams))
        {
            context = contextOf(context.Selection);
            return false;
        }
        context = contextOf(range);
        foreach (var (labels, content) in streams)
        {
            var stream = new StreamEntries(labels, content, context);
            if (!stream.HasSources) continue;
            context.Streams++;
            orderOf[stream] = orderOf.Count;
            // By the bound of its first block, not by its first entry: nothing is opened before its time has come.
            byTime.Enqueue(stream, Priority(stream, stream.Bound, opened: false));
        }
        return true;
    }

    private bool NextByTime()
    {
        if (started && current is not null)
        {
            if (current.MoveNext()) byTime.Enqueue(current, Priority(current, current.Current.TimestampNs, opened: true));
            else current.Dispose();
            current = null;
        }
        started = true;
        while (byTime.TryDequeue(out var next, out var priority))
        {
            bool opened = (priority.Order & 1) == 1;
            if (opened)
            {
                current = next;
                return true;
            }
            if (next.MoveNext()) byTime.Enqueue(next, Priority(next, next.Current.TimestampNs, opened: true));
            else next.Dispose();
        }
        return false;
    }

    /// <summary>Streams that are not opened come before opened ones of the same time: they may hold an entry that goes first.</summary>
    private (long, int) Priority(StreamEntries stream, long timestampNs, bool opened)
    {
        int order = orderOf[stream] << 1;
        return (backward ? ~timestampNs : timestampNs, opened ? order | 1 : int.MinValue | order);
    }
}
