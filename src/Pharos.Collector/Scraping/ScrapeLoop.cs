using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Wire;
using Pharos.Wire.Exposition;

namespace Pharos.Collector.Scraping;

/// <summary>
/// Scrapes one target for ever, at its own place in the interval, independent of every other target. Everything of one scrape,
/// its report series included, goes on in one batch.
/// </summary>
internal sealed class ScrapeLoop : IAsyncDisposable
{
    private readonly ScrapeTarget target;
    private readonly ScrapeOptions options;
    private readonly IMetricsReceiver receiver;
    private readonly HttpClient client;
    private readonly TimeProvider time;
    private readonly ScrapeInstruments metrics;
    private readonly ILogger logger;
    private readonly ulong seed;
    private readonly FailureLog? failures;
    private readonly ScrapeCache cache;
    private readonly ClassicHistograms? classic;
    private readonly TextParser text = new();
    private readonly ProtobufParser protobuf = new();
    private readonly Dictionary<string, byte[]> reports = [];
    private readonly CancellationToken poolStops;
    private readonly CancellationTokenSource stop = new();
    private readonly Task running;
    private volatile TargetStatus status;
    private volatile string? forcedError;
    private int sizeHint = 4096;
    private long nextMs;
    private bool staleOnStop;

    public ScrapeLoop(
        ScrapeTarget target, ScrapeOptions options, IMetricsReceiver receiver, HttpClient client, TimeProvider time, ScrapeInstruments metrics, ILogger logger, ulong seed,
        FailureLog? failures, CancellationToken poolStops)
    {
        this.poolStops = poolStops;
        this.target = target;
        this.options = options;
        this.receiver = receiver;
        this.client = client;
        this.time = time;
        this.metrics = metrics;
        this.logger = logger;
        this.seed = seed;
        this.failures = failures;
        cache = new ScrapeCache(target, options);
        if (options.ConvertClassicHistograms) classic = new ClassicHistograms(options.ScrapeClassicHistograms);
        status = new TargetStatus(target.Discovered, target.Labels, options.JobName, target.Url, "", null, TimeSpan.Zero, "unknown", target.Interval, target.Timeout);
        running = RunAsync(stop.Token);
    }

    public TargetStatus Status => status;

    public ScrapeTarget Target => target;

    public IReadOnlyList<MetricMetadata> Metadata => cache.Metadata;

    /// <summary>Where set, every scrape fails with it, without asking the target.</summary>
    public string? ForcedError
    {
        set => forcedError = value;
    }

