using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pharos.Fleet;
using Pharos.Server.Http;

namespace Pharos.Server.Fleet;

/// <summary>
/// What upstream's collector message has no field for: health, the last poll, the assigned pipelines and the hash of what is served.
/// <c>GET /api/pharos/v1/collectors</c>, sorted by id.
/// </summary>
internal static class FleetStateRoutes
{
    public static void Map(IEndpointRouteBuilder routes, CollectorRegistry collectors) =>
        routes.MapGet("/api/pharos/v1/collectors", http =>
        {
            List<CollectorStateShape> states = [.. collectors.States(http.Tenant()).Select(s => new CollectorStateShape(
                s.Collector.Id, s.Health, s.LastSeenAt, s.Pipelines, s.ServedHash, s.Collector.Status, s.Collector.StatusMessage))];
            http.Response.ContentType = "application/json";
            http.Response.Headers.CacheControl = "no-store";
            return JsonSerializer.SerializeAsync(http.Response.Body, states, FleetStateJson.Default.ListCollectorStateShape, http.RequestAborted);
        });
}

/// <param name="Health">unknown, healthy, stalled, configurationError, unresponsive or inactive.</param>
/// <param name="LastSeenAt">When it last asked; null while it never did.</param>
/// <param name="Pipelines">Names, sorted.</param>
/// <param name="ServedHash">Hash of the configuration it would be served now.</param>
/// <param name="ConfigStatus">unset, applied, applying or failed, as the collector said.</param>
/// <param name="ConfigMessage">Why it failed; empty otherwise.</param>
internal sealed record CollectorStateShape(
    string Id, CollectorHealth Health, DateTimeOffset? LastSeenAt, IReadOnlyList<string> Pipelines, string ServedHash, ConfigStatus ConfigStatus, string ConfigMessage);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, Converters = [typeof(CamelCaseEnumConverter<CollectorHealth>), typeof(CamelCaseEnumConverter<ConfigStatus>)])]
[JsonSerializable(typeof(List<CollectorStateShape>))]
internal sealed partial class FleetStateJson : JsonSerializerContext;

/// <summary>Names of an enumeration in camel case: <c>configurationError</c>.</summary>
internal sealed class CamelCaseEnumConverter<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.CamelCase)
    where T : struct, Enum;
