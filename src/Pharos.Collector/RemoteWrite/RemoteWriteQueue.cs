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
    private readonly RecordLog log;
    private readonly TimeProvider time;
    private readonly SemaphoreSlim gate = new(1, 1);
    private readonly RemoteWriteEncoder encoder = new();
    private readonly List<RemoteWriteEndpoint> endpoints = [];
    private readonly ITimer checkTimer;
    private readonly Counter appended;
    private readonly Gauge highest;
    private readonly Gauge logBytes;
    private long highestMs;

    /// <param name="folder">Holds the queue and the positions; one queue alone uses it.</param>
    /// <param name="http">Makes the handler of each endpoint.</param>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public RemoteWriteQueue(RemoteWriteOptions options, string folder, HttpHandlerFactory http, TimeProvider time, Instruments instruments, ILogger logger)
    {
        this.options = options;
        this.time = time;
        appended = instruments.Counter("prometheus_remote_write_wal_samples_appended_total", "Total number of samples appended to the WAL.");
        highest = instruments.Gauge("prometheus_remote_storage_highest_timestamp_in_seconds", "Highest timestamp that has come into the remote storage via the Appender interface, in seconds since epoch.");
        logBytes = instruments.Gauge("prometheus_remote_write_wal_bytes", "Size of the queue on disk.");
        log = new RecordLog(Path.Combine(folder, "queue"), time, options.Wal.SegmentBytes);
        var names = new HashSet<string>();
        foreach (var endpoint in options.Endpoints)
        {
            string name = endpoint.Name.Length > 0 ? endpoint.Name : $"{Labels.Of(("url", endpoint.Url.ToString())).Hash & 0xffffff:x6}";
            if (!names.Add(name)) throw new ArgumentException($"two endpoints have the name {name}", nameof(options));
            endpoints.Add(new RemoteWriteEndpoint(endpoint, name, options.ExternalLabels, log, Path.Combine(folder, "positions", Uri.EscapeDataString(name)), http, time, instruments, logger));
        }
        log.Appended += () =>
        {
            foreach (var endpoint in endpoints) endpoint.Wake();
        };
        checkTimer = time.CreateTimer(_ => Check(), null, options.Wal.CheckInterval, options.Wal.CheckInterval);
        instruments.BeforeRead(() => logBytes.Set(log.Bytes));
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
        }
        finally
        {
            gate.Release();
        }
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
        if (endpoints.Count > 0) log.Release(endpoints.Min(e => e.Position));
        else log.Release(log.End);
    }
}
