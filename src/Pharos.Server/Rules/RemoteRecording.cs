using Microsoft.Extensions.Logging;
using Pharos.Collector;
using Pharos.Collector.RemoteWrite;
using Pharos.Core;
using Pharos.Server.Configuration.Ruler;
using Pharos.Server.Http;
using Pharos.Server.LocalPrometheus;

namespace Pharos.Server.Rules;

/// <summary>
/// Where what rules over logs record goes: of a tenant with remote write into a queue on disk of its own, from which its clients send,
/// of any other into this server's metrics. Nothing here waits for a receiver. Safe for several threads.
/// </summary>
internal sealed class RemoteRecording : IMetricSink, IAsyncDisposable
{
    /// <summary>A group that was killed evaluates again what came after its state was last stored, which is within a minute.</summary>
    private static readonly TimeSpan RepeatsAfterStart = TimeSpan.FromMinutes(5);

    private readonly IMetricSink own;
    private readonly ITenantLimits limits;
    private readonly RulerOptions options;
    private readonly string folder;
    private readonly HttpHandlerFactory http;
    private readonly TimeProvider time;
    private readonly Instruments instruments;
    private readonly ILogger logger;
    private readonly Gauge ready;
    private readonly Lock gate = new();
    private readonly Dictionary<TenantId, TenantRecording> tenants = [];
    private readonly CancellationTokenSource stopping = new();
    private Task refreshing = Task.CompletedTask;
    private Task cleaning = Task.CompletedTask;

    /// <param name="own">This server's metrics.</param>
    /// <param name="folder">Gets a folder for each tenant, unless the options name another.</param>
    public RemoteRecording(
        IMetricSink own, ITenantLimits limits, RulerOptions options, string folder, HttpHandlerFactory http, TimeProvider time, Instruments instruments, ILogger logger)
    {
        this.own = own;
        this.limits = limits;
        this.options = options;
        this.folder = options.WalFolder ?? folder;
        this.http = http;
        this.time = time;
        this.instruments = instruments;
        this.logger = logger;
        ready = instruments.Gauge("loki_ruler_wal_appender_ready", "Whether a WAL appender is ready to accept samples (1) or not (0)", "tenant");
    }

    /// <summary>Sends what waits from before, and begins to follow the limits.</summary>
    public void Start()
    {
        foreach (var tenant in OnDisk())
        {
            if (RulerRemoteWrite.Of(limits.For(tenant)) is { Sends: true } target) TryOpen(tenant, target);
        }
        refreshing = EveryAsync(options.RefreshPeriod, RefreshAsync);
        if (options.CleanerPeriod > TimeSpan.Zero)
        {
            cleaning = EveryAsync(options.CleanerPeriod, () =>
            {
                Clean();
                return Task.CompletedTask;
            });
        }
    }

