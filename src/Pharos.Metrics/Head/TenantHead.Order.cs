using Pharos.Core;
using Pharos.Metrics.Append;
using Pharos.Storage.WriteLog;

namespace Pharos.Metrics.Head;

/// <summary>
/// The order of requests: as the write log has them, they go into their series, those of other stripes beside each other. Requests of one series
/// are checked, logged and applied in one order. What is known of the head as a whole follows in the log's order, when all before it is in the series.
/// </summary>
internal sealed partial class TenantHead
{
    // Taken before stripes: who takes a request off the queue gets its stripes before anybody takes the next one.
    private readonly Lock settling = new();

    // Taken behind stripes, for a moment; guards all below.
    private readonly Lock ordering = new();

    // In the log's order: those that wait for the log, and those that are being put into their series.
    private readonly Queue<AppendTicket> underWay = new();
    private readonly Queue<AppendTicket> settled = new();
    private readonly SortedDictionary<long, WriteLogPosition> firstByRange = [];
    private readonly SeriesWriter totals;
    private WriteLogPosition appliedTo;
    private WriteLogPosition? neededFrom;
    private long rangeKnownToMs = long.MinValue;
    private long minSinceTruncateMs = long.MaxValue;

    /// <summary>When something was last appended, by the store's clock.</summary>
    public long LastAppendMs { get; private set; } = long.MinValue;

    /// <summary>All records of this tenant before this place are in the series. Default: none were written yet.</summary>
    public WriteLogPosition AppliedTo
    {
        get
        {
            lock (ordering) return appliedTo;
        }
    }

    /// <summary>Hands a request to the write log. Under its stripes, so that the log has requests of one series in the order in which they were checked.</summary>
    private ValueTask<WriteLogPosition> Send(AppendTicket ticket, IWriteLog log)
    {
        lock (ordering)
        {
            underWay.Enqueue(ticket);
            return log.AppendAsync(RecordKind.Metrics, Tenant, ticket.Record.WrittenMemory, CancellationToken.None);
        }
    }

    /// <summary>The request's log write has ended: puts it, and others whose write has ended, into their series, in order.</summary>
    /// <returns>Null where the request is settled; else what ends then.</returns>
    public Task? Settle(AppendTicket ticket, bool durable, WriteLogPosition position, long nowMs)
    {
        lock (ordering)
        {
            ticket.State = durable ? TicketState.Durable : TicketState.Failed;
            ticket.Position = position;
        }
        while (SettleNext(nowMs))
        {
        }
        lock (ordering) return ticket.Settled ? null : WhenSettled(ticket);
    }

    private bool SettleNext(long nowMs)
    {
        AppendTicket? next;
        HeadLocks.Held held;
        lock (settling)
        {
            lock (ordering)
            {
                if (!underWay.TryPeek(out next) || next.State == TicketState.Waiting) return false;
                settled.Enqueue(underWay.Dequeue());
            }
            held = Locks.Hold(next.Stripes);
        }
        using (held)
        {
            var writer = NewWriter();
            BeginChange();
            try
            {
                if (next.State == TicketState.Durable) Apply(next, writer);
                else Undo(next);
            }
            finally
            {
                EndChange();
                // Still under the stripes: who holds all of them finds the head as of one place in the log.
                lock (ordering) Finish(next, writer, nowMs);
            }
        }
        return true;
    }

    private void Finish(AppendTicket ticket, SeriesWriter writer, long nowMs)
    {
        Fold(writer);
        ticket.Applied = true;
        while (settled.TryPeek(out var first) && first.Applied)
        {
            settled.Dequeue();
            if (first.State == TicketState.Durable) Learn(first, nowMs);
            first.Settled = true;
            first.Done?.TrySetResult();
        }
    }

