namespace Pharos.Metrics;

/// <summary>A name and a number, for the lists of <see cref="TsdbStatus"/>.</summary>
public readonly record struct NamedCount(string Name, long Value);

/// <summary>What <c>/api/v1/status/tsdb</c> shows of a tenant's head. Times are Unix milliseconds; lists are sorted, largest first.</summary>
public sealed record TsdbStatus
{
    public required long SeriesCount { get; init; }
    public required long LabelPairCount { get; init; }
    public required long ChunkCount { get; init; }
    public required long MinTimeMs { get; init; }
    public required long MaxTimeMs { get; init; }
    public required IReadOnlyList<NamedCount> SeriesCountByMetricName { get; init; }
    public required IReadOnlyList<NamedCount> LabelValueCountByLabelName { get; init; }
    public required IReadOnlyList<NamedCount> MemoryInBytesByLabelName { get; init; }

    /// <summary>Names have the form <c>label=value</c>.</summary>
    public required IReadOnlyList<NamedCount> SeriesCountByLabelValuePair { get; init; }
}

/// <summary>A block on disk, for <c>/api/v1/status/tsdb/blocks</c> and the command line. The end is exclusive.</summary>
public sealed record BlockStatus(
    string Id, long MinTimeMs, long EndTimeMs, int Level, long Series, long Samples, long Chunks, long Bytes, string Folder);
