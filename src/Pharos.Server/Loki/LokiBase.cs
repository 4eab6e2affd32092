using Microsoft.AspNetCore.Builder;

namespace Pharos.Server.Loki;

/// <summary>
/// <c>/loki</c> as the base address of a Loki: what asks there for <c>/loki/api/v1/…</c> gets what the server's own address gives. With that base Grafana's data
/// source finds the states of rules over logs too, under <c>/loki/prometheus/api/v1</c>; at the server's own address those of rules over metrics stand in that place.
/// </summary>
internal static class LokiBase
{
    /// <summary>To be used before all that looks at the path.</summary>
    public static void UseLokiBase(this WebApplication application)
    {
        application.Use((http, next) =>
        {
            if (http.Request.Path.StartsWithSegments("/loki", out var rest) && (rest.StartsWithSegments("/loki") || rest.StartsWithSegments("/api/prom") || rest.StartsWithSegments("/otlp")))
                http.Request.Path = rest;
            return next(http);
        });
        application.UseRouting();
    }
}