    /// <summary>Ends the loop because its target is gone: the series' ends are marked, after a while in which it may come back.</summary>
    public async Task EndAsync()
    {
        staleOnStop = true;
        await DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!stop.IsCancellationRequested) await stop.CancelAsync();
        await running;
        stop.Dispose();
        cache.Dispose();
    }

    private async Task RunAsync(CancellationToken cancel)
    {
        // Not on the caller's thread: starting a thousand targets must not wait for the first.
        await Task.Yield();
        long intervalMs = (long)target.Interval.TotalMilliseconds;
        try
        {
            nextMs = FirstMs(time.UnixMs(), intervalMs, target.Key.Hash ^ seed);
            while (true)
            {
                long waitMs = nextMs - time.UnixMs();
                if (waitMs > 0) await Task.Delay(TimeSpan.FromMilliseconds(waitMs), time, cancel);
                cancel.ThrowIfCancellationRequested();
                await ScrapeAsync(AlignedMs(nextMs, intervalMs), cancel);
                nextMs += intervalMs;
                // A scrape that took longer than the interval misses its next slots; they are not made up.
                long nowMs = time.UnixMs();
                if (nextMs < nowMs) nextMs += (nowMs - nextMs + intervalMs - 1) / intervalMs * intervalMs;
            }
        }
        catch (OperationCanceledException)
        {
            if (staleOnStop) await EndSeriesAsync(intervalMs);
        }
    }

    /// <summary>The first slot from now on; slots are spread over the interval by the target's hash.</summary>
    internal static long FirstMs(long nowMs, long intervalMs, ulong hash) =>
        nowMs + ((((long)(hash % (ulong)intervalMs) - nowMs) % intervalMs) + intervalMs) % intervalMs;

    /// <summary>The ideal time where the real one is near enough: timestamps on an even grid compress much better.</summary>
    private long AlignedMs(long idealMs, long intervalMs)
    {
        long nowMs = time.UnixMs();
        return Math.Abs(nowMs - idealMs) <= Math.Min(2, intervalMs / 100) ? idealMs : nowMs;
    }

    private async Task ScrapeAsync(long timestampMs, CancellationToken cancel)
    {
        long started = time.GetTimestamp();
        string error = "";
        double bodySize = 0;
        cache.Begin(timestampMs);
        try
        {
            if (forcedError is { } forced) throw new ScrapeException(forced);
            using var timeout = new CancellationTokenSource(target.Timeout, time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancel);
            using var body = await ScrapeBody.FetchAsync(client, target, options, sizeHint, both.Token);
            sizeHint = body.Length + 1024;
            bodySize = body.Length;
            Take(body);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            throw;
        }
        catch (OperationCanceledException)
        {
            error = $"Get \"{target.Url}\": context deadline exceeded: no answer within {PromDuration.Format(target.Timeout)}";
        }
        catch (HttpRequestException e)
        {
            error = $"Get \"{target.Url}\": {e.Message}";
        }
        catch (IOException e)
        {
            error = $"Get \"{target.Url}\": {e.Message}";
        }
        catch (WireFormatException e)
        {
            error = e.Message;
        }
        catch (ScrapeException e)
        {
            error = e.Message;
            if (e.Fault == ScrapeFault.SampleLimit) metrics.SampleLimit.Add();
            if (e.Fault == ScrapeFault.LabelLimit) metrics.LabelLimits.Add();
            if (e.Fault == ScrapeFault.BodySizeLimit)
            {
                metrics.BodySizeLimit.Add();
                bodySize = -1;
            }
        }
        if (error.Length > 0)
        {
            cache.Fail();
            ScrapeLog.Failed(logger, options.JobName, target.Url, error);
            failures?.Write(time.GetUtcNow(), options.JobName, target.Url, error);
        }
        if (cache.Duplicates > 0) metrics.Duplicates.Add(cache.Duplicates);
        if (cache.OutOfBounds > 0) metrics.OutOfBounds.Add(cache.OutOfBounds);
        var took = time.GetElapsedTime(started);
        Report("up", timestampMs, error.Length == 0 ? 1 : 0);
        Report("scrape_duration_seconds", timestampMs, took.TotalSeconds);
        Report("scrape_samples_scraped", timestampMs, cache.Scraped);
        Report("scrape_samples_post_metric_relabeling", timestampMs, cache.AfterRelabelling);
        Report("scrape_series_added", timestampMs, cache.Added);
        if (options.ExtraMetrics)
        {
            Report("scrape_timeout_seconds", timestampMs, target.Timeout.TotalSeconds);
            Report("scrape_sample_limit", timestampMs, options.SampleLimit);
            Report("scrape_body_size_bytes", timestampMs, bodySize);
        }
        await ForwardAsync(cancel);
        status = status with
        {
            LastError = error,
            LastScrape = UnixTime.FromMs(timestampMs),
            LastScrapeDuration = took,
            Health = error.Length == 0 ? "up" : "down",
        };
    }

    private void Take(ScrapeBody body)
    {
        var handler = cache.Take(body.Format);
        if (classic is null)
        {
            Parse(body, ref handler);
        }
        else
        {
            var converting = classic.Take(handler);
            Parse(body, ref converting);
            classic.Complete(handler);
        }
        cache.Complete();
    }

    private void Parse<THandler>(ScrapeBody body, ref THandler handler)
        where THandler : struct, IExpositionHandler
    {
        if (body.Format == ExpositionFormat.Protobuf) protobuf.Parse(body.Span, options.ScrapeClassicHistograms, options.ScrapeNativeHistograms, ref handler);
        else text.Parse(body.Span, body.Format, ref handler);
    }

    /// <summary>Waits until the target's next two slots are over, then ends its series at the first slot it missed.</summary>
    private async Task EndSeriesAsync(long intervalMs)
    {
        if (status.LastScrape is null) return;
        long endMs = nextMs;
        long waitMs = nextMs + intervalMs + (intervalMs / 10) - time.UnixMs();
        try
        {
            if (waitMs > 0) await Task.Delay(TimeSpan.FromMilliseconds(waitMs), time, poolStops);
        }
        catch (OperationCanceledException)
        {
            return;
        }
        cache.Begin(endMs);
        cache.EndAll(endMs);
        foreach (string name in reports.Keys) Report(name, endMs, SampleValue.Stale);
        await ForwardAsync(CancellationToken.None);
    }

    private async Task ForwardAsync(CancellationToken cancel)
    {
        try
        {
            await receiver.AppendAsync(cache.Batch, cancel);
        }
        catch (IOException e)
        {
            metrics.NotForwarded.Add();
            ScrapeLog.NotForwarded(logger, options.JobName, target.Url, e.Message);
        }
    }

    private void Report(string name, long timestampMs, double value)
    {
        if (!reports.TryGetValue(name, out byte[]? labels))
            reports[name] = labels = target.Labels.With(Labels.MetricName, name).Encoded.ToArray();
        cache.Batch.AddSample(cache.Batch.AddSeries(labels), timestampMs, value);
    }
}
