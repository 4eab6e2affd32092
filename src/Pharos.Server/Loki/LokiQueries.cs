using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Pharos.Core;
using Pharos.LogQL;
using Pharos.Server.Http;

namespace Pharos.Server.Loki;

/// <summary><c>query</c>, <c>query_range</c> and <c>format_query</c>.</summary>
internal sealed class LokiQueries(LogServices services)
{
    private const string FlagsHeader = "X-Loki-Response-Encoding-Flags";
    private const string Categorize = "categorize-labels";

    private readonly LineStream stream = new(services.Queries);

    public Task InstantAsync(HttpContext http) => LokiAnswers.GuardAsync(http, async () =>
    {
        var request = await LokiRequest.ReadAsync(http);
        long at = request.Time("time", services.Time.UnixNs());
        _ = request.Limit();
        _ = request.Backward;
        var result = await services.Queries.InstantAsync(http.Tenant(), RequestLimits.Of(http, services.Limits), request.Required("query"), at, http.RequestAborted);
        await AnswerAsync(http, result, at / 1_000_000, false, null);
    });

    public Task RangeAsync(HttpContext http) => LokiAnswers.GuardAsync(http, async () =>
    {
        var request = await LokiRequest.ReadAsync(http);
        var limits = RequestLimits.Of(http, services.Limits);
        var (start, end) = request.Range(services.Time);
        long asked = end - start;
        long step = request.Step(start, end);
        string text = request.Required("query");
        bool metric = LogQl.IsMetric(text);
        if (metric)
        {
            // As Loki's frontend does: points stand at multiples of the step, whatever the range.
            start = FloorTo(start, step);
            end = -FloorTo(-end, step);
        }
        long oldest = limits.QueryLookbackMax > TimeSpan.Zero ? services.Time.UnixNs() - (limits.QueryLookbackMax.Ticks * 100) : long.MinValue;
        if (end < oldest)
        {
            await AnswerAsync(http, new LogQlResult { Kind = metric ? LogQlResultKind.Matrix : LogQlResultKind.Streams, Statistics = new LogQlStatistics(default, 0, default) }, 0, false, null);
            return;
        }
        if (start < oldest) start = metric ? -FloorTo(-oldest, step) : oldest;
        bool categorize = Flags(http).Contains(Categorize);
        var query = new LogQlRangeQuery
        {
            Text = text,
            StartNs = start,
            EndNs = end,
            AskedNs = asked,
            StepNs = step,
            IntervalNs = request.Interval(),
            Limit = request.Limit(),
            Backward = request.Backward,
        };
        if (!metric && LineStream.Wants(http))
        {
            await stream.AnswerAsync(http, limits, query);
        }
        else if (request["cursor"] is { } cursor)
        {
            if (LokiParquet.Wants(http)) throw new QueryException(QueryErrorKind.BadData, "a page by cursor cannot be given as Parquet, which has no place for the next cursor: ask for JSON, or for a larger limit");
            var page = await services.Queries.PageAsync(http.Tenant(), limits, query, cursor, http.RequestAborted);
            await AnswerAsync(http, page.Result, end / 1_000_000, categorize, page.NextCursor ?? "");
        }
        else
        {
            bool fresh = http.Request.Headers.CacheControl.ToString().Contains("no-cache", StringComparison.OrdinalIgnoreCase);
            var result = await services.Queries.RangeAsync(http.Tenant(), limits, query, useCache: !fresh, http.RequestAborted);
            await AnswerAsync(http, result, end / 1_000_000, categorize, null);
        }
    });

    public static Task FormatAsync(HttpContext http) => LokiAnswers.GuardAsync(http, async () =>
    {
        var request = await LokiRequest.ReadAsync(http);
        string status = "success", field = "data", text;
        try
        {
            text = LogQl.Format(request["query"] ?? "");
        }
        catch (QueryException e)
        {
            (status, field, text) = ("invalid-query", "error", e.Message);
        }
        await LokiAnswers.JsonAsync(http, json =>
        {
            json.WriteStartObject();
            json.WriteString("status"u8, status);
            json.WriteString(field, text);
            json.WriteEndObject();
        }, status == "success" ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest);
    });

    public static IReadOnlyList<string> Flags(HttpContext http) =>
        http.Request.Headers[FlagsHeader].ToString().Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    /// <param name="nextCursor">For an answer that is a page: empty where none follows.</param>
    private static Task AnswerAsync(HttpContext http, LogQlResult result, long atMs, bool categorize, string? nextCursor) => LokiParquet.Wants(http) ? LokiParquet.AnswerAsync(http, result, atMs) : LokiAnswers.JsonAsync(http, json =>
    {
        json.WriteStartObject();
        json.WriteString("status"u8, "success"u8);
        if (result.Warnings.Count > 0) LokiAnswers.Warnings(json, result.Warnings);
        json.WriteStartObject("data"u8);
        json.WriteString("resultType"u8, result.Kind.ToString().ToLowerInvariant());
        if (categorize && result.Kind == LogQlResultKind.Streams)
        {
            json.WriteStartArray("encodingFlags"u8);
            json.WriteStringValue(Categorize);
            json.WriteEndArray();
        }
        json.WritePropertyName("result"u8);
        switch (result.Kind)
        {
            case LogQlResultKind.Streams: LokiStreams.Write(json, result.Entries, categorize); break;
            case LogQlResultKind.Matrix: Matrix(json, result.Series); break;
            case LogQlResultKind.Vector: Vector(json, result.Series); break;
            default: LokiAnswers.Point(json, atMs, result.Scalar); break;
        }
        LokiStatistics.Write(json, result.Statistics, result.Kind == LogQlResultKind.Streams ? "logResult" : "result");
        if (nextCursor is not null) json.WriteString("nextCursor"u8, nextCursor);
        json.WriteEndObject();
        json.WriteEndObject();
    });

    private static void Matrix(Utf8JsonWriter json, IReadOnlyList<LogQlSeries> all)
    {
        json.WriteStartArray();
        foreach (var series in all)
        {
            json.WriteStartObject();
            json.WritePropertyName("metric"u8);
            LokiAnswers.Labels(json, series.Labels);
            json.WriteStartArray("values"u8);
            foreach (var (timestampMs, value) in series.Points) LokiAnswers.Point(json, timestampMs, value);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void Vector(Utf8JsonWriter json, IReadOnlyList<LogQlSeries> all)
    {
        json.WriteStartArray();
        foreach (var series in all)
        {
            json.WriteStartObject();
            json.WritePropertyName("metric"u8);
            LokiAnswers.Labels(json, series.Labels);
            json.WritePropertyName("value"u8);
            LokiAnswers.Point(json, series.Points[0].TimestampMs, series.Points[0].Value);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static long FloorTo(long value, long step)
    {
        long rest = value % step;
        return rest < 0 ? value - rest - step : value - rest;
    }
}
