using Pharos.Core;
using Pharos.Metrics.Append;
using Pharos.Storage.WriteLog;

namespace Pharos.Metrics.Head;

/// <summary>The checks that a sample passes before it goes to the write log. Under the stripes of the request's series, all of them where one is new and there may be room for it.</summary>
internal sealed partial class TenantHead
{
    /// <summary>Stands for a series of a request that was refused.</summary>
    private static readonly MemSeries Refused = new(0, []);

    /// <summary>Checks a request, and hands what is good of it to the write log. Nothing is under way where the ticket is empty afterwards.</summary>
    public ValueTask<WriteLogPosition> Take(MetricBatch batch, AppendTicket ticket, TenantLimits limits, long nowMs, IWriteLog log)
    {
        ulong stripes = FindKnown(batch, ticket, IsFull(limits));
        while (true)
        {
            using var held = Locks.Hold(stripes);
            if (!Confirm(ticket.Resolved(batch.SeriesCount), ticket) && stripes != HeadLocks.All && !(ticket.OnlyKnown = IsFull(limits) && AreNew(batch, ticket)))
            {
                stripes = HeadLocks.All;
                continue;
            }
            ticket.Stripes = stripes;
            Prepare(batch, ticket, limits, nowMs);
            if (ticket.IsEmpty) return default;
            MetricRecord.WriteBatch(ticket.Record, Pairs, ticket.Definitions, ticket.Samples, ticket.Histograms, ticket.Exemplars, ticket.Metadata);
            return Send(ticket, log);
        }
    }

    /// <summary>Looks up the series of a request, beside all else: the dearest part of taking it.</summary>
    /// <param name="full">New series will be refused, which needs no stripe.</param>
    /// <returns>The stripes to hold for it: all where series may be new. At least one.</returns>
    private ulong FindKnown(MetricBatch batch, AppendTicket ticket, bool full)
    {
        var resolved = ticket.Resolved(batch.SeriesCount);
        ulong stripes = 0;
        Span<ulong> hashes = stackalloc ulong[Ahead.Count];
        for (int from = 0; from < resolved.Length; from += Ahead.Count)
        {
            var some = resolved[from..Math.Min(resolved.Length, from + Ahead.Count)];
            for (int i = 0; i < some.Length; i++) hashes[i] = LabelCodec.Hash(batch.LabelsOf(from + i));
            Table.FindLikely(hashes[..some.Length], some);
            for (int i = 0; i < some.Length; i++)
            {
                var labels = batch.LabelsOf(from + i);
                if (some[i] is not { } likely || !Table.Is(likely, labels)) some[i] = Table.Find(hashes[i], labels);
                if (some[i] is { } series) stripes |= HeadLocks.BitOf(series.Id);
                else if (!full) stripes = HeadLocks.All;
            }
        }
        return stripes == 0 ? 1 : stripes;
    }

    private bool IsFull(TenantLimits limits) => limits.SeriesMax > 0 && Table.Count >= limits.SeriesMax;

    /// <summary>Whether the series that were not found without a lock are not there indeed. Under any stripe, so that none comes.</summary>
    private bool AreNew(MetricBatch batch, AppendTicket ticket)
    {
        var resolved = ticket.Resolved(batch.SeriesCount);
        for (int i = 0; i < resolved.Length; i++)
        {
            if (resolved[i] is not null) continue;
            var labels = batch.LabelsOf(i);
            if (Table.Find(LabelCodec.Hash(labels), labels) is not null) return false;
        }
        return true;
    }

