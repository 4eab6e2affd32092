using System.Diagnostics;
using Pharos.Core;
using Pharos.PromQL.Caching;
using Pharos.PromQL.Execution;
using Pharos.PromQL.Running;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL;

/// <summary>Runs PromQL queries over a store. Safe for several threads.</summary>
public sealed class PromQlEngine : IDisposable
{
    /// <summary>Most steps of a range query, as in Prometheus.</summary>
    public const int StepsMax = 11_000;

    private readonly IMetricQueryable queryable;
    private readonly PromQlOptions options;
    private readonly TimeProvider time;
    private readonly ITenantLimits limits;
    private readonly QueryThreads threads;
    private readonly WorkCrew crew;
    private readonly ProcessMemory memory;
    private readonly ParsedQueries parsed = new();
    private readonly CachedRanges? cached;
    private readonly CachedInstants? instants;
    private readonly Gauge running;
    private readonly Counter samplesTotal;
    private readonly HistogramInstrument durations;

    /// <param name="limits">Samples and time per query by tenant; null for the defaults.</param>
    public PromQlEngine(
        IMetricQueryable queryable, PromQlOptions options, TimeProvider time, Instruments instruments, ITenantLimits? limits = null)
    {
        this.queryable = queryable;
        this.options = options;
        this.time = time;
        this.limits = limits ?? new FixedTenantLimits();
        threads = new QueryThreads("promql", Math.Max(1, options.ConcurrencyMax));
        crew = new WorkCrew("promql-helper", Math.Max(1, options.ParallelismMax) - 1);
        memory = new ProcessMemory(options.MemoryBytesMax);
        Queries = new QueryRegistry(time, options.SlowAfter);
        if (queryable is IMetricChanges changes && options.RangeCacheBytesMax > 0)
        {
            var parts = new SizedCache<PartKey, Part>(options.RangeCacheBytesMax, memory.TryTakeSpare, memory.Return);
            var answers = new SizedCache<InstantKey, InstantAnswer>(options.RangeCacheBytesMax / 8, memory.TryTakeSpare, memory.Return);
            instants = new CachedInstants(answers, changes, instruments);
            memory.Shed = bytes =>
            {
                answers.Shed(bytes);
                parts.Shed(bytes);
            };
            cached = new CachedRanges(parts, changes, time, instruments);
            var kept = instruments.Gauge("pharos_query_range_cache_bytes", "Bytes of finished parts of range queries, and of answers of instant ones, that are kept.");
            instruments.BeforeRead(() => kept.Set(parts.BytesUsed + answers.BytesUsed));
        }
        running = instruments.Gauge("prometheus_engine_queries", "The current number of queries being executed or waiting.");
        instruments.Gauge("prometheus_engine_queries_concurrent_max", "The max number of concurrent queries.").Set(options.ConcurrencyMax);
        var bytes = instruments.Gauge("pharos_query_memory_bytes", "Bytes that running queries, their results and kept parts of results hold, by the engine's own account.");
        instruments.Gauge("pharos_query_memory_bytes_max", "Bytes that all queries may hold together; 0 for no limit.").Set(options.MemoryBytesMax);
        instruments.BeforeRead(() => bytes.Set(memory.BytesUsed));
        samplesTotal = instruments.Counter("prometheus_engine_query_samples_total", "The total number of samples loaded by all queries.");
        durations = instruments.Histogram(
            "prometheus_engine_query_duration_seconds", "Query timings.", [.001, .005, .01, .05, .1, .5, 1, 2, 5, 10, 30, 60, 120], "slice");
    }

    public PromQlOptions Options => options;

    /// <summary>The queries that run, and those that were slow; other engines may note theirs here too.</summary>
    public QueryRegistry Queries { get; }

    /// <summary>Told of each query that is over; null where nobody keeps a log of them.</summary>
    public Action<FinishedQuery>? Finished { get; set; }

