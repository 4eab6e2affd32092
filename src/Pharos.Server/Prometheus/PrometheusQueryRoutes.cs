using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pharos.Core;
using Pharos.PromQL;
using Pharos.PromQL.Syntax;
using Pharos.Server.Http;
using Pharos.Server.Prometheus.Searching;

namespace Pharos.Server.Prometheus;

/// <summary>The query side of the Prometheus HTTP API.</summary>
internal sealed class PrometheusQueryRoutes
{
    private const string Truncated = "results truncated due to limit";

    private static readonly string[] GetAndPost = ["GET", "POST"];

    private readonly PromQlEngine engine;
    private readonly IMetricQueryable queryable;
    private readonly TimeProvider time;

    private PrometheusQueryRoutes(PromQlEngine engine, IMetricQueryable queryable, TimeProvider time)
    {
        this.engine = engine;
        this.queryable = queryable;
        this.time = time;
    }

    public static void Map(
        IEndpointRouteBuilder routes, PromQlEngine engine, IMetricQueryable queryable, TimeProvider time, PrometheusStatus status)
    {
        var api = new PrometheusQueryRoutes(engine, queryable, time);
        Map("/api/v1/query", GetAndPost, api.InstantAsync);
        Map("/api/v1/query_range", GetAndPost, api.RangeAsync);
        Map("/api/v1/query_exemplars", GetAndPost, api.ExemplarsAsync);
        Map("/api/v1/series", GetAndPost, api.SeriesAsync);
        Map("/api/v1/labels", GetAndPost, api.LabelNamesAsync);
        Map("/api/v1/label/{name}/values", ["GET"], api.LabelValuesAsync);
        Map("/api/v1/metadata", ["GET"], api.MetadataAsync);
        Map("/api/v1/format_query", GetAndPost, FormatAsync);
        Map("/api/v1/parse_query", GetAndPost, api.ParseAsync);
        SearchRoutes.Map(routes, queryable, time);
        PrometheusStatusRoutes.Map(routes, time, status, Guard);

        void Map(string path, string[] methods, Func<HttpContext, QueryParameters, Task> handle) =>
            routes.MapMethods(path, methods, http => Guard(http, handle));
    }

    /// <summary>Reads the parameters, and turns what goes wrong into Prometheus's errors.</summary>
    internal static async Task Guard(HttpContext http, Func<HttpContext, QueryParameters, Task> handle)
    {
        try
        {
            await handle(http, await QueryParameters.ReadAsync(http));
        }
        catch (QueryException e) when (!http.Response.HasStarted)
        {
            await PrometheusJson.ErrorAsync(http, e);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client has left; nobody reads an answer.
        }
    }

    private async Task InstantAsync(HttpContext http, QueryParameters parameters)
    {
        int limit = parameters.Limit();
        long at = parameters.TimeMs("time", time.UnixMs());
        var settings = Settings(http, parameters);
        string query = parameters["query"];
        var expr = Parse(query);
        using var result = await engine.InstantAsync(http.Tenant(), query, expr, at, settings, http.RequestAborted);
        await WriteAsync(http, result, limit, parameters["stats"]);
    }

    private async Task RangeAsync(HttpContext http, QueryParameters parameters)
    {
        int limit = parameters.Limit();
        long start = parameters.RequiredTimeMs("start"), end = parameters.RequiredTimeMs("end");
        if (end < start) throw QueryParameters.Invalid("end", "end timestamp must not be before start time");
        var step = parameters.Duration("step") ?? throw QueryParameters.Invalid("step", "cannot parse \"\" to a valid duration");
        if (step <= TimeSpan.Zero)
            throw QueryParameters.Invalid("step", "zero or negative query resolution step widths are not accepted. Try a positive integer");
        // Guards the server against requests that no graph can show.
        if ((end - start) / step.TotalMilliseconds > PromQlEngine.StepsMax)
        {
            throw new QueryException(
                QueryErrorKind.BadData, "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)");
        }
        var settings = Settings(http, parameters);
        string query = parameters["query"];
        var expr = Parse(query);
        if (expr.Type is ExprType.Matrix or ExprType.String)
        {
            throw QueryParameters.Invalid(
                "query", $"invalid expression type \"{(expr.Type == ExprType.String ? "string" : "range vector")}\" for range query, must be Scalar or instant Vector");
        }
        using var result = await engine.RangeAsync(http.Tenant(), query, expr, start, end, Math.Max(1, (long)step.TotalMilliseconds), settings, http.RequestAborted);
        await WriteAsync(http, result, limit, parameters["stats"]);
    }

