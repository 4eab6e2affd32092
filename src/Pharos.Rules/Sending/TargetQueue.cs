using System.Net.Http.Headers;
using Microsoft.Extensions.Logging;
using Pharos.Core;

namespace Pharos.Rules;

/// <summary>What waits for one Alertmanager, and the loop that sends it.</summary>
internal sealed class TargetQueue
{
    private readonly HttpAlertSinkOptions options;
    private readonly SinkMetrics metrics;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly Lock gate = new();
    private readonly Queue<Alert> waiting = new();
    private readonly string name;
    private readonly string[] labels;
    private Task sending = Task.CompletedTask;
    private bool stopped;

    public TargetQueue(AlertmanagerTarget target, HttpAlertSinkOptions options, SinkMetrics metrics, TimeProvider time, ILogger logger)
    {
        Target = target;
        this.options = options;
        this.metrics = metrics;
        this.time = time;
        this.logger = logger;
        name = Endpoint(target.Url).ToString();
        labels = metrics.Of(name);
        metrics.Sent.With(labels);
        metrics.Errors.With(labels);
        metrics.Dropped.With(labels);
        metrics.QueueLength.With(labels).Set(0);
    }

    public AlertmanagerTarget Target { get; set; }

    public void Add(IReadOnlyList<Alert> alerts)
    {
        lock (gate)
        {
            if (stopped) return;
            foreach (var alert in alerts)
            {
                if (Target.Change(alert) is { } kept) waiting.Enqueue(kept);
            }
            int over = waiting.Count - options.QueueCapacity;
            if (over > 0)
            {
                for (int i = 0; i < over; i++) waiting.Dequeue();
                metrics.Dropped.With(labels).Add(over);
                RulesLog.AlertsDropped(logger, name, over);
            }
            metrics.QueueLength.With(labels).Set(waiting.Count);
            if (sending.IsCompleted && waiting.Count > 0) sending = Task.Run(SendAllAsync);
        }
    }

    /// <param name="drain">False: what waits is dropped and counted.</param>
    public async Task StopAsync(bool drain)
    {
        lock (gate)
        {
            stopped = true;
            if (!drain && waiting.Count > 0)
            {
                metrics.Dropped.With(labels).Add(waiting.Count);
                waiting.Clear();
            }
        }
        await sending;
        metrics.QueueLength.Remove(labels);
    }

    private static Uri Endpoint(Uri url) => new($"{url.ToString().TrimEnd('/')}/api/v2/alerts");

    private async Task SendAllAsync()
    {
        while (true)
        {
            var batch = new List<Alert>();
            lock (gate)
            {
                while (batch.Count < options.BatchMax && waiting.TryDequeue(out var next)) batch.Add(next);
                metrics.QueueLength.With(labels).Set(waiting.Count);
                if (batch.Count == 0)
                {
                    // Seen under the lock: the next alert starts a new loop.
                    sending = Task.CompletedTask;
                    return;
                }
            }
            await SendAsync(batch);
        }
    }

    private async Task SendAsync(List<Alert> batch)
    {
        long started = time.GetTimestamp();
        var target = Target;
        string? error = null;
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, Endpoint(target.Url))
            {
                Content = new ByteArrayContent(HttpAlertSink.Body(batch)) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } },
            };
            if (options.Tenant is { } tenant) request.Headers.TryAddWithoutValidation("X-Scope-OrgID", tenant.Name);
            using var timeout = new CancellationTokenSource(target.Timeout, time);
            using var response = await target.Client.SendAsync(request, timeout.Token);
            if (!response.IsSuccessStatusCode) error = $"status {(int)response.StatusCode}";
        }
        catch (OperationCanceledException)
        {
            error = $"no answer within {PromDuration.Format(target.Timeout)}";
        }
        catch (Exception e) when (e is HttpRequestException or IOException or ObjectDisposedException)
        {
            error = e.Message;
        }
        metrics.Latency.Observe(time.GetElapsedTime(started).TotalSeconds, labels);
        metrics.Sent.With(labels).Add(batch.Count);
        if (error is null) return;
        metrics.Errors.With(labels).Add(batch.Count);
        metrics.Dropped.With(labels).Add(batch.Count);
        RulesLog.AlertmanagerFailed(logger, name, batch.Count, error);
    }
}