    /// <summary>Checks a request and reserves the samples' places. Good ones go on, bad ones become errors.</summary>
    private void Prepare(MetricBatch batch, AppendTicket ticket, TenantLimits limits, long nowMs)
    {
        var resolved = ticket.Resolved(batch.SeriesCount);
        var window = new Window(this, limits, nowMs);
        var samples = batch.Samples;
        var starts = new StartCursor(batch.Starts);
        for (int i = 0; i < samples.Length; i++)
        {
            ref readonly var sample = ref samples[i];
            var series = resolved[sample.Series] ??= Resolve(batch.LabelsOf(sample.Series), sample.Series, limits, nowMs, ticket);
            if (ReferenceEquals(series, Refused))
            {
                ticket.Errors.Count(ticket.WhyRefused(sample.Series));
                continue;
            }
            if (batch.Starts.Count > 0 && IsNewStart(series, starts.Of(i), sample.TimestampMs, in window))
            {
                Check(series, starts.Of(i), 0, null, in window, ticket, out _);
                series.InFlight++;
                ticket.Add(new PreparedSample(series, starts.Of(i), 0));
            }
            if (!Check(series, sample.TimestampMs, sample.Value, null, in window, ticket, out bool known)) continue;
            ticket.Floats++;
            if (known) continue;
            series.InFlight++;
            ticket.Add(new PreparedSample(series, sample.TimestampMs, sample.Value));
        }
        starts = new StartCursor(batch.HistogramStarts);
        for (int i = 0; i < batch.Histograms.Count; i++)
        {
            var sample = batch.Histograms[i];
            var series = resolved[sample.Series] ??= Resolve(batch.LabelsOf(sample.Series), sample.Series, limits, nowMs, ticket);
            if (ReferenceEquals(series, Refused))
            {
                ticket.Errors.Count(ticket.WhyRefused(sample.Series));
                continue;
            }
            if (Refusals.CheckHistogram(sample.Histogram) is { } wrong)
            {
                if (ticket.Errors.WantsWords(Refusals.InvalidHistogram))
                    ticket.Errors.Add(AppendErrorKind.BadData, Refusals.InvalidHistogram, $"a native histogram is not valid: {wrong} (err-mimir-{Refusals.InvalidHistogram}); it is from series {LabelsOf(series)}");
                else ticket.Errors.Count(Refusals.InvalidHistogram);
                continue;
            }
            if (batch.HistogramStarts.Count > 0 && IsNewStart(series, starts.Of(i), sample.TimestampMs, in window))
            {
                var zero = Zero(sample.Histogram);
                Check(series, starts.Of(i), 0, zero, in window, ticket, out _);
                series.InFlight++;
                ticket.Histograms.Add(new PreparedHistogram(series, starts.Of(i), zero));
            }
            if (!Check(series, sample.TimestampMs, 0, sample.Histogram, in window, ticket, out bool known)) continue;
            ticket.HistogramCount++;
            if (known) continue;
            series.InFlight++;
            ticket.Histograms.Add(new PreparedHistogram(series, sample.TimestampMs, sample.Histogram));
        }
        if (batch.Exemplars.Count == 0 && batch.Metadata.Count == 0) return;
        lock (Extras)
        {
            PrepareExemplars(batch, ticket, limits, nowMs, resolved);
            PrepareMetadata(batch, ticket, limits);
        }
    }

    /// <summary>
    /// Whether a sample of 0 goes in at a start: where it is in order, and the sample itself will be taken. One that is late, there already
    /// or out of bounds is no error of anybody. Source: prometheus/tsdb AppendSTZeroSample.
    /// </summary>
    private static bool IsNewStart(MemSeries series, long startMs, long sampleMs, in Window window) =>
        startMs > 0 && startMs > series.ReservedMs && startMs >= window.MinValidMs && startMs >= window.OldestMs && sampleMs <= window.NewestMs;

    /// <summary>An empty histogram of the same kind.</summary>
    private static Histogram Zero(Histogram sample) => new()
    {
        ResetHint = CounterResetHint.Reset,
        Schema = sample.Schema,
        ZeroThreshold = sample.ZeroThreshold,
        CustomValues = sample.CustomValues,
        IsFloat = sample.IsFloat,
    };

    /// <summary>Drops what was found without a lock and has left since then. Whether all series are known.</summary>
    private bool Confirm(Span<MemSeries?> resolved, AppendTicket ticket)
    {
        bool all = true;
        ticket.Definitions.Clear();
        foreach (ref var series in resolved)
        {
            if (series is not null && !ReferenceEquals(Table.Get(series.Id), series)) series = null;
            if (series is null) all = false;
            else if (!series.Logged) ticket.Definitions.Add(series);
        }
        return all;
    }

    private void PrepareMetadata(MetricBatch batch, AppendTicket ticket, TenantLimits limits)
    {
        foreach (var about in batch.Metadata)
        {
            if (Metadata.Has(about)) continue;
            if (Metadata.Passes(about.Family, ticket.Metadata, limits) is { } code)
            {
                int limit = code == Refusals.MetadataPerUser ? limits.MetadataMax : limits.MetadataPerMetricMax;
                if (ticket.Errors.WantsWords(code)) ticket.Errors.Add(AppendErrorKind.BadData, code, Refusals.MetadataLimit(code, limit, about.Family));
                else ticket.Errors.Count(code);
                continue;
            }
            ticket.Metadata.Add(about);
        }
    }

