using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pharos.Core;
using Pharos.Server.Http;

namespace Pharos.Server.Prometheus;

/// <summary><c>/api/pharos/v1/queries</c>: a tenant's running and slow queries; <c>DELETE …/{id}</c> ends one.</summary>
internal static class QueryListRoutes
{
    public static void Map(IEndpointRouteBuilder routes, QueryRegistry queries)
    {
        routes.MapGet("/api/pharos/v1/queries", async http =>
        {
            var (active, slow) = (queries.Active(http.Tenant()), queries.Slow(http.Tenant()));
            await using var json = PrometheusJson.Success(http);
            json.Writer.WriteStartObject();
            List(json, "active", active);
            List(json, "slow", slow);
            json.Writer.WriteEndObject();
            json.End();
        });
        routes.MapDelete("/api/pharos/v1/queries/{id}", http =>
        {
            string text = (string)http.Request.RouteValues["id"]!;
            if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long id))
                return PrometheusJson.ErrorAsync(http, StatusCodes.Status400BadRequest, "bad_data", $"\"{text}\" is no id of a query; GET /api/pharos/v1/queries lists them");
            if (!queries.Kill(http.Tenant(), id))
                return PrometheusJson.ErrorAsync(http, StatusCodes.Status404NotFound, "not_found", $"query {id} does not run (any more)");
            http.Response.StatusCode = StatusCodes.Status204NoContent;
            return Task.CompletedTask;
        });
    }

    private static void List(PrometheusJson json, string name, IReadOnlyList<QueryReport> queries)
    {
        json.Writer.WriteStartArray(name);
        foreach (var query in queries) Write(json, query);
        json.Writer.WriteEndArray();
    }

    private static void Write(PrometheusJson json, QueryReport query)
    {
        var writer = json.Writer;
        writer.WriteStartObject();
        writer.WriteNumber("id", query.Id);
        writer.WriteString("language", query.Language);
        writer.WriteString("query", query.Query);
        writer.WritePropertyName("start");
        json.Timestamp(query.StartMs);
        writer.WritePropertyName("end");
        json.Timestamp(query.EndMs);
        writer.WriteNumber("step", query.StepMs / 1000.0);
        writer.WriteString("askedAt", query.AskedAt.UtcDateTime);
        writer.WriteString("state", query.State);
        writer.WriteNumber("seconds", query.Seconds);
        writer.WriteNumber("series", query.Series);
        writer.WriteNumber("samples", query.Samples);
        writer.WriteNumber("bytes", query.Bytes);
        if (query.Error is not null) writer.WriteString("error", query.Error);
        writer.WriteEndObject();
    }
}