    /// <summary>Bytes that running queries, their results and kept parts of results hold now.</summary>
    public long MemoryBytesUsed => memory.BytesUsed;

    /// <summary>Reads and type-checks a query, or remembers it.</summary>
    /// <exception cref="QueryException">Kind BadData; the message says line:column, what was found and what was expected.</exception>
    public Expr Parse(string query) => parsed.Parse(query);

    /// <summary>Evaluates at one time.</summary>
    /// <exception cref="QueryException">The query is wrong, failed, passed a limit or was cancelled.</exception>
    public ValueTask<QueryResult> InstantAsync(
        TenantId tenant, string query, long timestampMs, QuerySettings? settings = null, CancellationToken cancel = default) =>
        InstantAsync(tenant, query, Parse(query), timestampMs, settings, cancel);

    /// <summary>Evaluates a query that was read already. The text must be that of the tree: findings name places in it.</summary>
    /// <exception cref="QueryException">The query failed, passed a limit or was cancelled.</exception>
    public ValueTask<QueryResult> InstantAsync(
        TenantId tenant, string query, Expr expr, long timestampMs, QuerySettings? settings = null, CancellationToken cancel = default) =>
        ToldAsync(InstantOrKeptAsync(tenant, query, expr, timestampMs, settings ?? QuerySettings.Default, cancel), query, timestampMs, timestampMs, 0, settings);

    /// <summary>Evaluates at every step from start to end, both inclusive, Unix milliseconds.</summary>
    /// <exception cref="QueryException">The query is wrong, failed, passed a limit or was cancelled.</exception>
    public ValueTask<QueryResult> RangeAsync(
        TenantId tenant, string query, long startMs, long endMs, long stepMs, QuerySettings? settings = null, CancellationToken cancel = default) =>
        RangeAsync(tenant, query, Parse(query), startMs, endMs, stepMs, settings, cancel);

    /// <inheritdoc cref="RangeAsync(TenantId, string, long, long, long, QuerySettings?, CancellationToken)"/>
    public ValueTask<QueryResult> RangeAsync(
        TenantId tenant, string query, Expr expr, long startMs, long endMs, long stepMs, QuerySettings? settings = null, CancellationToken cancel = default) =>
        ToldAsync(RangeInPartsAsync(tenant, query, expr, startMs, endMs, stepMs, settings, cancel), query, startMs, endMs, stepMs, settings);

    public void Dispose()
    {
        threads.Dispose();
        crew.Dispose();
    }

    /// <summary>Waits for a query and tells of its end.</summary>
    private async ValueTask<QueryResult> ToldAsync(ValueTask<QueryResult> query, string text, long startMs, long endMs, long stepMs, QuerySettings? settings)
    {
        Spans.Current?.SetTag("query", text);
        try
        {
            var result = await query.ConfigureAwait(false);
            Finished?.Invoke(new FinishedQuery(text, startMs, endMs, stepMs, result.Statistics, null, settings?.Origin));
            return result;
        }
        catch (QueryException e)
        {
            Finished?.Invoke(new FinishedQuery(text, startMs, endMs, stepMs, null, e.Message, settings?.Origin));
            throw;
        }
    }

