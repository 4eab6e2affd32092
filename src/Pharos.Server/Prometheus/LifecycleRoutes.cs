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
        routes.MapMethods("/-/quit", Writing, async http =>
        {
            if (!await AllowedAsync(http, enabled)) return;
            await http.Response.WriteAsync("Requesting termination... Goodbye!");
            quit();
        });
        foreach (string path in (string[])["/-/reload", "/-/quit"])
        {
            routes.MapGet(path, http =>
            {
                http.Response.StatusCode = 405;
                return http.Response.WriteAsync("Only POST or PUT requests allowed");
            });
        }
    }

    private static async Task<bool> AllowedAsync(HttpContext http, bool enabled)
    {
        if (enabled) return true;
        http.Response.StatusCode = 403;
        await http.Response.WriteAsync("Lifecycle API is not enabled; start with --web.enable-lifecycle.");
        return false;
    }
}
