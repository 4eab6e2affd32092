using Pharos.Core;

namespace Pharos.LogQL;

/// <summary>What kind of answer a query gives.</summary>
public enum LogQlResultKind
{
    Streams,
    Matrix,
    Vector,
    Scalar,
}

/// <summary>A line of an answer, its labels by origin. Error labels stand among the parsed ones.</summary>
/// <param name="Line">UTF-8, as the stages left it.</param>
public sealed record LogQlEntry(long TimestampNs, byte[] Line, Labels Stream, Labels Metadata, Labels Parsed);

/// <summary>A series of an answer; times in Unix milliseconds, strictly rising.</summary>
public sealed record LogQlSeries(Labels Labels, IReadOnlyList<(long TimestampMs, double Value)> Points);

/// <summary>What a query touched and how long it took.</summary>
/// <param name="EntriesReturned">Lines of a log query's answer, series of a metric query's.</param>
/// <param name="Execution">From its turn to the answer.</param>
public sealed record LogQlStatistics(LogReadStatistics Read, long EntriesReturned, TimeSpan Execution)
{
    /// <summary>How long it waited for a thread.</summary>
    public TimeSpan Waited { get; init; }

    /// <summary>Parts of the range that were answered one by one; 0 where it was not taken apart.</summary>
    public int Splits { get; init; }

    /// <summary>Parts looked up among the finished ones, found there, and put there.</summary>
    public (int Requested, int Found, int Stored) Cache { get; init; }

    /// <summary>Bytes of the parts found and put there.</summary>
    public (long Found, long Stored) CacheBytes { get; init; }

    /// <summary>How much of the range the found parts answered.</summary>
    public TimeSpan CacheServed { get; init; }
}

/// <summary>The answer to a query; what does not belong to its kind is empty.</summary>
public sealed record LogQlResult
{
    public required LogQlResultKind Kind { get; init; }

    /// <summary>Lines in the order that was asked for, over all streams.</summary>
    public IReadOnlyList<LogQlEntry> Entries { get; init; } = [];

    /// <summary>Series of a matrix; of a vector, with one point each.</summary>
    public IReadOnlyList<LogQlSeries> Series { get; init; } = [];

    public double Scalar { get; init; }

    public IReadOnlyList<string> Warnings { get; init; } = [];

    public required LogQlStatistics Statistics { get; init; }
}

/// <summary>A query over a range. Times in Unix nanoseconds; for log queries start is inclusive and end exclusive.</summary>
public sealed record LogQlRangeQuery
{
    public required string Text { get; init; }
    public required long StartNs { get; init; }
    public required long EndNs { get; init; }

    /// <summary>The range that was asked for, nanoseconds, where its ends were moved to multiples of the step since; null: from start to end.</summary>
    public long? AskedNs { get; init; }

    /// <summary>Distance of the points of a metric query, nanoseconds; positive.</summary>
    public long StepNs { get; init; } = 60_000_000_000;

    /// <summary>Least distance between lines of a log query, nanoseconds; 0 for none.</summary>
    public long IntervalNs { get; init; }

    /// <summary>Lines of a log query. Default 100, Loki's own.</summary>
    public int Limit { get; init; } = 100;

    /// <summary>Newest first, Loki's default.</summary>
    public bool Backward { get; init; } = true;
}

/// <summary>Bounds of the engine that are not a tenant's.</summary>
public sealed record LogQlOptions
{
    /// <summary>Points of one series. Loki's own.</summary>
    public int PointsMax { get; init; } = 11_000;
}
