using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pharos.Core;

namespace Pharos.Server.Http;

/// <summary>Measures every request: duration by route, method and status.</summary>
internal static class RequestMetrics
{
    public static void UseRequestMetrics(this IApplicationBuilder application, Instruments instruments, TimeProvider time)
    {
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
            finally
            {
                inFlight.Add(-1);
                string route = (http.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "other";
                duration.Observe(time.GetElapsedTime(started).TotalSeconds, http.Request.Method, route, http.Response.StatusCode.ToString());
            }
        });
    }
}
