using Pharos.Core;
using Pharos.LogQL.Syntax;

namespace Pharos.LogQL.Serving;

/// <summary>
/// LogQL for clients: on threads that tenants take turns at, listed while it runs, within the tenant's limits, and from finished parts
/// where the lines are still what they were. Where an answer would pass a limit of size, it is a part with a warning. Safe for several threads.
/// </summary>
public sealed class LogQueryService : IDisposable
{
    private readonly LogQlEngine engine;
    private readonly ILogQueryable store;
    private readonly QueryRegistry registry;
    private readonly TimeProvider time;
    private readonly QueryThreads threads;
    private readonly CachedMatrices? matrices;
    private readonly CachedLines? lines;
    private readonly HistogramInstrument waits;
    private readonly Counter parts;

    /// <param name="store">Tells its changes (<see cref="ILogChanges"/>), or nothing of it is kept.</param>
    public LogQueryService(LogQlEngine engine, ILogQueryable store, QueryRegistry registry, TimeProvider time, Instruments instruments, LogServingOptions options)
    {
        this.engine = engine;
        this.store = store;
        this.registry = registry;
        this.time = time;
        threads = new QueryThreads("logql", Math.Max(1, options.ThreadsMax));
        waits = instruments.Histogram("loki_query_scheduler_queue_duration_seconds", "Time spent by requests in queue before getting picked up by a querier.", HistogramInstrument.DefaultBounds);
        parts = instruments.Counter("pharos_logql_parts_total", "Parts of the ranges of LogQL queries by where they came from.", "from");
        if (store is not ILogChanges changes || options.CacheBytesMax <= 0) return;
        matrices = new CachedMatrices(options.CacheBytesMax, changes);
        lines = new CachedLines(options.CacheBytesMax, changes);
        var kept = instruments.Gauge("pharos_logql_cache_bytes", "Bytes of finished parts of LogQL queries that are kept.");
        instruments.BeforeRead(() => kept.Set(matrices.BytesUsed + lines.BytesUsed));
    }

    /// <summary>Runs a query over a range of time. A log query's limit above the tenant's is lowered to it, with a warning.</summary>
    /// <param name="useCache">False: nothing is taken from finished parts or put there.</param>
    /// <exception cref="QueryException">The query is wrong, failed, passed a limit or was ended.</exception>
    public async Task<LogQlResult> RangeAsync(TenantId tenant, TenantLimits limits, LogQlRangeQuery query, bool useCache, CancellationToken cancel)
    {
        var warnings = new List<string>();
        switch (Prepare(limits, query))
        {
            case MetricExpr metric:
                engine.CheckPoints(query);
                var matrix = await RunAsync(tenant, limits, query, stops: false, (over, stop) =>
                {
                    return useCache && matrices is not null ? matrices.Answer(tenant, metric, query, Evaluate) : Evaluate(query.StartNs, query.EndNs);

                    LogQlResult Evaluate(long from, long to) => engine.Matrix(over, tenant, limits, metric, query with { StartNs = from, EndNs = to }, stop);
                }, cancel).ConfigureAwait(false);
                return WithinSeries(matrix, limits);
            case var expr:
                var log = (LogExpr)expr;
                int most = limits.LogQueryEntriesMax;
                if (most > 0 && query.Limit > most)
                {
                    warnings.Add($"max entries limit per query exceeded, limit > max_entries_limit_per_query ({query.Limit} > {most}): at most {most} lines are given; ask for more by cursor");
                    query = query with { Limit = most };
                }
                var result = await RunAsync(tenant, limits, query, stops: true, (over, stop) =>
                {
                    if (useCache && lines is not null) return lines.Answer(tenant, log, query, Scan);
                    var entries = new List<LogQlEntry>(Math.Min(query.Limit, 1000));
                    if (query.Limit <= 0) return new LogQlResult { Kind = LogQlResultKind.Streams, Statistics = new LogQlStatistics(default, 0, default) };
                    var (statistics, _) = Scan(query.StartNs, query.EndNs, entry =>
                    {
                        entries.Add(entry);
                        return entries.Count < query.Limit;
                    });
                    return new LogQlResult { Kind = LogQlResultKind.Streams, Entries = entries, Statistics = statistics };

                    (LogQlStatistics, bool) Scan(long from, long to, Func<LogQlEntry, bool> take) => ScanWhole(over, tenant, limits, log, query with { StartNs = from, EndNs = to }, take, stop);
                }, cancel).ConfigureAwait(false);
                return warnings.Count == 0 ? result : result with { Warnings = [.. warnings, .. result.Warnings] };
        }
    }

