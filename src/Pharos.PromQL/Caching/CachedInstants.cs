using Pharos.Core;
using Pharos.PromQL.Running;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Caching;

/// <summary>Names an instant query: its text as written, as findings name places in it.</summary>
internal readonly record struct InstantKey(TenantId Tenant, string Query, long TimeMs, long LookbackMs);

/// <param name="Version">Of the store's samples that the query could see, read before it was evaluated.</param>
internal sealed record InstantAnswer(long Version, QueryResult Result);

/// <summary>
/// Answers instant queries that were asked before at the same time, as viewers of one dashboard and rules of one group do, while the store says
/// that nothing they could have seen has changed since.
/// </summary>
internal sealed class CachedInstants(SizedCache<InstantKey, InstantAnswer> cache, IMetricChanges changes, Instruments instruments)
{
    private readonly Counter queries = instruments.Counter("pharos_query_instant_total", "Instant queries that may be kept, by where the answer came from.", "from");

    /// <summary>The answer, or null where the query cannot be kept.</summary>
    public async ValueTask<QueryResult?> TryAnswerAsync(
        TenantId tenant, string query, Expr expr, long timeMs, long lookbackMs, Func<ValueTask<QueryResult>> evaluate)
    {
        if (expr.Type is not (ExprType.Vector or ExprType.Scalar) || Reach.Of(expr, lookbackMs) is not { } reach) return null;
        var key = new InstantKey(tenant, query, timeMs, lookbackMs);
        long version = changes.VersionOf(tenant, reach.FirstMs(timeMs), reach.LastMs(timeMs));
        if (version == IMetricChanges.Unknown) return null;
        if (cache.Find(key) is { } known && known.Version == version)
        {
            queries.With("cache").Add(1);
            return known.Result;
        }
        queries.With("evaluation").Add(1);
        var result = await evaluate().ConfigureAwait(false);
        cache.Put(key, new InstantAnswer(version, result with { Memory = null, Statistics = new QueryStatistics() }), BytesOf(query, result));
        return result;
    }

    private static long BytesOf(string query, QueryResult result) =>
        400 + (query.Length * 2L)
        + result.Vector.Sum(s => 150L + s.Labels.Encoded.Length + (s.Histogram is { } histogram ? QueryMemory.BytesOf(histogram) : 0))
        + result.Warnings.Concat(result.Infos).Sum(t => 40 + (t.Length * 2L));
}
