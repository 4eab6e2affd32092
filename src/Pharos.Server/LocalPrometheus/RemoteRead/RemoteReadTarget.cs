using Pharos.Collector;

namespace Pharos.Server.LocalPrometheus;

/// <summary>One entry of <c>remote_read</c>.</summary>
public sealed record RemoteReadTarget
{
    public required Uri Url { get; init; }

    public required string Name { get; init; }

    public required TimeSpan RemoteTimeout { get; init; }

    /// <summary>Asked also for times that the local store should have whole.</summary>
    public required bool ReadRecent { get; init; }

    /// <summary>Asked only by queries that have all of these as equality matchers.</summary>
    public required IReadOnlyDictionary<string, string> RequiredMatchers { get; init; }

    /// <summary>The external labels go with each query and are taken off the answer.</summary>
    public required bool FilterExternalLabels { get; init; }

    public required IReadOnlyDictionary<string, string> Headers { get; init; }

    public required HttpClientOptions Http { get; init; }
}
