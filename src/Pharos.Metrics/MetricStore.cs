using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Metrics.Append;
using Pharos.Metrics.Head;
using Pharos.Storage.WriteLog;

namespace Pharos.Metrics;

/// <summary>
/// The metric store: takes samples of all tenants, keeps the newest in memory and the rest in blocks of Prometheus's format,
/// and answers for both together. <see cref="Start"/> comes first. Safe for several threads.
/// </summary>
public sealed partial class MetricStore : IMetricSink, IMetricQueryable, IMetricChanges, IAsyncDisposable
{
    private const int ReplayWorkersMax = 8;

    private readonly MetricStoreOptions options;
    private readonly IWriteLog log;
    private readonly ITenantLimits limits;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly MetricInstruments instruments;
    private readonly ConcurrentDictionary<TenantId, TenantStore> tenants = new();
    private readonly ConcurrentBag<AppendTicket> tickets = [];
    private readonly Lock opening = new();
    private readonly CancellationTokenSource stopping = new();
    private Task maintenance = Task.CompletedTask;
    private volatile bool started;

    /// <param name="log">Shared with other stores; stays the caller's to dispose, after the store.</param>
    public MetricStore(MetricStoreOptions options, IWriteLog log, ITenantLimits limits, TimeProvider time, Instruments instruments, ILogger logger)
    {
        this.options = options;
        this.log = log;
        this.limits = limits;
        this.time = time;
        this.logger = logger;
        this.instruments = new MetricInstruments(instruments);
        instruments.BeforeRead(SetGauges);
    }

    /// <summary>Whether replay is over and samples are taken.</summary>
    public bool IsStarted => started;

    /// <summary>Tenants that have samples, sorted by name.</summary>
    public IReadOnlyList<TenantId> Tenants => [.. tenants.Keys.OrderBy(t => t.Name, StringComparer.Ordinal)];

    /// <summary>Opens the blocks, replays the write log, and starts the maintenance loop.</summary>
    public void Start()
    {
        long began = time.GetTimestamp();
        Directory.CreateDirectory(options.Folder);
        foreach (string folder in Directory.EnumerateDirectories(options.Folder))
        {
            if (TenantId.TryParse(Path.GetFileName(folder), out var tenant, out _)) Tenant(tenant);
        }
        var from = LoadSnapshots();
        using var workers = new ReplayWorkers(Math.Clamp(Environment.ProcessorCount, 1, ReplayWorkersMax));
        log.Replay(RecordKind.Metrics, (position, tenant, payload) => Tenant(tenant).Replay(workers).Read(position, payload), from);
        long samples = 0, series = 0;
        foreach (var store in tenants.Values)
        {
            samples += store.FinishReplay();
            series += store.Head.Table.Count;
        }
        samplesSinceSave = samples;
        double seconds = time.GetElapsedTime(began).TotalSeconds;
        instruments.ReplaySeconds.Set(seconds);
        MetricsLog.Replayed(logger, tenants.Count, series, samples, seconds);
        started = true;
        maintenance = MaintainForeverAsync(stopping.Token);
    }

    public async ValueTask<AppendResult> AppendAsync(TenantId tenant, MetricBatch batch, CancellationToken cancel)
    {
        if (!started) throw new StoreUnavailableException("the store is still reading its write log; send again when /-/ready says so");
        cancel.ThrowIfCancellationRequested();
        var store = Tenant(tenant);
        var allowed = limits.For(tenant);
        long nowMs = time.UnixMs();
        if (OverRate(store, allowed, batch) is { } refused) return refused;
        var ticket = tickets.TryTake(out var used) ? used : new AppendTicket();
        var writing = store.Head.Take(batch, ticket, allowed, nowMs, log);
        if (!ticket.IsEmpty)
        {
            var failure = await FinishAsync(store, ticket, writing);
            store.WriteChunksIfDue();
            if (Touched(batch) is { MinMs: var firstMs, MaxMs: var lastMs } && firstMs <= lastMs) store.Changes.Note(firstMs, lastMs);
            if (failure is not null)
            {
                Return(ticket);
                ExceptionDispatchInfo.Throw(failure);
            }
        }
        CountUnsaved(ticket.SampleCount + ticket.Histograms.Count);
        instruments.FloatsAppended.Add(ticket.SampleCount);
        instruments.HistogramsAppended.Add(ticket.Histograms.Count);
        instruments.ExemplarsAppended.Add(ticket.Exemplars.Count);
        var result = new AppendResult(ticket.Floats, ticket.HistogramCount, ticket.ExemplarCount, ticket.Errors.ToList());
        Return(ticket);
        instruments.Ingested.With(tenant.Name).Add(result.Samples + result.Histograms);
        foreach (var error in result.Errors)
        {
            instruments.IngestFailures.With(tenant.Name).Add(error.Samples);
            var discarded = error.Code is Refusals.MetadataPerUser or Refusals.MetadataPerMetric ? instruments.DiscardedMetadata : instruments.Discarded;
            discarded.With(tenant.Name, Reason(error.Code)).Add(error.Samples);
        }
        return result;
    }

