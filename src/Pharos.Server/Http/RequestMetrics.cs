using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pharos.Core;

namespace Pharos.Server.Http;

/// <summary>Measures every request: duration by route, method and status.</summary>
internal static class RequestMetrics
{
    /// <param name="mimirNames">Also under the name and with the routes of Mimir's dashboards: <c>api_v1_push</c>.</param>
    public static void UseRequestMetrics(this IApplicationBuilder application, Instruments instruments, TimeProvider time, bool mimirNames = false)
    {
        HistogramInstrument? mimir = mimirNames
            ? instruments.Histogram("cortex_request_duration_seconds", "Time (in seconds) spent serving HTTP requests.", HistogramInstrument.DefaultBounds, "method", "route", "status_code")
            : null;
        var duration = instruments.Histogram(
            "pharos_http_request_duration_seconds", "Time to answer a request.",
            HistogramInstrument.DefaultBounds, "method", "route", "status_code");
        var inFlight = instruments.Gauge("pharos_http_requests_in_flight", "Requests being answered now.");
        application.Use(async (http, next) =>
        {
            long started = time.GetTimestamp();
            inFlight.Add(1);
            try
            {
                await next(http);
            }
            catch (Exception) when (!http.Response.HasStarted)
            {
                // So the server answers it, once this is over.
                http.Response.StatusCode = StatusCodes.Status500InternalServerError;
                throw;
            }
            finally
            {
                inFlight.Add(-1);
                string route = (http.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "other";
                double seconds = time.GetElapsedTime(started).TotalSeconds;
                string status = http.Response.StatusCode.ToString();
                duration.Observe(seconds, http.Request.Method, route, status);
                mimir?.Observe(seconds, http.Request.Method, MimirRoute(route), status);
            }
        });
    }

    /// <summary>Mimir's word for a route: its path with everything but letters and digits as <c>_</c>.</summary>
    private static string MimirRoute(string route) => string.Create(
        route.TrimStart('/').Length, route.TrimStart('/'), static (into, path) =>
        {
            for (int i = 0; i < into.Length; i++) into[i] = char.IsAsciiLetterOrDigit(path[i]) ? char.ToLowerInvariant(path[i]) : '_';
        });
}
