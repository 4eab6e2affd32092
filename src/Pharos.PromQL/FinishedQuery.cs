namespace Pharos.PromQL;

/// <summary>A query that is over, as a log of queries sees it. Times are Unix milliseconds; <paramref name="StepMs"/> is 0 for an instant query.</summary>
/// <param name="Statistics">Null where it failed.</param>
/// <param name="Error">Null where it has an answer.</param>
/// <param name="Origin">Who asked over HTTP; null for others.</param>
public sealed record FinishedQuery(string Query, long StartMs, long EndMs, long StepMs, QueryStatistics? Statistics, string? Error, QueryOrigin? Origin);
