using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Pharos.Collector;
using Pharos.Collector.Discovery;
using Pharos.Collector.Scraping;
using Pharos.Core;
using Pharos.Server.LocalPrometheus.Tracing;

namespace Pharos.Server.LocalPrometheus;

/// <summary>One scrape pool for each job. A reload keeps the pools of jobs that did not change.</summary>
/// <param name="startTimestamps">
/// Start timestamps of targets are kept. Jobs that name no protocols then ask for protobuf first, as in Prometheus: most targets give them only there.
/// </param>
internal sealed class ScrapeManager(
    IMetricsReceiver receiver, HttpHandlerFactory http, string hostName, bool startTimestamps, ActivitySource spans, TimeProvider time, Instruments instruments, ILogger logger) : IAsyncDisposable
{
    private readonly SemaphoreSlim gate = new(1, 1);
    private volatile IReadOnlyList<Running> jobs = [];

    public IReadOnlyList<ScrapePool> Pools => [.. jobs.Select(j => j.Pool)];

    /// <param name="externalLabels">With the host's name they seed the scrape slots of pools that start now.</param>
    public async Task ApplyAsync(IReadOnlyList<ScrapeJob> wanted, Labels externalLabels)
    {
        ulong seed = externalLabels.With("__hostname__", hostName).Hash;
        await gate.WaitAsync();
        try
        {
            var before = jobs.ToDictionary(j => j.Job.Options.JobName);
            var now = new List<Running>();
            foreach (var job in wanted)
            {
                if (before.Remove(job.Options.JobName, out var same) && Same(same.Job, job))
                {
                    now.Add(same);
                    continue;
                }
                if (same is not null) await StopAsync(same);
                now.Add(await StartAsync(job, seed));
            }
            jobs = now;
            foreach (var gone in before.Values) await StopAsync(gone);
        }
        finally
        {
            gate.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var job in jobs) await StopAsync(job);
        jobs = [];
        gate.Dispose();
    }

    private async Task<Running> StartAsync(ScrapeJob job, ulong seed)
    {
        var handler = SpanHandler.Around(http, spans, "Scrape", root: true)(job.Http);
        var pool = new ScrapePool(OptionsOf(job), receiver, handler, time, instruments, logger, seed);
        var targets = new TargetSources(job.Discovery, "scrape", job.Options.JobName, new DiscoveryContext(http, time, instruments, logger), pool.SyncAsync);
        await targets.StartAsync();
        return new Running(job, pool, handler, targets);
    }

    private ScrapeOptions OptionsOf(ScrapeJob job)
    {
        if (!startTimestamps) return job.Options;
        var defaults = new ScrapeOptions { JobName = "" }.Protocols;
        return job.Options with
        {
            StartTimestamps = true,
            Protocols = job.Options.Protocols.SequenceEqual(defaults) ? [ScrapeProtocol.PrometheusProto, .. defaults] : job.Options.Protocols,
        };
    }

    private static async Task StopAsync(Running job)
    {
        await job.Targets.DisposeAsync();
        await job.Pool.DisposeAsync();
        job.Handler.Dispose();
    }

    /// <summary>Whether two jobs are configured alike; told by what they print, so that nested lists compare by content.</summary>
    private static bool Same(ScrapeJob a, ScrapeJob b) => ConfigText.Of(a) == ConfigText.Of(b);

    private sealed record Running(ScrapeJob Job, ScrapePool Pool, HttpMessageHandler Handler, TargetSources Targets);
}
