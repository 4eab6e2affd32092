using Pharos.Core;
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
        threads = new QueryThreads(Math.Max(1, options.ConcurrencyMax));
        running = instruments.Gauge("prometheus_engine_queries", "The current number of queries being executed or waiting.");
        instruments.Gauge("prometheus_engine_queries_concurrent_max", "The max number of concurrent queries.").Set(options.ConcurrencyMax);
        samplesTotal = instruments.Counter("prometheus_engine_query_samples_total", "The total number of samples loaded by all queries.");
        durations = instruments.Histogram(
            "prometheus_engine_query_duration_seconds", "Query timings.", [.001, .005, .01, .05, .1, .5, 1, 2, 5, 10, 30, 60, 120], "slice");
    }

    public PromQlOptions Options => options;

    /// <summary>Evaluates at one time.</summary>
    /// <exception cref="QueryException">The query is wrong, failed, passed a limit or was cancelled.</exception>
    public ValueTask<QueryResult> InstantAsync(
        TenantId tenant, string query, long timestampMs, QuerySettings? settings = null, CancellationToken cancel = default) =>
        InstantAsync(tenant, query, PromQlLanguage.Parse(query), timestampMs, settings, cancel);

    /// <summary>Evaluates a query that was read already. The text must be that of the tree: findings name places in it.</summary>
    /// <exception cref="QueryException">The query failed, passed a limit or was cancelled.</exception>
    public ValueTask<QueryResult> InstantAsync(
        TenantId tenant, string query, Expr expr, long timestampMs, QuerySettings? settings = null, CancellationToken cancel = default) =>
        RunAsync(tenant, query, expr, new Grid(timestampMs, 0, 1), timestampMs, isRange: false, settings ?? QuerySettings.Default, cancel);

    /// <summary>Evaluates at every step from start to end, both inclusive, Unix milliseconds.</summary>
    /// <exception cref="QueryException">The query is wrong, failed, passed a limit or was cancelled.</exception>
    public ValueTask<QueryResult> RangeAsync(
        TenantId tenant, string query, long startMs, long endMs, long stepMs, QuerySettings? settings = null, CancellationToken cancel = default) =>
        RangeAsync(tenant, query, PromQlLanguage.Parse(query), startMs, endMs, stepMs, settings, cancel);

    /// <inheritdoc cref="RangeAsync(TenantId, string, long, long, long, QuerySettings?, CancellationToken)"/>
    public ValueTask<QueryResult> RangeAsync(
        TenantId tenant, string query, Expr expr, long startMs, long endMs, long stepMs, QuerySettings? settings = null, CancellationToken cancel = default)
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
        return RunAsync(tenant, query, expr, new Grid(startMs, stepMs, (int)steps), endMs, isRange: true, settings ?? QuerySettings.Default, cancel);
    }

    public void Dispose() => threads.Dispose();

    private async ValueTask<QueryResult> RunAsync(
        TenantId tenant, string query, Expr expr, Grid grid, long endMs, bool isRange, QuerySettings settings, CancellationToken cancel)
    {
        var tenantLimits = limits.For(tenant);
        var timeout = tenantLimits.QueryTimeout;
        if (settings.Timeout is { } shorter && (timeout <= TimeSpan.Zero || shorter < timeout)) timeout = shorter;
        using var deadline = timeout > TimeSpan.Zero ? new CancellationTokenSource(timeout, time) : new CancellationTokenSource();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancel);
        long asked = time.GetTimestamp(), began = asked;
        running.Add(1);
        try
        {
            return await threads.RunAsync(
                () =>
                {
                    began = time.GetTimestamp();
                    var run = new Evaluation(
                        queryable, tenant, query, grid, options, (long)(settings.Lookback ?? options.Lookback).TotalMilliseconds,
                        settings.SamplesMax ?? tenantLimits.QuerySamplesMax, either.Token)
                    {
                        EndMs = endMs,
                        Budget = QueryBudget.Of(tenantLimits),
                        IsRangeQuery = isRange,
                        PerStep = settings.StatisticsPerStep ? new long[grid.Count] : null,
                    };
                    var result = new ResultBuilder(run).Build(expr);
                    double waited = time.GetElapsedTime(asked, began).TotalSeconds, took = time.GetElapsedTime(began).TotalSeconds;
                    samplesTotal.Add(run.SamplesLoaded);
                    durations.Observe(waited, "queue_time");
                    durations.Observe(took, "inner_eval");
                    return result with
                    {
                        Warnings = run.Annotations.Warnings,
                        Infos = run.Annotations.Infos,
                        Statistics = new QueryStatistics
                        {
                            SamplesQueryable = run.SamplesQueryable,
                            SamplesLoaded = run.SamplesLoaded,
                            SamplesPeak = run.SamplesPeak,
                            SeriesSelected = run.SeriesSelected,
                            QueueSeconds = waited,
                            EvaluationSeconds = took,
                            PerStep = run.PerStep?.Select((n, i) => (grid.At(i), n)).ToArray(),
                        },
                    };
                },
                either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e)
        {
            if (cancel.IsCancellationRequested)
                throw new QueryException(QueryErrorKind.Canceled, "query was canceled in expression evaluation", inner: e);
            double waited = time.GetElapsedTime(asked, began).TotalSeconds;
            throw new QueryException(
                QueryErrorKind.Timeout,
                FormattableString.Invariant(
                    $"query timed out in expression evaluation after {timeout.TotalSeconds:0.###}s, of which {waited:0.###}s waiting for a free evaluator; narrow the selectors or the range, or raise the query timeout"),
                inner: e);
        }
        catch (InsufficientExecutionStackException e)
        {
            throw new QueryException(QueryErrorKind.Execution, "query is nested too deeply to be evaluated; split it, for example by a recording rule", inner: e);
        }
        catch (Exception e) when (e is not QueryException)
        {
            throw new QueryException(QueryErrorKind.Internal, $"evaluation failed: {e.Message}", inner: e);
        }
        finally
        {
            running.Add(-1);
        }
    }
}
