using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.FileProviders;
using Pharos.Server.Http;

namespace Pharos.Server.Page;

/// <summary>The page's own data, and the page itself.</summary>
internal static class PageRoutes
{
    public static void Map(IEndpointRouteBuilder routes, PageService page)
    {
        routes.MapGet("/api/pharos/v1/me", http => WriteAsync(http, JsonSerializer.SerializeToUtf8Bytes(page.WhoAmI(http.Tenant()), PageJson.Default.Me)));
        routes.MapGet("/api/pharos/v1/architecture", http => WriteAsync(http, JsonSerializer.SerializeToUtf8Bytes(page.Map(http.Tenant()), PageJson.Default.Architecture)));
    }

    /// <summary>
    /// Serves the built page from <c>wwwroot</c> beside the program; any other path gets the page too, which reads it as a view.
    /// Without a built page a plain text says so.
    /// </summary>
    public static void UsePage(this WebApplication application)
    {
        string folder = Path.Combine(AppContext.BaseDirectory, "wwwroot");
        string index = Path.Combine(folder, "index.html");
        if (!File.Exists(index))
        {
            application.MapFallback(http => http.Request.Path == "/"
                ? http.Response.WriteAsync("Pharos is running. The page was not built (npm was missing); every API works. See /metrics and docs/server.md.\n")
                : NotFoundAsync(http));
            return;
        }
        application.UseStaticFiles(new StaticFileOptions
        {
            FileProvider = new PhysicalFileProvider(folder),
            OnPrepareResponse = file =>
            {
                SetSecurity(file.Context.Response);
                // Built files carry a hash in their names; the page itself does not.
                bool hashed = file.Context.Request.Path.StartsWithSegments("/assets");
                file.Context.Response.Headers.CacheControl = hashed ? "public, max-age=31536000, immutable" : "no-cache";
            },
        });
        application.MapFallback(async http =>
        {
            if (Path.HasExtension(http.Request.Path) || !HttpMethods.IsGet(http.Request.Method) || IsApi(http.Request.Path))
            {
                await NotFoundAsync(http);
                return;
            }
            SetSecurity(http.Response);
            http.Response.Headers.CacheControl = "no-cache";
            http.Response.ContentType = "text/html; charset=utf-8";
            await http.Response.SendFileAsync(index, http.RequestAborted);
        });
    }

    private static bool IsApi(PathString path) => path.StartsWithSegments("/api") || path.StartsWithSegments("/loki") || path.StartsWithSegments("/prometheus")
        || path.StartsWithSegments("/alertmanager/api");

    private static void SetSecurity(HttpResponse response)
    {
        // Labels and log lines are hostile text: nothing but the page's own scripts may run.
        response.Headers.ContentSecurityPolicy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'";
        response.Headers["Referrer-Policy"] = "no-referrer";
    }

    private static Task NotFoundAsync(HttpContext http)
    {
        http.Response.StatusCode = StatusCodes.Status404NotFound;
        http.Response.ContentType = "text/plain; charset=utf-8";
        return http.Response.WriteAsync($"404 page not found: {http.Request.Path}\n");
    }

    private static Task WriteAsync(HttpContext http, byte[] json)
    {
        http.Response.ContentType = "application/json";
        http.Response.Headers.CacheControl = "no-store";
        return http.Response.Body.WriteAsync(json, http.RequestAborted).AsTask();
    }
}
