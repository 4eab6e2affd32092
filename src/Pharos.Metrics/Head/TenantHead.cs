using Pharos.Core;
using Pharos.Metrics.Append;
using Pharos.Storage.WriteLog;

namespace Pharos.Metrics.Head;

/// <summary>
/// The newest samples of one tenant, in memory. Series change under their stripes of <see cref="Locks"/>, and come and leave under all of them;
/// the order of requests, and what holds for the whole head, is behind a lock that is held for a moment; the index has one for its many readers.
/// </summary>
internal sealed partial class TenantHead
{
    /// <summary>Samples before one is put into its series, its open chunk is fetched; twice as many before, the series.</summary>
    private const int FetchedAhead = 8;

    private readonly MetricInstruments instruments;
    private readonly long rangeMs;
    private readonly int exemplarsMax;
    private readonly SeriesBudgets budgets;
    private readonly ChunkArena?[] arenas = new ChunkArena?[HeadLocks.Count];

    // Replaced as a whole.
    private HeadCapture[] captures = [];
    private long changesBegun;
    private long changesEnded;

    public TenantHead(TenantId tenant, MetricStoreOptions options, MetricInstruments instruments, HeadChunks chunks)
    {
        Tenant = tenant;
        this.instruments = instruments;
        Chunks = chunks;
        ChunkBytesDue = options.HeadChunkBytes;
        rangeMs = options.BlockRangeMs;
        totals = NewWriter();
        Table = new SeriesTable(Pairs);
        Index = new HeadIndex(Table, Pairs);
        budgets = new SeriesBudgets(Index);
        exemplarsMax = options.ExemplarsPerTenant;
        Exemplars = new ExemplarRing(exemplarsMax);
    }

    public TenantId Tenant { get; }

    public HeadLocks Locks { get; } = new();

    /// <summary>The lock of <see cref="Exemplars"/> and <see cref="Metadata"/>; taken behind stripes.</summary>
    public Lock Extras { get; } = new();

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
    public long MinMs => totals.MinMs;
    public long MaxMs => totals.MaxMs;

    /// <summary>Bounds of late samples; never narrowed, for they only spare a search.</summary>
    public long OldestLateMs => totals.OldestLateMs;
    public long NewestLateMs => totals.NewestLateMs;

    public long OldestMs => Math.Min(MinMs, OldestLateMs);

    /// <summary>Samples in order before this belong to blocks that are already cut.</summary>
    public long MinValidMs { get; set; } = long.MinValue;

    public int ChunkCount => totals.Chunks;

    /// <summary>To be given to <see cref="IsStill"/> later; for readers without a lock.</summary>
    public long Version
    {
        get
        {
            // In this order: what had ended had begun before.
            long ended = Volatile.Read(ref changesEnded), begun = Volatile.Read(ref changesBegun);
            return ended == begun ? begun : -1;
        }
    }

    /// <summary>Whether all that was read since then is of one moment: no series changed.</summary>
    public bool IsStill(long since)
    {
        Interlocked.MemoryBarrier();
        return since >= 0 && Volatile.Read(ref changesBegun) == since;
    }

    /// <summary>
    /// What the head holds of series at one moment, by place of the number; not taken where a series has left. The array goes back by
    /// <see cref="HeadCapture.Return"/>.
    /// </summary>
    /// <param name="ids">Sorted.</param>
    public HeadPart[] Capture(ReadOnlyMemory<uint> ids, CancellationToken cancel)
    {
        var capture = new HeadCapture(this, ids);
        // No request is half in its series then.
        using (Locks.HoldAll()) ChangeCaptures(all => [.. all, capture]);
        HeadPart[] parts;
        try
        {
            parts = capture.Take(cancel);
        }
        finally
        {
            ChangeCaptures(all => [.. all.Where(c => c != capture)]);
        }
        // Nobody saves into the array any more, which another query may get next.
        Locks.PassAll();
        return parts;
    }

    private void ChangeCaptures(Func<HeadCapture[], HeadCapture[]> change)
    {
        HeadCapture[] before;
        do before = captures;
        while (Interlocked.CompareExchange(ref captures, change(before), before) != before);
    }

    private void BeginChange() => Interlocked.Increment(ref changesBegun);

    private void EndChange() => Interlocked.Increment(ref changesEnded);

    /// <summary>The series' label set, made anew at each call.</summary>
    public Labels LabelsOf(MemSeries series) => Pairs.ToLabels(series.Pairs);

    /// <summary>For one request, or for a replay.</summary>
    public SeriesWriter NewWriter() => new(rangeMs);

    private void Apply(AppendTicket ticket, SeriesWriter writer)
    {
        foreach (var series in ticket.Definitions) series.Logged = true;
        var samples = ticket.Samples;
        for (int i = 0; i < samples.Length; i++)
        {
            if (i + (2 * FetchedAhead) < samples.Length) samples[i + (2 * FetchedAhead)].Series.FetchAhead();
            if (i + FetchedAhead < samples.Length) samples[i + FetchedAhead].Series.FetchEndAhead();
            ref readonly var sample = ref samples[i];
            sample.Series.InFlight--;
            Put(writer, sample.Series, sample.TimestampMs, sample.Value, null);
        }
        foreach (var sample in ticket.Histograms)
        {
            sample.Series.InFlight--;
            Put(writer, sample.Series, sample.TimestampMs, 0, sample.Histogram);
        }
        if (ticket.Exemplars.Count == 0 && ticket.Metadata.Count == 0) return;
        lock (Extras)
        {
            foreach (var exemplar in ticket.Exemplars)
            {
                exemplar.Series.InFlight--;
                Exemplars.Add(LabelsOf(exemplar.Series), exemplar.Exemplar);
            }
            foreach (var about in ticket.Metadata) Metadata.Set(about);
        }
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

    private void Put(SeriesWriter writer, MemSeries series, long timestampMs, double value, Histogram? histogram)
    {
        foreach (var capture in captures) capture.Save(series);
        writer.Put(series, timestampMs, value, histogram, MinValidMs, ArenaOf(series.Id));
    }

    private ChunkArena ArenaOf(int series) => arenas[HeadLocks.Of(series)] ??= new ChunkArena();

    /// <summary>Lets go of exemplars and metadata.</summary>
    public void ForgetExtras()
    {
        lock (Extras)
        {
            int capacity = Exemplars.Capacity;
            Exemplars.Capacity = 0;
            Exemplars.Capacity = capacity;
            Metadata.Clear();
        }
    }
}
