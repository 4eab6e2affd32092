using Pharos.Core;
using Pharos.LogQL.Engine;
using Pharos.LogQL.Pipeline;
using Pharos.LogQL.Syntax;

namespace Pharos.LogQL;

/// <summary>Runs LogQL over a log store. Safe for several threads.</summary>
public sealed class LogQlEngine : IDisposable
{
    private readonly ILogQueryable store;
    private readonly ITenantLimits limits;
    private readonly TimeProvider time;
    private readonly LogQlOptions options;
    private readonly WorkCrew crew = new("logql-helper", Environment.ProcessorCount - 1);
    private readonly HistogramInstrument? latency;
    private readonly HistogramInstrument? throughput;

    public LogQlEngine(ILogQueryable store, ITenantLimits limits, TimeProvider time, Instruments? instruments = null, LogQlOptions? options = null)
    {
        this.store = store;
        this.limits = limits;
        this.time = time;
        this.options = options ?? new LogQlOptions();
        latency = instruments?.Histogram(
            "loki_logql_querystats_latency_seconds", "Distribution of latency for LogQL queries.", [0.01, 0.05, 0.25, 0.5, 1, 2, 4, 8, 10, 20, 30, 60], "type", "status_code");
        throughput = instruments?.Histogram(
            "loki_logql_querystats_bytes_processed_per_seconds", "Distribution of bytes processed per second for LogQL queries.",
            [50e6, 100e6, 400e6, 600e6, 800e6, 1e9, 2e9, 5e9, 10e9], "type", "status_code");
    }

    /// <summary>Ends the threads that help queries; those that run go on without.</summary>
    public void Dispose() => crew.Dispose();

    /// <summary>Runs a query over a range of time.</summary>
    /// <exception cref="QueryException">The query is wrong, failed, or passed a limit.</exception>
    public ValueTask<LogQlResult> QueryRangeAsync(TenantId tenant, LogQlRangeQuery query, CancellationToken cancel)
    {
        var expr = Parser.Parse(query.Text);
        var tenantLimits = limits.For(tenant);
        if (query.EndNs < query.StartNs) throw Bad("end timestamp must not be before or equal to start time");
        CheckLength(query.EndNs - query.StartNs, tenantLimits);
        var result = Timed(tenant, tenantLimits, context => expr is LogExpr log
            ? Lines(context, log, query)
            : Matrix(context, (MetricExpr)expr, query), cancel);
        CheckSeries(result.Series.Count, tenantLimits);
        return new ValueTask<LogQlResult>(result);
    }

    /// <summary>Runs a metric query at one instant.</summary>
    /// <inheritdoc cref="QueryRangeAsync"/>
    public ValueTask<LogQlResult> InstantAsync(TenantId tenant, string query, long timestampNs, CancellationToken cancel)
    {
        var expr = Parser.Parse(query);
        if (expr is not MetricExpr metric)
            throw Bad("log queries are not supported as an instant query type, please change your query to a range query type");
        var tenantLimits = limits.For(tenant);
        var result = Timed(tenant, tenantLimits, context => Vector(context, metric, timestampNs), cancel);
        CheckSeries(result.Series.Count, tenantLimits);
        return new ValueTask<LogQlResult>(result);
    }

    /// <summary>Evaluates at all steps of a query over another view of the store; how many series that may give is the caller's to say.</summary>
    internal LogQlResult Matrix(ILogQueryable over, TenantId tenant, TenantLimits tenantLimits, MetricExpr expr, LogQlRangeQuery query, CancellationToken cancel) =>
        Run(new QueryContext(over, tenant, tenantLimits, time, crew, cancel), context => Matrix(context, expr, query));

    /// <summary>Evaluates at one instant, otherwise as <see cref="Matrix(ILogQueryable, TenantId, TenantLimits, MetricExpr, LogQlRangeQuery, CancellationToken)"/>.</summary>
    internal LogQlResult Vector(ILogQueryable over, TenantId tenant, TenantLimits tenantLimits, MetricExpr expr, long timestampNs, CancellationToken cancel) =>
        Run(new QueryContext(over, tenant, tenantLimits, time, crew, cancel), context => Vector(context, expr, timestampNs));

    /// <summary>Hands over the lines of a query in its order until the taker says false; the query's limit does not count here.</summary>
    internal LogQlStatistics Scan(
        ILogQueryable over, TenantId tenant, TenantLimits tenantLimits, LogExpr log, LogQlRangeQuery query, Func<LogQlEntry, bool> take, CancellationToken cancel) =>
        Run(new QueryContext(over, tenant, tenantLimits, time, crew, cancel), context =>
        {
            long count = Scan(context, log, query, take);
            return new LogQlResult { Kind = LogQlResultKind.Streams, Statistics = new LogQlStatistics(default, count, default) };
        }).Statistics;

