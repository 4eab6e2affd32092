using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pharos.Core;
using Pharos.Metrics;
using Pharos.Server.Http;

namespace Pharos.Server.Mimir;

/// <summary>
/// What a tenant uses: <c>/api/v1/user_stats</c>; of all tenants, for operators: <c>/distributor/all_user_stats</c>,
/// <c>/distributor/ha_tracker</c>; and its end: <c>/compactor/delete_tenant</c> with its status.
/// </summary>
internal static class TenantRoutes
{
    public static void Map(IEndpointRouteBuilder routes, MetricStore store, IngestionRates rates, HaTracker replicas, TimeProvider time)
    {
        routes.MapGet("/distributor/all_user_stats", http => WriteAsync(http, json =>
        {
            json.WriteStartArray();
            foreach (var tenant in store.Tenants)
            {
                json.WriteStartObject();
                json.WriteString("userID"u8, tenant.Name);
                WriteStats(json, store, rates, tenant);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }));
        routes.MapGet("/distributor/ha_tracker", http => WriteAsync(http, json =>
        {
            json.WriteStartObject();
            json.WriteString("now"u8, time.GetUtcNow());
            json.WriteStartArray("elected"u8);
            foreach (var tenant in replicas.Tenants)
            {
                foreach (var elected in replicas.Elected(tenant))
                {
                    json.WriteStartObject();
                    json.WriteString("userID"u8, tenant.Name);
                    json.WriteString("cluster"u8, elected.Cluster);
                    json.WriteString("replica"u8, elected.Replica);
                    json.WriteString("electedAt"u8, UnixTime.FromMs(elected.ElectedMs));
                    json.WriteString("lastSeen"u8, UnixTime.FromMs(elected.ReceivedMs));
                    json.WriteEndObject();
                }
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }));
        routes.MapPost("/compactor/delete_tenant", async http =>
        {
            await store.DeleteTenantAsync(http.Tenant(), http.RequestAborted);
            http.Response.StatusCode = StatusCodes.Status200OK;
        });
        routes.MapGet("/compactor/delete_tenant_status", http => WriteAsync(http, json =>
        {
            var tenant = http.Tenant();
            json.WriteStartObject();
            json.WriteString("tenant_id"u8, tenant.Name);
            json.WriteBoolean("blocks_deleted"u8, store.BlockList(tenant).Count == 0);
            json.WriteEndObject();
        }));
    }

    public static void MapUser(IEndpointRouteBuilder routes, MetricStore store, IngestionRates rates) =>
        routes.MapGet("/api/v1/user_stats", http => WriteAsync(http, json =>
        {
            json.WriteStartObject();
            WriteStats(json, store, rates, http.Tenant());
            json.WriteEndObject();
        }));

    private static void WriteStats(Utf8JsonWriter json, MetricStore store, IngestionRates rates, TenantId tenant)
    {
        var (pushed, recorded) = rates.PerSecond(tenant);
        json.WriteNumber("ingestionRate"u8, pushed + recorded);
        json.WriteNumber("numSeries"u8, store.SeriesCount(tenant));
        json.WriteNumber("APIIngestionRate"u8, pushed);
        json.WriteNumber("RuleIngestionRate"u8, recorded);
    }

    private static async Task WriteAsync(HttpContext http, Action<Utf8JsonWriter> write)
    {
        http.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(http.Response.BodyWriter);
        write(json);
    }
}
