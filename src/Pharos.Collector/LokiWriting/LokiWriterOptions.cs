namespace Pharos.Collector.LokiWriting;

/// <summary>One endpoint of <c>loki.write</c>. Defaults are Alloy's unless said otherwise.</summary>
public sealed record LokiWriterOptions
{
    public required Uri Url { get; init; }

    /// <summary>Folder of the queue on disk; each endpoint has its own.</summary>
    public required string QueueFolder { get; init; }

    /// <summary>Tenant of entries that carry no label <c>__tenant_id__</c>; empty: no tenant header is sent.</summary>
    public string TenantId { get; init; } = "";

    public HttpClientOptions Http { get; init; } = HttpClientOptions.Default;

    /// <summary>Added to each request.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>Labels added to each stream that does not have them.</summary>
    public Core.Labels ExternalLabels { get; init; } = Core.Labels.Empty;

    public TimeSpan BatchWait { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A request goes out when this many bytes wait, before packing; default 1 MiB.</summary>
    public long BatchBytes { get; init; } = 1 << 20;

    public TimeSpan RemoteTimeout { get; init; } = TimeSpan.FromSeconds(10);
    public TimeSpan BackoffMin { get; init; } = TimeSpan.FromMilliseconds(500);
    public TimeSpan BackoffMax { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Tries before a batch is dropped; 0 = never dropped: it waits on disk until the receiver is back.
    /// Alloy's default is 10; ours is 0, because the queue is on disk.
    /// </summary>
    public int RetriesMax { get; init; }

    public bool RetryOn429 { get; init; } = true;

    /// <summary>Most that may wait on disk, bytes.</summary>
    public long QueueBytesMax { get; init; } = 2L << 30;
}
