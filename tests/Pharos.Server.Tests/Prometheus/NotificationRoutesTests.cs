using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Server.Hosting;

namespace Pharos.Server.Tests.Prometheus;

/// <summary>A reload that fails, and the end of the process, reach those who ask and those who listen.</summary>
public sealed class NotificationRoutesTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_failed_reload_and_the_end_are_told_to_those_who_listen()
    {
        using var folder = Places.NewFolder();
        string config = Path.Combine(folder, "prometheus.yml");
        await File.WriteAllTextAsync(config, "global: {}\n", Cancel);
        var time = new ManualTimeProvider();
        bool ended = false;
        var host = await PrometheusHost.StartAsync(
            new PrometheusHostOptions { ConfigFile = config, StoragePath = Path.Combine(folder, "data"), Port = 0 }, time, NullLoggerFactory.Instance, Cancel);
        try
        {
            using var client = new HttpClient { BaseAddress = host.Address };
            using var answer = await client.GetAsync("/api/v1/notifications/live", HttpCompletionOption.ResponseHeadersRead, Cancel);
            Assert.Equal("text/event-stream", answer.Content.Headers.ContentType!.ToString());
            using var live = new StreamReader(await answer.Content.ReadAsStreamAsync(Cancel));
            Assert.Equal("[]", await ActiveAsync(client));

            await File.WriteAllTextAsync(config, "global: [\n", Cancel);
            await Assert.ThrowsAsync<ConfigurationException>(() => host.ReloadAsync(Cancel));
            string since = $"{time.GetUtcNow().UtcDateTime:yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'}";
            string failed = $$"""{"text":"Configuration reload has failed.","date":"{{since}}","active":true}""";
            Assert.Equal(failed, await NextAsync(live));
            Assert.Equal($"[{failed}]", await ActiveAsync(client));
            // Who comes later hears first what is active.
            using (var late = new StreamReader(await client.GetStreamAsync("/api/v1/notifications/live", Cancel))) Assert.Equal(failed, await NextAsync(late));

            await File.WriteAllTextAsync(config, "global: {}\n", Cancel);
            await host.ReloadAsync(Cancel);
            Assert.Equal(failed.Replace("true", "false", StringComparison.Ordinal), await NextAsync(live));
            Assert.Equal("[]", await ActiveAsync(client));

            ended = true;
            await host.DisposeAsync();
            Assert.Contains("\"Pharos is shutting down and gracefully stopping all operations.\"", await NextAsync(live), StringComparison.Ordinal);
            Assert.Null(await live.ReadLineAsync(Cancel));
        }
        finally
        {
            if (!ended) await host.DisposeAsync();
        }
    }

    [Fact]
    public async Task More_than_sixteen_listeners_are_sent_away()
    {
        using var folder = Places.NewFolder();
        string config = Path.Combine(folder, "prometheus.yml");
        await File.WriteAllTextAsync(config, "global: {}\n", Cancel);
        await using var host = await PrometheusHost.StartAsync(
            new PrometheusHostOptions { ConfigFile = config, StoragePath = Path.Combine(folder, "data"), Port = 0 }, new ManualTimeProvider(), NullLoggerFactory.Instance, Cancel);
        using var client = new HttpClient { BaseAddress = host.Address };
        var listening = new List<HttpResponseMessage>();
        for (int i = 0; i < 17; i++) listening.Add(await client.GetAsync("/api/v1/notifications/live", HttpCompletionOption.ResponseHeadersRead, Cancel));
        Assert.Equal(Enumerable.Repeat(HttpStatusCode.OK, 16).Append(HttpStatusCode.NoContent), listening.Select(l => l.StatusCode));
        Assert.Contains("prometheus_api_notification_active_subscribers 16", await client.GetStringAsync("/metrics", Cancel), StringComparison.Ordinal);
        foreach (var answer in listening) answer.Dispose();
    }

    private static async Task<string> NextAsync(StreamReader live)
    {
        string? line = await live.ReadLineAsync(Cancel);
        Assert.StartsWith("data: ", line, StringComparison.Ordinal);
        Assert.Equal("", await live.ReadLineAsync(Cancel));
        return line![6..];
    }

    private static async Task<string> ActiveAsync(HttpClient client)
    {
        using var answer = JsonDocument.Parse(await client.GetStringAsync("/api/v1/notifications", Cancel));
        return answer.RootElement.GetProperty("data").GetRawText();
    }
}
