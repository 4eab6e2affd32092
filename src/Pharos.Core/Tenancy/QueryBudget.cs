namespace Pharos.Core;

/// <summary>
/// What one query may still touch of a store, after the limits of its tenant. A store counts what it hands out;
/// passing a limit ends the query with HTTP 422. Safe for several threads.
/// </summary>
public sealed class QueryBudget
{
    private readonly long seriesMax;
    private readonly long chunksMax;
    private readonly long chunkBytesMax;
    private long series;
    private long chunks;
    private long chunkBytes;

    private QueryBudget(TenantLimits limits)
    {
        seriesMax = limits.QuerySeriesMax;
        chunksMax = limits.QueryChunksMax;
        chunkBytesMax = limits.QueryChunkBytesMax;
    }

    /// <summary>Null where the limits set none.</summary>
    public static QueryBudget? Of(TenantLimits limits) =>
        limits is { QuerySeriesMax: 0, QueryChunksMax: 0, QueryChunkBytesMax: 0 } ? null : new QueryBudget(limits);

    /// <summary>Whether bytes of chunks are limited, and have to be looked up.</summary>
    public bool CountsBytes => chunkBytesMax > 0;

    /// <summary>Counts what was touched besides.</summary>
    /// <exception cref="QueryException">That passes a limit.</exception>
    public void Take(int moreSeries, int moreChunks, long moreBytes)
    {
        if (Interlocked.Add(ref series, moreSeries) > seriesMax && seriesMax > 0)
            throw Over("max-series-per-query", $"the query exceeded the maximum number of series (limit: {seriesMax} series)", "max_fetched_series_per_query");
        if (Interlocked.Add(ref chunks, moreChunks) > chunksMax && chunksMax > 0)
            throw Over("max-chunks-per-query", $"the query exceeded the maximum number of chunks (limit: {chunksMax} chunks)", "max_fetched_chunks_per_query");
        if (Interlocked.Add(ref chunkBytes, moreBytes) > chunkBytesMax && chunkBytesMax > 0)
            throw Over("max-chunks-bytes-per-query", $"the query exceeded the aggregated chunks size limit (limit: {chunkBytesMax} bytes)", "max_fetched_chunk_bytes_per_query");
    }

    private static QueryException Over(string code, string what, string setting) => new(
        QueryErrorKind.Execution,
        $"{what} (err-mimir-{code}). Consider reducing the time range and/or number of series selected by the query. Otherwise, to adjust the related per-tenant limit, set {setting}");
}
