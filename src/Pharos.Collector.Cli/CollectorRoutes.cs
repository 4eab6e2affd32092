using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pharos.Collector.Hosting;
using Pharos.Collector.Syntax;
using Pharos.Core;
using Pharos.Wire.Exposition;

namespace Pharos.Collector.Cli;

/// <summary>The collector's own HTTP page, at Alloy's paths.</summary>
internal static class CollectorRoutes
{
    public static void Map(IEndpointRouteBuilder routes, CollectorHost collector)
    {
        routes.MapGet("/metrics", http =>
        {
            var format = ExpositionWriter.Choose(http.Request.Headers.Accept);
            var buffer = new ArrayBufferWriter<byte>(64 * 1024);
            collector.WriteMetrics(buffer, format);
            http.Response.ContentType = ExpositionWriter.ContentType(format);
            return http.Response.Body.WriteAsync(buffer.WrittenMemory).AsTask();
        });
        routes.MapGet("/-/ready", http => collector.IsReady
            ? Text(http, 200, "Alloy is ready.\n")
            : Text(http, 503, "Alloy is not ready.\n"));
        routes.MapGet("/-/healthy", http =>
        {
            var unhealthy = collector.Unhealthy();
            return unhealthy.Count == 0
                ? Text(http, 200, "All Alloy components are healthy.\n")
                : Text(http, 500, $"unhealthy components: {string.Join(", ", unhealthy.Select(u => u.Id))}\n");
        });
        routes.MapMethods("/-/reload", ["GET", "POST"], async http =>
        {
            try
            {
                await collector.LoadAsync(http.RequestAborted);
                await Text(http, 200, "config reloaded\n");
            }
            catch (SyntaxException wrong)
            {
                await Text(http, 400, SyntaxDiagnostic.RenderAll(wrong.Findings));
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ConfigurationException)
            {
                await Text(http, 400, failure.Message + "\n");
            }
        });
        foreach (bool remote in (bool[])[false, true])
        {
            string prefix = remote ? "/api/v0/web/remotecfg" : "/api/v0/web";
            routes.MapGet(prefix + "/components", http => List(http, collector.Components("", remote)));
            routes.MapGet(prefix + "/components/{**id}", http => One(http, collector.Component(Id(http), remote)));
            routes.MapGet(prefix + "/debug/{**id}", http => WatchAsync(http, collector, (remote ? "remotecfg/" : "") + Id(http)));
            routes.MapGet(prefix + "/modules/{**id}", http =>
            {
                string id = Id(http);
                return id.EndsWith("/components", StringComparison.Ordinal) ? List(http, collector.Components(id[..^"/components".Length], remote)) : NotFound(http);
            });
        }
        routes.MapGet("/api/v0/web/peers", http => Json(http, w =>
        {
            w.WriteStartArray();
            w.WriteEndArray();
        }));
        routes.MapGet("/api/v0/component/{**id}", async http =>
        {
            string id = Id(http);
            var page = id.EndsWith("/metrics", StringComparison.Ordinal) ? await collector.Endpoints.ReadAsync(id[..^"/metrics".Length], http.RequestAborted) : null;
            if (page is null)
            {
                await NotFound(http);
                return;
            }
            http.Response.ContentType = page.ContentType;
            await http.Response.Body.WriteAsync(page.Body, http.RequestAborted);
        });
    }

    /// <summary>Streams what a component sends on; each item ends with <c>|;|</c>. <c>sampleProb</c> is the share of items that is shown.</summary>
    private static async Task WatchAsync(HttpContext http, CollectorHost collector, string id)
    {
        double share = 1;
        if (http.Request.Query["sampleProb"] is [{ Length: > 0 } text] && (!double.TryParse(text, CultureInfo.InvariantCulture, out share) || share is not (>= 0 and <= 1)))
        {
            await Text(http, 400, $"sampleProb \"{text}\" is not a number from 0 to 1\n");
            return;
        }
        if (collector.Watch(id) is not { } tap)
        {
            await Text(http, 404, $"there is no component {id}, or live debugging is off; switch it on with livedebugging {{ enabled = true }}\n");
            return;
        }
        http.Response.ContentType = "text/plain; charset=utf-8";
        await http.Response.StartAsync(http.RequestAborted);
        double due = 0;
        try
        {
            await foreach (string item in tap.WatchAsync(http.RequestAborted))
            {
                due += share;
                if (due < 1) continue;
                due--;
                await http.Response.WriteAsync(item + "|;|", http.RequestAborted);
            }
        }
        catch (OperationCanceledException)
        {
            // The reader has gone.
        }
    }

    private static string Id(HttpContext http) => Uri.UnescapeDataString(http.Request.RouteValues["id"] as string ?? "");

    private static Task List(HttpContext http, IReadOnlyList<ComponentView>? components) => components is null ? NotFound(http) : Json(http, writer =>
    {
        writer.WriteStartArray();
        foreach (var component in components) component.WriteJson(writer, withDetails: false);
        writer.WriteEndArray();
    });

    private static Task One(HttpContext http, ComponentView? component) =>
        component is null ? NotFound(http) : Json(http, writer => component.WriteJson(writer, withDetails: true));

    private static Task NotFound(HttpContext http) => Text(http, 404, "not found\n");

    private static async Task Json(HttpContext http, Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        await using (var writer = new Utf8JsonWriter(buffer)) write(writer);
        http.Response.ContentType = "application/json";
        await http.Response.Body.WriteAsync(buffer.WrittenMemory, http.RequestAborted);
    }

    private static async Task Text(HttpContext http, int status, string text)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "text/plain; charset=utf-8";
        await http.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(text), http.RequestAborted);
    }
}