    private async ValueTask<QueryResult> RangeInPartsAsync(
        TenantId tenant, string query, Expr expr, long startMs, long endMs, long stepMs, QuerySettings? settings, CancellationToken cancel)
    {
        if (expr.Type is not (ExprType.Scalar or ExprType.Vector))
        {
            throw new QueryException(
                QueryErrorKind.BadData, $"invalid expression type \"{TypeChecker.Name(expr.Type)}\" for range query, must be Scalar or instant Vector");
        }
        if (stepMs <= 0) throw new QueryException(QueryErrorKind.BadData, "zero or negative query resolution step widths are not accepted. Try a positive integer");
        if (endMs < startMs) throw new QueryException(QueryErrorKind.BadData, "end timestamp must not be before start time");
        long steps = ((endMs - startMs) / stepMs) + 1;
        if (steps > 11_000_000) throw new QueryException(QueryErrorKind.BadData, $"range query has {steps} steps; use a larger step");
        settings ??= QuerySettings.Default;
        var grid = new Grid(startMs, stepMs, (int)steps);
        if (cached is not null && MayUseCache(settings))
        {
            var answer = await cached.TryAnswerAsync(
                tenant, query, expr, grid, LookbackMs(settings), part => RunAsync(tenant, query, expr, part, part.EndMs, isRange: true, settings, cancel)).ConfigureAwait(false);
            if (answer is not null) return answer;
        }
        return await RunAsync(tenant, query, expr, grid, endMs, isRange: true, settings, cancel).ConfigureAwait(false);
    }

    private ValueTask<QueryResult> InstantOrKeptAsync(
        TenantId tenant, string query, Expr expr, long timestampMs, QuerySettings settings, CancellationToken cancel)
    {
        return instants is not null && MayUseCache(settings) ? AnswerAsync() : EvaluateAsync();

        ValueTask<QueryResult> EvaluateAsync() => RunAsync(tenant, query, expr, new Grid(timestampMs, 0, 1), timestampMs, isRange: false, settings, cancel);

        async ValueTask<QueryResult> AnswerAsync() =>
            await instants.TryAnswerAsync(tenant, query, expr, timestampMs, LookbackMs(settings), EvaluateAsync).ConfigureAwait(false)
            ?? await EvaluateAsync().ConfigureAwait(false);
    }

    private static bool MayUseCache(QuerySettings settings) => settings is { UseCache: true, Trace: false, StatisticsPerStep: false, SamplesMax: null };

    private long LookbackMs(QuerySettings settings) => (long)(settings.Lookback ?? options.Lookback).TotalMilliseconds;

