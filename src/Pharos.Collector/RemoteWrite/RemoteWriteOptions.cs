using Pharos.Collector.Relabeling;
using Pharos.Core;
using Pharos.Wire.RemoteWrite;

namespace Pharos.Collector.RemoteWrite;

/// <summary>A queue on disk and the endpoints that it feeds.</summary>
public sealed record RemoteWriteOptions
{
    /// <summary>Added to each series that has no label of that name.</summary>
    public Labels ExternalLabels { get; init; } = Labels.Empty;

    public IReadOnlyList<RemoteWriteEndpointOptions> Endpoints { get; init; } = [];

    public RemoteWriteWalOptions Wal { get; init; } = new();

    public RemoteWriteNaming Naming { get; init; } = RemoteWriteNaming.Prometheus;
}

/// <summary>How the metrics of a queue and its endpoints are named.</summary>
/// <param name="Prefix">Goes before Prometheus's names.</param>
/// <param name="Tenant">Whose queue it is: the label <c>tenant</c>; null: there is no such label.</param>
public sealed record RemoteWriteNaming(string Prefix, string? Tenant)
{
    /// <summary>As of a Prometheus or a collector.</summary>
    public static RemoteWriteNaming Prometheus { get; } = new("", null);

    /// <summary>As of Loki's ruler, which has a queue for each tenant.</summary>
    public static RemoteWriteNaming Ruler(string tenant) => new("loki_ruler_wal_", tenant);

    internal string[] LabelNames(params ReadOnlySpan<string> names) => Tenant is null ? [.. names] : ["tenant", .. names];

    internal string[] LabelValues(params ReadOnlySpan<string> values) => Tenant is null ? [.. values] : [Tenant, .. values];
}

/// <summary>How much is kept for endpoints that are away.</summary>
public sealed record RemoteWriteWalOptions
{
    /// <summary>Samples that waited longer are given up, and counted. Alloy: max_keepalive_time.</summary>
    public TimeSpan KeepaliveMax { get; init; } = TimeSpan.FromHours(8);

    /// <summary>Size on disk over which the oldest samples are given up, and counted. Default 4 GiB.</summary>
    public long BytesMax { get; init; } = 4L << 30;

    /// <summary>How often old segments are looked for.</summary>
    public TimeSpan CheckInterval { get; init; } = TimeSpan.FromSeconds(30);

    public long SegmentBytes { get; init; } = 16 << 20;
}

/// <summary>One receiver of samples. Defaults are Prometheus's own.</summary>
public sealed record RemoteWriteEndpointOptions
{
    public required Uri Url { get; init; }

    /// <summary>Names the endpoint in metrics and its position on disk; empty: made from the URL.</summary>
    public string Name { get; init; } = "";

    public RemoteWriteVersion Version { get; init; } = RemoteWriteVersion.V1;
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);
    public bool SendExemplars { get; init; } = true;
    public bool SendNativeHistograms { get; init; }
    public HttpClientOptions Http { get; init; } = HttpClientOptions.Default;

    /// <summary>Lets requests into a cloud; null: as <see cref="Http"/> does.</summary>
    public CloudAccess? Cloud { get; init; }

    public IReadOnlyList<RelabelRule> WriteRelabelRules { get; init; } = [];

    /// <summary>Samples that wait in memory for one shard.</summary>
    public int Capacity { get; init; } = 10_000;

    public int ShardsMin { get; init; } = 1;
    public int ShardsMax { get; init; } = 50;
    public int SamplesPerSendMax { get; init; } = 2_000;
    public TimeSpan BatchSendDeadline { get; init; } = TimeSpan.FromSeconds(5);
    public TimeSpan BackoffMin { get; init; } = TimeSpan.FromMilliseconds(30);
    public TimeSpan BackoffMax { get; init; } = TimeSpan.FromSeconds(5);
    public bool RetryOnHttp429 { get; init; } = true;

    /// <summary>Samples older than that are not sent; zero: all are.</summary>
    public TimeSpan SampleAgeLimit { get; init; }

    public bool SendMetadata { get; init; } = true;
    public TimeSpan MetadataInterval { get; init; } = TimeSpan.FromMinutes(1);
    public int MetadataPerSendMax { get; init; } = 2_000;

    /// <summary>
    /// How long after a start samples may come once more that were sent before: what the receiver refuses meanwhile is taken apart, so that
    /// the others arrive.
    /// </summary>
    public TimeSpan RepeatsAfterStart { get; init; }

    /// <summary>How long a stop waits for what is in memory to be sent; the rest stays on disk for the next start.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(5);
}
