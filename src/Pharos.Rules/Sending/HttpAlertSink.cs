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

    /// <summary>The target's own alert_relabel_configs; a null result drops the alert.</summary>
    public Func<Labels, Labels?>? Relabel { get; init; }
}

/// <summary>How alerts are sent.</summary>
public sealed record HttpAlertSinkOptions
{
    /// <summary>Labels that alerts get where they have no such label.</summary>
    public Labels ExternalLabels { get; init; } = Labels.Empty;

    /// <summary>alert_relabel_configs for all targets; a null result drops the alert.</summary>
    public Func<Labels, Labels?>? Relabel { get; init; }

    /// <summary>Alerts that wait per target; over it the oldest are dropped. Prometheus: --alertmanager.notification-queue-capacity.</summary>
    public int QueueCapacity { get; init; } = 10_000;

    /// <summary>Alerts in one request. Prometheus: --alertmanager.notification-batch-size.</summary>
    public int BatchMax { get; init; } = 256;

    /// <summary>Send what waits before stopping. Prometheus: --alertmanager.drain-notification-queue-on-shutdown.</summary>
    public bool DrainOnShutdown { get; init; } = true;

    /// <summary>Name the tenant in <c>X-Scope-OrgID</c>.</summary>
    public bool SendTenant { get; init; }
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
        metrics = new SinkMetrics(instruments);
        metrics.Capacity.Set(options.QueueCapacity);
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
            metrics.Discovered.Set(now.Count);
        }
        foreach (var queue in gone.Values) await queue.StopAsync(drain: false);
    }

    public ValueTask SendAsync(TenantId tenant, IReadOnlyList<Alert> alerts, CancellationToken cancel)
    {
        var labelled = new List<Alert>(alerts.Count);
        foreach (var alert in alerts)
        {
            if (Relabelled(alert, options.ExternalLabels, options.Relabel) is { } kept) labelled.Add(kept);
        }
        lock (gate)
        {
            foreach (var queue in queues.Values) queue.Add(tenant, labelled);
        }
        return ValueTask.CompletedTask;
    }

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

    internal static Alert? Relabelled(Alert alert, Labels external, Func<Labels, Labels?>? relabel)
    {
        var labels = alert.Labels;
        if (!external.IsEmpty)
        {
            var builder = new LabelsBuilder(labels);
            foreach (var (name, value) in external)
            {
                if (builder.Get(name).Length == 0) builder.Set(name, value);
            }
            labels = builder.ToLabels();
        }
        if (relabel is not null && relabel(labels) is var relabelled)
        {
            if (relabelled is null || relabelled.IsEmpty) return null;
            labels = relabelled;
        }
        return ReferenceEquals(labels, alert.Labels) ? alert : alert with { Labels = labels };
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

internal sealed class SinkMetrics(Instruments instruments)
{
    public Counter Sent { get; } = instruments.Counter("prometheus_notifications_sent_total", "Total number of alerts sent.", "alertmanager");

    public Counter Errors { get; } = instruments.Counter("prometheus_notifications_errors_total", "Total number of sent alerts affected by errors.", "alertmanager");

    public Counter Dropped { get; } = instruments.Counter("prometheus_notifications_dropped_total", "Total number of alerts dropped due to errors when sending to Alertmanager.", "alertmanager");

    public Gauge QueueLength { get; } = instruments.Gauge("prometheus_notifications_queue_length", "The number of alert notifications in the queue.", "alertmanager");

    public Gauge Capacity { get; } = instruments.Gauge("prometheus_notifications_queue_capacity", "The capacity of the alert notifications queue.");

    public Gauge Discovered { get; } = instruments.Gauge("prometheus_notifications_alertmanagers_discovered", "The number of alertmanagers discovered and active.");

    public HistogramInstrument Latency { get; } = instruments.Histogram("prometheus_notifications_latency_seconds", "Latency for sending alert notifications.", HistogramInstrument.DefaultBounds, "alertmanager");
}