    /// <inheritdoc/>
    public async ValueTask<AppendResult> AppendAsync(TenantId tenant, MetricBatch batch, CancellationToken cancel)
    {
        if (RulerRemoteWrite.Of(limits.For(tenant)) is not { Sends: true } target) return await own.AppendAsync(tenant, batch, cancel);
        try
        {
            while (true)
            {
                var recording = Recording(tenant);
                if (await recording.AppendAsync(target, batch, cancel)) break;
                // It ended at this moment; another one begins where it left off.
                Forget(tenant, recording);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            ready.With(tenant.Name).Set(0);
            throw new StoreUnavailableException($"the write log of the ruler's remote write cannot be written: {e.Message}", e);
        }
        return new AppendResult(batch.Samples.Length, batch.Histograms.Count, 0, []);
    }

    /// <summary>Brings each tenant's clients to what the limits say now. A tenant whose receiver is away does not make the others wait.</summary>
    public Task RefreshAsync()
    {
        List<(TenantId, TenantRecording)> all;
        lock (gate) all = [.. tenants.Select(t => (t.Key, t.Value))];
        return Task.WhenAll(all.Select(t => RefreshAsync(t.Item1, t.Item2)));
    }

    /// <summary>Deletes write logs that nothing sends from and nothing was written to for long.</summary>
    public void Clean()
    {
        foreach (var tenant in OnDisk())
        {
            try
            {
                lock (gate)
                {
                    if (tenants.ContainsKey(tenant)) continue;
                    var files = new DirectoryInfo(FolderOf(tenant)).EnumerateFiles("*", SearchOption.AllDirectories).Select(f => f.LastWriteTimeUtc).ToList();
                    if (files.Count > 0 && time.GetUtcNow().UtcDateTime - files.Max() < options.CleanerAgeMin) continue;
                    Directory.Delete(FolderOf(tenant), recursive: true);
                }
                RecordingLog.Cleaned(logger, tenant.Name);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                RecordingLog.Failed(logger, tenant.Name, e.Message);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await Task.WhenAll(refreshing, cleaning);
        List<TenantRecording> all;
        lock (gate) all = [.. tenants.Values];
        await Task.WhenAll(all.Select(t => t.DisposeAsync().AsTask()));
        stopping.Dispose();
    }

    private TenantRecording Recording(TenantId tenant)
    {
        lock (gate)
        {
            if (tenants.TryGetValue(tenant, out var known)) return known;
            return tenants[tenant] = new TenantRecording(target => EndpointsOf(tenant, target), endpoints => Open(tenant, endpoints));
        }
    }

    private void Forget(TenantId tenant, TenantRecording ended)
    {
        lock (gate)
        {
            if (tenants.GetValueOrDefault(tenant) == ended) tenants.Remove(tenant);
        }
    }

    private async Task RefreshAsync(TenantId tenant, TenantRecording recording)
    {
        try
        {
            var target = RulerRemoteWrite.Of(limits.For(tenant));
            if (target.Sends)
            {
                await recording.UseAsync(target);
                return;
            }
            await recording.DisposeAsync();
            Forget(tenant, recording);
            ready.Remove(tenant.Name);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            RecordingLog.Failed(logger, tenant.Name, e.Message);
        }
    }

    private void TryOpen(TenantId tenant, RulerRemoteWrite target)
    {
        try
        {
            Recording(tenant).Open(target);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The next record tries again, and its rule reports it.
            RecordingLog.Failed(logger, tenant.Name, e.Message);
        }
    }

    private RemoteWriteQueue Open(TenantId tenant, IReadOnlyList<RemoteWriteEndpointOptions> endpoints)
    {
        var queue = new RemoteWriteQueue(
            new RemoteWriteOptions
            {
                Endpoints = endpoints,
                Wal = new RemoteWriteWalOptions { CheckInterval = options.TruncateFrequency, KeepaliveMax = options.AgeMax },
                Naming = RemoteWriteNaming.Ruler(tenant.Name),
            },
            FolderOf(tenant), http, time, instruments, logger);
        ready.With(tenant.Name).Set(1);
        return queue;
    }

    private static List<RemoteWriteEndpointOptions> EndpointsOf(TenantId tenant, RulerRemoteWrite target) => [.. target.Clients.Select(c =>
    {
        var endpoint = RemoteWriteSection.Endpoint(c.Value.Target);
        var headers = new Dictionary<string, string>(endpoint.Http.Headers, StringComparer.OrdinalIgnoreCase);
        if (target.AddOrgIdHeader) headers[RequestTenant.Header] = tenant.Name;
        // Rules make neither metadata nor exemplars.
        return endpoint with
        {
            Name = $"{tenant.Name}-rw-{c.Key}",
            SendMetadata = false,
            SendExemplars = false,
            RepeatsAfterStart = RepeatsAfterStart,
            Http = endpoint.Http with { Headers = headers },
        };
    })];

    private string FolderOf(TenantId tenant) => Path.Combine(folder, Uri.EscapeDataString(tenant.Name));

    private List<TenantId> OnDisk()
    {
        var found = new List<TenantId>();
        if (!Directory.Exists(folder)) return found;
        foreach (string path in Directory.EnumerateDirectories(folder))
        {
            if (TenantId.TryParse(Uri.UnescapeDataString(Path.GetFileName(path)), out var tenant, out _)) found.Add(tenant);
        }
        return found;
    }

    private async Task EveryAsync(TimeSpan period, Func<Task> action)
    {
        try
        {
            while (true)
            {
                await Task.Delay(period, time, stopping.Token);
                await action();
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The server stops.
        }
    }
}

internal static partial class RecordingLog
{
    [LoggerMessage(9401, LogLevel.Error, "Remote write of tenant {Tenant}'s rules: {Reason}")]
    public static partial void Failed(ILogger logger, string tenant, string reason);

    [LoggerMessage(9402, LogLevel.Information, "Deleted the write log of tenant {Tenant}'s rules: nothing sends from it")]
    public static partial void Cleaned(ILogger logger, string tenant);
}