    private LogQlResult Timed(TenantId tenant, TenantLimits tenantLimits, Func<QueryContext, LogQlResult> query, CancellationToken cancel)
    {
        var longest = tenantLimits.QueryTimeout;
        using var timeout = longest > TimeSpan.Zero ? new CancellationTokenSource(longest, time) : new CancellationTokenSource();
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancel, timeout.Token);
        var context = new QueryContext(store, tenant, tenantLimits, time, crew, both.Token);
        try
        {
            return Run(context, query);
        }
        catch (OperationCanceledException e) when (timeout.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            throw TimedOut(longest, context.Read, e);
        }
    }

    internal static QueryException TimedOut(TimeSpan after, LogReadStatistics read, Exception inner) => new(
        QueryErrorKind.Timeout,
        $"request timed out after {PromDuration.Format(after)} with {read.Lines} lines and {read.Bytes} bytes read, decrease the duration of the request or add more label matchers (prefer exact match over regex match) to reduce the amount of data processed", default, inner);

    private LogQlResult Run(QueryContext context, Func<QueryContext, LogQlResult> query)
    {
        long started = time.GetTimestamp();
        try
        {
            var result = query(context);
            var took = time.GetElapsedTime(started);
            Observe(context, result.Kind == LogQlResultKind.Streams ? "filter" : "metric", "200", took);
            return result with { Statistics = new LogQlStatistics(context.Read, result.Statistics.EntriesReturned, took) };
        }
        catch (QueryException)
        {
            Observe(context, "", "400", time.GetElapsedTime(started));
            throw;
        }
    }

    private void Observe(QueryContext context, string type, string status, TimeSpan took)
    {
        latency?.Observe(took.TotalSeconds, type, status);
        if (took > TimeSpan.Zero) throughput?.Observe(context.Read.Bytes / took.TotalSeconds, type, status);
    }

    private static LogQlResult Lines(QueryContext context, LogExpr log, LogQlRangeQuery query)
    {
        int limitMax = context.Limits.LogQueryEntriesMax;
        if (limitMax > 0 && query.Limit > limitMax) throw Bad($"max entries limit per query exceeded, limit > max_entries_limit_per_query ({query.Limit} > {limitMax})");
        var entries = new List<LogQlEntry>(Math.Min(query.Limit, 1000));
        if (query.Limit > 0)
        {
            Scan(context, log, query, entry =>
            {
                entries.Add(entry);
                return entries.Count < query.Limit;
            });
        }
        return new LogQlResult { Kind = LogQlResultKind.Streams, Entries = entries, Statistics = new LogQlStatistics(default, entries.Count, default) };
    }

    private static long Scan(QueryContext context, LogExpr log, LogQlRangeQuery query, Func<LogQlEntry, bool> take)
    {
        using var lines = new OrderedLines(context, log, query);
        var passed = default(PassedLines);
        long last = 0, count = 0;
        bool more = true;
        while (more && lines.Next() is var (entry, inMemory))
        {
            if (count > 0 && query.IntervalNs > 0 && Math.Abs(entry.TimestampNs - last) < query.IntervalNs) continue;
            last = entry.TimestampNs;
            count++;
            passed.Add(1, inMemory);
            more = take(entry);
        }
        context.Add(passed.Of(lines.Statistics));
        return count;
    }

    private LogQlResult Matrix(QueryContext context, MetricExpr expr, LogQlRangeQuery query)
    {
        long points = CheckPoints(query);
        var steps = new Steps(query.StartNs, query.StepNs, (int)points);
        var matrix = new MetricEvaluator(context, steps).Evaluate(expr);
        if (matrix.Scalar is { } scalar) matrix = Aggregations.Constant(scalar, steps);
        var series = new List<LogQlSeries>();
        foreach (var one in matrix.Series)
        {
            var values = new List<(long, double)>();
            for (int i = one.From; i < one.To; i++)
            {
                if (one.Has(i)) values.Add((steps.At(i) / 1_000_000, one[i]));
            }
            if (values.Count > 0) series.Add(new LogQlSeries(one.Labels, values));
        }
        series.Sort(static (a, b) => a.Labels.CompareTo(b.Labels));
        return new LogQlResult { Kind = LogQlResultKind.Matrix, Series = series, Statistics = new LogQlStatistics(default, series.Count, default) };
    }

    private static LogQlResult Vector(QueryContext context, MetricExpr expr, long timestampNs)
    {
        var steps = new Steps(timestampNs, 1, 1);
        var matrix = new MetricEvaluator(context, steps).Evaluate(expr);
        if (matrix.Scalar is { } scalar)
            return new LogQlResult { Kind = LogQlResultKind.Scalar, Scalar = scalar, Statistics = new LogQlStatistics(default, 1, default) };
        var present = matrix.Series.Where(s => s.Has(0)).ToList();
        if (!matrix.Ordered) present.Sort(static (a, b) => a.Labels.CompareTo(b.Labels));
        return new LogQlResult
        {
            Kind = LogQlResultKind.Vector,
            Series = [.. present.Select(s => new LogQlSeries(s.Labels, [(timestampNs / 1_000_000, s[0])]))],
            Statistics = new LogQlStatistics(default, present.Count, default),
        };
    }

    /// <summary>How many points a series of the query's answer has.</summary>
    /// <exception cref="QueryException">Too many.</exception>
    internal long CheckPoints(LogQlRangeQuery query)
    {
        if (query.StepNs <= 0) throw Bad("zero or negative query resolution step widths are not accepted. Try a positive integer");
        long points = ((query.EndNs - query.StartNs) / query.StepNs) + 1;
        return points <= options.PointsMax ? points : throw Bad("exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step parameter");
    }

    internal static void CheckLength(long lengthNs, TenantLimits limits)
    {
        if (limits.LogQueryLengthMax <= TimeSpan.Zero || lengthNs <= limits.LogQueryLengthMax.Ticks * 100) return;
        throw Bad($"the query time range exceeds the limit (query length: {PromDuration.FormatMs(lengthNs / 1_000_000)}, limit: {PromDuration.Format(limits.LogQueryLengthMax)})");
    }

    private static void CheckSeries(int count, TenantLimits limits)
    {
        if (limits.LogQuerySeriesMax <= 0 || count <= limits.LogQuerySeriesMax) return;
        throw Bad($"maximum number of series ({limits.LogQuerySeriesMax}) reached for a single query; consider reducing query cardinality by adding more specific stream selectors, reducing the time range, or aggregating results with functions like sum(), count() or topk()");
    }

    private static QueryException Bad(string message) => new(QueryErrorKind.BadData, message);
}