    private void Learn(AppendTicket ticket, long nowMs)
    {
        LastAppendMs = nowMs;
        neededFrom ??= ticket.Position;
        if (ticket.Position >= appliedTo) appliedTo = ticket.Position with { Offset = ticket.Position.Offset + 1 };
        foreach (ref readonly var sample in ticket.Samples) Learn(sample.TimestampMs, ticket.Position);
        foreach (var sample in ticket.Histograms) Learn(sample.TimestampMs, ticket.Position);
    }

    private static Task WhenSettled(AppendTicket ticket) => (ticket.Done ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    /// <summary>Completes when everything now under way is settled. Null where nothing is.</summary>
    public Task? Drained()
    {
        lock (ordering) return (underWay.LastOrDefault() ?? settled.LastOrDefault()) is { } last ? WhenSettled(last) : null;
    }

    /// <summary>Up to where the log's records of this tenant are in the series. Under all locks.</summary>
    /// <param name="logEnd">The log's end, read under the locks.</param>
    public WriteLogPosition KnownTo(WriteLogPosition logEnd)
    {
        lock (ordering) return IsIdle && logEnd > appliedTo ? logEnd : appliedTo;
    }

    private bool IsIdle => underWay.Count == 0 && settled.Count == 0;

    /// <summary>A record of the log was seen by replay, before the head has readers.</summary>
    public void Replayed(WriteLogPosition at, long nowMs)
    {
        neededFrom ??= at;
        LastAppendMs = nowMs;
        appliedTo = at with { Offset = at.Offset + 1 };
    }

    /// <summary>A sample of the log stands at that place, whoever puts it into its series. In the log's order.</summary>
    public void Learn(long timestampMs, WriteLogPosition at)
    {
        if (timestampMs < rangeKnownToMs) return;
        long range = TimeRanges.Floor(timestampMs, rangeMs);
        firstByRange.TryAdd(range, at);
        rangeKnownToMs = range + rangeMs;
    }

    /// <summary>Takes over what another writer put into series of this head, with the finished chunks that it left in memory.</summary>
    public void TakeOver(SeriesWriter other, ChunkArena finished)
    {
        ArenaOf(0).TakeOver(finished);
        lock (ordering) Fold(other);
    }

    private void Fold(SeriesWriter other)
    {
        if (other.Late > 0) instruments.OutOfOrderAppended.Add(other.Late);
        totals.TakeOver(other);
        minSinceTruncateMs = Math.Min(minSinceTruncateMs, other.MinMs);
    }

    /// <summary>Says what the head needs of the log, once its series' definitions were written anew to the end of it.</summary>
    /// <param name="belowMs">Samples before this are in blocks.</param>
    /// <param name="applied">Where the log stood when the late samples were put aside.</param>
    public void Needs(long belowMs, WriteLogPosition applied)
    {
        lock (ordering)
        {
            if (Table.Count == 0 && IsIdle)
            {
                neededFrom = null;
            }
            else
            {
                var first = FirstRecordFrom(belowMs);
                neededFrom = first is { } position && position < applied ? position : applied;
            }
            foreach (long range in firstByRange.Keys.Where(r => r + rangeMs <= belowMs).ToList()) firstByRange.Remove(range);
            if (neededFrom is null || neededFrom >= ReplayedTo) OtherNumbers.Clear();
        }
    }

    /// <summary>The place before which the log holds nothing for this head; a record under way counts.</summary>
    public WriteLogPosition LogBound(WriteLogPosition otherwise)
    {
        lock (ordering)
        {
            if (neededFrom is { } needed) return needed;
            return !IsIdle && appliedTo < otherwise ? appliedTo : otherwise;
        }
    }

    /// <summary>Log position of the first record that held samples at or after a time; null where there was none.</summary>
    private WriteLogPosition? FirstRecordFrom(long ms)
    {
        WriteLogPosition? first = null;
        foreach (var (range, position) in firstByRange)
        {
            if (range + rangeMs > ms && (first is null || position < first)) first = position;
        }
        return first;
    }
}