    /// <summary>Whether the tenant's last request was over its ingestion rate, so that it pays to count the next one before it is decoded.</summary>
    public bool IsOverRate(TenantId tenant) => started && tenants.TryGetValue(tenant, out var store) && store.IsOverRate;

    /// <summary>What <see cref="AppendAsync"/> would answer, and count, where a batch of so many samples is over the tenant's ingestion rate; else null, and nothing was taken from the rate.</summary>
    public AppendResult? RefuseOverRate(TenantId tenant, int samples)
    {
        var allowed = limits.For(tenant);
        if (allowed.IngestionSamplesPerSecond <= 0 || !IsOverRate(tenant)) return null;
        var store = Tenant(tenant);
        return store.Rate.Has(samples, allowed.IngestionSamplesPerSecond, Burst(allowed)) ? null : RateRefusal(store, allowed, samples);
    }

    /// <inheritdoc/>
    public long VersionOf(TenantId tenant, long fromMs, long toMs) => tenants.TryGetValue(tenant, out var store) ? store.Changes.VersionOf(fromMs, toMs) : 0;

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await maintenance;
        await headsSaved;
        stopping.Dispose();
        foreach (var store in tenants.Values) await store.ChunksWritten;
        if (started && options.SaveHeadsOnClose) await SaveHeadsAsync(CancellationToken.None);
        started = false;
    }

    /// <summary>Times of the earliest and the latest sample; the other way round where there is none.</summary>
    private static TimeRange Touched(MetricBatch batch)
    {
        long first = long.MaxValue, last = long.MinValue;
        foreach (ref readonly var sample in batch.Samples) See(sample.TimestampMs);
        foreach (var histogram in batch.Histograms) See(histogram.TimestampMs);
        foreach (var start in batch.Starts) See(start.StartMs);
        foreach (var start in batch.HistogramStarts) See(start.StartMs);
        return new TimeRange(first, last);

        void See(long ms)
        {
            first = Math.Min(first, ms);
            last = Math.Max(last, ms);
        }
    }

    private async ValueTask<Exception?> FinishAsync(TenantStore store, AppendTicket ticket, ValueTask<WriteLogPosition> writing)
    {
        WriteLogPosition position = default;
        Exception? failure = null;
        try
        {
            position = await writing;
        }
        catch (Exception wrong) when (wrong is StoreUnavailableException or ObjectDisposedException or ArgumentException)
        {
            failure = wrong;
        }
        if (store.Head.Settle(ticket, failure is null, position, time.UnixMs()) is { } settled) await settled;
        return failure;
    }

    private void Return(AppendTicket ticket)
    {
        if (ticket.Reset()) tickets.Add(ticket);
    }

    private AppendResult? OverRate(TenantStore store, TenantLimits allowed, MetricBatch batch)
    {
        if (allowed.IngestionSamplesPerSecond <= 0) return null;
        int items = batch.Samples.Length + batch.Histograms.Count + batch.Exemplars.Count + batch.Metadata.Count;
        bool taken = store.Rate.TryTake(items, allowed.IngestionSamplesPerSecond, Burst(allowed));
        store.IsOverRate = !taken;
        return taken ? null : RateRefusal(store, allowed, items);
    }

    private AppendResult RateRefusal(TenantStore store, TenantLimits allowed, int items)
    {
        instruments.Discarded.With(store.Tenant.Name, "rate_limited").Add(items);
        return new AppendResult(0, 0, 0, [new AppendError(
            AppendErrorKind.Limit, Refusals.IngestionRate, Refusals.Rate(allowed.IngestionSamplesPerSecond, (long)Burst(allowed), items), items)]);
    }

    private static double Burst(TenantLimits allowed) => allowed.IngestionBurstSamples > 0 ? allowed.IngestionBurstSamples : allowed.IngestionSamplesPerSecond;

    /// <summary>The word that Mimir's dashboards know for an error.</summary>
    private static string Reason(string code) => code switch
    {
        Refusals.SeriesPerUser => "per_user_series_limit",
        Refusals.SeriesPerMetric => "per_metric_series_limit",
        Refusals.ActiveSeries => "per_user_active_series_limit",
        Refusals.SeriesBudget => "series_budget",
        Refusals.ChurnBudget => "churn_budget",
        Refusals.MetadataPerUser => "per_user_metadata_limit",
        Refusals.MetadataPerMetric => "per_metric_metadata_limit",
        Refusals.Duplicate => "new-value-for-timestamp",
        Refusals.LabelNameTooLong => "label_name_too_long",
        Refusals.LabelValueTooLong => "label_value_too_long",
        Refusals.LabelNames => "max_label_names_per_series",
        Refusals.InfoLabelNames => "max_label_names_per_info_series",
        Refusals.MetricNameInvalid => "metric_name_invalid",
        Refusals.LabelInvalid => "label_invalid",
        Refusals.DuplicateLabel => "duplicate_label_names",
        Refusals.MissingName => "missing_metric_name",
        Refusals.TooFarInFuture => "too_far_in_future",
        Refusals.TooFarInPast => "too_far_in_past",
        _ => code,
    };

    private TenantStore Tenant(TenantId tenant)
    {
        if (tenants.TryGetValue(tenant, out var known)) return known;
        lock (opening)
        {
            if (tenants.TryGetValue(tenant, out known)) return known;
            if (tenant.IsFederated) throw new ArgumentException($"{tenant} stands for several tenants; only one can be written to", nameof(tenant));
            return tenants[tenant] = new TenantStore(tenant, options, instruments, logger, time, log);
        }
    }

    private void SetGauges()
    {
        long series = 0, stale = 0, chunks = 0, chunkBytes = 0, min = long.MaxValue, max = long.MinValue, blockBytes = 0, lowest = long.MaxValue;
        int blocks = 0;
        foreach (var store in tenants.Values)
        {
            series += store.Head.Table.Count;
            chunks += store.Head.ChunkCount;
            stale += store.Head.StaleCount;
            min = Math.Min(min, store.Head.MinMs);
            max = Math.Max(max, store.Head.MaxMs);
            instruments.TenantSeries.With(store.Tenant.Name).Set(store.Head.Active.Count);
            if (store.Head.MaxMs != long.MinValue) instruments.TenantHeadMaxTime.With(store.Tenant.Name).Set(store.Head.MaxMs / 1000.0);
            chunkBytes += store.Chunks.Bytes;
            foreach (var block in store.Blocks.Current)
            {
                blocks++;
                blockBytes += block.Bytes;
                lowest = Math.Min(lowest, block.Meta.MinMs);
            }
        }
        lowest = Math.Min(lowest, min);
        instruments.HeadSeries.Set(series);
        instruments.HeadStaleSeries.Set(stale);
        instruments.MemorySeries.Set(series);
        instruments.MemoryUsers.Set(tenants.Count);
        instruments.HeadChunks.Set(chunks);
        instruments.HeadChunkBytes.Set(chunkBytes);
        instruments.HeadMinTime.Set(min == long.MaxValue ? 0 : min);
        instruments.HeadMaxTime.Set(max == long.MinValue ? 0 : max);
        instruments.HeadMinTimeSeconds.Set(min == long.MaxValue ? 0 : Math.Floor(min / 1000.0));
        instruments.HeadMaxTimeSeconds.Set(max == long.MinValue ? 0 : Math.Floor(max / 1000.0));
        instruments.LowestTimestamp.Set(lowest == long.MaxValue ? 0 : Math.Floor(lowest / 1000.0));
        instruments.BlocksLoaded.Set(blocks);
        instruments.BlockBytes.Set(blockBytes);
    }
}
