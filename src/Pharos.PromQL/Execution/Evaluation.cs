using Pharos.Core;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Execution;

/// <summary>What one running query shares: its tenant, limits, times, budget and findings.</summary>
internal sealed class Evaluation(
    IMetricQueryable queryable, TenantId tenant, string query, Grid grid, PromQlOptions options, long lookbackMs, long samplesMax, CancellationToken cancel)
{
    private long samplesLoaded;
    private long samplesQueryable;
    private long pointsHeld;
    private long pointsPeak;

    public IMetricQueryable Queryable { get; } = queryable;
    public TenantId Tenant { get; } = tenant;
    public string Query { get; } = query;

    /// <summary>The steps of the whole query.</summary>
    public Grid Grid { get; } = grid;

    public PromQlOptions Options { get; } = options;
    public long LookbackMs { get; } = lookbackMs;
    public CancellationToken Cancel { get; } = cancel;
    public Annotations Annotations { get; } = new(query);
    public long[]? PerStep { get; set; }
    public long SeriesSelected { get; set; }
    public long SamplesLoaded => samplesLoaded;
    public long SamplesQueryable => samplesQueryable;
    public long SamplesPeak => pointsPeak;

    /// <summary>End of a range query as it was asked for; an instant query's own time.</summary>
    public long EndMs { get; init; } = grid.EndMs;

    public double StepSeconds => Grid.StepMs / 1000.0;

    public double RangeSeconds => (EndMs - Grid.StartMs) / 1000.0;

    public bool IsRangeQuery { get; init; }

    /// <summary>What the query may touch in the store and hold in memory; null for no limit.</summary>
    public QueryBudget? Budget { get; init; }

    /// <summary>Selectors of whose histograms only count and sum are used.</summary>
    public HashSet<VectorSelector> StatisticsSelectors { get; } = [];

    public void CheckCancelled() => Cancel.ThrowIfCancellationRequested();

    /// <summary>
    /// Counts the samples of one series that were read for a selector. They are in memory beside the points held,
    /// until the next series is read: that sum is what the budget bounds, as in Prometheus.
    /// </summary>
    public void Load(Expr selector, long samples)
    {
        CheckCancelled();
        Interlocked.Add(ref samplesLoaded, samples);
        Bound(selector, Interlocked.Read(ref pointsHeld) + samples);
    }

    /// <summary>Counts points that stay in memory until <see cref="Release"/>.</summary>
    public void Hold(Expr selector, long points)
    {
        Bound(selector, Interlocked.Add(ref pointsHeld, points));
    }

    public void Release(long points) => Interlocked.Add(ref pointsHeld, -points);

    public void CountQueryable(long samples) => Interlocked.Add(ref samplesQueryable, samples);

    public QueryException Fail(Expr at, string message)
    {
        var position = SourcePosition.At(Query, at.Span.Start);
        return new QueryException(QueryErrorKind.Execution, message, position);
    }

    private void Bound(Expr selector, long inMemory)
    {
        long peak = Interlocked.Read(ref pointsPeak);
        while (inMemory > peak && Interlocked.CompareExchange(ref pointsPeak, inMemory, peak) is var seen && seen != peak) peak = seen;
        Budget?.Hold(inMemory);
        if (samplesMax > 0 && inMemory > samplesMax) throw OverBudget(selector);
    }

    private QueryException OverBudget(Expr selector)
    {
        var position = SourcePosition.At(Query, selector.Span.Start);
        return new QueryException(
            QueryErrorKind.Execution,
            $"query processing would load too many samples into memory in query execution: the limit is {samplesMax} samples, passed at {selector} ({position}); select fewer series, a shorter range or a larger step, or raise the tenant's limit of samples per query",
            position);
    }
}
