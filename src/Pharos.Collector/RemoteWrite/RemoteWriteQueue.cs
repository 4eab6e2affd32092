using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Pharos.Collector.Queueing;
using Pharos.Core;
using Pharos.Wire.RemoteWrite;

namespace Pharos.Collector.RemoteWrite;

/// <summary>
/// Takes samples into a queue on disk and sends them from there to every endpoint, each at its own pace and from its own durable position:
/// neither a restart nor a receiver that is away loses a sample, and the samples of a series always arrive in order.
/// </summary>
public sealed class RemoteWriteQueue : IMetricsReceiver, IAsyncDisposable
{
    private readonly RemoteWriteOptions options;
    private readonly string folder;
    private readonly HttpHandlerFactory http;
    private readonly TimeProvider time;
    private readonly Instruments instruments;
    private readonly ILogger logger;
    private readonly RecordLog log;
    private readonly SemaphoreSlim gate = new(1, 1);
    private readonly RemoteWriteEncoder encoder = new();
    private readonly ITimer checkTimer;
    private readonly InstrumentCell appended;
    private readonly InstrumentCell highest;
    private readonly InstrumentCell logBytes;
    private volatile IReadOnlyList<RemoteWriteEndpoint> endpoints = [];
    private volatile StrongBox<RecordPosition>? switchedAt;
    private long highestMs;

    /// <param name="folder">Holds the queue and the positions; one queue alone uses it.</param>
    /// <param name="http">Makes the handler of each endpoint.</param>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public RemoteWriteQueue(RemoteWriteOptions options, string folder, HttpHandlerFactory http, TimeProvider time, Instruments instruments, ILogger logger)
    {
        this.options = options;
        this.folder = folder;
        this.http = http;
        this.time = time;
        this.instruments = instruments;
        this.logger = logger;
        var naming = options.Naming;
        string[] labels = naming.LabelNames(), values = naming.LabelValues();
        bool ruler = naming.Tenant is not null;
        appended = instruments.Counter(ruler ? naming.Prefix + "samples_appended_total" : "prometheus_remote_write_wal_samples_appended_total", "Total number of samples appended to the WAL.", labels).With(values);
        highest = instruments.Gauge(
            naming.Prefix + "prometheus_remote_storage_highest_timestamp_in_seconds",
            "Highest timestamp that has come into the remote storage via the Appender interface, in seconds since epoch.", labels).With(values);
        logBytes = instruments.Gauge(ruler ? naming.Prefix + "disk_size" : "prometheus_remote_write_wal_bytes", "Size of the queue on disk, in bytes.", labels).With(values);
        log = new RecordLog(Path.Combine(folder, "queue"), time, options.Wal.SegmentBytes);
        logBytes.Set(log.Bytes);
        endpoints = Open(options.Endpoints, log.End);
        log.Appended += () =>
        {
            foreach (var endpoint in endpoints) endpoint.Wake();
        };
        checkTimer = time.CreateTimer(_ => Check(), null, options.Wal.CheckInterval, options.Wal.CheckInterval);
    }

    /// <inheritdoc/>
    public async ValueTask AppendAsync(MetricBatch batch, CancellationToken cancel)
    {
        if (batch.IsEmpty) return;
        await gate.WaitAsync(cancel);
        try
        {
            log.Append(encoder.Encode(batch, RemoteWriteVersion.V1, starts: true).Span);
            appended.Add(batch.Samples.Length + batch.Histograms.Count);
            foreach (ref readonly var sample in batch.Samples) highestMs = Math.Max(highestMs, sample.TimestampMs);
            highest.Set(highestMs / 1000.0);
            logBytes.Set(log.Bytes);
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>
    /// Sends to these endpoints from now on. One of the same name goes on where it stopped, a new one gets what comes from now on. Samples are
    /// taken meanwhile; it may last as long as the old endpoints need to stop. Not to be called again before it completes.
    /// </summary>
    public async Task UseAsync(IReadOnlyList<RemoteWriteEndpointOptions> next)
    {
        var start = log.End;
        // Nothing behind it is given back until the new endpoints know where they begin.
        switchedAt = new StrongBox<RecordPosition>(start);
        var before = endpoints;
        await Task.WhenAll(before.Select(e => e.DisposeAsync().AsTask()));
        endpoints = Open(next, start);
        switchedAt = null;
        // Records may have come between the last look of the new endpoints and their being known.
        foreach (var endpoint in endpoints) endpoint.Wake();
        var identities = endpoints.Select(e => e.Identity).ToHashSet();
        foreach (var gone in before.Where(e => !identities.Contains(e.Identity))) gone.EndGauges();
    }

    /// <summary>
    /// Stops the endpoints: what is in memory is sent while that goes well and quickly; everything else waits on disk for the next start.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        await checkTimer.DisposeAsync();
        await Task.WhenAll(endpoints.Select(e => e.DisposeAsync().AsTask()));
        Release();
        log.Dispose();
        encoder.Dispose();
        gate.Dispose();
    }

    private List<RemoteWriteEndpoint> Open(IReadOnlyList<RemoteWriteEndpointOptions> all, RecordPosition start)
    {
        var opened = new List<RemoteWriteEndpoint>(all.Count);
        var names = new HashSet<string>();
        foreach (var endpoint in all)
        {
            string name = endpoint.Name.Length > 0 ? endpoint.Name : $"{Labels.Of(("url", endpoint.Url.ToString())).Hash & 0xffffff:x6}";
            if (!names.Add(name)) throw new ArgumentException($"two endpoints have the name {name}", nameof(all));
            opened.Add(new RemoteWriteEndpoint(
                endpoint, name, options.ExternalLabels, options.Naming, log, start, Path.Combine(folder, "positions", Uri.EscapeDataString(name)), http, time, instruments, logger));
        }
        return opened;
    }

    /// <summary>Gives back what every endpoint has, and gives up what waited too long or is too much.</summary>
    private void Check()
    {
        try
        {
            Release();
            var oldest = time.GetUtcNow() - options.Wal.KeepaliveMax;
            long over = log.Bytes - options.Wal.BytesMax;
            var end = log.End;
            for (var at = log.First; at.Segment < end.Segment; at = log.NextSegment(at))
            {
                if (log.WrittenAt(at.Segment) is not { } written) continue;
                bool tooOld = written < oldest, tooMuch = over > 0;
                if (!tooOld && !tooMuch) break;
                over -= log.BytesOf(at.Segment);
                var next = log.NextSegment(at);
                foreach (var endpoint in endpoints) endpoint.GiveUpBefore(next, written, tooOld ? "too_old" : "wal_size");
            }
        }
        catch (IOException)
        {
            // The folder cannot be read now; the next check tries again.
        }
    }

    private void Release()
    {
        var all = endpoints;
        var needed = all.Count > 0 ? all.Min(e => e.Position) : log.End;
        log.Release(switchedAt is { } start && start.Value < needed ? start.Value : needed);
        logBytes.Set(log.Bytes);
    }
}
