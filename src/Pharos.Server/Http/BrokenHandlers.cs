using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Pharos.Server.Http;

/// <summary>A request that breaks its handler is answered with the name that the log has it under: whoever asked can say what to look for.</summary>
internal static partial class BrokenHandlers
{
    public static void UseBrokenHandlers(this IApplicationBuilder application, ILogger logger) => application.Use(async (http, next) =>
    {
        try
        {
            await next(http);
        }
        // A client that went away or sends no HTTP is none of the server's mistakes.
        catch (Exception e) when (!http.Response.HasStarted && e is not BadHttpRequestException && !http.RequestAborted.IsCancellationRequested)
        {
            Broke(logger, http.Request.Method, http.Request.Path, http.TraceIdentifier, e);
            http.Response.StatusCode = StatusCodes.Status500InternalServerError;
            http.Response.ContentType = "text/plain; charset=utf-8";
            http.Response.ContentLength = null;
            await http.Response.WriteAsync($"internal error; the server's log says more under request {http.TraceIdentifier}\n");
        }
    });

    [LoggerMessage(9501, LogLevel.Error, "{Method} {Path} failed; request {Id}")]
    private static partial void Broke(ILogger logger, string method, string path, string id, Exception error);
}
