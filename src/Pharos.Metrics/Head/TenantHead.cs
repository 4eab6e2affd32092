using Pharos.Core;
using Pharos.Metrics.Append;
using Pharos.Storage.WriteLog;

namespace Pharos.Metrics.Head;

/// <summary>
/// The newest samples of one tenant, in memory. All state changes happen under <see cref="Gate"/>;
/// the index has a lock of its own for its many readers.
/// </summary>
internal sealed partial class TenantHead
{
    private readonly MetricInstruments instruments;
    private readonly long rangeMs;
    private readonly int exemplarsMax;
    private readonly SeriesBudgets budgets;
    private readonly SeriesWriter writer;
    private readonly Queue<AppendTicket> underWay = new();
    private readonly SortedDictionary<long, WriteLogPosition> firstByRange = [];
    private readonly List<HeadCapture> captures = [];
    private long version;
    private long rangeKnownToMs = long.MinValue;
    private long minSinceTruncateMs = long.MaxValue;

    public TenantHead(TenantId tenant, MetricStoreOptions options, MetricInstruments instruments, HeadChunks chunks)
    {
        Tenant = tenant;
        this.instruments = instruments;
        Chunks = chunks;
        ChunkBytesDue = options.HeadChunkBytes;
        rangeMs = options.BlockRangeMs;
        writer = NewWriter();
        Table = new SeriesTable(Pairs);
        Index = new HeadIndex(Table, Pairs);
        budgets = new SeriesBudgets(Index);
        exemplarsMax = options.ExemplarsPerTenant;
        Exemplars = new ExemplarRing(exemplarsMax);
    }

    public TenantId Tenant { get; }

    public Lock Gate { get; } = new();

    public LabelPairs Pairs { get; } = new();

    public SeriesTable Table { get; }

    public HeadIndex Index { get; }

    /// <summary>The files of finished chunks.</summary>
    public HeadChunks Chunks { get; }

    /// <summary>When finished chunks are to be written into a file.</summary>
    public long ChunkBytesDue { get; }

    public ExemplarRing Exemplars { get; }

    public ActiveSeries Active { get; } = new();

    public MetadataTable Metadata { get; } = new();

    /// <summary>Bounds of the samples in order that were put into the head; min above max where there are none.</summary>
    public long MinMs => writer.MinMs;
    public long MaxMs => writer.MaxMs;

    /// <summary>Bounds of late samples; never narrowed, for they only spare a search.</summary>
    public long OldestLateMs => writer.OldestLateMs;
    public long NewestLateMs => writer.NewestLateMs;

    public long OldestMs => Math.Min(MinMs, OldestLateMs);

    /// <summary>Samples in order before this belong to blocks that are already cut.</summary>
    public long MinValidMs { get; set; } = long.MinValue;

    public int ChunkCount => writer.Chunks;

    /// <summary>When something was last appended, by the store's clock.</summary>
    public long LastAppendMs { get; private set; } = long.MinValue;

    /// <summary>All records of this tenant before this place are in the series. Default: none were written yet.</summary>
    public WriteLogPosition AppliedTo { get; private set; }

    /// <summary>Takes the requests under way whose log write has ended and, in order, puts them into their series.</summary>
    public void Settle(AppendTicket ticket, bool durable, WriteLogPosition position, long nowMs)
    {
        ticket.State = durable ? TicketState.Durable : TicketState.Failed;
        ticket.Position = position;
        BeginChange();
        try
        {
            SettleInOrder(nowMs);
        }
        finally
        {
            EndChange();
        }
    }

    private void SettleInOrder(long nowMs)
    {
        while (underWay.TryPeek(out var next) && next.State != TicketState.Waiting)
        {
            underWay.Dequeue();
            if (next.State == TicketState.Durable) Apply(next, nowMs);
            else Undo(next);
            next.Settled = true;
            next.Done?.TrySetResult();
        }
    }

    /// <summary>Odd while series change; it rises with each change. For readers without the gate.</summary>
    public long Version => Volatile.Read(ref version);

    /// <summary>Whether all that was read since then is of one moment.</summary>
    public bool IsStill(long since)
    {
        Interlocked.MemoryBarrier();
        return since % 2 == 0 && Volatile.Read(ref version) == since;
    }

    /// <summary>What the head holds of series at one moment, by place of the number; null for series that left or held nothing.</summary>
    /// <param name="ids">Sorted.</param>
    public HeadPart?[] Capture(uint[] ids, CancellationToken cancel)
    {
        var capture = new HeadCapture(this, ids);
        lock (Gate) captures.Add(capture);
        try
        {
            return capture.Take(cancel);
        }
        finally
        {
            lock (Gate) captures.Remove(capture);
        }
    }