    private static QuerySettings Settings(HttpContext http, QueryParameters parameters) => new()
    {
        Origin = new QueryOrigin(http.Connection.RemoteIpAddress?.ToString() ?? "", http.Request.Method, http.Request.Path),
        Timeout = parameters.Duration("timeout"),
        Lookback = parameters.Duration("lookback_delta") is { } lookback && lookback > TimeSpan.Zero ? lookback : null,
        StatisticsPerStep = parameters["stats"] == "all",
        Trace = parameters.Flag("trace"),
        UseCache = !parameters.Flag("nocache"),
    };

    private Expr Parse(string query)
    {
        try
        {
            return engine.Parse(query);
        }
        catch (QueryException e)
        {
            throw Unreadable(query, e);
        }
    }

    private static QueryException Unreadable(string query, QueryException e) =>
        new(QueryErrorKind.BadData, $"invalid parameter \"query\": {e.Message}\n{PromQlLanguage.Point(query, e.Position)}".TrimEnd(), e.Position, e);

    private static async Task WriteAsync(HttpContext http, QueryResult result, int limit, string stats)
    {
        bool cut = limit > 0 && (result.Type == QueryResultType.Vector ? result.Vector.Count : result.Matrix.Count) > limit;
        await using var json = PrometheusJson.Success(http);
        var writer = json.Writer;
        writer.WriteStartObject();
        writer.WriteString(
            "resultType"u8,
            result.Type switch
            {
                QueryResultType.Scalar => "scalar"u8,
                QueryResultType.String => "string"u8,
                QueryResultType.Vector => "vector"u8,
                _ => "matrix"u8,
            });
        writer.WritePropertyName("result"u8);
        switch (result.Type)
        {
            case QueryResultType.Scalar:
                json.ScalarPoint(result.TimestampMs, NumberText.Format(result.Scalar));
                break;
            case QueryResultType.String:
                json.ScalarPoint(result.TimestampMs, result.Text);
                break;
            case QueryResultType.Vector:
                writer.WriteStartArray();
                foreach (var sample in result.Vector.Take(cut ? limit : int.MaxValue))
                {
                    json.Sample(sample);
                    await json.FlushWhenLargeAsync();
                }
                writer.WriteEndArray();
                break;
            default:
                writer.WriteStartArray();
                foreach (var series in result.Matrix.Take(cut ? limit : int.MaxValue))
                {
                    json.Series(series);
                    await json.FlushWhenLargeAsync();
                }
                writer.WriteEndArray();
                break;
        }
        if (stats.Length > 0) QueryStatisticsJson.Write(json.Writer, result.Statistics);
        if (result.Statistics.Trace is { } trace) QueryStatisticsJson.WriteTrace(writer, result.Statistics, trace);
        writer.WriteEndObject();
        json.End(cut ? [.. result.Warnings, Truncated] : result.Warnings, result.Infos);
    }

    private async Task ExemplarsAsync(HttpContext http, QueryParameters parameters)
    {
        var range = parameters.Range();
        if (range.MaxMs < range.MinMs) throw QueryParameters.Invalid("end", "end timestamp must not be before start timestamp");
        var selectors = PromQlLanguage.SelectorsOf(Parse(parameters["query"]));
        var found = selectors.Count == 0
            ? []
            : queryable.Exemplars(http.Tenant(), [.. selectors.Select(s => s.Matchers)], range, http.RequestAborted);
        await using var json = PrometheusJson.Success(http);
        json.Writer.WriteStartArray();
        foreach (var (series, exemplars) in found)
        {
            json.Writer.WriteStartObject();
            json.Writer.WritePropertyName("seriesLabels"u8);
            json.LabelSet(series);
            json.Writer.WriteStartArray("exemplars"u8);
            foreach (var exemplar in exemplars)
            {
                json.Writer.WriteStartObject();
                json.Writer.WritePropertyName("labels"u8);
                json.LabelSet(exemplar.Labels);
                json.Writer.WritePropertyName("value"u8);
                json.Value(exemplar.Value);
                json.Writer.WritePropertyName("timestamp"u8);
                json.Timestamp(exemplar.TimestampMs);
                json.Writer.WriteEndObject();
            }
            json.Writer.WriteEndArray();
            json.Writer.WriteEndObject();
            await json.FlushWhenLargeAsync();
        }
        json.Writer.WriteEndArray();
        json.End();
    }

