using Pharos.Core;

namespace Pharos.Server.Prometheus;

/// <summary>What every way of pushing metrics counts, by Mimir's names.</summary>
internal sealed class PushMetrics(Instruments instruments)
{
    public Counter Received { get; } = instruments.Counter("cortex_distributor_received_samples_total", "Samples received by push, by tenant.", "user");

    public Counter Requests { get; } = instruments.Counter("cortex_distributor_requests_in_total", "Push requests received, by tenant.", "user");

    public Counter Discarded { get; } = Discards.Samples(instruments);

    public Gauge Inflight { get; } = instruments.Gauge("cortex_distributor_inflight_push_requests", "Push requests in work.");

    /// <summary>Counts what was wrong before it came to the store, which counts what it refuses itself.</summary>
    public void Discard(TenantId tenant, IEnumerable<AppendError> errors)
    {
        foreach (var error in errors) Discarded.With(tenant.Name, error.Code.Replace('-', '_')).Add(error.Samples);
    }
}
