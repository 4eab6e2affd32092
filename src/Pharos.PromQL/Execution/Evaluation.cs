using Pharos.Core;
using Pharos.PromQL.Running;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Execution;

/// <summary>What one running query shares: its tenant, limits, times, budget and findings.</summary>
internal sealed class Evaluation(
    IMetricQueryable queryable, TenantId tenant, string query, Grid grid, PromQlOptions options, long lookbackMs, long samplesMax, QueryMemory memory, CancellationToken cancel)
{
    /// <summary>What one sample takes while its series is read: in the columns of the store and in those of a window.</summary>
    private const int SampleBytes = 32;

    /// <summary>What a series takes beside its labels once it is found.</summary>
    private const int SeriesBytes = 120;

    private readonly Dictionary<Expr, SelectorUsage> usage = [];
    private long samplesLargest;
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
    public Annotations Annotations { get; } = new();
    public QueryMemory Memory { get; } = memory;

    /// <summary>Who helps with many series.</summary>
    public required WorkCrew Crew { get; init; }

    /// <summary>Null where nobody asked for a trace.</summary>
    public QueryTrace? Trace { get; init; }

    /// <summary>Parts that stand in the query more than once; null where each is evaluated for itself.</summary>
    public SharedParts? Shared { get; set; }

    /// <summary>Bytes of the result as it was built.</summary>
    public long ResultBytes { get; private set; }

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

    /// <summary>
    /// The step of the query that a step of a grid is, for what is found there; every step where the grid is the first step that stands for
    /// all, null for the steps of a sub-query.
    /// </summary>
    public TimeRange? StepOf(Grid grid, int step)
    {
        if (grid == Grid) return new TimeRange(grid.At(step), grid.At(step));
        return grid == Grid.First ? TimeRange.All : null;
    }

    /// <summary>The first and the last step at which a column has a sample, in the same way.</summary>
    public TimeRange? StepsOf(Grid grid, Column column)
    {
        int first = 0, last = column.Count - 1;
        while (first < last && !column.Has(first)) first++;
        while (last > first && !column.Has(last)) last--;
        return StepOf(grid, first) is { } from && StepOf(grid, last) is { } to ? new TimeRange(from.MinMs, to.MaxMs) : null;
    }

    public void CheckCancelled() => Cancel.ThrowIfCancellationRequested();

    /// <summary>Where the use of a selector, or a sub-query, is counted. Asked for on the query's own thread.</summary>
    public SelectorUsage UsageOf(Expr selector)
    {
        if (!usage.TryGetValue(selector, out var found)) usage.Add(selector, found = new SelectorUsage(selector));
        Memory.OverBudget ??= OverBytes;
        return found;
    }

    /// <summary>What a part of the query read by itself; null for parts that read nothing.</summary>
    public SelectorUsage? UsageIn(Expr expr) => usage.GetValueOrDefault(expr);

    /// <summary>Counts series that a selector found; they stay known until the end of the query.</summary>
    public void Found(SelectorUsage selector, IReadOnlyList<ISeries> series)
    {
        SeriesSelected += series.Count;
        long bytes = series.Count * (long)SeriesBytes;
        if (series is ISeriesList list) bytes += list.LabelBytes;
        else
        {
            foreach (var one in series) bytes += one.Labels.Encoded.Length;
        }
        selector.Add(series.Count, 0, bytes);
        Memory.Take(bytes);
    }

    /// <summary>
    /// Counts the samples of one series that were read for a selector. They are in memory beside the points held,
    /// until the next series is read: that sum is what the budget bounds, as in Prometheus.
    /// </summary>
    public void Load(SelectorUsage selector, SampleColumns samples) => Load(selector, samples.Count, BytesOfEach(samples));

    /// <summary>Counts the points of one series of a sub-query, in the same way.</summary>
    public void Load(SelectorUsage subquery, int points) => Load(subquery, points, SampleBytes);

    /// <summary>What a sample takes while its series is read, bytes, judged by the last one.</summary>
    public static long BytesOfEach(SampleColumns samples)
    {
        if (!samples.HasHistograms || samples.Count == 0) return SampleBytes;
        return SampleBytes + (samples.Histograms[^1] is { } last ? QueryMemory.BytesOf(last) : 8);
    }

    private void Load(SelectorUsage selector, long samples, long bytesEach)
    {
        Loaded(selector, samples, samples * bytesEach);
        Admit(selector.Selector, samples, bytesEach);
    }

    /// <summary>Counts samples that were read.</summary>
    public void Loaded(SelectorUsage selector, long samples, long bytes)
    {
        selector.Add(0, samples, bytes);
        Interlocked.Add(ref samplesLoaded, samples);
    }

    /// <summary>Sees whether the samples of one series fit into memory beside what is held, and ends what was cancelled.</summary>
    public void Admit(Expr selector, long samples, long bytesEach)
    {
        CheckCancelled();
        Bound(selector, Interlocked.Read(ref pointsHeld) + samples);
        // Buffers are reused from series to series: they are as large as the largest was, one set for each worker.
        long bytes = samples * bytesEach * Math.Max(1, Options.ParallelismMax), largest = Interlocked.Read(ref samplesLargest);
        if (bytes <= largest) return;
        largest = Interlocked.Exchange(ref samplesLargest, Math.Max(bytes, largest));
        if (bytes > largest) Memory.Take(bytes - largest);
    }

    /// <summary>Counts bytes of the result.</summary>
    public void Keep(long bytes)
    {
        ResultBytes += bytes;
        Memory.Take(bytes);
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
        if (samplesMax > 0 && inMemory > samplesMax) throw OverBudget(selector, inMemory);
    }

    private QueryException OverBudget(Expr selector, long inMemory)
    {
        var position = SourcePosition.At(Query, selector.Span.Start);
        return new QueryException(
            QueryErrorKind.Execution,
            $"query processing would load too many samples into memory in query execution: it needs {inMemory}, the limit is {samplesMax} samples, passed at {selector} ({position}){Heaviest(s => s.Samples)}; select fewer series, a shorter range or a larger step, or raise the tenant's limit of samples per query",
            position);
    }

    private QueryException OverBytes(long bytes, bool ofProcess)
    {
        var heaviest = usage.Values.MaxBy(u => u.Bytes);
        var position = heaviest is null ? default : SourcePosition.At(Query, heaviest.Selector.Span.Start);
        string over = ofProcess
            ? "all queries of this process together may hold no more memory than they do"
            : $"the query exceeded the maximum allowed estimated amount of memory consumed by a single query (limit: {Memory.BytesMax} bytes) (err-mimir-max-estimated-memory-consumption-per-query)";
        string mend = ofProcess ? "try again later" : "set max_estimated_memory_consumption_per_query";
        return new QueryException(
            QueryErrorKind.Execution,
            $"{over}: it needs {bytes} bytes{Heaviest(s => s.Bytes)}; select fewer series, a shorter range or a larger step, or {mend}", position);
    }

    private string Heaviest(Func<SelectorUsage, long> by)
    {
        if (usage.Values.MaxBy(by) is not { } most) return "";
        return $"; most was read by {most.Selector} ({SourcePosition.At(Query, most.Selector.Span.Start)}): {most.Series} series, {most.Samples} samples, {most.Bytes} bytes";
    }
}