    private void BeginChange()
    {
        Volatile.Write(ref version, version + 1);
        Interlocked.MemoryBarrier();
    }

    private void EndChange() => Volatile.Write(ref version, version + 1);

    /// <summary>The series' label set, made anew at each call.</summary>
    public Labels LabelsOf(MemSeries series) => Pairs.ToLabels(series.Pairs);

    public void Enqueue(AppendTicket ticket) => underWay.Enqueue(ticket);

    /// <summary>Completes when everything now under way is settled. Null where nothing is.</summary>
    public Task? Drained()
    {
        var last = underWay.LastOrDefault();
        if (last is null) return null;
        last.Done ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return last.Done.Task;
    }

    /// <summary>Log position of the first record that held samples at or after a time; null where there was none.</summary>
    public WriteLogPosition? FirstRecordFrom(long ms)
    {
        WriteLogPosition? first = null;
        foreach (var (range, position) in firstByRange)
        {
            if (range + rangeMs > ms && (first is null || position < first)) first = position;
        }
        return first;
    }

    private void Apply(AppendTicket ticket, long nowMs)
    {
        LastAppendMs = nowMs;
        NeededFrom ??= ticket.Position;
        if (ticket.Position >= AppliedTo) AppliedTo = ticket.Position with { Offset = ticket.Position.Offset + 1 };
        foreach (var series in ticket.Definitions) series.Logged = true;
        foreach (ref readonly var sample in ticket.Samples)
        {
            sample.Series.InFlight--;
            Put(sample.Series, sample.TimestampMs, sample.Value, null, ticket.Position);
        }
        foreach (var sample in ticket.Histograms)
        {
            sample.Series.InFlight--;
            Put(sample.Series, sample.TimestampMs, 0, sample.Histogram, ticket.Position);
        }
        foreach (var exemplar in ticket.Exemplars)
        {
            exemplar.Series.InFlight--;
            Exemplars.Add(LabelsOf(exemplar.Series), exemplar.Exemplar);
        }
        foreach (var about in ticket.Metadata) Metadata.Set(about);
    }

    /// <summary>A record of the log was seen by replay.</summary>
    public void Replayed(WriteLogPosition at, long nowMs)
    {
        NeededFrom ??= at;
        LastAppendMs = nowMs;
        AppliedTo = at with { Offset = at.Offset + 1 };
    }

    /// <summary>A sample of the log stands at that place, whoever puts it into its series.</summary>
    public void Learn(long timestampMs, WriteLogPosition at)
    {
        if (timestampMs >= rangeKnownToMs) LearnRange(timestampMs, at);
    }

    /// <summary>Puts samples into series of this head, which nobody else touches meanwhile. For replays.</summary>
    public SeriesWriter NewWriter() => new(rangeMs);

    /// <summary>Takes over what another writer put into series of this head.</summary>
    public void TakeOver(SeriesWriter other)
    {
        instruments.OutOfOrderAppended.Add(other.Late);
        writer.TakeOver(other);
        minSinceTruncateMs = MinMs;
    }

    private static void Undo(AppendTicket ticket)
    {
        foreach (ref readonly var sample in ticket.Samples)
        {
            sample.Series.InFlight--;
            sample.Series.Unreserve();
        }
        foreach (var sample in ticket.Histograms)
        {
            sample.Series.InFlight--;
            sample.Series.Unreserve();
        }
        foreach (var exemplar in ticket.Exemplars) exemplar.Series.InFlight--;
    }

    private void Put(MemSeries series, long timestampMs, double value, Histogram? histogram, WriteLogPosition position)
    {
        foreach (var capture in captures) capture.Save(series);
        long late = writer.Late;
        writer.Put(series, timestampMs, value, histogram, MinValidMs);
        if (writer.Late > late) instruments.OutOfOrderAppended.Add(1);
        else if (timestampMs < minSinceTruncateMs) minSinceTruncateMs = timestampMs;
        if (timestampMs >= rangeKnownToMs) LearnRange(timestampMs, position);
    }

    private void LearnRange(long timestampMs, WriteLogPosition position)
    {
        long range = TimeRanges.Floor(timestampMs, rangeMs);
        firstByRange.TryAdd(range, position);
        rangeKnownToMs = range + rangeMs;
    }

    /// <summary>Lets go of exemplars and metadata. Under the gate.</summary>
    public void ForgetExtras()
    {
        int capacity = Exemplars.Capacity;
        Exemplars.Capacity = 0;
        Exemplars.Capacity = capacity;
        Metadata.Clear();
    }

    /// <summary>Forgets where ranges before a time began in the log.</summary>
    private void ForgetRanges(long beforeMs)
    {
        foreach (long range in firstByRange.Keys.Where(r => r + rangeMs <= beforeMs).ToList()) firstByRange.Remove(range);
    }
}
