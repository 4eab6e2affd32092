using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pharos.Collector.Relabeling;
using Pharos.Collector.Scraping;
using Pharos.Core;
using Pharos.PromQL;
using YamlDotNet.RepresentationModel;

namespace Pharos.Server.Prometheus;

/// <summary>What the pages about targets ask beside the targets themselves: metadata by target, relabelling step by step, a pool's configuration.</summary>
internal sealed class TargetDetailRoutes
{
    private readonly Func<IReadOnlyList<ScrapePool>> pools;
    private readonly Func<string> configYaml;

    private TargetDetailRoutes(Func<IReadOnlyList<ScrapePool>> pools, Func<string> configYaml)
    {
        this.pools = pools;
        this.configYaml = configYaml;
    }

    /// <param name="configYaml">The configuration whose <c>scrape_configs</c> describe the pools.</param>
    public static void Map(IEndpointRouteBuilder routes, Func<IReadOnlyList<ScrapePool>> pools, Func<string> configYaml)
    {
        var api = new TargetDetailRoutes(pools, configYaml);
        routes.MapGet("/api/v1/targets/metadata", http => PrometheusQueryRoutes.Guard(http, api.MetadataAsync));
        routes.MapGet("/api/v1/targets/relabel_steps", http => PrometheusQueryRoutes.Guard(http, api.RelabelStepsAsync));
        routes.MapGet("/api/v1/scrape_pools/config", http => PrometheusQueryRoutes.Guard(http, api.PoolConfigAsync));
    }

    private async Task MetadataAsync(HttpContext http, QueryParameters parameters)
    {
        // As with Prometheus: no limit where none is given, nothing at 0, and a target that was begun is told whole.
        int limit = int.MaxValue;
        if (parameters["limit"] is { Length: > 0 } text && !int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out limit))
            throw QueryParameters.Invalid("limit", "limit must be a number");
        if (limit < 0) limit = int.MaxValue;
        string metric = parameters["metric"], match = parameters["match_target"];
        IReadOnlyList<Matcher> wanted = [];
        try
        {
            if (match.Length > 0) wanted = PromQlLanguage.ParseSelector(match);
        }
        catch (QueryException e)
        {
            throw QueryParameters.Invalid("match_target", e.Message);
        }
        await using var json = PrometheusJson.Success(http);
        json.Writer.WriteStartArray();
        int written = 0;
        foreach (var (target, families) in pools().SelectMany(p => p.TargetMetadata).Where(t => Matcher.All(wanted, t.Target)))
        {
            if (written >= limit) break;
            foreach (var family in families.Where(f => metric.Length == 0 || f.Family == metric).OrderBy(f => f.Family, StringComparer.Ordinal))
            {
                written++;
                json.Writer.WriteStartObject();
                json.Writer.WritePropertyName("target");
                json.LabelSet(target);
                if (metric.Length == 0) json.Writer.WriteString("metric", family.Family);
                PrometheusJson.Metadata(json.Writer, family);
                json.Writer.WriteEndObject();
                await json.FlushWhenLargeAsync();
            }
        }
        json.Writer.WriteEndArray();
        json.End();
    }

    private async Task RelabelStepsAsync(HttpContext http, QueryParameters parameters)
    {
        var pool = Pool(parameters);
        Dictionary<string, string> given;
        try
        {
            given = JsonSerializer.Deserialize<Dictionary<string, string>>(parameters["labels"]) ?? [];
        }
        catch (JsonException e)
        {
            throw QueryParameters.Invalid("labels", $"write a JSON object of labels: {e.Message}");
        }
        var labels = new LabelsBuilder(Labels.Of(given));
        await using var json = PrometheusJson.Success(http);
        json.Writer.WriteStartObject();
        json.Writer.WriteStartArray("steps");
        foreach (var rule in pool.Options.RelabelRules)
        {
            bool keep = rule.Apply(labels);
            json.Writer.WriteStartObject();
            Rule(json.Writer, rule);
            json.Writer.WritePropertyName("output");
            json.LabelSet(keep ? labels.ToLabels() : Labels.Empty);
            json.Writer.WriteBoolean("keep", keep);
            json.Writer.WriteEndObject();
            if (!keep) break;
        }
        json.Writer.WriteEndArray();
        json.Writer.WriteEndObject();
        json.End();
    }

    private static void Rule(Utf8JsonWriter writer, RelabelRule rule)
    {
        var options = rule.Options;
        writer.WriteStartObject("rule");
        if (options.SourceLabels is { } sources)
        {
            writer.WriteStartArray("source_labels");
            foreach (string source in sources) writer.WriteStringValue(source);
            writer.WriteEndArray();
        }
        writer.WriteString("separator", options.Separator ?? ";");
        writer.WriteString("regex", options.Regex ?? "(.*)");
        if (options.Modulus is { } modulus) writer.WriteNumber("modulus", modulus);
        if (options.TargetLabel is { } target) writer.WriteString("target_label", target);
        writer.WriteString("replacement", options.Replacement ?? "$1");
        writer.WriteString("action", (options.Action ?? "replace").ToLowerInvariant());
        writer.WriteEndObject();
    }

    private async Task PoolConfigAsync(HttpContext http, QueryParameters parameters)
    {
        string yaml = JobYaml(Pool(parameters).Options.JobName);
        await using var json = PrometheusJson.Success(http);
        json.Writer.WriteStartObject();
        json.Writer.WriteString("yaml", yaml);
        json.Writer.WriteEndObject();
        json.End();
    }

    private ScrapePool Pool(QueryParameters parameters)
    {
        string name = parameters["scrapePool"];
        if (name.Length == 0) throw QueryParameters.Invalid("scrapePool", "name the scrape pool");
        return pools().FirstOrDefault(p => p.Options.JobName == name) ?? throw QueryParameters.Invalid("scrapePool", $"there is no scrape pool {GoString.Quote(name)}");
    }

    /// <summary>The part of the configuration that describes a job, as it is written there.</summary>
    private string JobYaml(string job)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(configYaml()));
        if (stream.Documents.Count == 0 || stream.Documents[0].RootNode is not YamlMappingNode root) return "";
        if (!root.Children.TryGetValue("scrape_configs", out var configs) || configs is not YamlSequenceNode jobs) return "";
        var found = jobs.OfType<YamlMappingNode>().FirstOrDefault(j => j.Children.TryGetValue("job_name", out var name) && (name as YamlScalarNode)?.Value == job);
        if (found is null) return "";
        using var text = new StringWriter();
        new YamlStream(new YamlDocument(found)).Save(text, assignAnchors: false);
        return text.ToString().Replace("...\n", "", StringComparison.Ordinal).Replace("...\r\n", "", StringComparison.Ordinal);
    }
}
