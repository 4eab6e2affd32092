using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Pharos.Core;
using Pharos.LogQL;
using Pharos.Server.Http;

namespace Pharos.Server.Loki;

/// <summary><c>query</c>, <c>query_range</c> and <c>format_query</c>.</summary>
internal sealed class LokiQueries(LogQlEngine engine, TimeProvider time)
{
    private const string FlagsHeader = "X-Loki-Response-Encoding-Flags";
    private const string Categorize = "categorize-labels";

    public Task InstantAsync(HttpContext http) => LokiAnswers.GuardAsync(http, async () =>
    {
        var request = await LokiRequest.ReadAsync(http);
        long at = request.Time("time", time.UnixNs());
        _ = request.Whole("limit", 100);
        _ = request.Backward;
        var result = await engine.InstantAsync(http.Tenant(), request.Required("query"), at, http.RequestAborted);
        await AnswerAsync(http, result, at / 1_000_000, false);
    });

    public Task RangeAsync(HttpContext http) => LokiAnswers.GuardAsync(http, async () =>
    {
        var request = await LokiRequest.ReadAsync(http);
        var (start, end) = request.Range(time);
        long step = request.Step(start, end);
        string text = request.Required("query");
        if (LogQl.IsMetric(text))
        {
            // As Loki's frontend does: points stand at multiples of the step, whatever the range.
            start = FloorTo(start, step);
            end = -FloorTo(-end, step);
        }
        bool categorize = Flags(http).Contains(Categorize);
        var result = await engine.QueryRangeAsync(http.Tenant(), new LogQlRangeQuery
        {
            Text = text,
            StartNs = start,
            EndNs = end,
            StepNs = step,
            IntervalNs = request.Duration("interval", 0),
            Limit = request.Whole("limit", 100),
            Backward = request.Backward,
        }, http.RequestAborted);
        await AnswerAsync(http, result, end / 1_000_000, categorize);
    });

    public static async Task FormatAsync(HttpContext http)
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
    }

    public static IReadOnlyList<string> Flags(HttpContext http) =>
        http.Request.Headers[FlagsHeader].ToString().Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static Task AnswerAsync(HttpContext http, LogQlResult result, long atMs, bool categorize) => LokiAnswers.JsonAsync(http, json =>
    {
        json.WriteStartObject();
        json.WriteString("status"u8, "success"u8);
        if (result.Warnings.Count > 0)
        {
            json.WriteStartArray("warnings"u8);
            foreach (string warning in result.Warnings) json.WriteStringValue(warning);
            json.WriteEndArray();
        }
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
        LokiStatistics.Write(json, result.Statistics);
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