    private void PrepareExemplars(MetricBatch batch, AppendTicket ticket, TenantLimits limits, long nowMs, Span<MemSeries?> resolved)
    {
        if (batch.Exemplars.Count > 0) Exemplars.Capacity = Math.Min(limits.ExemplarsMax, exemplarsMax);
        foreach (var sample in batch.Exemplars)
        {
            var series = resolved[sample.Series] ??= Resolve(batch.LabelsOf(sample.Series), sample.Series, limits, nowMs, ticket);
            if (ReferenceEquals(series, Refused)) continue;
            if (Exemplars.Capacity == 0) continue;
            var exemplar = new Exemplar(sample.TimestampMs, sample.Value, sample.Labels);
            switch (Exemplars.Check(LabelsOf(series), exemplar))
            {
                case ExemplarCheck.Good:
                    ticket.ExemplarCount++;
                    series.InFlight++;
                    ticket.Exemplars.Add(new PreparedExemplar(series, exemplar));
                    break;
                case ExemplarCheck.Known:
                    ticket.ExemplarCount++;
                    break;
                case ExemplarCheck.TooLong:
                    Refuse(ticket, Refusals.ExemplarTooLong, series, $"an exemplar's labels are over {ExemplarRing.LabelCharactersMax} characters");
                    break;
                default:
                    instruments.OutOfOrderExemplars.Add(1);
                    if (limits.IgnoreOutOfOrderExemplars) break;
                    Refuse(ticket, Refusals.ExemplarOutOfOrder, series, "out of order exemplar");
                    break;
            }
        }

        void Refuse(AppendTicket ticket, string code, MemSeries series, string what)
        {
            if (ticket.Errors.WantsWords(code)) ticket.Errors.Add(AppendErrorKind.BadData, code, $"{what}; it is from series {LabelsOf(series)}", 0);
        }
    }

    /// <summary>Finds the series, or makes it where labels and limits allow.</summary>
    private MemSeries Resolve(ReadOnlySpan<byte> labels, int index, TenantLimits limits, long nowMs, AppendTicket ticket)
    {
        ulong hash = ticket.OnlyKnown ? 0 : LabelCodec.Hash(labels);
        var series = ticket.OnlyKnown ? null : Table.Find(hash, labels);
        if (series is null)
        {
            if (LabelRules.Check(labels, limits, out var breach) is { } broken)
                return RefuseSeries(broken, ticket.Errors.WantsWords(broken) ? LabelRules.Words(broken, breach, labels, limits) : null, index, ticket);
            if (limits.SeriesMax > 0 && Table.Count >= limits.SeriesMax)
            {
                string? words = ticket.Errors.WantsWords(Refusals.SeriesPerUser) ? Refusals.SeriesLimit(limits.SeriesMax, Labels.FromEncoded(labels)) : null;
                return RefuseSeries(Refusals.SeriesPerUser, words, index, ticket);
            }
            if (limits.SeriesPerMetricMax > 0 && PerMetric(labels) >= limits.SeriesPerMetricMax)
            {
                string? words = ticket.Errors.WantsWords(Refusals.SeriesPerMetric) ? Refusals.MetricLimit(limits.SeriesPerMetricMax, Labels.FromEncoded(labels)) : null;
                return RefuseSeries(Refusals.SeriesPerMetric, words, index, ticket);
            }
            if (limits.ActiveSeriesMax > 0 && Active.Count >= limits.ActiveSeriesMax)
            {
                string? words = ticket.Errors.WantsWords(Refusals.ActiveSeries) ? Refusals.ActiveLimit(limits.ActiveSeriesMax, Labels.FromEncoded(labels)) : null;
                return RefuseSeries(Refusals.ActiveSeries, words, index, ticket);
            }
            if (SeriesBudgets.AreSet(limits))
            {
                if (budgets.Refuses(labels, Table.Count, limits, nowMs, ticket.Errors) is { } over) return RefuseSeries(over.Code, over.Words, index, ticket);
                budgets.Created(labels, limits, nowMs);
            }
            series = new MemSeries(Table.NextId, Index.Add(Table.NextId, labels));
            Table.Add(series, hash);
            Active.Created();
            instruments.SeriesCreated.Add(1);
        }
        if (!series.Logged) ticket.Definitions.Add(series);
        return series;
    }

