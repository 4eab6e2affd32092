namespace Pharos.PromQL;

/// <summary>Settings of the engine. The defaults are Prometheus's own.</summary>
public sealed record PromQlOptions
{
    /// <summary>How far an instant selector looks back for its newest sample. Flag <c>query.lookback-delta</c>.</summary>
    public TimeSpan Lookback { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Step of a subquery that names none: the global evaluation interval.</summary>
    public TimeSpan SubqueryStep { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Queries that run at the same time; more wait. Flag <c>query.max-concurrency</c>.</summary>
    public int ConcurrencyMax { get; init; } = 20;

    /// <summary>
    /// Cores that one query may use at once. Default all, up to 16: the threads of queries step back where ingestion wants the processor.
    /// </summary>
    public int ParallelismMax { get; init; } = Math.Clamp(Environment.ProcessorCount, 1, 16);

    /// <summary>
    /// Bytes that all queries may hold together; a query that would go over it fails. 0 for no limit.
    /// Default two fifths of the memory that the process may use.
    /// </summary>
    public long MemoryBytesMax { get; init; } = (long)(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes * 0.4);

    /// <summary>Bytes of finished parts of range queries that are kept, of stores that tell of changes; an eighth more for answers of instant ones. 0: none are.</summary>
    public long RangeCacheBytesMax { get; init; } = 64 << 20;

    /// <summary>Queries that take longer, waiting included, are remembered as slow.</summary>
    public TimeSpan SlowAfter { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Functions and modifiers that Prometheus has behind <c>promql-experimental-functions</c> and its like.</summary>
    public bool ExperimentalFunctions { get; init; } = true;

    /// <summary>Drop <c>__name__</c> once, at the end of the query. Feature flag <c>promql-delayed-name-removal</c>.</summary>
    public bool DelayedNameRemoval { get; init; }

    /// <summary>Let rate-like functions use samples' start timestamps. Feature flag <c>use-start-timestamps</c>.</summary>
    public bool StartTimestamps { get; init; }
}
