using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pharos.Collector.Scraping;
using Pharos.Core;

namespace Pharos.Server.Prometheus;

/// <summary><c>/api/v1/targets</c>, <c>/api/v1/scrape_pools</c> and <c>/api/v1/alertmanagers</c>.</summary>
internal static class TargetsRoutes
{
    /// <param name="pools">The scrape pools; none where the program does not scrape.</param>
    /// <param name="alertmanagers">Where alerts are sent; none where they are routed in the same process.</param>
    public static void Map(IEndpointRouteBuilder routes, Func<IReadOnlyList<ScrapePool>> pools, Func<IReadOnlyList<Uri>> alertmanagers)
    {
        routes.MapGet("/api/v1/targets", http => TargetsAsync(http, pools()));
        routes.MapGet("/api/v1/scrape_pools", async http =>
        {
            await using var json = PrometheusJson.Success(http);
            json.Writer.WriteStartObject();
            json.Writer.WriteStartArray("scrapePools");
            foreach (var pool in pools().OrderBy(p => p.Options.JobName, StringComparer.Ordinal)) json.Writer.WriteStringValue(pool.Options.JobName);
            json.Writer.WriteEndArray();
            json.Writer.WriteEndObject();
            json.End();
        });
        routes.MapGet("/api/v1/alertmanagers", async http =>
        {
            await using var json = PrometheusJson.Success(http);
            json.Writer.WriteStartObject();
            json.Writer.WriteStartArray("activeAlertmanagers");
            foreach (var target in alertmanagers())
            {
                json.Writer.WriteStartObject();
                json.Writer.WriteString("url", target.ToString().TrimEnd('/') + "/api/v2/alerts");
                json.Writer.WriteEndObject();
            }
            json.Writer.WriteEndArray();
            json.Writer.WriteStartArray("droppedAlertmanagers");
            json.Writer.WriteEndArray();
            json.Writer.WriteEndObject();
            json.End();
        });
    }

    private static async Task TargetsAsync(HttpContext http, IReadOnlyList<ScrapePool> all)
    {
        string state = http.Request.Query["state"].FirstOrDefault() ?? "any";
        string? wanted = http.Request.Query["scrapePool"].FirstOrDefault();
        var pools = all.Where(p => string.IsNullOrEmpty(wanted) || p.Options.JobName == wanted).OrderBy(p => p.Options.JobName, StringComparer.Ordinal).ToList();
        await using var answer = PrometheusJson.Success(http);
        var json = answer.Writer;
        json.WriteStartObject();
        json.WriteStartArray("activeTargets");
        foreach (var target in state is "dropped" ? [] : pools.SelectMany(p => p.Targets))
        {
            json.WriteStartObject();
            Labels(json, "discoveredLabels", target.DiscoveredLabels);
            Labels(json, "labels", target.Labels);
            json.WriteString("scrapePool", target.ScrapePool);
            json.WriteString("scrapeUrl", target.ScrapeUrl.ToString());
            json.WriteString("globalUrl", target.ScrapeUrl.ToString());
            json.WriteString("lastError", target.LastError);
            json.WriteString("lastScrape", (target.LastScrape ?? DateTimeOffset.MinValue).UtcDateTime);
            json.WriteNumber("lastScrapeDuration", target.LastScrapeDuration.TotalSeconds);
            json.WriteString("health", target.Health);
            json.WriteString("scrapeInterval", PromDuration.Format(target.Interval));
            json.WriteString("scrapeTimeout", PromDuration.Format(target.Timeout));
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("droppedTargets");
        foreach (var pool in state is "active" ? [] : pools)
        {
            foreach (var dropped in pool.Dropped)
            {
                json.WriteStartObject();
                Labels(json, "discoveredLabels", dropped);
                json.WriteString("scrapePool", pool.Options.JobName);
                json.WriteEndObject();
            }
        }
        json.WriteEndArray();
        json.WriteStartObject("droppedTargetCounts");
        foreach (var pool in pools) json.WriteNumber(pool.Options.JobName, pool.Dropped.Count);
        json.WriteEndObject();
        json.WriteEndObject();
        answer.End();
    }

    private static void Labels(Utf8JsonWriter json, string name, Labels labels)
    {
        json.WriteStartObject(name);
        foreach (var label in labels) json.WriteString(label.NameUtf8, label.ValueUtf8);
        json.WriteEndObject();
    }
}
