using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Pharos.Collector;
using Pharos.Collector.Discovery;
using Pharos.Collector.Http;
using Pharos.Collector.Relabeling;
using Pharos.Collector.RemoteWrite;
using Pharos.Core;
using Pharos.Metrics;
using Pharos.PromQL;
using Pharos.Rules;
using Pharos.Server.Checks;
using Pharos.Server.Http;
using Pharos.Server.LocalPrometheus;
using Pharos.Server.LocalPrometheus.Tracing;
using Pharos.Server.Otlp;
using Pharos.Server.Prometheus;
using Pharos.Server.Rules;
using Pharos.Storage.Catalogue;
using Pharos.Storage.WriteLog;
using Pharos.Wire.Exposition;
using Pharos.Wire.RemoteWrite;

namespace Pharos.Server.Hosting;

/// <summary>What <c>pharos prometheus</c> was told on its command line.</summary>
public sealed record PrometheusHostOptions
{
    public required string ConfigFile { get; init; }
    public required string StoragePath { get; init; }
    public string Host { get; init; } = "127.0.0.1";
    public int Port { get; init; } = 9090;

    /// <summary>Name of this machine: with the external labels it spreads the scrapes, so that two servers of a pair do not ask at the same moment.</summary>
    public string HostName { get; init; } = Environment.MachineName;

    /// <summary>TLS, users and headers (<see cref="WebConfig"/>'s format), read again with each reload; null: plain HTTP for everybody.</summary>
    public string? WebConfigFile { get; init; }

    /// <summary>Null: the address listened on.</summary>
    public string? ExternalUrl { get; init; }

    /// <summary>Path before all routes; empty or starting with a slash.</summary>
    public string RoutePrefix { get; init; } = "";

    public bool RemoteWriteReceiver { get; init; }

    /// <summary>Start timestamps that are pushed are stored, as samples of 0.</summary>
    public bool StartTimestampsAsZeros { get; init; }

    public bool OtlpReceiver { get; init; }

    /// <summary>What the OTLP receiver does with delta points; Prometheus decides that by feature flags, not in its file.</summary>
    public OtlpDelta OtlpDelta { get; init; } = OtlpDelta.Reject;

    /// <summary>POST /-/reload and /-/quit answer.</summary>
    public bool Lifecycle { get; init; }

    /// <summary>POST /api/v1/admin/tsdb/* answers.</summary>
    public bool AdminApi { get; init; }

    public TimeSpan Retention { get; init; } = TimeSpan.FromDays(15);

    /// <summary>Bytes of blocks that are kept; 0 = no limit.</summary>
    public long RetentionBytes { get; init; }
    public TimeSpan Lookback { get; init; } = TimeSpan.FromMinutes(5);
    public TimeSpan QueryTimeout { get; init; } = TimeSpan.FromMinutes(2);
    public int QueryConcurrency { get; init; } = 20;
    public long QuerySamplesMax { get; init; } = 50_000_000;
    public TimeSpan ResendDelay { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Queries drop <c>__name__</c> once, at their end.</summary>
    public bool DelayedNameRemoval { get; init; }

    /// <summary>All flags with their values, for the status page.</summary>
    public IReadOnlyDictionary<string, string> Flags { get; init; } = new Dictionary<string, string>();

    /// <summary>Transport; null: sockets.</summary>
    public HttpHandlerFactory? HttpHandlers { get; init; }
}

/// <summary>
/// Metrics next to the targets: scrapes, stores, evaluates rules, writes to remotes and alerts through Alertmanagers, from a
/// prometheus.yml. Rules and alerts need only the local store: they go on while remotes are down.
/// </summary>
public sealed class PrometheusHost : IAsyncDisposable
{
    private readonly Stack<IAsyncDisposable> parts = new();
    private readonly PrometheusHostOptions options;
    private readonly TimeProvider time;
    private readonly ILoggerFactory loggers;
    private readonly Instruments instruments = new();
    private readonly HttpHandlerFactory handlers;
    private readonly SemaphoreSlim reloading = new(1, 1);
    private readonly TaskCompletionSource quit = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private List<AlertmanagerSource> alertmanagers = [];
    private HttpHost? http;
    private readonly Notices notices;
    private ScrapeManager? scraping;
    private LocalSink? sink;
    private QueryLog? queryLog;
    private SpanExport? spans;
    private RemoteReadQueryable? remoteRead;
    private string remoteReadText = "";
    private RuleManager? rules;
    private HttpAlertSink? alerts;
    private RemoteWriteQueue? remote;
    private string remoteText = "";
    private string alertingText = "";
    private PrometheusConfig config;
    private volatile WebConfig web = new();
    private DateTimeOffset loadedAt;
    private bool lastReloadOk = true;

