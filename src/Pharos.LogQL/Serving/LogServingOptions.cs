namespace Pharos.LogQL.Serving;

/// <summary>Bounds of a <see cref="LogQueryService"/>.</summary>
public sealed record LogServingOptions
{
    /// <summary>Queries that run at once. Default: one for each processor, at least two.</summary>
    public int ThreadsMax { get; init; } = Math.Max(2, Environment.ProcessorCount);

    /// <summary>Bytes of finished parts of metric queries, and as many of log queries; 0 keeps none. Default 32 MiB.</summary>
    public long CacheBytesMax { get; init; } = 32L << 20;
}