    private async ValueTask<QueryResult> RunAsync(
        TenantId tenant, string query, Expr expr, Grid grid, long endMs, bool isRange, QuerySettings settings, CancellationToken cancel)
    {
        var tenantLimits = limits.For(tenant);
        var timeout = tenantLimits.QueryTimeout;
        if (settings.Timeout is { } shorter && (timeout <= TimeSpan.Zero || shorter < timeout)) timeout = shorter;
        var active = Queries.Begin(tenant, "promql", query, grid.StartMs, endMs, grid.StepMs, cancel);
        using var deadline = timeout > TimeSpan.Zero ? new CancellationTokenSource(timeout, time) : new CancellationTokenSource();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, active.Cancel);
        long asked = time.GetTimestamp(), began = asked;
        using var span = Spans.Current?.Source.StartActivity("promqlExec");
        string? error = "internal error";
        running.Add(1);
        try
        {
            var result = await threads.RunAsync(
                tenant,
                () =>
                {
                    began = time.GetTimestamp();
                    Activity.Current = span;
                    var run = new Evaluation(
                        queryable, tenant, query, grid, options, LookbackMs(settings),
                        settings.SamplesMax ?? tenantLimits.QuerySamplesMax, new QueryMemory(memory, tenantLimits.QueryMemoryBytesMax), either.Token)
                    {
                        Crew = crew,
                        EndMs = endMs,
                        Budget = QueryBudget.Of(tenantLimits),
                        IsRangeQuery = isRange,
                        PerStep = settings.StatisticsPerStep ? new long[grid.Count] : null,
                        Trace = settings.Trace ? new QueryTrace(time) : null,
                    };
                    active.Usage = isOver => new QueryUsage(run.SeriesSelected, run.SamplesLoaded, isOver ? run.Memory.BytesPeak : run.Memory.BytesHeld);
                    return Evaluate(run, expr, time.GetElapsedTime(asked, began), began);
                },
                either.Token).ConfigureAwait(false);
            error = null;
            return result;
        }
        catch (Exception e)
        {
            var failure = Failure(e, active.WasKilled, active.Id, cancel.IsCancellationRequested, timeout, time.GetElapsedTime(asked, began));
            error = failure.Message;
            if (failure == e) throw;
            throw failure;
        }
        finally
        {
            running.Add(-1);
            Queries.End(active, error);
            if (span is not null) Phases(span, error, time.GetElapsedTime(asked, began), time.GetElapsedTime(began));
        }
    }

    /// <summary>What a query's span is made of, told when it is over.</summary>
    private static void Phases(Activity span, string? error, TimeSpan waited, TimeSpan took)
    {
        if (error is not null) span.SetStatus(ActivityStatusCode.Error, error);
        Phase("promqlExecQueue", span.StartTimeUtc, waited);
        Phase("promqlInnerEval", span.StartTimeUtc + waited, took);

        void Phase(string name, DateTime start, TimeSpan length)
        {
            using var phase = span.Source.StartActivity(name, ActivityKind.Internal, span.Context, startTime: start);
            phase?.SetEndTime(start + length);
        }
    }

    private QueryResult Evaluate(Evaluation run, Expr expr, TimeSpan waited, long began)
    {
        IDisposable? held = null;
        try
        {
            var result = new ResultBuilder(run).Build(expr);
            double took = time.GetElapsedTime(began).TotalSeconds;
            samplesTotal.Add(run.SamplesLoaded);
            durations.Observe(waited.TotalSeconds, "queue_time");
            durations.Observe(took, "inner_eval");
            var findings = run.Annotations.Findings;
            result = result with
            {
                Findings = findings,
                Warnings = Finding.Texts(findings, warnings: true, run.Query),
                Infos = Finding.Texts(findings, warnings: false, run.Query),
                Statistics = new QueryStatistics
                {
                    SamplesQueryable = run.SamplesQueryable,
                    SamplesLoaded = run.SamplesLoaded,
                    SamplesPeak = run.SamplesPeak,
                    SeriesSelected = run.SeriesSelected,
                    QueueSeconds = waited.TotalSeconds,
                    EvaluationSeconds = took,
                    PerStep = run.PerStep?.Select((n, i) => (run.Grid.At(i), n)).ToArray(),
                    BytesPeak = run.Memory.BytesPeak,
                    Trace = run.Trace?.Tree(expr, run.Query, run.UsageIn),
                },
            };
            held = run.Memory.Finish(run.ResultBytes);
            return result with { Memory = held };
        }
        finally
        {
            if (held is null) run.Memory.Finish(0).Dispose();
        }
    }

    /// <summary>What went wrong, in the terms of the API.</summary>
    private static QueryException Failure(Exception e, bool killed, long id, bool clientLeft, TimeSpan timeout, TimeSpan waited) => e switch
    {
        QueryException known => known,
        OperationCanceledException when killed => new QueryException(QueryErrorKind.Canceled, $"query {id} was ended by an operator", inner: e),
        OperationCanceledException when clientLeft => new QueryException(QueryErrorKind.Canceled, "query was canceled in expression evaluation", inner: e),
        OperationCanceledException => new QueryException(
            QueryErrorKind.Timeout,
            FormattableString.Invariant(
                $"query timed out in expression evaluation after {timeout.TotalSeconds:0.###}s, of which {waited.TotalSeconds:0.###}s waiting for a free evaluator; narrow the selectors or the range, or raise the query timeout"),
            inner: e),
        OutOfMemoryException => new QueryException(
            QueryErrorKind.Execution, "the process has no memory left for the query; select fewer series, a shorter range or a larger step", inner: e),
        InsufficientExecutionStackException => new QueryException(
            QueryErrorKind.Execution, "query is nested too deeply to be evaluated; split it, for example by a recording rule", inner: e),
        _ => new QueryException(QueryErrorKind.Internal, $"evaluation failed: {e.Message}", inner: e),
    };
}
