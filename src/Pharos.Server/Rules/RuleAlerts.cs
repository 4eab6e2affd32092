using Pharos.Collector.Discovery;
using Pharos.Core;
using Pharos.Rules;
using Pharos.Server.Configuration.Ruler;
using Pharos.Server.LocalPrometheus;

namespace Pharos.Server.Rules;

/// <summary>
/// Hands alerts of rules on, with external labels and relabelled: to the router in this process, or to the Alertmanagers that the tenant's settings name.
/// No tenant waits for those of another. Safe for several threads.
/// </summary>
/// <param name="metricPrefix">What the names of metrics about Alertmanagers begin with.</param>
internal sealed class RuleAlerts(
    IAlertSink router, Func<Labels> externalLabels, ITenantLimits limits, string metricPrefix, IAlertJournal journal, DiscoveryContext context) : IAlertSink, IAsyncDisposable
{
    /// <summary>Of so many alerts it is known that their being dropped was told.</summary>
    private const int ToldMax = 10_000;

    private readonly SemaphoreSlim turn = new(1, 1);
    private readonly Dictionary<TenantId, Alertmanagers> outside = [];
    private readonly List<Task> ending = [];
    private readonly HashSet<(TenantId, Labels, DateTimeOffset?)> told = [];

    /// <inheritdoc/>
    public string? Elsewhere(TenantId tenant) => RulerAlerting.Of(limits.For(tenant)) is { Sends: true } to ? to.Names : null;

    /// <inheritdoc/>
    public async ValueTask SendAsync(TenantId tenant, IReadOnlyList<Alert> alerts, CancellationToken cancel)
    {
        var to = RulerAlerting.Of(limits.For(tenant));
        var external = externalLabels();
        var kept = new List<Alert>(alerts.Count);
        foreach (var alert in alerts)
        {
            if (AlertLabelling.Of(alert, external, to.RelabelRules) is { } labelled) kept.Add(labelled);
            else TellDropped(tenant, alert);
        }
        var sink = await SinkAsync(tenant, to, cancel);
        if (kept.Count > 0) await sink.SendAsync(tenant, kept, cancel);
    }

    public async ValueTask DisposeAsync()
    {
        await turn.WaitAsync();
        ending.AddRange(outside.Values.Select(o => o.DisposeAsync().AsTask()));
        outside.Clear();
        await Task.WhenAll(ending);
        turn.Dispose();
    }

    /// <summary>Settings that changed take effect with the first alert that comes then.</summary>
    private async Task<IAlertSink> SinkAsync(TenantId tenant, RulerAlerting to, CancellationToken cancel)
    {
        await turn.WaitAsync(cancel);
        try
        {
            if (outside.TryGetValue(tenant, out var known))
            {
                if (ReferenceEquals(known.To, to)) return known;
                outside.Remove(tenant);
                ending.RemoveAll(e => e.IsCompletedSuccessfully);
                // It sends what waits, and nobody waits for that.
                ending.Add(known.DisposeAsync().AsTask());
            }
            if (!to.Sends) return router;
            var made = new Alertmanagers(tenant, to, metricPrefix, context);
            outside[tenant] = made;
            await made.StartAsync();
            return made;
        }
        finally
        {
            turn.Release();
        }
    }

    private void TellDropped(TenantId tenant, Alert alert)
    {
        lock (told)
        {
            if (told.Count >= ToldMax) told.Clear();
            if (!told.Add((tenant, alert.Labels, alert.StartsAt))) return;
        }
        journal.Record(new AlertEvent(
            tenant, context.Time.GetUtcNow(), AlertStep.Muted, alert.Labels, "dropped by alert_relabel_configs of the ruler: nobody is notified", new Dictionary<string, string>()));
    }

    /// <summary>The Alertmanagers of one tenant, as its settings were at one time.</summary>
    private sealed class Alertmanagers : IAlertSink, IAsyncDisposable
    {
        private readonly HttpAlertSink sink;
        private readonly List<AlertmanagerSource> sources = [];

        public Alertmanagers(TenantId tenant, RulerAlerting to, string metricPrefix, DiscoveryContext context)
        {
            To = to;
            sink = new HttpAlertSink(
                new HttpAlertSinkOptions { Tenant = tenant, MetricPrefix = metricPrefix, QueueCapacity = to.QueueCapacity }, context.Time, context.Instruments, context.Logger);
            foreach (var group in to.Groups()) sources.Add(new AlertmanagerSource(group, $"{tenant.Name}-{sources.Count}", context, UpdateAsync));
        }

        public RulerAlerting To { get; }

        public async Task StartAsync()
        {
            foreach (var source in sources) await source.StartAsync();
        }

        public ValueTask SendAsync(TenantId tenant, IReadOnlyList<Alert> alerts, CancellationToken cancel) => sink.Targets.Count > 0
            ? sink.SendAsync(tenant, alerts, cancel)
            : throw new AlertSendException($"no Alertmanager is known yet: {To.Names} has not been found in DNS");

        public async ValueTask DisposeAsync()
        {
            foreach (var source in sources) await source.StopAsync();
            await sink.DisposeAsync();
            foreach (var source in sources) await source.DisposeAsync();
        }

        private Task UpdateAsync() => sink.UpdateAsync([.. sources.SelectMany(s => s.Targets)]);
    }
}
