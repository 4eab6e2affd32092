using System.Collections.Concurrent;
using System.Text;
using Pharos.Core;
using Pharos.Metrics;

namespace Pharos.Server.Mimir;

/// <summary>
/// Stands before the store for everything that is pushed: the request rate, the choice between replicas, and the limits that change
/// a request instead of refusing it. A request that none of them touches goes on as it is. Safe for several threads.
/// </summary>
internal sealed class Distributor : IMetricSink
{
    private readonly MetricStore store;
    private readonly ITenantLimits limits;
    private readonly HaTracker replicas;
    private readonly IngestionRates rates;
    private readonly TimeProvider time;
    private readonly ConcurrentDictionary<TenantId, TokenBucket> requestRates = new();
    private readonly ConcurrentBag<MetricBatch> batches = [];
    private readonly Counter discardedRequests;
    private readonly Counter discardedSamples;
    private readonly Counter discardedMetadata;
    private readonly Counter deduplicated;
    private readonly Counter withoutReplica;
    private readonly Counter refusedUndecoded;

    public Distributor(MetricStore store, ITenantLimits limits, HaTracker replicas, IngestionRates rates, TimeProvider time, Instruments instruments)
    {
        this.store = store;
        this.limits = limits;
        this.time = time;
        this.replicas = replicas;
        this.rates = rates;
        discardedRequests = instruments.Counter("cortex_discarded_requests_total", "The total number of requests that were discarded.", "user", "reason");
        discardedSamples = Discards.Samples(instruments);
        discardedMetadata = Discards.Metadata(instruments);
        deduplicated = instruments.Counter("cortex_distributor_deduped_samples_total", "The total number of deduplicated samples.", "user", "cluster");
        withoutReplica = instruments.Counter("cortex_distributor_non_ha_samples_received_total", "The total number of received samples for a user that has HA tracking turned on, but the sample didn't contain both HA labels.", "user");
        refusedUndecoded = instruments.Counter("pharos_distributor_refused_undecoded_requests_total", "Requests over their tenant's ingestion rate that were refused before they were decoded.", "user");
    }

    /// <summary>
    /// Whether it pays to count a request's samples before it is decoded: the tenant's last one was over its ingestion rate, and for this tenant
    /// nothing that comes before the rate answers or changes a request of float samples.
    /// </summary>
    public bool CountsFirst(TenantId tenant)
    {
        if (!store.IsOverRate(tenant)) return false;
        var allowed = limits.For(tenant);
        return allowed.RequestsPerSecond <= 0 && !allowed.AcceptHaSamples && !new IntakeEdits(allowed, replicated: false).ChangeLabels;
    }

    /// <summary>The answer to a request of so many float samples where it is over the tenant's ingestion rate; null where it is to be decoded and appended.</summary>
    public AppendResult? RefuseOverRate(TenantId tenant, int samples)
    {
        if (store.RefuseOverRate(tenant, samples) is not { } refused) return null;
        rates.Pushed(tenant, samples);
        refusedUndecoded.With(tenant.Name).Add(1);
        return refused;
    }

    public ValueTask<AppendResult> AppendAsync(TenantId tenant, MetricBatch batch, CancellationToken cancel)
    {
        var allowed = limits.For(tenant);
        if (OverRequestRate(tenant, allowed) is { } refused) return new ValueTask<AppendResult>(refused);
        bool replicated = false;
        if (allowed.AcceptHaSamples && batch.SeriesCount > 0 && ChooseReplica(tenant, batch, allowed, out replicated) is { } answer) return new ValueTask<AppendResult>(answer);
        rates.Pushed(tenant, batch.Samples.Length + batch.Histograms.Count);
        var edits = new IntakeEdits(allowed, replicated);
        return edits.AreNeeded(batch) ? AppendEditedAsync(tenant, batch, edits, cancel) : store.AppendAsync(tenant, batch, cancel);
    }

