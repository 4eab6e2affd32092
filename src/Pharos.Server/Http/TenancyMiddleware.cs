using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Pharos.Core;

namespace Pharos.Server.Http;

/// <summary>
/// Resolves the tenant of each request: <c>X-Scope-OrgID</c>, of a WebSocket also in its address, else the user name of basic authentication.
/// Without multi-tenancy every request is tenant <c>anonymous</c>.
/// </summary>
internal static class TenancyMiddleware
{
    /// <summary>Paths that belong to no tenant.</summary>
    private static readonly string[] Open = ["/metrics", "/-/", "/ready", "/api/pharos/v1/me", "/api/pharos/v1/architecture"];

    private static readonly string[] TenantPaths =
    [
        "/api/", "/prometheus/", "/loki/", "/alertmanager/", "/otlp/", "/config/v1/", "/collector.v1.", "/pipeline.v1.", "/tenant.v1.", "/federate",
        "/multitenant_alertmanager/", "/compactor/", "/write", "/config/tenant/", "/ruler/",
    ];

    /// <summary>Reads that may name several tenants, with and without <c>/prometheus</c> before them.</summary>
    private static readonly string[] FederatedReads =
    [
        "/api/v1/query", "/api/v1/query_range", "/api/v1/query_exemplars", "/api/v1/series", "/api/v1/labels", "/api/v1/metadata", "/api/v1/read",
        "/api/v1/format_query", "/api/v1/parse_query", "/api/v1/status/buildinfo",
    ];

    /// <summary>The same of logs, under <c>/loki/api/v1/</c> and <c>/api/prom/</c>.</summary>
    private static readonly string[] FederatedLogReads =
    [
        "query", "query_range", "labels", "label", "series", "index/stats", "index/volume", "index/volume_range", "index/shards", "detected_labels",
        "patterns", "format_query", "status/buildinfo", "drilldown-limits",
    ];

    /// <param name="federatedMax">Most tenants that one read may name as <c>a|b</c>; 0 = any number, 1 = only one.</param>
    public static void UseTenancy(this IApplicationBuilder application, bool multitenancy, int federatedMax = 1)
    {
        if (!multitenancy) return;
        application.Use(async (http, next) =>
        {
            string path = http.Request.Path.Value ?? "/";
            string? named = http.Request.Headers[RequestTenant.Header].FirstOrDefault() ?? OfWebSocket(http) ?? BasicUser(http.Request);
            if (named is not null)
            {
                var (tenant, status, error) = Read(named, path, federatedMax);
                if (error is not null)
                {
                    await Refuse(http, status, error);
                    return;
                }
                http.SetTenant(tenant);
            }
            else if (IsUnder(path, TenantPaths) && !IsUnder(path, Open))
            {
                await Refuse(http, StatusCodes.Status401Unauthorized, "no org id");
                return;
            }
            await next(http);
        });
    }

    /// <summary>Asks collectors for one of these tokens as the password of basic authentication; without tokens for nothing.</summary>
    public static void UseFleetTokens(this IApplicationBuilder application, IReadOnlyList<string> tokens)
    {
        if (tokens.Count == 0) return;
        var accepted = tokens.Select(Encoding.UTF8.GetBytes).ToArray();
        application.Use(async (http, next) =>
        {
            if (http.Request.Path.StartsWithSegments("/collector.v1.CollectorService/GetConfig") || http.Request.Path.StartsWithSegments("/collector.v1.CollectorService/RegisterCollector"))
            {
                byte[] given = Encoding.UTF8.GetBytes(Basic(http.Request)?.Password ?? "");
                if (!accepted.Any(t => CryptographicOperations.FixedTimeEquals(t, given)))
                {
                    http.Response.StatusCode = StatusCodes.Status401Unauthorized;
                    http.Response.ContentType = "application/json";
                    await http.Response.WriteAsync("{\"code\":\"unauthenticated\",\"message\":\"the collector's password is not a token of this fleet\"}");
                    return;
                }
            }
            await next(http);
        });
    }

    /// <summary>User name and password of basic authentication, or null.</summary>
    public static (string User, string Password)? Basic(HttpRequest request)
    {
        string? header = request.Headers.Authorization.FirstOrDefault();
        if (header is null || !header.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase)) return null;
        var bytes = new byte[header.Length];
        if (!Convert.TryFromBase64String(header[6..].Trim(), bytes, out int length)) return null;
        string text = Encoding.UTF8.GetString(bytes, 0, length);
        int colon = text.IndexOf(':');
        return colon < 0 ? null : (text[..colon], text[(colon + 1)..]);
    }

    private static (TenantId Tenant, int Status, string? Error) Read(string named, string path, int federatedMax)
    {
        TenantId tenant;
        string? error;
        if (federatedMax == 1 ? !TenantId.TryParse(named, out tenant, out error) : !TenantId.TryParseFederated(named, out tenant, out error))
            return (tenant, StatusCodes.Status400BadRequest, error);
        if (!tenant.IsFederated) return (tenant, 0, null);
        if (!IsFederatedRead(path)) return (tenant, StatusCodes.Status400BadRequest, $"multiple org IDs present: {path} takes one tenant, not {tenant}; only queries read several");
        int count = tenant.Members.Count;
        return federatedMax > 0 && count > federatedMax
            ? (tenant, StatusCodes.Status422UnprocessableEntity, $"too many tenants, max: {federatedMax}, actual: {count}; to adjust the limit, set tenant_federation.max_tenants")
            : (tenant, 0, null);
    }

    /// <summary>Case does not count for routes, so neither here.</summary>
    private static bool IsUnder(string path, string[] prefixes) => prefixes.Any(p => path.StartsWith(p, StringComparison.OrdinalIgnoreCase));

    private static bool IsFederatedRead(string path)
    {
        foreach (string logs in (string[])["/loki/api/v1/", "/api/prom/"])
        {
            if (!path.StartsWith(logs, StringComparison.Ordinal)) continue;
            string read = path[logs.Length..];
            return FederatedLogReads.Contains(read, StringComparer.Ordinal) || read.StartsWith("label/", StringComparison.Ordinal) || read.StartsWith("detected_field", StringComparison.Ordinal);
        }
        if (path.StartsWith("/prometheus/", StringComparison.Ordinal)) path = path["/prometheus".Length..];
        return FederatedReads.Contains(path, StringComparer.Ordinal) || (path.StartsWith("/api/v1/label/", StringComparison.Ordinal) && path.EndsWith("/values", StringComparison.Ordinal));
    }

    /// <summary>A browser cannot set headers on a WebSocket: there the tenant may stand in the address.</summary>
    private static string? OfWebSocket(HttpContext http) =>
        http.WebSockets.IsWebSocketRequest && http.Request.Query[RequestTenant.Header].FirstOrDefault() is { Length: > 0 } named ? named : null;

    private static string? BasicUser(HttpRequest request) => Basic(request) is { User.Length: > 0 } basic ? basic.User : null;

    private static async Task Refuse(HttpContext http, int status, string text)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "text/plain; charset=utf-8";
        await http.Response.WriteAsync(text + "\n");
    }
}
