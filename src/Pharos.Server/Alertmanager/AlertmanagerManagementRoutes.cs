using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pharos.Core;
using Pharos.Wire.Exposition;

namespace Pharos.Server.Alertmanager;

/// <summary>What a stand-alone Alertmanager serves beside its API: health, reload, metrics, and the answer for the API v1 that is gone.</summary>
internal static class AlertmanagerManagementRoutes
{
    /// <param name="reload">Loads the configuration again; a <see cref="ConfigurationException"/> or <see cref="IOException"/> is answered 500.</param>
    public static void Map(IEndpointRouteBuilder routes, Func<CancellationToken, Task> reload, Instruments instruments)
    {
        routes.MapMethods("/-/healthy", ["GET", "HEAD"], http => AlertmanagerReply.TextAsync(http, 200, "OK"));
        routes.MapMethods("/-/ready", ["GET", "HEAD"], http => AlertmanagerReply.TextAsync(http, 200, "OK"));
        routes.MapPost("/-/reload", async http =>
        {
            try
            {
                await reload(http.RequestAborted);
                http.Response.ContentLength = 0;
            }
            catch (Exception e) when (e is ConfigurationException or IOException or UnauthorizedAccessException)
            {
                await AlertmanagerReply.TextAsync(http, 500, $"failed to reload config: {e.Message}\n");
            }
        });
        routes.MapGet("/metrics", async http =>
        {
            var format = ExpositionWriter.Choose(http.Request.Headers.Accept.ToString());
            http.Response.ContentType = ExpositionWriter.ContentType(format);
            var body = new System.Buffers.ArrayBufferWriter<byte>(64 * 1024);
            ExpositionWriter.Write(instruments.Read(), body, format);
            await http.Response.Body.WriteAsync(body.WrittenMemory, http.RequestAborted);
        });
        routes.Map("/api/v1/{**rest}", http => AlertmanagerReply.JsonAsync(http, json =>
        {
            json.WriteStartObject();
            json.WriteString("status", "deprecated");
            json.WriteString("error", "The Alertmanager v1 API was deprecated in version 0.16.0 and is removed as of version 0.27.0 - please use the equivalent route in the v2 API");
            json.WriteEndObject();
        }, StatusCodes.Status410Gone));
    }
}
