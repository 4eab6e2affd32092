using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pharos.Core;
using Pharos.Metrics;
using Pharos.Server.Http;

namespace Pharos.Server.Prometheus;

/// <summary><c>/api/v1/admin/tsdb/*</c>: deletes series and takes snapshots; refused unless switched on.</summary>
internal static class AdminRoutes
{
    private static readonly string[] Writing = [HttpMethods.Post, HttpMethods.Put];

    /// <param name="howToEnable">What an operator does to switch it on; part of the refusal.</param>
    public static void Map(IEndpointRouteBuilder routes, bool enabled, string howToEnable, MetricStore store)
    {
        routes.MapMethods("/api/v1/admin/tsdb/delete_series", Writing, http => GuardAsync(http, enabled ? null : howToEnable, async () =>
        {
            var query = await QueryParameters.ReadAsync(http);
            var selectors = query.Selectors();
            if (selectors.Count == 0) throw new QueryException(QueryErrorKind.BadData, "no match[] parameter provided");
            await store.DeleteSeriesAsync(http.Tenant(), selectors, query.Range(), http.RequestAborted);
            http.Response.StatusCode = 204;
        }));
        routes.MapMethods("/api/v1/admin/tsdb/clean_tombstones", Writing, http => GuardAsync(http, enabled ? null : howToEnable, async () =>
        {
            await store.CleanTombstonesAsync(http.Tenant(), http.RequestAborted);
            http.Response.StatusCode = 204;
        }));
        routes.MapMethods("/api/v1/admin/tsdb/snapshot", Writing, http => GuardAsync(http, enabled ? null : howToEnable, async () =>
        {
            bool skipHead = http.Request.Query["skip_head"].FirstOrDefault() is "true" or "1";
            string name = await store.SnapshotAsync(http.Tenant(), skipHead, http.RequestAborted);
            await using var json = PrometheusJson.Success(http);
            json.Writer.WriteStartObject();
            json.Writer.WriteString("name", name);
            json.Writer.WriteEndObject();
            json.End();
        }));
    }

    private static async Task GuardAsync(HttpContext http, string? toEnable, Func<Task> work)
    {
        if (toEnable is not null)
        {
            http.Response.StatusCode = 403;
            http.Response.ContentType = "application/json";
            await http.Response.WriteAsync($$"""{"status":"error","errorType":"unavailable","error":"admin APIs disabled; {{toEnable}}"}""");
            return;
        }
        try
        {
            await work();
        }
        catch (QueryException e)
        {
            http.Response.StatusCode = 400;
            http.Response.ContentType = "application/json";
            await http.Response.WriteAsync($$"""{"status":"error","errorType":"bad_data","error":{{System.Text.Json.JsonSerializer.Serialize(e.Message)}}}""");
        }
    }
}
