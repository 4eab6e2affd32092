using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Pharos.Core;
using Pharos.Server.Http;

namespace Pharos.Server.Loki;

/// <summary><c>/loki/api/v1/delete</c>: asks for lines to be deleted, lists what was asked for, takes it back.</summary>
internal sealed class LokiDeletion(ILogDeletion store, ITenantLimits limits, TimeProvider time)
{
    public Task AddAsync(HttpContext http) => GuardAsync(http, async () =>
    {
        var request = await LokiRequest.ReadAsync(http);
        string query = request["query"] is { Length: > 0 } text ? text : throw Bad("query not set");
        if (request["start"] is not { Length: > 0 }) throw Bad("start time not set");
        long now = time.UnixNs();
        long start = request.Time("start", 0), end = request.Time("end", now);
        // Only checked: a request is not split here.
        if (request.Duration("max_interval", 0) < 0) throw Bad("max_interval must be >= 0");
        if (end > now) throw Bad("deletes in the future are not allowed");
        if (start > end) throw Bad("start time can't be greater than end time");
        store.Delete(http.Tenant(), query, start, end + 1);
        http.Response.StatusCode = StatusCodes.Status204NoContent;
    });

    public Task ListAsync(HttpContext http) => GuardAsync(http, () => LokiAnswers.JsonAsync(http, json =>
    {
        json.WriteStartArray();
        foreach (var request in store.Deletions(http.Tenant()))
        {
            json.WriteStartObject();
            json.WriteString("request_id"u8, request.Id);
            Seconds(json, "start_time", request.StartNs / 1_000_000);
            Seconds(json, "end_time", (request.EndNs - 1) / 1_000_000);
            json.WriteString("query"u8, request.Query);
            json.WriteString("status"u8, request.State == LogDeleteState.Processed ? "processed"u8 : "received"u8);
            Seconds(json, "created_at", request.CreatedAt.ToUnixTimeMilliseconds());
            json.WriteString("user_id"u8, http.Tenant().Name);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }));

    public Task CancelAsync(HttpContext http) => GuardAsync(http, async () =>
    {
        var request = await LokiRequest.ReadAsync(http);
        string id = request["request_id"] is { Length: > 0 } text ? text : throw Bad("request_id not set");
        if (request["force"] is { Length: > 0 } force && force is not ("true" or "false")) throw Bad($"invalid force \"{force}\": use true or false");
        var known = store.Deletions(http.Tenant()).FirstOrDefault(r => r.Id == id);
        if (known is null)
        {
            await LokiAnswers.ErrorAsync(http, StatusCodes.Status404NotFound, "could not find delete request with given id");
            return;
        }
        if (!store.CancelDeletion(http.Tenant(), id)) throw Bad("deletion of request which is in process or already processed is not allowed");
        http.Response.StatusCode = StatusCodes.Status204NoContent;
    });

    private Task GuardAsync(HttpContext http, Func<Task> handler) => limits.For(http.Tenant()).Logs.Deletion
        ? LokiAnswers.GuardAsync(http, handler)
        : LokiAnswers.ErrorAsync(http, StatusCodes.Status403Forbidden, "deletion is not available for this tenant");

    private static void Seconds(Utf8JsonWriter json, string name, long ms)
    {
        json.WritePropertyName(name);
        json.WriteRawValue(LokiAnswers.Seconds(ms), skipInputValidation: true);
    }

    private static QueryException Bad(string message) => new(QueryErrorKind.BadData, message);
}
