using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pharos.Logs;
using Pharos.Server.Http;

namespace Pharos.Server.Loki;

/// <summary><c>POST /api/pharos/v1/logs/snapshot</c>: a tenant's logs in a folder of their own; refused unless switched on.</summary>
internal static class LokiSnapshots
{
    public static void Map(IEndpointRouteBuilder routes, bool enabled, LogStore store) => routes.MapPost("/api/pharos/v1/logs/snapshot", http => LokiAnswers.GuardAsync(http, async () =>
    {
        if (!enabled)
        {
            await LokiAnswers.ErrorAsync(http, StatusCodes.Status403Forbidden, "admin APIs disabled; set admin_api: true in the server's configuration");
            return;
        }
        string name;
        try
        {
            name = await store.SnapshotAsync(http.Tenant(), http.RequestAborted);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await LokiAnswers.ErrorAsync(http, StatusCodes.Status500InternalServerError, $"the snapshot could not be written, and there is none: {e.Message}");
            return;
        }
        await LokiAnswers.SuccessAsync(http, json =>
        {
            json.WriteStartObject();
            json.WriteString("name"u8, name);
            json.WriteEndObject();
        });
    }));
}
