using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pharos.Core;

namespace Pharos.Server.Prometheus;

/// <summary><c>POST /-/reload</c> and <c>POST /-/quit</c>, refused unless the lifecycle API was switched on.</summary>
internal static class LifecycleRoutes
{
    private static readonly string[] Writing = [HttpMethods.Post, HttpMethods.Put];

    public static void Map(IEndpointRouteBuilder routes, bool enabled, Func<CancellationToken, Task> reload, Action quit)
    {
        MapReload(routes, enabled, reload);
        routes.MapMethods("/-/quit", Writing, async http =>
        {
            if (!await AllowedAsync(http, enabled)) return;
            await http.Response.WriteAsync("Requesting termination... Goodbye!");
            quit();
        });
        OnlyWriting(routes, "/-/quit");
    }

    public static void MapReload(IEndpointRouteBuilder routes, bool enabled, Func<CancellationToken, Task> reload)
    {
        routes.MapMethods("/-/reload", Writing, async http =>
        {
            if (!await AllowedAsync(http, enabled)) return;
            try
            {
                await reload(http.RequestAborted);
            }
            catch (Exception e) when (e is ConfigurationException or IOException or UnauthorizedAccessException)
            {
                http.Response.StatusCode = 500;
                await http.Response.WriteAsync($"failed to reload config: {e.Message}\n");
            }
        });
        OnlyWriting(routes, "/-/reload");
    }

    private static void OnlyWriting(IEndpointRouteBuilder routes, string path) => routes.MapGet(path, http =>
    {
        http.Response.StatusCode = 405;
        return http.Response.WriteAsync("Only POST or PUT requests allowed");
    });

    private static async Task<bool> AllowedAsync(HttpContext http, bool enabled)
    {
        if (enabled) return true;
        http.Response.StatusCode = 403;
        await http.Response.WriteAsync("Lifecycle API is not enabled; start with --web.enable-lifecycle.");
        return false;
    }
}