    /// <summary>Runs a metric query at one instant.</summary>
    /// <inheritdoc cref="RangeAsync"/>
    public async Task<LogQlResult> InstantAsync(TenantId tenant, TenantLimits limits, string text, long timestampNs, CancellationToken cancel)
    {
        if (QueryPolicy.Parse(text, limits) is not MetricExpr metric) throw Bad("log queries are not supported as an instant query type, please change your query to a range query type");
        var query = new LogQlRangeQuery { Text = text, StartNs = timestampNs, EndNs = timestampNs, StepNs = 0 };
        return WithinSeries(await RunAsync(tenant, limits, query, stops: false, (over, stop) => engine.Vector(over, tenant, limits, metric, timestampNs, stop), cancel).ConfigureAwait(false), limits);
    }

    /// <summary>
    /// A page of a log query's lines, as many as its limit says: over all pages each line comes once, also where many have the same time and
    /// while lines come in. A page that reads more bytes than the tenant may ends there, and the next one goes on.
    /// </summary>
    /// <param name="cursor">Of the page before; empty for the first.</param>
    /// <inheritdoc cref="RangeAsync"/>
    public async Task<LogPage> PageAsync(TenantId tenant, TenantLimits limits, LogQlRangeQuery query, string cursor, CancellationToken cancel)
    {
        if (Prepare(limits, query) is not LogExpr log) throw Bad("pages by cursor are of log queries, not of metric queries");
        if (query.IntervalNs > 0) throw Bad("pages by cursor have no interval");
        if (query.Limit <= 0) throw Bad("a page needs a limit above 0");
        if (limits.LogQueryEntriesMax > 0) query = query with { Limit = Math.Min(query.Limit, limits.LogQueryEntriesMax) };
        PageCursor? after = cursor.Length == 0 ? null : PageCursor.Read(cursor, query);
        var range = query;
        if (after is { } last) range = query.Backward ? query with { EndNs = Math.Min(query.EndNs, last.TimestampNs + 1) } : query with { StartNs = Math.Max(query.StartNs, last.TimestampNs) };
        string? next = null;
        var result = await RunAsync(tenant, limits, range, stops: true, (over, stop) =>
        {
            var page = new LinePage(query.Limit, after);
            var (statistics, complete) = ScanWhole(over, tenant, limits, log, range, page.Take, stop);
            page.Finish(complete);
            if (over.Stopped && page.Entries.Count == 0) throw Bad("the bytes that a query may read (max_query_bytes_read) end before the first line of the page; narrow the selector or the time range");
            next = page.Next?.Write(query);
            return new LogQlResult { Kind = LogQlResultKind.Streams, Entries = page.Entries, Statistics = statistics with { EntriesReturned = page.Entries.Count } };
        }, cancel).ConfigureAwait(false);
        // What a page leaves for its bytes, the next one has.
        return new LogPage(next is null ? result : result with { Warnings = [] }, next);
    }

    /// <summary>Hands over the lines of a log query one by one, as soon as each is found. The taker is called on one thread and may wait.</summary>
    /// <returns>Warnings and statistics; no entries.</returns>
    /// <inheritdoc cref="RangeAsync"/>
    public async Task<LogQlResult> StreamAsync(TenantId tenant, TenantLimits limits, LogQlRangeQuery query, Action<LogQlEntry> take, CancellationToken cancel)
    {
        if (Prepare(limits, query) is not LogExpr log) throw Bad("only log queries can be streamed, not metric queries");
        return await RunAsync(tenant, limits, query, stops: true, (over, stop) =>
        {
            int left = query.Limit;
            var (statistics, _) = left <= 0 ? (new LogQlStatistics(default, 0, default), true) : ScanWhole(over, tenant, limits, log, query, entry =>
            {
                take(entry);
                return --left > 0;
            }, stop);
            return new LogQlResult { Kind = LogQlResultKind.Streams, Statistics = statistics };
        }, cancel).ConfigureAwait(false);
    }

    /// <summary>Whether a tenant may ask a query at all; for what runs it by other means, such as a tail.</summary>
    /// <exception cref="QueryException">The text is no query, or one that the tenant may not ask.</exception>
    public static void Check(string text, TenantLimits limits) => QueryPolicy.Parse(text, limits);

