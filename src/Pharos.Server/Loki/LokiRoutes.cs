using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pharos.Core;
using Pharos.Server.Http;
using Pharos.Server.Loki.Tails;
using Pharos.Server.Mimir;
using Pharos.Server.Otlp;

namespace Pharos.Server.Loki;

/// <summary>Loki's HTTP API under <c>/loki/api/v1</c>, its older one under <c>/api/prom</c>, and OTLP logs.</summary>
internal static class LokiRoutes
{
    /// <summary>The version of Loki whose API this is: clients switch features on by it.</summary>
    private const string ApiVersion = "3.7.0";

    private static readonly string[] Reading = ["GET", "POST"];

    public static void Map(IEndpointRouteBuilder routes, LogServices services)
    {
        var push = new LokiPush(services.Sink);
        var queries = new LokiQueries(services);
        var metadata = new LokiMetadata(services.Readable, services.Limits, services.Time);
        var volumes = new LokiVolumes(services.Readable, services.Limits, services.Time);
        var discovery = new LokiDiscovery(services);
        var tail = new LokiTail(services);
        var otlp = new OtlpLogsPush(services.Sink, services.Limits, services.Time);
        var legacy = new LokiLegacy(services);
        var deletion = new LokiDeletion(services.Store, services.Limits, services.Time);
        var duration = services.Instruments.Histogram(
            "loki_request_duration_seconds", "Time (in seconds) spent serving HTTP requests.", HistogramInstrument.DefaultBounds, "method", "route", "status_code");

        var methodsOf = new SortedDictionary<string, List<string>>(StringComparer.Ordinal);
        const string api = "/loki/api/v1", old = "/api/prom";
        Route(api + "/push", "loki_api_v1_push", http => push.HandleAsync(http, legacy: false), "POST");
        Route(old + "/push", "api_prom_push", http => push.HandleAsync(http, legacy: true), "POST");
        Route("/otlp/v1/logs", "otlp_v1_logs", otlp.HandleAsync, "POST");
        Plain("/flush", "POST", async http =>
        {
            if (await services.Store.FlushAsync(http.RequestAborted)) http.Response.StatusCode = StatusCodes.Status204NoContent;
            else await LokiAnswers.ErrorAsync(http, StatusCodes.Status500InternalServerError, "log entries cannot be written to parts; they stay in memory and in the write log, and the server's log says why");
        });
        Route(api + "/query", "loki_api_v1_query", queries.InstantAsync, Reading);
        Route(api + "/query_range", "loki_api_v1_query_range", queries.RangeAsync, Reading);
        Route(api + "/format_query", "loki_api_v1_format_query", LokiQueries.FormatAsync, Reading);
        Route(old + "/query", "api_prom_query", legacy.QueryAsync, Reading);
        foreach (var (root, name) in ((string, string)[])[(api, "loki_api_v1"), (old, "api_prom")])
        {
            Route(root + "/labels", name + "_labels", metadata.LabelsAsync, Reading);
            Route(root + "/label", name + "_label", metadata.LabelsAsync, Reading);
            Route(root + "/label/{name}/values", name + "_label_name_values", http => metadata.ValuesAsync(http, Name(http)), Reading);
            Route(root + "/series", name + "_series", metadata.SeriesAsync, Reading);
        }
        Route(api + "/index/stats", "loki_api_v1_index_stats", volumes.StatsAsync, Reading);
        Route(api + "/index/shards", "loki_api_v1_index_shards", volumes.ShardsAsync, Reading);
        Route(api + "/index/volume", "loki_api_v1_index_volume", volumes.VolumeAsync, Reading);
        Route(api + "/index/volume_range", "loki_api_v1_index_volume_range", volumes.VolumeRangeAsync, Reading);
        Route(api + "/detected_labels", "loki_api_v1_detected_labels", metadata.DetectedLabelsAsync, Reading);
        Route(api + "/detected_fields", "loki_api_v1_detected_fields", discovery.FieldsAsync, Reading);
        Route(api + "/detected_field/{name}/values", "loki_api_v1_detected_field_values", http => discovery.FieldValuesAsync(http, Name(http)), Reading);
        Route(api + "/patterns", "loki_api_v1_patterns", discovery.PatternsAsync, Reading);
        Plain(api + "/tail", "GET", http => tail.HandleAsync(http, legacy: false));
        Plain(old + "/tail", "GET", http => tail.HandleAsync(http, legacy: true));
        Plain(api + "/status/buildinfo", "GET", BuildInfoAsync);
        Plain(api + "/drilldown-limits", "GET", http => DrilldownLimitsAsync(http, services.Limits));
        Plain("/config/tenant/v1/limits", "GET", http => LimitsRoutes.WriteAsync(http, services.Limits.For(http.Tenant())));
        Route(api + "/delete", "loki_api_v1_delete", deletion.AddAsync, "POST", "PUT");
        Route(api + "/delete", "loki_api_v1_delete", deletion.ListAsync, "GET");
        Route(api + "/delete", "loki_api_v1_delete", deletion.CancelAsync, "DELETE");

        foreach (var (path, methods) in methodsOf) routes.Map(path, http => OtherMethodAsync(http, string.Join(", ", methods)));

        void Route(string path, string name, RequestDelegate handler, params string[] methods) => Map(path, methods, async http =>
        {
            long started = services.Time.GetTimestamp();
            try
            {
                await handler(http);
            }
            catch (Exception) when (!http.Response.HasStarted)
            {
                http.Response.StatusCode = StatusCodes.Status500InternalServerError;
                throw;
            }
            finally
            {
                duration.Observe(services.Time.GetElapsedTime(started).TotalSeconds, http.Request.Method, name, http.Response.StatusCode.ToString());
            }
        });

        void Plain(string path, string method, RequestDelegate handler) => Map(path, [method], handler);

        void Map(string path, string[] methods, RequestDelegate handler)
        {
            routes.MapMethods(path, methods, handler);
            if (!methodsOf.TryGetValue(path, out var known)) methodsOf[path] = known = [];
            known.AddRange(methods);
        }
    }

    /// <summary>405, as Loki's router answers what names a path of the API with a method that it does not have.</summary>
    private static Task OtherMethodAsync(HttpContext http, string allowed)
    {
        http.Response.Headers.Allow = allowed;
        return LokiAnswers.ErrorAsync(http, StatusCodes.Status405MethodNotAllowed, $"method {http.Request.Method} is not allowed for {http.Request.Path}: use {allowed}");
    }

    private static string Name(HttpContext http) => (string)http.Request.RouteValues["name"]!;

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
        json.WriteBoolean("discover_log_levels"u8, of.Logs.DetectLevels);
        json.WriteBoolean("volume_enabled"u8, of.Logs.Volumes);
        json.WriteNumber("volume_max_series"u8, of.Logs.VolumeSeriesMax);
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
