using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Server.Hosting;

namespace Pharos.Server.Tests.Prometheus;

/// <summary><c>/api/v1/targets/metadata</c> tells what each target said of its families, not what another said of the same name.</summary>
public sealed class TargetMetadataTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Targets_that_differ_about_a_family_are_told_apart()
    {
        using var folder = Places.NewFolder();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0));
        await using var target = builder.Build();
        target.Run(http =>
        {
            http.Response.ContentType = "text/plain; version=0.0.4";
            return http.Response.WriteAsync(http.Request.Path == "/new"
                ? "# HELP depth Items that wait.\n# TYPE depth gauge\ndepth 1\n# TYPE spare counter\n"
                : "# HELP depth Length of the queue.\n# TYPE depth counter\ndepth 1\n");
        });
        await target.StartAsync(Cancel);
        string address = new Uri(target.Urls.First()).Authority, config = Path.Combine(folder, "prometheus.yml");
        await File.WriteAllTextAsync(config, $$"""
            scrape_configs:
            - {job_name: new, scrape_interval: 50ms, scrape_timeout: 50ms, metrics_path: /new, static_configs: [{targets: ["{{address}}"]}]}
            - {job_name: old, scrape_interval: 50ms, scrape_timeout: 50ms, metrics_path: /old, static_configs: [{targets: ["{{address}}"]}]}
            """, Cancel);
        await using var host = await PrometheusHost.StartAsync(
            new PrometheusHostOptions { ConfigFile = config, StoragePath = Path.Combine(folder, "data"), Port = 0 }, TimeProvider.System, NullLoggerFactory.Instance, Cancel);
        using var client = new HttpClient { BaseAddress = host.Address };
        while ((await AskAsync(client, "")).Count < 3) await Task.Yield();
        Assert.Equal(["new depth gauge Items that wait.", "new spare counter ", "old depth counter Length of the queue."], (await AskAsync(client, "")).Order(StringComparer.Ordinal));
        Assert.Equal(["old depth counter Length of the queue."], await AskAsync(client, "match_target={job=\"old\"}"));
        Assert.Equal(["new  gauge Items that wait.", "old  counter Length of the queue."], (await AskAsync(client, "metric=depth")).Order(StringComparer.Ordinal));
        // A family that is announced has metadata before it has series.
        Assert.Equal(["new  counter "], await AskAsync(client, "metric=spare"));
        Assert.Single(await AskAsync(client, "metric=depth&limit=1"));
        // As with Prometheus, a target that was begun is told whole.
        Assert.Equal(["new depth gauge Items that wait.", "new spare counter "], await AskAsync(client, "match_target={job=\"new\"}&limit=1"));
        Assert.Empty(await AskAsync(client, "limit=0"));
        Assert.Contains("limit must be a number", await (await client.GetAsync("/api/v1/targets/metadata?limit=x", Cancel)).Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
    }

    private static async Task<List<string>> AskAsync(HttpClient client, string parameters)
    {
        using var answer = JsonDocument.Parse(await client.GetStringAsync("/api/v1/targets/metadata?" + parameters, Cancel));
        return [.. answer.RootElement.GetProperty("data").EnumerateArray().Select(e =>
            $"{e.GetProperty("target").GetProperty("job")} {(e.TryGetProperty("metric", out var metric) ? metric.GetString() : "")} {e.GetProperty("type")} {e.GetProperty("help")}")];
    }
}
