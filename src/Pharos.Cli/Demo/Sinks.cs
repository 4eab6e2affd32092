using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Pharos.Server.Hosting;

namespace Pharos.Cli.Demo;

/// <summary>One notification as a sink received it.</summary>
/// <param name="Sink">slack, pagerduty, webhook or smtp.</param>
/// <param name="Problem">What was wrong with it by the rules of the real service; null where it is right.</param>
internal sealed record Received(DateTimeOffset At, string Sink, string Title, string Body, string? Problem);

/// <summary>
/// Local stand-ins for Slack, PagerDuty and a mail server. They check what they are sent as the real services would,
/// and refuse what those would refuse.
/// </summary>
internal sealed class Sinks : IAsyncDisposable
{
    private readonly TimeProvider time;
    private readonly ConcurrentQueue<Received> received = new();
    private HttpHost? host;

    private Sinks(TimeProvider time, BusyMeter busy)
    {
        this.time = time;
        Smtp = new SmtpSink(time, busy, received.Enqueue);
    }

    public Uri Address => host!.Address;

    public SmtpSink Smtp { get; }

    public IReadOnlyList<Received> All => [.. received];

    public static async Task<Sinks> StartAsync(TimeProvider time, BusyMeter busy, ILoggerFactory loggers, CancellationToken cancel)
    {
        var sinks = new Sinks(time, busy);
        sinks.host = await HttpHost.StartAsync("127.0.0.1", 0, loggers, application =>
        {
            application.MapPost("/slack", http => sinks.Take(http, "slack", busy, CheckSlack, 200, "ok"));
            application.MapPost("/pagerduty", http => sinks.Take(http, "pagerduty", busy, CheckPagerDuty, 202,
                """{"status":"success","message":"Event processed"}"""));
            application.MapPost("/webhook", http => sinks.Take(http, "webhook", busy, CheckWebhook, 200, ""));
        }, cancel);
        sinks.Smtp.Start();
        return sinks;
    }

    public async ValueTask DisposeAsync()
    {
        if (host is not null) await host.DisposeAsync();
        await Smtp.DisposeAsync();
    }

    private async Task Take(HttpContext http, string sink, BusyMeter busy, Func<JsonElement, (string Title, string? Problem)> check, int status, string answer)
    {
        using var work = busy.Enter();
        using var reader = new StreamReader(http.Request.Body);
        string body = await reader.ReadToEndAsync(http.RequestAborted);
        string title = "";
        string? problem;
        try
        {
            using var json = JsonDocument.Parse(body);
            (title, problem) = check(json.RootElement);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            problem = e.Message;
        }
        received.Enqueue(new Received(time.GetUtcNow(), sink, title, body, problem));
        http.Response.StatusCode = problem is null ? status : 400;
        await http.Response.WriteAsync(problem ?? answer);
    }

    /// <summary>Rules of Slack's incoming webhooks, as far as Alertmanager uses them.</summary>
    private static (string, string?) CheckSlack(JsonElement body)
    {
        var attachment = body.GetProperty("attachments")[0];
        string title = attachment.GetProperty("title").GetString() ?? "";
        string? problem = title.Length == 0 ? "no_text" : attachment.TryGetProperty("fallback", out _) ? null : "attachment without fallback";
        return (title, problem);
    }

    /// <summary>Rules of PagerDuty's Events API v2.</summary>
    private static (string, string?) CheckPagerDuty(JsonElement body)
    {
        string action = body.GetProperty("event_action").GetString() ?? "";
        string key = body.GetProperty("routing_key").GetString() ?? "";
        string dedup = body.GetProperty("dedup_key").GetString() ?? "";
        if (key.Length != 32) return ("", "routing_key must have 32 characters");
        if (action is not ("trigger" or "resolve" or "acknowledge")) return ("", $"event_action {action} is not known");
        if (dedup.Length is 0 or > 255) return ("", "dedup_key must have 1 to 255 characters");
        var payload = body.GetProperty("payload");
        string summary = payload.GetProperty("summary").GetString() ?? "";
        string severity = payload.GetProperty("severity").GetString() ?? "";
        if (summary.Length is 0 or > 1024) return (summary, "summary must have 1 to 1024 characters");
        if (payload.GetProperty("source").GetString() is null or "") return (summary, "source is missing");
        return (summary, severity is "critical" or "error" or "warning" or "info" ? null : $"severity {severity} is not known");
    }

    private static (string, string?) CheckWebhook(JsonElement body)
    {
        string version = body.GetProperty("version").GetString() ?? "";
        string title = body.GetProperty("groupKey").GetString() ?? "";
        return (title, version == "4" ? null : $"version {version} is not 4");
    }
}