    private async Task SeriesAsync(HttpContext http, QueryParameters parameters)
    {
        if (parameters.All("match[]").Count == 0) throw new QueryException(QueryErrorKind.BadData, "no match[] parameter provided");
        int limit = parameters.Limit();
        var range = parameters.Range();
        var found = queryable.Series(http.Tenant(), parameters.Selectors(), range, OneMore(limit), http.RequestAborted);
        await using var json = PrometheusJson.Success(http);
        json.Writer.WriteStartArray();
        foreach (var labels in Cut(found, limit))
        {
            json.LabelSet(labels);
            await json.FlushWhenLargeAsync();
        }
        json.Writer.WriteEndArray();
        json.End(WarnIfCut(found, limit));
    }

    private async Task LabelNamesAsync(HttpContext http, QueryParameters parameters)
    {
        int limit = parameters.Limit();
        var range = parameters.Range();
        var found = queryable.LabelNames(http.Tenant(), parameters.Selectors(), range, OneMore(limit), http.RequestAborted);
        await using var json = PrometheusJson.Success(http);
        await json.TextsAsync(Cut(found, limit));
        json.End(WarnIfCut(found, limit));
    }

    private async Task LabelValuesAsync(HttpContext http, QueryParameters parameters)
    {
        string name = QueryParameters.UnescapeName((string)http.Request.RouteValues["name"]!);
        if (name.Length == 0) throw new QueryException(QueryErrorKind.BadData, $"invalid label name: {GoString.Quote(name)}");
        int limit = parameters.Limit();
        var range = parameters.Range();
        var found = queryable.LabelValues(http.Tenant(), name, parameters.Selectors(), range, OneMore(limit), http.RequestAborted);
        await using var json = PrometheusJson.Success(http);
        await json.TextsAsync(Cut(found, limit));
        json.End(WarnIfCut(found, limit));
    }

    // One more than asked for shows whether something was cut off.
    private static int OneMore(int limit) => limit is > 0 and < int.MaxValue ? limit + 1 : 0;

    private static IEnumerable<T> Cut<T>(IReadOnlyList<T> found, int limit) => limit > 0 ? found.Take(limit) : found;

    private static IReadOnlyList<string> Cut(IReadOnlyList<string> found, int limit) =>
        limit == 0 || found.Count <= limit ? found : found is Utf8Texts texts ? texts.First(limit) : [.. found.Take(limit)];

    private static string[] WarnIfCut<T>(IReadOnlyList<T> found, int limit) => limit > 0 && found.Count > limit ? [Truncated] : [];

    private async Task MetadataAsync(HttpContext http, QueryParameters parameters)
    {
        int limit = parameters["limit"].Length == 0 ? -1 : Whole("limit"), perMetric = parameters["limit_per_metric"].Length == 0 ? -1 : Whole("limit_per_metric");
        string metric = parameters["metric"];
        var found = queryable.Metadata(http.Tenant(), metric.Length == 0 ? null : metric, Math.Max(0, limit));
        await using var json = PrometheusJson.Success(http);
        json.Writer.WriteStartObject();
        int written = 0;
        foreach (var (family, entries) in found.OrderBy(f => f.Key, StringComparer.Ordinal))
        {
            if (limit >= 0 && written >= limit) break;
            written++;
            json.Writer.WriteStartArray(family);
            foreach (var entry in perMetric > 0 ? entries.Take(perMetric) : entries)
            {
                json.Writer.WriteStartObject();
                PrometheusJson.Metadata(json.Writer, entry);
                json.Writer.WriteEndObject();
            }
            json.Writer.WriteEndArray();
            await json.FlushWhenLargeAsync();
        }
        json.Writer.WriteEndObject();
        json.End();

        int Whole(string name) => int.TryParse(parameters[name], out int value)
            ? value
            : throw new QueryException(QueryErrorKind.BadData, $"{name} must be a number");
    }

    private static async Task FormatAsync(HttpContext http, QueryParameters parameters)
    {
        string formatted = Formatted(parameters["query"]);
        await using var json = PrometheusJson.Success(http);
        json.Writer.WriteStringValue(formatted);
        json.End();

        static string Formatted(string query)
        {
            try
            {
                return PromQlLanguage.Format(query);
            }
            catch (QueryException e)
            {
                throw Unreadable(query, e);
            }
        }
    }

    // Off in Prometheus too unless a flag switches it on; what it finds, label names and values find as well.
    private async Task ParseAsync(HttpContext http, QueryParameters parameters)
    {
        var expr = Parse(parameters["query"]);
        await using var json = PrometheusJson.Success(http);
        QueryTreeJson.Write(json.Writer, expr);
        json.End();
    }
}