    /// <summary>Ends the threads once they have done what waits.</summary>
    public void Dispose() => threads.Dispose();

    private static Expr Prepare(TenantLimits limits, LogQlRangeQuery query)
    {
        var expr = QueryPolicy.Parse(query.Text, limits);
        if (query.EndNs < query.StartNs) throw Bad("end timestamp must not be before or equal to start time");
        LogQlEngine.CheckLength(query.AskedNs ?? query.EndNs - query.StartNs, limits);
        return expr;
    }

    private (LogQlStatistics Statistics, bool Complete) ScanWhole(
        MeteredLogs over, TenantId tenant, TenantLimits limits, LogExpr log, LogQlRangeQuery query, Func<LogQlEntry, bool> take, CancellationToken stop)
    {
        bool full = false;
        var statistics = engine.Scan(over, tenant, limits, log, query, entry => !(full = !take(entry)), stop);
        return (statistics, !full && !over.Stopped);
    }

    /// <summary>Runs work in the tenant's turn, as a query that can be listed and ended.</summary>
    private async Task<LogQlResult> RunAsync(
        TenantId tenant, TenantLimits limits, LogQlRangeQuery query, bool stops, Func<MeteredLogs, CancellationToken, LogQlResult> run, CancellationToken cancel)
    {
        if (limits.Logs.OutstandingMax > 0 && threads.Waiting(tenant) >= limits.Logs.OutstandingMax) throw new QueryException(QueryErrorKind.TooMany, "too many outstanding requests");
        var over = new MeteredLogs(store, limits.Logs.QueryBytesMax, stops);
        var active = registry.Begin(tenant, "logql", query.Text, query.StartNs / 1_000_000, query.EndNs / 1_000_000, query.StepNs / 1_000_000, cancel);
        using var deadline = limits.QueryTimeout > TimeSpan.Zero ? new CancellationTokenSource(limits.QueryTimeout, time) : new CancellationTokenSource();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, active.Cancel);
        long asked = time.GetTimestamp();
        string? error = "internal error";
        try
        {
            var result = await threads.RunAsync(tenant, () =>
            {
                var waited = time.GetElapsedTime(asked);
                waits.Observe(waited.TotalSeconds);
                active.Usage = _ => Usage(over.Read);
                long began = time.GetTimestamp();
                var answer = run(over, either.Token);
                int found = answer.Statistics.Cache.Found;
                parts.With("cache").Add(found);
                parts.With("evaluation").Add(Math.Max(1, answer.Statistics.Splits) - found);
                return answer with { Statistics = answer.Statistics with { Waited = waited, Execution = time.GetElapsedTime(began) } };
            }, either.Token).ConfigureAwait(false);
            error = null;
            if (!over.Stopped) return result;
            return result with { Warnings = [.. result.Warnings, $"the query read all {limits.Logs.QueryBytesMax} bytes that it may (max_query_bytes_read): lines may be missing; narrow the selector or the time range"] };
        }
        catch (OperationCanceledException e)
        {
            var failure = active.WasKilled ? new QueryException(QueryErrorKind.Canceled, $"query {active.Id} was ended by an operator", inner: e)
                : cancel.IsCancellationRequested ? new QueryException(QueryErrorKind.Canceled, "the client left before the answer", inner: e)
                : LogQlEngine.TimedOut(limits.QueryTimeout, over.Read, e);
            error = failure.Message;
            throw failure;
        }
        catch (QueryException e)
        {
            error = e.Message;
            throw;
        }
        finally
        {
            registry.End(active, error);
        }
    }

    private static QueryUsage Usage(LogReadStatistics read) => new(0, read.Lines, read.Bytes);

    private static LogQlResult WithinSeries(LogQlResult result, TenantLimits limits)
    {
        int most = limits.LogQuerySeriesMax;
        if (most <= 0 || result.Series.Count <= most) return result;
        return result with
        {
            Series = [.. result.Series.Take(most)],
            Warnings = [.. result.Warnings, $"maximum number of series ({most}) reached for a single query, which has {result.Series.Count}; returning partial results: consider reducing query cardinality by adding more specific stream selectors, reducing the time range, or aggregating results with functions like sum(), count() or topk()"],
        };
    }

    private static QueryException Bad(string message) => new(QueryErrorKind.BadData, message);
}