    private async ValueTask<AppendResult> AppendEditedAsync(TenantId tenant, MetricBatch batch, IntakeEdits edits, CancellationToken cancel)
    {
        if (!batches.TryTake(out var edited)) edited = new MetricBatch();
        try
        {
            var errors = edits.Apply(batch, edited);
            foreach (var error in errors)
            {
                string reason = error.Code.Replace('-', '_');
                if (error.Code is IntakeEdits.MetadataNameMissing or IntakeEdits.MetadataNameTooLong or IntakeEdits.MetadataUnitTooLong) discardedMetadata.With(tenant.Name, reason).Add(error.Samples);
                else discardedSamples.With(tenant.Name, reason).Add(error.Samples);
            }
            var result = edited.IsEmpty ? new AppendResult(0, 0, 0, []) : await store.AppendAsync(tenant, edited, cancel);
            return errors.Count == 0 ? result : result with { Errors = [.. errors, .. result.Errors] };
        }
        finally
        {
            edited.Clear();
            batches.Add(edited);
        }
    }

    private AppendResult? OverRequestRate(TenantId tenant, TenantLimits allowed)
    {
        if (allowed.RequestsPerSecond <= 0) return null;
        double burst = allowed.RequestBurst > 0 ? allowed.RequestBurst : Math.Max(1, allowed.RequestsPerSecond);
        if (requestRates.GetOrAdd(tenant, static (_, clock) => new TokenBucket(clock), time).TryTake(1, allowed.RequestsPerSecond, burst)) return null;
        discardedRequests.With(tenant.Name, "rate_limited").Add(1);
        return Refused(AppendErrorKind.Limit, "tenant-max-request-rate", 0,
            $"the request has been rejected because the tenant exceeded the request rate limit, set to {allowed.RequestsPerSecond} requests/s with a maximum allowed burst of {burst} "
            + "(err-mimir-tenant-max-request-rate). To adjust the related limits, set request_rate and request_burst_size");
    }

    /// <summary>The answer where the request is not taken; the labels of its first series decide for all.</summary>
    private AppendResult? ChooseReplica(TenantId tenant, MetricBatch batch, TenantLimits allowed, out bool replicated)
    {
        string? cluster = null, replica = null;
        var labels = batch.LabelsOf(0);
        for (int offset = 0; offset < labels.Length;)
        {
            var name = LabelCodec.ReadString(labels, ref offset);
            var value = LabelCodec.ReadString(labels, ref offset);
            if (Same(name, allowed.HaClusterLabel)) cluster = Encoding.UTF8.GetString(value);
            else if (Same(name, allowed.HaReplicaLabel)) replica = Encoding.UTF8.GetString(value);
        }
        int samples = batch.Samples.Length + batch.Histograms.Count;
        replicated = cluster is not null && replica is not null;
        if (!replicated)
        {
            withoutReplica.With(tenant.Name).Add(samples);
            return null;
        }
        switch (replicas.Check(tenant, cluster!, replica!, allowed))
        {
            case HaVerdict.Duplicate:
                deduplicated.With(tenant.Name, cluster!).Add(samples);
                return Refused(AppendErrorKind.Duplicate, "replica-not-elected", samples, $"replica {GoString.Quote(replica!)} of cluster {GoString.Quote(cluster!)} is not the elected one; its samples are there already");
            case HaVerdict.TooManyClusters:
                discardedSamples.With(tenant.Name, "too_many_ha_clusters").Add(samples);
                return Refused(AppendErrorKind.BadData, "tenant-too-many-ha-clusters", samples,
                    $"the write request has been rejected because the maximum number of high-availability (HA) clusters has been reached for this tenant (limit: {allowed.HaClustersMax}) "
                    + "(err-mimir-tenant-too-many-ha-clusters). To adjust the related limit, set ha_max_clusters");
            default:
                return null;
        }
    }

    private static bool Same(ReadOnlySpan<byte> utf8, string name) => Ascii.Equals(utf8, name) || Encoding.UTF8.GetString(utf8) == name;

    private static AppendResult Refused(AppendErrorKind kind, string code, int samples, string message) => new(0, 0, 0, [new AppendError(kind, code, message, samples)]);
}
