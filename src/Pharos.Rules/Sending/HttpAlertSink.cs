using System.Buffers;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Pharos.Core;

namespace Pharos.Rules;

/// <summary>One Alertmanager to send to.</summary>
/// <param name="Url">Address up to the path prefix; <c>/api/v2/alerts</c> is added.</param>
/// <param name="Client">Carries authentication and TLS; belongs to the caller.</param>
public sealed record AlertmanagerTarget(Uri Url, HttpMessageInvoker Client)
{
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>What the target's own alert_relabel_configs make of an alert; null: it is dropped.</summary>
    public Func<Alert, Alert?> Change { get; init; } = alert => alert;
}

/// <summary>How alerts are sent.</summary>
public sealed record HttpAlertSinkOptions
{
    /// <summary>What external labels and alert_relabel_configs for all targets make of an alert; null: it is dropped.</summary>
    public Func<Alert, Alert?> Change { get; init; } = alert => alert;

    /// <summary>Alerts that wait per target; over it the oldest are dropped. Prometheus: --alertmanager.notification-queue-capacity.</summary>
    public int QueueCapacity { get; init; } = 10_000;

    /// <summary>Alerts in one request. Prometheus: --alertmanager.notification-batch-size.</summary>
    public int BatchMax { get; init; } = 256;

    /// <summary>Send what waits before stopping. Prometheus: --alertmanager.drain-notification-queue-on-shutdown.</summary>
    public bool DrainOnShutdown { get; init; } = true;

    /// <summary>Whose alerts they are: named in <c>X-Scope-OrgID</c> and in metrics as <c>user</c>. Null: nobody is named.</summary>
    public TenantId? Tenant { get; init; }

    /// <summary>What the names of metrics begin with.</summary>
    public string MetricPrefix { get; init; } = "prometheus_notifications";
}

/// <summary>
/// Sends alerts to Alertmanagers over API v2: one queue for each, batches, no second try of a failed batch
/// (the rules send firing alerts again anyway).
/// </summary>
public sealed class HttpAlertSink : IAlertSink, IAsyncDisposable
{
    private readonly HttpAlertSinkOptions options;
    private readonly ILogger logger;
    private readonly TimeProvider time;
    private readonly SinkMetrics metrics;
    private readonly Lock gate = new();
    private Dictionary<Uri, TargetQueue> queues = [];

    public HttpAlertSink(HttpAlertSinkOptions options, TimeProvider time, Instruments instruments, ILogger logger)
    {
        this.options = options;
        this.time = time;
        this.logger = logger;
        metrics = new SinkMetrics(instruments, options.MetricPrefix, options.Tenant);
        metrics.Capacity.With(metrics.Own).Set(options.QueueCapacity);
    }

    /// <summary>The Alertmanagers that are sent to now.</summary>
    public IReadOnlyList<Uri> Targets
    {
        get
        {
            lock (gate) return [.. queues.Keys.OrderBy(u => u.ToString(), StringComparer.Ordinal)];
        }
    }

    /// <summary>Sends to these from now on. Queues of targets that stay are kept.</summary>
    public async Task UpdateAsync(IReadOnlyList<AlertmanagerTarget> targets)
    {
        Dictionary<Uri, TargetQueue> gone;
        lock (gate)
        {
            gone = new Dictionary<Uri, TargetQueue>(queues);
            var now = new Dictionary<Uri, TargetQueue>();
            foreach (var target in targets)
            {
                if (gone.Remove(target.Url, out var queue)) queue.Target = target;
                else queue = new TargetQueue(target, options, metrics, time, logger);
                now[target.Url] = queue;
            }
            queues = now;
            metrics.Discovered.With(metrics.Own).Set(now.Count);
        }
        foreach (var queue in gone.Values) await queue.StopAsync(drain: false);
    }

    public ValueTask SendAsync(TenantId tenant, IReadOnlyList<Alert> alerts, CancellationToken cancel)
    {
        List<Alert> kept = [.. alerts.Select(options.Change).OfType<Alert>()];
        lock (gate)
        {
            foreach (var queue in queues.Values) queue.Add(kept);
        }
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public string? Elsewhere(TenantId tenant) => Targets is { Count: > 0 } targets ? string.Join(", ", targets) : "no Alertmanager, as none is known";

    public async ValueTask DisposeAsync()
    {
        List<TargetQueue> all;
        lock (gate)
        {
            all = [.. queues.Values];
            queues = [];
        }
        foreach (var queue in all) await queue.StopAsync(options.DrainOnShutdown);
    }

    /// <summary>The body of a request.</summary>
    internal static byte[] Body(IReadOnlyList<Alert> alerts)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartArray();
        foreach (var alert in alerts)
        {
            json.WriteStartObject();
            Write("labels", alert.Labels);
            Write("annotations", alert.Annotations);
            if (alert.StartsAt is { } starts) json.WriteString("startsAt", Rfc3339(starts));
            if (alert.EndsAt is { } ends) json.WriteString("endsAt", Rfc3339(ends));
            json.WriteString("generatorURL", alert.GeneratorUrl);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.Flush();
        return buffer.WrittenSpan.ToArray();

        void Write(string name, Labels labels)
        {
            json.WriteStartObject(name);
            foreach (var (key, value) in labels) json.WriteString(key, value);
            json.WriteEndObject();
        }
    }

    private static string Rfc3339(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'");
}

internal sealed class SinkMetrics(Instruments instruments, string prefix, TenantId? tenant)
{
    public Counter Sent { get; } = instruments.Counter(prefix + "_sent_total", "Total number of alerts sent.", Names(tenant));

    public Counter Errors { get; } = instruments.Counter(prefix + "_errors_total", "Total number of sent alerts affected by errors.", Names(tenant));

    public Counter Dropped { get; } = instruments.Counter(prefix + "_dropped_total", "Total number of alerts dropped due to errors when sending to Alertmanager.", Names(tenant));

    public Gauge QueueLength { get; } = instruments.Gauge(prefix + "_queue_length", "The number of alert notifications in the queue.", Names(tenant));

    public Gauge Capacity { get; } = instruments.Gauge(prefix + "_queue_capacity", "The capacity of the alert notifications queue.", Names(tenant)[..^1]);

    public Gauge Discovered { get; } = instruments.Gauge(prefix + "_alertmanagers_discovered", "The number of alertmanagers discovered and active.", Names(tenant)[..^1]);

    public HistogramInstrument Latency { get; } =
        instruments.Histogram(prefix + "_latency_seconds", "Latency for sending alert notifications.", HistogramInstrument.DefaultBounds, Names(tenant));

    /// <summary>Label values of what is told of all Alertmanagers together.</summary>
    public string[] Own { get; } = tenant is { } user ? [user.Name] : [];

    /// <summary>Label values of what is told of one Alertmanager.</summary>
    public string[] Of(string alertmanager) => [.. Own, alertmanager];

    private static string[] Names(TenantId? tenant) => tenant is null ? ["alertmanager"] : ["user", "alertmanager"];
}
