using Pharos.Core;
using Pharos.Logs.Streams;

namespace Pharos.Logs.Reading;

/// <summary>
/// Entries of all streams in one order of time. Where a range has very many streams it is read in parts, the one that comes first first,
/// so that no more than some of them are in memory.
/// </summary>
internal sealed class LogCursor : ILogCursor
{
    /// <summary>Ranges are not cut further than this, however many streams they have.</summary>
    private const long RangeNsMin = 1_000_000_000;

    private readonly StreamSelection? streams;
    private readonly int streamsMax;
    private readonly Func<LogSelection, ReadContext> contextOf;
    private readonly bool backward;
    private readonly PriorityQueue<StreamEntries, (long Time, int Order)> byTime = new();
    private readonly Dictionary<StreamEntries, int> orderOf = [];
    private readonly Stack<LogSelection> ranges = new();
    private LogReadStatistics before;
    private ReadContext context;
    private StreamEntries? current;
    private bool started;
    private int sinceCheck;

    /// <param name="streams">Null for none.</param>
    /// <param name="streamsMax">Streams of a range that is read at once.</param>
    public LogCursor(StreamSelection? streams, int streamsMax, Func<LogSelection, ReadContext> contextOf, LogSelection selection)
    {
        this.streams = streams;
        this.streamsMax = streamsMax;
        this.contextOf = contextOf;
        backward = selection.Backward;
        context = contextOf(selection);
        ranges.Push(selection);
    }

    public Labels Stream => current!.Labels;

    public long TimestampNs => current!.Current.TimestampNs;

    public ReadOnlySpan<byte> Line => current!.Current.Line;

    public int LineBytes => current!.Current.LineLength;

    public LogFields? Fields => current!.Current.Fields;

    public int FieldRow => current!.Current.Row;

    public ReadOnlySpan<byte> Metadata => current!.Current.Metadata;

    public bool InMemory => current!.Current.InMemory;

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
        while (streams is not null && ranges.TryPop(out var range))
        {
            context = contextOf(range);
            bool mayCut = range.EndNs - RangeNsMin > range.StartNs;
            bool whole = true;
            foreach (var (labels, content) in streams.Read(range.StartNs, range.EndNs))
            {
                context.Cancel.ThrowIfCancellationRequested();
                if (mayCut && orderOf.Count == streamsMax)
                {
                    whole = false;
                    break;
                }
                var stream = new StreamEntries(labels, content, context);
                if (!stream.HasSources) continue;
                context.Streams++;
                orderOf[stream] = orderOf.Count;
                // By the bound of its first block, not by its first entry: nothing is opened before its time has come.
                byTime.Enqueue(stream, Priority(stream, stream.Bound, opened: false));
            }
            if (whole) return true;
            byTime.Clear();
            orderOf.Clear();
            long middle = (long)(((Int128)range.StartNs + range.EndNs) / 2);
            LogSelection older = range with { EndNs = middle }, newer = range with { StartNs = middle };
            ranges.Push(backward ? older : newer);
            ranges.Push(backward ? newer : older);
        }
        context = contextOf(context.Selection);
        return false;
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