    private static MemSeries RefuseSeries(string code, string? words, int index, AppendTicket ticket)
    {
        ticket.Refuse(index, code);
        if (words is not null && ticket.Errors.WantsWords(code)) ticket.Errors.Add(AppendErrorKind.BadData, code, words, 0);
        return Refused;
    }

    private int PerMetric(ReadOnlySpan<byte> labels)
    {
        for (int offset = 0; offset < labels.Length;)
        {
            var name = LabelCodec.ReadString(labels, ref offset);
            var value = LabelCodec.ReadString(labels, ref offset);
            if (name.SequenceEqual("__name__"u8)) return Index.CountUnlocked(Labels.MetricName, value);
        }
        return 0;
    }

    /// <summary>Whether a sample may be taken, after Prometheus's rules. Reserves its place where it is the newest of its series.</summary>
    /// <param name="known">True where exactly this sample is there already: accepted, and nothing to do.</param>
    private bool Check(MemSeries series, long t, double value, Histogram? histogram, in Window window, AppendTicket ticket, out bool known)
    {
        known = false;
        if (t > window.NewestMs) return Refuse(Refusals.TooFarInFuture, series, t, ticket);
        if (t < window.OldestMs) return Refuse(Refusals.TooFarInPast, series, t, ticket);
        if (t > series.ReservedMs && t >= window.MinValidMs)
        {
            series.Reserve(t, value, histogram);
            return true;
        }
        if (t == series.ReservedMs)
        {
            bool same = histogram is null
                ? series.ReservedHistogram is null && series.ReservedBits == BitConverter.DoubleToUInt64Bits(value)
                : series.ReservedHistogram is { } last && HistogramEquality.Same(last, histogram);
            // While the first one is still on its way to the log, the second must not be acknowledged before it.
            known = same && series.MaxMs == t;
            return same || Refuse(Refusals.Duplicate, series, t, ticket);
        }
        if (window.OutOfOrderMs > 0)
        {
            if (t >= window.OldestLateMs) return true;
            return Refuse(Refusals.TooOld, series, t, ticket);
        }
        return Refuse(t < window.MinValidMs ? Refusals.TooOld : Refusals.OutOfOrder, series, t, ticket, outOfBounds: t < window.MinValidMs);
    }

    private bool Refuse(string code, MemSeries series, long t, AppendTicket ticket, bool outOfBounds = false)
    {
        switch (code)
        {
            case Refusals.Duplicate: instruments.Duplicates.Add(1); break;
            case Refusals.OutOfOrder: instruments.OutOfOrder.Add(1); break;
            case Refusals.TooOld when !outOfBounds: instruments.TooOld.Add(1); break;
            default: instruments.OutOfBounds.Add(1); break;
        }
        if (ticket.Errors.WantsWords(code)) ticket.Errors.Add(AppendErrorKind.BadData, code, Refusals.Sample(code, t, LabelsOf(series)));
        else ticket.Errors.Count(code);
        return false;
    }

    /// <summary>The bounds that hold for all samples of one request.</summary>
    private readonly struct Window
    {
        public Window(TenantHead head, TenantLimits limits, long nowMs)
        {
            NewestMs = limits.CreationGracePeriod > TimeSpan.Zero ? nowMs + (long)limits.CreationGracePeriod.TotalMilliseconds : long.MaxValue;
            OldestMs = limits.PastGracePeriod > TimeSpan.Zero ? nowMs - (long)(limits.PastGracePeriod + limits.OutOfOrderWindow).TotalMilliseconds : long.MinValue;
            OutOfOrderMs = (long)limits.OutOfOrderWindow.TotalMilliseconds;
            bool empty = head.MaxMs == long.MinValue;
            MinValidMs = empty ? head.MinValidMs : Math.Max(head.MinValidMs, head.MaxMs - (head.rangeMs / 2));
            OldestLateMs = empty ? long.MinValue : head.MaxMs - OutOfOrderMs;
        }

        public long NewestMs { get; }
        public long OldestMs { get; }
        public long OutOfOrderMs { get; }
        public long MinValidMs { get; }
        public long OldestLateMs { get; }
    }
}
