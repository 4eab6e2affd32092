using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pharos.Core;
using Pharos.Logs;
using Pharos.LogQL;
using Pharos.Server.Http;
using Pharos.Server.Otlp;

namespace Pharos.Server.Loki;

/// <summary>Loki's HTTP API under <c>/loki/api/v1</c>.</summary>
internal static class LokiRoutes
{
    /// <summary>The version of Loki whose API this is: clients switch features on by it.</summary>
    private const string ApiVersion = "3.7.0";

    private static readonly string[] Reading = ["GET", "POST"];

    public static void Map(IEndpointRouteBuilder routes, LogStore store, LogQlEngine engine, ITenantLimits limits, TimeProvider time, Instruments instruments)
    {
        var push = new LokiPush(store);
        var queries = new LokiQueries(engine, time);
        var metadata = new LokiMetadata(store, time);
        var discovery = new LokiDiscovery(engine, limits, time);
        var tail = new LokiTail(store, engine, time);
        var duration = instruments.Histogram(
            "loki_request_duration_seconds", "Time (in seconds) spent serving HTTP requests.", HistogramInstrument.DefaultBounds, "method", "route", "status_code");

        var api = routes.MapGroup("/loki/api/v1");
        api.MapPost("/push", http => MeasuredAsync(http, "loki_api_v1_push", push.HandleAsync));
        routes.MapPost("/flush", async http =>
        {
            await store.FlushAsync(http.RequestAborted);
            http.Response.StatusCode = StatusCodes.Status204NoContent;
        });
        var otlp = new OtlpLogsPush(store, time);
        routes.MapPost("/otlp/v1/logs", http => MeasuredAsync(http, "otlp_v1_logs", otlp.HandleAsync));
        Read("/query", "loki_api_v1_query", queries.InstantAsync);
        Read("/query_range", "loki_api_v1_query_range", queries.RangeAsync);
        Read("/format_query", "loki_api_v1_format_query", LokiQueries.FormatAsync);
        Read("/labels", "loki_api_v1_labels", metadata.LabelsAsync);
        Read("/label", "loki_api_v1_label", metadata.LabelsAsync);
        Read("/label/{name}/values", "loki_api_v1_label_name_values", http => metadata.ValuesAsync(http, (string)http.Request.RouteValues["name"]!));
        Read("/series", "loki_api_v1_series", metadata.SeriesAsync);
        Read("/index/stats", "loki_api_v1_index_stats", metadata.StatsAsync);
        Read("/index/volume", "loki_api_v1_index_volume", metadata.VolumeAsync);
        Read("/index/volume_range", "loki_api_v1_index_volume_range", metadata.VolumeRangeAsync);
        Read("/detected_labels", "loki_api_v1_detected_labels", metadata.DetectedLabelsAsync);
        Read("/detected_fields", "loki_api_v1_detected_fields", discovery.FieldsAsync);
        Read("/detected_field/{name}/values", "loki_api_v1_detected_field_values", http => discovery.FieldValuesAsync(http, (string)http.Request.RouteValues["name"]!));
        Read("/patterns", "loki_api_v1_patterns", discovery.PatternsAsync);
        api.MapGet("/tail", tail.HandleAsync);
        api.MapGet("/status/buildinfo", BuildInfoAsync);
        api.MapGet("/drilldown-limits", http => DrilldownLimitsAsync(http, limits));
        api.MapMethods("/delete", ["GET", "POST", "PUT", "DELETE"], http =>
            LokiAnswers.ErrorAsync(http, StatusCodes.Status403Forbidden, "deletion is not available for this tenant: lines are removed by retention only"));

        void Read(string path, string name, RequestDelegate handler) => api.MapMethods(path, Reading, http => MeasuredAsync(http, name, handler));

        async Task MeasuredAsync(HttpContext http, string name, RequestDelegate handler)
        {
            long started = time.GetTimestamp();
            try
            {
                await handler(http);
            }
            finally
            {
                duration.Observe(time.GetElapsedTime(started).TotalSeconds, http.Request.Method, name, http.Response.StatusCode.ToString());
            }
        }
    }

    private static Task BuildInfoAsync(HttpContext http) => LokiAnswers.JsonAsync(http, json =>
    {
        json.WriteStartObject();
        json.WriteString("version"u8, ApiVersion);
        json.WriteString("revision"u8, typeof(LokiRoutes).Assembly.GetName().Version?.ToString(3));
        json.WriteString("branch"u8, "pharos"u8);
        json.WriteString("buildUser"u8, ""u8);
        json.WriteString("buildDate"u8, ""u8);
        json.WriteString("goVersion"u8, ""u8);
        json.WriteEndObject();
    });

    private static Task DrilldownLimitsAsync(HttpContext http, ITenantLimits limits) => LokiAnswers.JsonAsync(http, json =>
    {
        var of = limits.For(http.Tenant());
        json.WriteStartObject();
        json.WriteStartObject("limits"u8);
        json.WriteBoolean("discover_log_levels"u8, true);
        json.WriteBoolean("volume_enabled"u8, true);
        json.WriteNumber("volume_max_series"u8, 1000);
        json.WriteNumber("max_entries_limit_per_query"u8, of.LogQueryEntriesMax);
        json.WriteNumber("max_query_series"u8, of.LogQuerySeriesMax);
        json.WriteString("max_query_length"u8, PromDuration.Format(of.LogQueryLengthMax));
        json.WriteString("retention_period"u8, PromDuration.Format(of.LogRetention));
        json.WriteEndObject();
        json.WriteBoolean("pattern_ingester_enabled"u8, true);
        json.WriteString("version"u8, ApiVersion);
        json.WriteEndObject();
    });
}