    private PrometheusHost(PrometheusHostOptions options, PrometheusConfig config, TimeProvider time, ILoggerFactory loggers)
    {
        this.options = options;
        this.config = config;
        this.time = time;
        this.loggers = loggers;
        handlers = options.HttpHandlers ?? HttpHandlers.Create(time);
        notices = new Notices(time, instruments);
    }

    public Uri Address => http!.Address;

    /// <summary>Completes when somebody asked for the end over HTTP.</summary>
    public Task QuitAsked => quit.Task;

    /// <exception cref="ConfigurationException">prometheus.yml or a rule file is wrong; every mistake with its place.</exception>
    /// <exception cref="IOException">The address cannot be bound, or the folder cannot be used.</exception>
    public static async Task<PrometheusHost> StartAsync(PrometheusHostOptions options, TimeProvider time, ILoggerFactory loggers, CancellationToken cancel)
    {
        var host = new PrometheusHost(options, await LoadAsync(options, cancel), time, loggers) { web = LoadWeb(options) };
        try
        {
            await host.ComposeAsync(cancel);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>Reads the files again and takes over what changed. A file that is wrong leaves everything as it was.</summary>
    /// <exception cref="ConfigurationException">The files are wrong.</exception>
    public async Task ReloadAsync(CancellationToken cancel)
    {
        await reloading.WaitAsync(cancel);
        try
        {
            var next = await LoadAsync(options, cancel);
            var nextWeb = LoadWeb(options);
            await ApplyAsync(next, cancel);
            web = nextWeb;
            lastReloadOk = true;
            notices.Clear(Notices.ReloadFailed);
        }
        catch (Exception e) when (e is ConfigurationException or IOException or UnauthorizedAccessException)
        {
            lastReloadOk = false;
            notices.Raise(Notices.ReloadFailed);
            throw;
        }
        finally
        {
            reloading.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        notices.End();
        if (http is not null) await http.DisposeAsync();
        if (scraping is not null) await scraping.DisposeAsync();
        if (rules is not null) await rules.DisposeAsync();
        foreach (var source in alertmanagers) await source.StopAsync();
        // It sends what waits.
        if (alerts is not null) await alerts.DisposeAsync();
        foreach (var source in alertmanagers) await source.DisposeAsync();
        if (remote is not null) await remote.DisposeAsync();
        while (parts.TryPop(out var part)) await part.DisposeAsync();
        reloading.Dispose();
    }

    private static async Task<PrometheusConfig> LoadAsync(PrometheusHostOptions options, CancellationToken cancel) =>
        PrometheusConfig.Load(await File.ReadAllTextAsync(options.ConfigFile, cancel), options.ConfigFile);

    private static WebConfig LoadWeb(PrometheusHostOptions options) => options.WebConfigFile is { } file ? WebConfig.Load(file) : new WebConfig();

    private async Task ComposeAsync(CancellationToken cancel)
    {
        string data = Path.GetFullPath(options.StoragePath);
        Directory.CreateDirectory(data);
        ProcessMetrics.Register(instruments);
        instruments.Gauge("prometheus_build_info", "A metric with a constant '1' value labeled by version.", "version").With(ProductVersion.Text).Set(1);
        var reloadOk = instruments.Gauge("prometheus_config_last_reload_successful", "Whether the last configuration reload attempt was successful.");
        var reloadAt = instruments.Gauge("prometheus_config_last_reload_success_timestamp_seconds", "Timestamp of the last successful configuration reload.");
        instruments.BeforeRead(() =>
        {
            reloadOk.Set(lastReloadOk ? 1 : 0);
            reloadAt.Set(loadedAt.ToUnixTimeMilliseconds() / 1000.0);
        });
        var limits = new LocalLimits(this);
        var catalogue = Keep(new SqliteCatalogue(Path.Combine(data, "catalogue.db"), time));
        var log = Keep(new FileWriteLog(new WriteLogOptions { Folder = Path.Combine(data, "write-log") }, time, instruments, loggers.CreateLogger("Storage")));
        var store = Keep(new MetricStore(new MetricStoreOptions { Folder = Path.Combine(data, "metrics"), ExemplarsPerTenant = int.MaxValue }, log, limits, time, instruments, loggers.CreateLogger("Metrics")));
        store.Start();
        remoteRead = Keep(new RemoteReadQueryable(store, () => LocalFromMs(store), loggers.CreateLogger("RemoteRead")));
        var engine = new PromQlEngine(remoteRead, new PromQlOptions { Lookback = options.Lookback, ConcurrencyMax = options.QueryConcurrency, DelayedNameRemoval = options.DelayedNameRemoval }, time, instruments, limits);
        Keep(new Closing(engine));
        queryLog = Keep(new QueryLog(time, loggers.CreateLogger("Queries")));
        engine.Finished = queryLog.Write;
        int port = options.Port == 0 ? FreePort.Choose(options.Host) : options.Port;
        spans = Keep(new SpanExport($"pharos prometheus {options.Host}:{port}", handlers, loggers.CreateLogger("Tracing")));
        string external = options.ExternalUrl?.TrimEnd('/') ?? $"{(web.Tls is null ? "http" : "https")}://{(options.Host.Length == 0 ? "localhost" : options.Host)}:{port}{options.RoutePrefix}";

        // Receivers hand it all start timestamps; it knows who wants them.
        sink = new LocalSink(store, options.StartTimestampsAsZeros);
        alerts = new HttpAlertSink(
            new HttpAlertSinkOptions { Change = alert => AlertLabelling.Of(alert, config.ExternalLabels, config.AlertRelabelRules) }, time, instruments, loggers.CreateLogger("Alerts"));
        var journal = new AlertJournal();
        rules = new RuleManager(
            new RuleManagerOptions
            {
                DefaultInterval = config.EvaluationInterval,
                DefaultQueryOffset = config.RuleQueryOffset,
                ExternalLabels = () => config.ExternalLabels,
                ExternalUrl = external,
                ResendDelay = options.ResendDelay,
                LookbackDelta = options.Lookback,
                Spans = spans.Source,
            },
            new PromQlRuleLanguage(engine), sink, alerts, journal, catalogue, time, instruments, loggers.CreateLogger("Rules"));
        scraping = new ScrapeManager(sink, handlers, options.HostName, options.StartTimestampsAsZeros, spans.Source, time, instruments, loggers.CreateLogger("Scraping"));
        await ApplyAsync(config, cancel);

        var status = new PrometheusStatus
        {
            Flags = () => options.Flags,
            ConfigYaml = () => config.ShownText,
            Reload = () => (lastReloadOk, loadedAt),
            Notices = notices,
            StorageRetention = PromDuration.Format(config.Tsdb.RetentionTime ?? options.Retention),
            Instruments = instruments,
            Blocks = store.BlockList,
            Switches = [("api", "admin", options.AdminApi), ("api", "lifecycle", options.Lifecycle), ("api", "remote_write_receiver", options.RemoteWriteReceiver)],
            Tsdb = (tenant, limit) => MetricStatus.Of(store.Status(tenant, limit)),
        };
        http = await HttpHost.StartAsync(options.Host, port, loggers, application =>
        {
            application.UseRequestMetrics(instruments, time);
            application.UseRequestSpans(spans.Source);
            var routes = application.MapGroup(options.RoutePrefix);
            OperationsRoutes.Map(routes, instruments);
            PrometheusQueryRoutes.Map(routes, engine, remoteRead, time, status);
            RulesRoutes.Map(routes, _ => rules.Groups());
            TargetsRoutes.Map(routes, () => scraping.Pools, () => alerts.Targets);
            TargetDetailRoutes.Map(routes, () => scraping.Pools, () => config.ShownText);
            QueryListRoutes.Map(routes, engine.Queries);
            RemoteReadRoutes.Map(routes, store, limits, () => config.ExternalLabels);
            FederateRoutes.Map(routes, store, options.Lookback, time, () => config.ExternalLabels);
            LifecycleRoutes.Map(routes, options.Lifecycle, ReloadAsync, () => quit.TrySetResult());
            AdminRoutes.Map(routes, options.AdminApi, "start with --web.enable-admin-api", store);
            if (options.RemoteWriteReceiver) RemoteWriteRoutes.Map(routes, sink, instruments, new RemoteWriteReceiverOptions { StartTimestamps = _ => true }, ["/api/v1/write"]);
            if (options.OtlpReceiver)
                OtlpMetricsRoutes.Map(routes, sink, _ => config.Otlp with { Delta = options.OtlpDelta, StartTimestampsAsZeros = true }, options.Lookback, time, instruments, "/api/v1/otlp/v1/metrics");
            routes.MapGet("/", reply => reply.Response.WriteAsync("Pharos stands in for Prometheus here. Its API is under /api/v1, its own metrics at /metrics.\n"));
        }, cancel, () => web);
    }

    private async Task ApplyAsync(PrometheusConfig next, CancellationToken cancel)
    {
        // Everything that can be wrong is read before anything is changed.
        var groups = await ReadRulesAsync(next, cancel);
        string nextRemote = ConfigText.Of(next.RemoteWrite) + next.ExternalLabels;
        if (remote is null || nextRemote != remoteText)
        {
            sink!.Queues = [];
            if (remote is not null) await remote.DisposeAsync();
            remote = next.RemoteWrite.Count == 0 ? null : new RemoteWriteQueue(
                RemoteOptions(next), Path.Combine(Path.GetFullPath(options.StoragePath), "remote-write"), SpanHandler.Around(handlers, spans!.Source, "Remote Send Batch", root: true), time, instruments, loggers.CreateLogger("RemoteWrite"));
            sink.Queues = remote is null ? [] : [remote];
            remoteText = nextRemote;
        }
        string nextAlerting = ConfigText.Of(next.Alertmanagers);
        if (alertmanagers.Count == 0 || nextAlerting != alertingText)
        {
            var before = alertmanagers;
            alertmanagers = [];
            var context = new DiscoveryContext(handlers, time, instruments, loggers.CreateLogger("Alerts"));
            foreach (var group in next.Alertmanagers) alertmanagers.Add(new AlertmanagerSource(group, $"config-{alertmanagers.Count}", context, UpdateAlertmanagersAsync));
            foreach (var source in alertmanagers) await source.StartAsync();
            // Where no group is left, none tells it.
            await UpdateAlertmanagersAsync();
            foreach (var source in before) await source.DisposeAsync();
            alertingText = nextAlerting;
        }
        queryLog!.Open(next.QueryLogFile);
        spans!.Use(next.Tracing);
        string nextRemoteRead = ConfigText.Of(next.RemoteRead) + next.ExternalLabels;
        if (nextRemoteRead != remoteReadText)
        {
            remoteRead!.Use([.. next.RemoteRead.Select(r => new RemoteReadClient(r, SpanHandler.Around(handlers, spans.Source, "Remote Read", root: false), time, instruments))], next.ExternalLabels);
            remoteReadText = nextRemoteRead;
        }
        await rules!.UpdateAsync(groups, cancel);
        await scraping!.ApplyAsync(next.ScrapeJobs, next.ExternalLabels);
        config = next;
        loadedAt = time.GetUtcNow();
    }

    private Task UpdateAlertmanagersAsync() => alerts!.UpdateAsync([.. alertmanagers.SelectMany(a => a.Targets)]);

    private static async Task<IReadOnlyList<RuleGroupSource>> ReadRulesAsync(PrometheusConfig config, CancellationToken cancel)
    {
        var groups = new List<RuleGroupSource>();
        var findings = new List<Diagnostic>();
        foreach (string file in FilePatterns.Find(config.RuleFiles))
        {
            try
            {
                string text = await File.ReadAllTextAsync(file, cancel);
                groups.AddRange(RuleFileReader.Parse(text, file, new RuleFileOptions { Language = CheckOnlyLanguage.PromQl }).Select(g => new RuleGroupSource(file, g)));
            }
            catch (ConfigurationException e)
            {
                findings.AddRange(e.Diagnostics);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                findings.Add(Diagnostic.Error(new SourcePosition(file, 0, 0), $"cannot be read: {e.Message}"));
            }
        }
        return findings.Count == 0 ? groups : throw new ConfigurationException(findings);
    }

    private static RemoteWriteOptions RemoteOptions(PrometheusConfig config) => new()
    {
        ExternalLabels = config.ExternalLabels,
        Endpoints = [.. config.RemoteWrite.Select(RemoteWriteSection.Endpoint)],
    };

    private TenantLimits Limits() => TenantLimits.Default with
    {
        SeriesMax = 0,
        LabelNamesPerSeriesMax = 0,
        LabelNameBytesMax = 0,
        LabelValueBytesMax = 0,
        MetricRetention = config.Tsdb.RetentionTime ?? options.Retention,
        MetricBytesMax = config.Tsdb.RetentionPercentage > 0 ? ShareOfDisk(config.Tsdb.RetentionPercentage) : config.Tsdb.RetentionBytes ?? options.RetentionBytes,
        ExemplarsMax = config.Tsdb.ExemplarsMax ?? TenantLimits.Default.ExemplarsMax,
        OutOfOrderWindow = config.Tsdb.OutOfOrderWindow,
        StaleSeriesShareMax = config.Tsdb.StaleSeriesShareMax,
        QuerySamplesMax = options.QuerySamplesMax,
        QueryTimeout = options.QueryTimeout,
    };

    /// <summary>From when on the local store should have everything, as Prometheus reckons it: four hours after its oldest block, or after now.</summary>
    private long LocalFromMs(MetricStore store) =>
        (store.BlockList(TenantId.Anonymous) is [var oldest, ..] ? oldest.MinTimeMs : time.GetUtcNow().ToUnixTimeMilliseconds()) + (long)TimeSpan.FromHours(4).TotalMilliseconds;

    /// <summary>Bytes of the disk that holds the data; at least 1, since 0 would mean no limit.</summary>
    private long ShareOfDisk(double percentage) => Math.Max(1, (long)(new DriveInfo(Path.GetFullPath(options.StoragePath)).TotalSize * percentage / 100));

    private T Keep<T>(T part) where T : IAsyncDisposable
    {
        parts.Push(part);
        return part;
    }

    /// <summary>What the command line and the configuration say now.</summary>
    private sealed class LocalLimits(PrometheusHost host) : ITenantLimits
    {
        private PrometheusConfig? from;
        private TenantLimits limits = TenantLimits.Default;

        public TenantLimits For(TenantId tenant)
        {
            // A reload replaces the configuration; only then are the limits made anew.
            if (from == host.config) return limits;
            limits = host.Limits();
            from = host.config;
            return limits;
        }
    }
}
