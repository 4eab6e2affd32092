using Microsoft.Extensions.Logging;
using Pharos.Core;

namespace Pharos.Collector.Scraping;

/// <summary>
/// Scrapes the targets of one job into a receiver. Each target has its own loop, so one that hangs delays no other.
/// Safe for several threads.
/// </summary>
public sealed class ScrapePool : IAsyncDisposable
{
    private readonly ScrapeOptions options;
    private readonly IMetricsReceiver receiver;
    private readonly HttpClient client;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly ScrapeInstruments metrics;
    private readonly ulong seed;
    private readonly FailureLog? failures;
    private readonly SemaphoreSlim gate = new(1, 1);
    private readonly Dictionary<Labels, ScrapeLoop> loops = [];
    private readonly List<Task> ending = [];
    private readonly CancellationTokenSource stopping = new();
    private volatile IReadOnlyList<ScrapeLoop> snapshot = [];
    private volatile IReadOnlyList<Labels> dropped = [];
    private bool disposed;

    /// <param name="handler">Carries the requests, with TLS and credentials; the caller disposes of it.</param>
    /// <param name="seed">Moves all scrape slots, so that two servers with the same targets do not ask at the same moment.</param>
    public ScrapePool(
        ScrapeOptions options, IMetricsReceiver receiver, HttpMessageHandler handler, TimeProvider time, Instruments instruments, ILogger logger, ulong seed = 0)
    {
        this.options = options;
        this.receiver = receiver;
        this.time = time;
        this.logger = logger;
        this.seed = seed;
        metrics = new ScrapeInstruments(instruments);
        if (options.FailureLogFile.Length > 0) failures = new FailureLog(options.FailureLogFile, logger);
        client = new HttpClient(handler, disposeHandler: false) { Timeout = Timeout.InfiniteTimeSpan };
    }

    public ScrapeOptions Options => options;

    /// <summary>Why a discovered target could not be scraped; null where it could, or where the rules drop it.</summary>
    public static string? Fault(Labels discovered, ScrapeOptions options)
    {
        ScrapeTarget.Create(discovered, options, out string? error);
        return error;
    }

    /// <summary>The targets being scraped, in the order of their addresses.</summary>
    public IReadOnlyList<TargetStatus> Targets =>
        [.. snapshot.Select(l => l.Status).OrderBy(s => s.ScrapeUrl.ToString(), StringComparer.Ordinal)];

    /// <summary>What each target says of its metric families, with the target's labels, in the order of <see cref="Targets"/>.</summary>
    public IEnumerable<(Labels Target, IReadOnlyList<MetricMetadata> Metadata)> TargetMetadata =>
        snapshot.OrderBy(l => l.Target.Url.ToString(), StringComparer.Ordinal).Select(l => (l.Target.Labels, l.Metadata));

    /// <summary>Discovered labels of targets that the rules dropped.</summary>
    public IReadOnlyList<Labels> Dropped => dropped;

    /// <summary>
    /// Sets the discovered targets. One that is still there keeps its loop; one that is gone ends with stale markers.
    /// </summary>
    /// <param name="discovered">Labels of each, <c>__address__</c> among them.</param>
    public async Task SyncAsync(IReadOnlyList<Labels> discovered)
    {
        await gate.WaitAsync();
        try
        {
            if (disposed) return;
            var wanted = new Dictionary<Labels, ScrapeTarget>();
            var gone = new List<Labels>();
            foreach (var labels in discovered)
            {
                var target = ScrapeTarget.Create(labels, options, out string? error);
                if (target is not null)
                {
                    wanted.TryAdd(target.Key, target);
                    continue;
                }
                if (error is null)
                {
                    gone.Add(labels);
                    continue;
                }
                metrics.SyncFailed.With(options.JobName).Add(1);
                ScrapeLog.BadTarget(logger, options.JobName, error, labels.ToString());
            }
            foreach (var (key, loop) in loops.Where(l => !wanted.ContainsKey(l.Key)).ToList())
            {
                loops.Remove(key);
                ending.Add(loop.EndAsync());
            }
            ending.RemoveAll(t => t.IsCompleted);
            foreach (var (key, target) in wanted)
            {
                if (!loops.ContainsKey(key)) loops[key] = new ScrapeLoop(target, options, receiver, client, time, metrics, logger, seed, failures, stopping.Token);
            }
            bool over = options.TargetLimit > 0 && loops.Count > options.TargetLimit;
            if (over) metrics.TargetLimit.Add();
            foreach (var loop in loops.Values)
                loop.ForcedError = over ? $"target_limit exceeded (number of targets: {loops.Count}, limit: {options.TargetLimit})" : null;
            snapshot = [.. loops.Values];
            dropped = gone;
            metrics.Targets.With(options.JobName).Set(loops.Count);
            metrics.TargetsGauge.Set(loops.Count);
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>Stops all loops; no stale markers are written, the series go on after a restart.</summary>
    public async ValueTask DisposeAsync()
    {
        await gate.WaitAsync();
        try
        {
            if (disposed) return;
            disposed = true;
            await stopping.CancelAsync();
            foreach (var loop in loops.Values) await loop.DisposeAsync();
            await Task.WhenAll(ending);
            loops.Clear();
            snapshot = [];
        }
        finally
        {
            gate.Release();
        }
        client.Dispose();
        failures?.Dispose();
        stopping.Dispose();
    }
}
