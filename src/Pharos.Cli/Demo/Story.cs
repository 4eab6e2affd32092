namespace Pharos.Cli.Demo;

/// <summary>One step of a story: done once <see cref="Look"/> gives facts instead of null.</summary>
internal sealed class StoryStep(string name, Func<CancellationToken, Task<string?>> look)
{
    public string Name { get; } = name;

    public DateTimeOffset? DoneAt { get; private set; }

    public string Facts { get; private set; } = "";

    public async Task<bool> LookAsync(DateTimeOffset now, CancellationToken cancel)
    {
        if (await look(cancel) is not { } facts) return false;
        DoneAt = now;
        Facts = facts;
        return true;
    }
}

/// <summary>
/// The two incidents of the demo as steps that are checked from outside, over the server's HTTP routes
/// and at the sinks: errors at the checkout, and a panic in its log.
/// </summary>
internal sealed class Story(DemoClient client, CheckoutShop shop, Sinks sinks)
{
    private const string Errors = "CheckoutErrors";
    private const string Panic = "CheckoutPanic";

    public IReadOnlyList<StoryStep> Fleet =>
        fleet ??=
        [
            new StoryStep("registered", async cancel => await client.CollectorAsync(cancel) is { } attributes ? $"{DemoTexts.CollectorId} with {attributes}" : null),
        ];

    public IReadOnlyList<StoryStep> Metrics => metrics ??= [.. MetricSteps()];

    public IReadOnlyList<StoryStep> Logs => logs ??= [.. LogSteps()];

    public IReadOnlyList<StoryStep> Recovery =>
        recovery ??=
        [
            new StoryStep("resolved", async cancel => await SeenAsync(Errors, "resolved", cancel)),
            new StoryStep("resolve delivered", cancel => Task.FromResult(
                Sink("pagerduty", r => r.Body.Contains("\"resolve\"", StringComparison.Ordinal) && r.Title.Contains(Errors, StringComparison.Ordinal)))),
        ];

    private IReadOnlyList<StoryStep>? fleet;
    private IReadOnlyList<StoryStep>? metrics;
    private IReadOnlyList<StoryStep>? logs;
    private IReadOnlyList<StoryStep>? recovery;

    private IEnumerable<StoryStep> MetricSteps()
    {
        yield return new StoryStep("scraped", _ => Task.FromResult(shop.Scrapes > 0 ? $"{shop.Scrapes} scrapes of {shop.Address}metrics" : null));
        yield return new StoryStep("remote-written", async cancel =>
            await client.OwnMetricAsync("pharos_http_request_duration_seconds_count", ["route=\"/api/v1/push\"", "status_code=\"2"], cancel) is > 0 and var count
                ? $"{count} requests to /api/v1/push" : null);
        yield return new StoryStep("ingested", async cancel =>
            await client.MetricAsync("count({cluster=\"eu-1\", job=\"checkout\"})", cancel) is { } count ? $"{count} series of checkout for tenant {DemoTexts.Tenant}" : null);
        yield return new StoryStep("rule evaluated", async cancel =>
            await client.MetricAsync("sum(job:http_requests:rate5m{job=\"checkout\", tenant=\"shop\"})", cancel) is { } rate ? $"job:http_requests:rate5m recorded, {rate:0.#} requests/s" : null);
        yield return new StoryStep("pending", cancel => SeenAsync(Errors, "pending", cancel));
        yield return new StoryStep("firing", cancel => SeenAsync(Errors, "firing", cancel));
        yield return new StoryStep("sent", cancel => SeenAsync(Errors, "sent", cancel));
        yield return new StoryStep("grouped", cancel => SeenAsync(Errors, "grouped", cancel));
        yield return new StoryStep("routed", _ => Task.FromResult(
            Sink("pagerduty", About(Errors)) is { } page && Sink("slack", About(Errors)) is { } chat ? $"PagerDuty: {page}; Slack: {chat}" : null));
        yield return new StoryStep("visible", async cancel =>
        {
            var receivers = await client.NotifiedAsync(Errors, cancel);
            int lines = await client.LinesAsync("{cluster=\"eu-1\", job=\"checkout\"} |= \"status=503\"", cancel);
            double? failing = await client.MetricAsync("sum(job:http_requests:rate5m{cluster=\"eu-1\", job=\"checkout\", status=\"503\"})", cancel);
            return receivers.Count > 0 && lines > 0 && failing is not null
                ? $"{string.Join(", ", receivers)}; {failing:0.#} failures/s and {lines} log lines under cluster=eu-1 job=checkout" : null;
        });
    }

    private IEnumerable<StoryStep> LogSteps()
    {
        yield return new StoryStep("written", _ => Task.FromResult(shop.LinesWritten > 0 ? $"{shop.LinesWritten} lines in {Path.GetFileName(shop.LogFile)}" : null));
        yield return new StoryStep("tailed and pushed", async cancel =>
            await client.OwnMetricAsync("pharos_http_request_duration_seconds_count", ["/loki/api/v1/push", "status_code=\"2"], cancel) is > 0 and var count
                ? $"{count} requests to /loki/api/v1/push" : null);
        yield return new StoryStep("stored", async cancel =>
            await client.LogMetricAsync("sum(count_over_time({cluster=\"eu-1\", job=\"checkout\"}[1h]))", cancel) is { } count ? $"{count} lines of {shop.LinesWritten} written" : null);
        yield return new StoryStep("log rule recorded", async cancel =>
            await client.MetricAsync("job:log_lines:rate5m{job=\"checkout\"}", cancel) is { } rate ? $"job:log_lines:rate5m = {rate:0.##} lines/s, written to metrics" : null);
        yield return new StoryStep("panic firing", cancel => SeenAsync(Panic, "firing", cancel));
        yield return new StoryStep("panic sent", cancel => SeenAsync(Panic, "sent", cancel));
        yield return new StoryStep("panic grouped", cancel => SeenAsync(Panic, "grouped", cancel));
        yield return new StoryStep("panic routed", _ => Task.FromResult(Sink("pagerduty", About(Panic)) is { } page ? $"PagerDuty: {page}" : null));
        yield return new StoryStep("credentials mailed", _ => Task.FromResult(Sink("smtp", About("CredentialsInLogs")) is { } mail ? $"SMTP: {mail}" : null));
        yield return new StoryStep("panic visible", async cancel =>
            await client.NotifiedAsync(Panic, cancel) is { Count: > 0 } receivers ? string.Join(", ", receivers) : null);
    }

    private async Task<string?> SeenAsync(string alertName, string step, CancellationToken cancel)
    {
        var events = await client.JournalAsync(alertName, cancel);
        foreach (var (happened, because, at) in events)
        {
            if (happened == step) return $"{because} ({at:HH:mm:ss})";
        }
        return null;
    }

    private static Func<Received, bool> About(string alertName) => r => r.Title.Contains(alertName, StringComparison.Ordinal);

    private string? Sink(string name, Func<Received, bool> wanted)
    {
        var found = sinks.All.FirstOrDefault(r => r.Sink == name && wanted(r));
        if (found?.Problem is { } problem) throw new DemoException($"{name} refused \"{found.Title}\": {problem}");
        return found?.Title;
    }
}
