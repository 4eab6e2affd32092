using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Pharos.Core;
using Pharos.Server.Http;
using Pharos.Server.Prometheus;

namespace Pharos.Server.Mimir;

/// <summary>
/// Refuses reads of metrics before they run: blocked requests and queries, queries that run too often, texts too long, ranges too long.
/// Rules are not held to it. Safe for several threads.
/// </summary>
internal sealed class QueryLimits(ITenantLimits limits, TimeProvider time)
{
    private static readonly string[] QueryPaths = ["/api/v1/query", "/api/v1/query_range", "/api/v1/query_exemplars"];
    private static readonly string[] ReadPaths = [.. QueryPaths, "/api/v1/series", "/api/v1/labels", "/api/v1/metadata", "/api/v1/read"];

    // When a limited query last ran, by tenant and query.
    private readonly ConcurrentDictionary<(TenantId Tenant, string Query), long> lastRuns = new();

    /// <summary>The answer to a request that must not run; null where it may.</summary>
    public async ValueTask<QueryException?> RefusesAsync(HttpContext http)
    {
        string path = http.Request.Path.Value ?? "";
        if (path.StartsWith("/prometheus/", StringComparison.Ordinal)) path = path["/prometheus".Length..];
        bool isQuery = QueryPaths.Contains(path, StringComparer.Ordinal);
        if (!isQuery && !ReadPaths.Contains(path, StringComparer.Ordinal) && !path.StartsWith("/api/v1/label/", StringComparison.Ordinal)) return null;
        var tenant = http.Tenant();
        var allowed = limits.For(tenant);
        if (allowed is { QueryTextBytesMax: 0, BlockedRequests.Count: 0, BlockedQueries.Count: 0, LimitedQueries.Count: 0 } && allowed.QueryLengthMax == TimeSpan.Zero) return null;
        var parameters = await QueryParameters.ReadAsync(http);
        if (allowed.BlockedRequests.Any(r => Blocks(r, http.Request, path, parameters)))
            return Refused(QueryErrorKind.BadData, "request-blocked", "the request has been blocked by the cluster administrator", "blocked_requests");
        return isQuery ? Refuses(tenant, allowed, path, parameters) : null;
    }

    private QueryException? Refuses(TenantId tenant, TenantLimits allowed, string path, QueryParameters parameters)
    {
        string query = parameters["query"];
        int bytes = Encoding.UTF8.GetByteCount(query);
        if (allowed.QueryTextBytesMax > 0 && bytes > allowed.QueryTextBytesMax)
        {
            return Refused(
                QueryErrorKind.BadData, "max-query-expression-size-bytes",
                $"the raw query size in bytes exceeds the limit (query size: {bytes}, limit: {allowed.QueryTextBytesMax})", "max_query_expression_size_bytes");
        }
        if (allowed.BlockedQueries.FirstOrDefault(r => r.Matches(query)) is { } blocked)
        {
            string reason = blocked.Reason.Length == 0 ? "" : $", reason: {blocked.Reason}";
            return Refused(QueryErrorKind.BadData, "query-blocked", $"the request has been blocked by the cluster administrator{reason}", "blocked_queries");
        }
        if (path.EndsWith("query_range", StringComparison.Ordinal) && allowed.QueryLengthMax > TimeSpan.Zero)
        {
            var length = TimeSpan.FromMilliseconds(parameters.RequiredTimeMs("end") - (double)parameters.RequiredTimeMs("start"));
            if (length > allowed.QueryLengthMax)
            {
                return Refused(
                    QueryErrorKind.BadData, "max-total-query-length",
                    $"the total query time range exceeds the limit (query length: {PromDuration.Format(length)}, limit: {PromDuration.Format(allowed.QueryLengthMax)})", "max_total_query_length");
            }
        }
        return allowed.LimitedQueries.FirstOrDefault(r => r.Matches(query)) is { } limited ? RunsTooOften(tenant, limited) : null;
    }

    private QueryException? RunsTooOften(TenantId tenant, QueryRule limited)
    {
        long nowMs = time.UnixMs();
        bool ran = false;
        lastRuns.AddOrUpdate(
            (tenant, limited.Pattern),
            _ =>
            {
                ran = true;
                return nowMs;
            },
            (_, before) =>
            {
                ran = nowMs - before >= (long)limited.AllowedEvery.TotalMilliseconds;
                return ran ? nowMs : before;
            });
        return ran
            ? null
            : Refused(QueryErrorKind.TooMany, "query-limited",
                $"the request has been limited by the cluster administrator because the query may run once in {PromDuration.Format(limited.AllowedEvery)}", "limited_queries");
    }

    private static bool Blocks(RequestRule rule, HttpRequest request, string path, QueryParameters parameters) =>
        (rule.Path.Length == 0 || rule.Path == path || rule.Path == request.Path.Value)
        && (rule.Method.Length == 0 || rule.Method.Equals(request.Method, StringComparison.OrdinalIgnoreCase))
        && rule.Parameters.All(p => parameters.All(p.Key).Contains(p.Value, StringComparer.Ordinal));

    private static QueryException Refused(QueryErrorKind kind, string code, string what, string setting) =>
        new(kind, $"{what} (err-mimir-{code}). To adjust the related per-tenant limit, set {setting}");
}

internal static class QueryLimitsMiddleware
{
    public static void UseQueryLimits(this IApplicationBuilder application, ITenantLimits limits, TimeProvider time)
    {
        var queries = new QueryLimits(limits, time);
        application.Use(async (http, next) =>
        {
            QueryException? refused;
            try
            {
                refused = await queries.RefusesAsync(http);
            }
            catch (QueryException wrong)
            {
                refused = wrong;
            }
            if (refused is null) await next(http);
            else await PrometheusJson.ErrorAsync(http, refused);
        });
    }
}
