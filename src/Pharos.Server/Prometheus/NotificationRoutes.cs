using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Pharos.Server.Prometheus;

/// <summary><c>/api/v1/notifications</c>, and <c>/api/v1/notifications/live</c>, which goes on as server-sent events.</summary>
internal static class NotificationRoutes
{
    public static void Map(IEndpointRouteBuilder routes, Notices notices)
    {
        routes.MapGet("/api/v1/notifications", async http =>
        {
            await using var json = PrometheusJson.Success(http);
            json.Writer.WriteStartArray();
            foreach (var notice in notices.Active) Write(json.Writer, notice);
            json.Writer.WriteEndArray();
            json.End();
        });
        routes.MapGet("/api/v1/notifications/live", http => LiveAsync(http, notices));
    }

    private static async Task LiveAsync(HttpContext http, Notices notices)
    {
        if (!notices.TryListen(out var listener))
        {
            // Tells a browser's event source not to come back.
            http.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }
        try
        {
            http.Response.ContentType = "text/event-stream";
            http.Response.Headers.CacheControl = "no-cache";
            await http.Response.Body.FlushAsync(http.RequestAborted);
            var body = new ArrayBufferWriter<byte>();
            await foreach (var notice in listener.Reader.ReadAllAsync(http.RequestAborted))
            {
                body.ResetWrittenCount();
                body.Write("data: "u8);
                await using (var json = new Utf8JsonWriter(body)) Write(json, notice);
                body.Write("\n\n"u8);
                await http.Response.Body.WriteAsync(body.WrittenMemory, http.RequestAborted);
                await http.Response.Body.FlushAsync(http.RequestAborted);
            }
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The listener has left.
        }
        finally
        {
            notices.Leave(listener);
        }
    }

    private static void Write(Utf8JsonWriter writer, Notice notice)
    {
        writer.WriteStartObject();
        writer.WriteString("text", notice.Text);
        writer.WriteString("date", PrometheusStatusRoutes.Rfc3339(notice.Date));
        writer.WriteBoolean("active", notice.Active);
        writer.WriteEndObject();
    }
}
