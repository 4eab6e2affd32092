using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Server.Hosting;

namespace Pharos.Server.Tests.LocalPrometheus;

/// <summary>What discoveries find becomes targets of a running host, and is counted.</summary>
public sealed class DiscoveredTargetsTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Targets_of_several_discoveries_are_scraped_together()
    {
        using var folder = Places.NewFolder();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0));
        await using var registry = builder.Build();
        registry.Run(async http =>
        {
            http.Response.ContentType = "application/json";
            await http.Response.WriteAsync(http.Request.Path == "/sd" ? """[{"targets":["127.0.0.1:1"],"labels":{"team":"a"}}]""" : """{"apps":[{"id":"/web","tasks":[{"id":"t","host":"127.0.0.2","ports":[2]}]}]}""");
        });
        await registry.StartAsync(Cancel);
        string url = registry.Urls.First(), config = Path.Combine(folder, "prometheus.yml");
        await File.WriteAllTextAsync(config, $$"""
            scrape_configs:
            - job_name: mixed
              static_configs: [{targets: ["127.0.0.3:3"]}]
              http_sd_configs: [{url: "{{url}}/sd"}]
              marathon_sd_configs: [{servers: ["{{url}}"]}]
              file_sd_configs: [{files: ["{{folder.Path}}/none.json"]}]
              puppetdb_sd_configs: [{url: "http://127.0.0.1:1", query: "x"}]
            """, Cancel);
        await using var host = await PrometheusHost.StartAsync(
            new PrometheusHostOptions { ConfigFile = config, StoragePath = Path.Combine(folder, "data"), Port = 0 }, TimeProvider.System, NullLoggerFactory.Instance, Cancel);
        using var http = new HttpClient { BaseAddress = host.Address };
        List<JsonElement> targets;
        do
        {
            using var answer = JsonDocument.Parse(await http.GetStringAsync("/api/v1/targets?state=active", Cancel));
            targets = [.. answer.RootElement.GetProperty("data").GetProperty("activeTargets").Clone().EnumerateArray()];
        }
        while (targets.Count < 3);
        Assert.Equal(["127.0.0.1:1", "127.0.0.2:2", "127.0.0.3:3"], targets.Select(t => t.GetProperty("labels").GetProperty("instance").GetString()!).Order(StringComparer.Ordinal));
        var discovered = targets.ToDictionary(t => t.GetProperty("labels").GetProperty("instance").GetString()!, t => t.GetProperty("discoveredLabels"));
        Assert.Equal(("a", url + "/sd"), (discovered["127.0.0.1:1"].GetProperty("team").GetString(), discovered["127.0.0.1:1"].GetProperty("__meta_url").GetString()));
        Assert.Equal("/web", discovered["127.0.0.2:2"].GetProperty("__meta_marathon_app").GetString());
        string metrics;
        do metrics = await http.GetStringAsync("/metrics", Cancel);
        while (!metrics.Contains("prometheus_sd_refresh_failures_total{mechanism=\"puppetdb\"} 1", StringComparison.Ordinal));
        Assert.Contains("prometheus_sd_discovered_targets{config=\"mixed\",name=\"scrape\"} 3", metrics.Replace("{name=\"scrape\",config=\"mixed\"}", "{config=\"mixed\",name=\"scrape\"}", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains("prometheus_sd_http_failures_total 0", metrics, StringComparison.Ordinal);
    }
}
