using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pharos.Core;
using Pharos.PromQL;
using Pharos.Server.Http;

namespace Pharos.Server.Prometheus.Searching;

/// <summary><c>/api/v1/search/*</c>: finds names of metrics and labels, and values of labels, by parts of them. Answers are lines of JSON, a batch each.</summary>
internal sealed class SearchRoutes
{
    private const int UsualLimit = 100, UsualBatch = 100;
    private const long UsualSpanMs = 3_600_000;

    private static readonly string[] Methods = [HttpMethods.Get, HttpMethods.Post];

    private readonly IMetricQueryable queryable;
    private readonly TimeProvider time;

    private SearchRoutes(IMetricQueryable queryable, TimeProvider time)
    {
        this.queryable = queryable;
        this.time = time;
    }

    public static void Map(IEndpointRouteBuilder routes, IMetricQueryable queryable, TimeProvider time)
    {
        var api = new SearchRoutes(queryable, time);
        Map("metric_names", (http, parameters) => api.SearchAsync(
            http, parameters, range => queryable.LabelValues(http.Tenant(), Labels.MetricName, parameters.Selectors(), range, 0, http.RequestAborted), parameters.Flag("include_metadata")));
        Map("label_names", (http, parameters) => api.SearchAsync(
            http, parameters, range => queryable.LabelNames(http.Tenant(), parameters.Selectors(), range, 0, http.RequestAborted), false));
        Map("label_values", (http, parameters) =>
        {
            string label = parameters["label"];
            if (label.Length == 0) throw new QueryException(QueryErrorKind.BadData, "missing required parameter \"label\"");
            return api.SearchAsync(http, parameters, range => queryable.LabelValues(http.Tenant(), label, parameters.Selectors(), range, 0, http.RequestAborted), false);
        });

        void Map(string what, Func<HttpContext, QueryParameters, Task> handle) =>
            routes.MapMethods("/api/v1/search/" + what, Methods, http => PrometheusQueryRoutes.Guard(http, handle));
    }

    private async Task SearchAsync(HttpContext http, QueryParameters parameters, Func<TimeRange, IReadOnlyList<string>> names, bool metadata)
    {
        long now = time.UnixMs();
        var range = new TimeRange(parameters.TimeMs("start", now - UsualSpanMs), parameters.TimeMs("end", now));
        var filter = NameFilter.Read(parameters);
        var order = Order(parameters, filter);
        bool score = parameters.Flag("include_score");
        int limit = Positive(parameters, "limit", UsualLimit), batch = Positive(parameters, "batch_size", UsualBatch);
        var found = names(range).Select(n => new Found(n, filter.Score(n) ?? double.NaN)).Where(f => !double.IsNaN(f.Score)).ToList();
        found.Sort(order);

        http.Response.ContentType = "application/x-ndjson; charset=utf-8";
        int count = Math.Min(limit, found.Count), from = 0;
        do
        {
            var part = found[from..Math.Min(count, from + (long)batch > count ? count : from + batch)];
            await LineAsync(http, json =>
            {
                json.WriteStartArray("results");
                foreach (var result in part) Write(json, result, score, metadata ? queryable.Metadata(http.Tenant(), result.Name, 0) : null);
                json.WriteEndArray();
            });
            from += part.Count;
        }
        while (from < count);
        await LineAsync(http, json =>
        {
            json.WriteString("status", "success");
            json.WriteBoolean("has_more", found.Count > count);
        });
    }

    private static Comparison<Found> Order(QueryParameters parameters, NameFilter filter)
    {
        string by = parameters["sort_by"], direction = parameters["sort_dir"];
        if (by is not ("" or "alpha" or "score")) throw Wrong($"invalid sort_by {GoString.Quote(by)}: must be \"alpha\" or \"score\"");
        if (direction.Length > 0 && by.Length == 0) throw Wrong("sort_dir is only valid when sort_by is set");
        if (direction.Length > 0 && by == "score") throw Wrong("sort_dir is not supported for sort_by=score");
        if (direction is not ("" or "asc" or "dsc")) throw Wrong($"invalid sort_dir {GoString.Quote(direction)}: must be \"asc\" or \"dsc\"");
        if (by == "score" && !filter.HasTerms) throw Wrong("sort_by=score requires search[] to be set");
        if (by == "score") return static (a, b) => b.Score.CompareTo(a.Score) is not 0 and var better ? better : string.CompareOrdinal(a.Name, b.Name);
        return direction == "dsc" ? static (a, b) => string.CompareOrdinal(b.Name, a.Name) : static (a, b) => string.CompareOrdinal(a.Name, b.Name);
    }

    /// <summary>0 and nothing mean the usual.</summary>
    private static int Positive(QueryParameters parameters, string name, int usual)
    {
        if (parameters[name] is not { Length: > 0 } text) return usual;
        if (!int.TryParse(text, out int value) || value < 0) throw Wrong($"invalid {name} {GoString.Quote(text)}: must be non-negative integer");
        return value == 0 ? usual : value;
    }

    private static QueryException Wrong(string message) => new(QueryErrorKind.BadData, message);

    private static void Write(Utf8JsonWriter json, Found found, bool score, IReadOnlyDictionary<string, IReadOnlyList<MetricMetadata>>? metadata)
    {
        json.WriteStartObject();
        json.WriteString("name", found.Name);
        if (score) json.WriteNumber("score", found.Score);
        if (metadata is not null && metadata.TryGetValue(found.Name, out var entries) && entries.Count > 0) PrometheusJson.Metadata(json, entries[0]);
        json.WriteEndObject();
    }

    private static async Task LineAsync(HttpContext http, Action<Utf8JsonWriter> write)
    {
        var line = new ArrayBufferWriter<byte>();
        await using (var json = new Utf8JsonWriter(line))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }
        line.Write("\n"u8);
        await http.Response.Body.WriteAsync(line.WrittenMemory, http.RequestAborted);
        await http.Response.Body.FlushAsync(http.RequestAborted);
    }

    private readonly record struct Found(string Name, double Score);
}
