using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Pharos.Server.LocalPrometheus.Tracing;

/// <summary>A span of each HTTP request, part of the client's trace where the client names one.</summary>
internal static class RequestSpans
{
    public static void UseRequestSpans(this IApplicationBuilder application, ActivitySource source) => application.Use(async (http, next) =>
    {
        if (!source.HasListeners())
        {
            await next(http);
            return;
        }
        ActivityContext.TryParse(http.Request.Headers.TraceParent, http.Request.Headers.TraceState, isRemote: true, out var parent);
        // ASP.NET's own span, which nobody gets, must not stand in between.
        Activity.Current = null;
        using var span = source.StartActivity($"{http.Request.Method} {http.Request.Path}", ActivityKind.Server, parent);
        span?.SetTag("http.request.method", http.Request.Method);
        span?.SetTag("url.path", http.Request.Path.Value);
        await next(http);
        span?.SetTag("http.route", (http.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText);
        span?.SetTag("http.response.status_code", http.Response.StatusCode);
        if (http.Response.StatusCode >= 500) span?.SetStatus(ActivityStatusCode.Error);
    });
}
