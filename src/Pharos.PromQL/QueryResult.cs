using Pharos.Core;

namespace Pharos.PromQL;

/// <summary>The type of a query's answer.</summary>
public enum QueryResultType
{
    Scalar,
    String,
    Vector,
    Matrix,
}

/// <summary>
/// One series of a matrix: samples in columns, timestamps strictly rising (Unix milliseconds).
/// <see cref="Histograms"/> is null where all samples are floats; else sample i is a histogram if <c>Histograms[i]</c> is not null.
/// </summary>
public sealed record MatrixSeries(Labels Labels, IReadOnlyList<long> Timestamps, IReadOnlyList<double> Values, IReadOnlyList<Histogram?>? Histograms);

/// <summary>What a query cost.</summary>
public sealed record QueryStatistics
{
    /// <summary>Samples that the evaluation looked at, summed over all steps.</summary>
    public long SamplesQueryable { get; init; }

    /// <summary>Samples read from the store, each selector's once.</summary>
    public long SamplesLoaded { get; init; }

    /// <summary>Most samples in memory at once.</summary>
    public long SamplesPeak { get; init; }

    public long SeriesSelected { get; init; }

    /// <summary>Time waited for a free evaluator, seconds.</summary>
    public double QueueSeconds { get; init; }

    public double EvaluationSeconds { get; init; }

    /// <summary>Samples looked at per step, where the caller asked for it; else null.</summary>
    public IReadOnlyList<(long TimestampMs, long Samples)>? PerStep { get; init; }

    /// <summary>Most bytes that the evaluation held at once.</summary>
    public long BytesPeak { get; init; }

    /// <summary>Where time and bytes went, where the caller asked for it; else null.</summary>
    public TraceNode? Trace { get; init; }

    /// <summary>What two evaluations cost that came one after the other, without steps and trace.</summary>
    internal QueryStatistics With(QueryStatistics next) => new()
    {
        SamplesQueryable = SamplesQueryable + next.SamplesQueryable,
        SamplesLoaded = SamplesLoaded + next.SamplesLoaded,
        SamplesPeak = Math.Max(SamplesPeak, next.SamplesPeak),
        SeriesSelected = SeriesSelected + next.SeriesSelected,
        QueueSeconds = QueueSeconds + next.QueueSeconds,
        EvaluationSeconds = EvaluationSeconds + next.EvaluationSeconds,
        BytesPeak = Math.Max(BytesPeak, next.BytesPeak),
    };
}

/// <summary>Where the time and bytes of a query went: a part of the query and the parts inside it.</summary>
/// <param name="Seconds">Spent in this part and the parts inside it; <paramref name="OwnSeconds"/> in this part alone.</param>
/// <param name="Series">Series that it handed on.</param>
/// <param name="SeriesRead">For a selector: series found in the store.</param>
/// <param name="SamplesRead">For a selector or sub-query: samples read.</param>
/// <param name="BytesRead">What those samples and series took in memory, added up.</param>
public sealed record TraceNode(
    string Expression, SourcePosition Position, double Seconds, double OwnSeconds, long Series, long SeriesRead, long SamplesRead, long BytesRead,
    IReadOnlyList<TraceNode> Children);

/// <summary>The answer to a query. Disposing of it tells the engine early that its memory is free.</summary>
public sealed record QueryResult : IDisposable
{
    internal IDisposable? Memory { private get; init; }

    /// <summary>What <see cref="Warnings"/> and <see cref="Infos"/> say, with the steps at which it arises.</summary>
    internal IReadOnlyList<Execution.Finding> Findings { get; init; } = [];

    public required QueryResultType Type { get; init; }

    /// <summary>Evaluation time of a scalar or string, Unix milliseconds.</summary>
    public long TimestampMs { get; init; }

    public double Scalar { get; init; }
    public string Text { get; init; } = "";
    public IReadOnlyList<VectorSample> Vector { get; init; } = [];

    /// <summary>Sorted by labels.</summary>
    public IReadOnlyList<MatrixSeries> Matrix { get; init; } = [];

    /// <summary>Annotations <c>PromQL warning: …</c> with the place: the result is probably not what was meant.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Annotations <c>PromQL info: …</c> with the place: the result may not be what was meant.</summary>
    public IReadOnlyList<string> Infos { get; init; } = [];

    public QueryStatistics Statistics { get; init; } = new();

    public void Dispose() => Memory?.Dispose();
}

/// <summary>What one query may change about its evaluation.</summary>
public sealed record QuerySettings
{
    public static QuerySettings Default { get; } = new();

    /// <summary>Replaces the engine's lookback where set.</summary>
    public TimeSpan? Lookback { get; init; }

    /// <summary>Shortens the tenant's query timeout where set.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Samples the query may have in memory at once; 0 for no limit. Null takes the engine's limits of the tenant.</summary>
    public long? SamplesMax { get; init; }

    /// <summary>Collect <see cref="QueryStatistics.PerStep"/>.</summary>
    public bool StatisticsPerStep { get; init; }

    /// <summary>Let a query use, and leave behind, finished parts or its whole answer.</summary>
    public bool UseCache { get; init; } = true;

    /// <summary>Collect <see cref="QueryStatistics.Trace"/>.</summary>
    public bool Trace { get; init; }

    /// <summary>For a log of queries; null where nobody asked over HTTP.</summary>
    public QueryOrigin? Origin { get; init; }
}
