using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using Pharos.Alerting;
using Pharos.Collector.Discovery;
using Pharos.Collector.Hosting;
using Pharos.Collector.Http;
using Pharos.Collector.Syntax;
using Pharos.Core;
using Pharos.Fleet;
using Pharos.LogQL;
using Pharos.Logs;
using Pharos.Metrics;
using Pharos.PromQL;
using Pharos.Rules;
using Pharos.Server.Alertmanager;
using Pharos.Server.Configuration;
using Pharos.Server.Fleet;
using Pharos.Server.Http;
using Pharos.Server.Loki;
using Pharos.Server.Mimir;
using Pharos.Server.Otlp;
using Pharos.Server.Page;
using Pharos.Server.Prometheus;
using Pharos.Server.Rules;
using Pharos.Storage.Catalogue;
using Pharos.Storage.WriteLog;
using Pharos.Wire.Exposition;

namespace Pharos.Server.Hosting;

/// <summary>
/// The central, multi-tenant stack in one process: metrics, logs, rules, alert routing, fleet and the page.
/// Everything is made here, in the order of its dependencies, and stopped in the reverse order.
/// </summary>
public sealed class PharosServer : IAsyncDisposable
{
    private readonly Stack<IAsyncDisposable> parts = new();
    private HttpHost? http;
    private TenantOverrides? overrides;
    private RuleStore? rules;
    private Notices? notices;

    private PharosServer() { }

    /// <summary>The address listened on.</summary>
    public Uri Address => http!.Address;

    /// <exception cref="IOException">The address cannot be bound, or the data folder cannot be used.</exception>
    public static async Task<PharosServer> StartAsync(ServerOptions options, TimeProvider time, ILoggerFactory loggers, CancellationToken cancel)
    {
        var server = new PharosServer();
        try
        {
            await server.ComposeAsync(options, time, loggers, cancel);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Reads limits and overrides again, from the configuration and the file of runtime overrides, and rule files.</summary>
    /// <exception cref="ConfigurationException">A file has mistakes; the limits are as before.</exception>
    /// <exception cref="IOException">A file cannot be read; the limits are as before.</exception>
    public async Task ReloadAsync(CancellationToken cancel)
    {
        try
        {
            await overrides!.ReloadAsync(cancel);
            rules!.RefreshFolders();
            notices!.Clear(Notices.ReloadFailed);
        }
        catch (Exception e) when (e is ConfigurationException or IOException or UnauthorizedAccessException)
        {
            notices!.Raise(Notices.ReloadFailed);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        notices?.End();
        while (parts.TryPop(out var part)) await part.DisposeAsync();
    }

    private async Task ComposeAsync(ServerOptions options, TimeProvider time, ILoggerFactory loggers, CancellationToken cancel)
    {
        var config = options.Config;
        string data = Path.GetFullPath(options.DataFolder);
        Directory.CreateDirectory(data);
        var instruments = new Instruments();
        ProcessMetrics.Register(instruments);
        notices = new Notices(time, instruments);
        instruments.Gauge("pharos_build_info", "Version of this program.", "version").With(ProductVersion.Text).Set(1);
        var limits = Keep(new TenantOverrides(config, time, instruments, loggers.CreateLogger("Limits")));
        overrides = limits;
        _ = new LimitsMetrics(limits, instruments);
        var journal = new AlertJournal();

        var catalogue = Keep(new SqliteCatalogue(Path.Combine(data, "catalogue.db"), time));
        var log = Keep(new FileWriteLog(
            new WriteLogOptions { Folder = Path.Combine(data, "write-log"), Sync = config.Sync }, time, instruments, loggers.CreateLogger("Storage")));
        var metrics = Keep(new MetricStore(
            new MetricStoreOptions { Folder = Path.Combine(data, "metrics"), ExemplarsPerTenant = int.MaxValue }, log, limits, time, instruments, loggers.CreateLogger("Metrics")));
        var logs = Keep(new LogStore(
            new LogStoreOptions { Folder = Path.Combine(data, "logs"), FilterLanguage = new LogQlFilterLanguage(time) }, log, limits, time, instruments, loggers.CreateLogger("Logs")));
        // Beside all that is made meanwhile, which asks the stores for nothing: reading the log is most of a start.
        var reading = Task.Run(() =>
        {
            metrics.Start();
            logs.Start();
        }, CancellationToken.None);
        Keep(new Waiting(reading));

        var ingestion = new IngestionRates(time);
        var replicas = new HaTracker(catalogue, time, instruments, loggers.CreateLogger("Distributor"));
        var distributor = new Distributor(metrics, limits, replicas, ingestion, time, instruments);
        var readable = new LimitedQueryable(new FederatedQueryable(metrics), limits, time);
        var promql = new PromQlEngine(readable, new PromQlOptions(), time, instruments, limits);
        Keep(new Closing(promql));
        var logServices = new LogServices(logs, promql.Queries, limits, time, instruments, config.ExternalUrl);
        Keep(new Closing(logServices));
        var ruling = new RulerMetrics(instruments, ingestion);
        var promqlRules = ruling.Counted(new PromQlRuleLanguage(promql));
        var logqlRules = ruling.Counted(new LogQlRuleLanguage(logServices.Engine, time));

        Uri? address = null;
        string ExternalUrl() => config.ExternalUrl?.TrimEnd('/') ?? address?.ToString().TrimEnd('/') ?? $"http://{options.Host}:{options.Port}";
        // Links in notifications need the port, so it is chosen before anything that writes links is made.
        int port = options.Port == 0 ? FreePort.Choose(options.Host) : options.Port;
        address = new Uri($"http://{(options.Host.Length == 0 ? "localhost" : options.Host)}:{port}/");

        var router = Keep(new AlertRouter(
            new AlertRouterOptions { ExternalUrl = ExternalUrl() + "/alertmanager", Firewall = config.ReceiverFirewall, Limits = tenant => limits.For(tenant).Alerts }, catalogue, journal, time,
            options.HttpHandlers is { } handlers ? _ => handlers() : null, instruments, loggers.CreateLogger("Alerting")));
        if (config.AlertmanagerFallbackFile is { } fallback)
            router.UseFallback(AlertmanagerConfig.Load(await File.ReadAllTextAsync(fallback, cancel), fallback));
        router.Start();

        var stored = ruling.Counted(metrics);
        var recording = Keep(new RemoteRecording(
            stored, limits, config.Ruler, Path.Combine(data, "ruler-wal"), options.HttpHandlers is { } senders ? _ => senders() : HttpHandlers.Create(time), time, instruments,
            loggers.CreateLogger("RemoteWrite")));
        var links = new AlertLinks(ExternalUrl(), config.Ruler);
        Labels ExternalLabels() => limits.Config.Ruler.ExternalLabels;
        var outside = new DiscoveryContext(options.HttpHandlers is { } notifiers ? _ => notifiers() : HttpHandlers.Create(time), time, instruments, loggers.CreateLogger("Alerts"));
        var metricAlerts = Keep(new RuleAlerts(router, ExternalLabels, limits, "cortex_prometheus_notifications", journal, outside));
        var logAlerts = Keep(new RuleAlerts(router, ExternalLabels, limits, "loki_prometheus_notifications", journal, outside));
        var ruleStore = rules = RuleStorage.Open(config, catalogue, limits, promqlRules, logqlRules, time, instruments, loggers.CreateLogger("Rules"));
        var rulers = Keep(new TenantRulers(
            new TenantRulersOptions
            {
                DefaultInterval = config.Ruler.EvaluationInterval,
                ResendDelay = config.Ruler.ResendDelay,
                OutageTolerance = config.Ruler.OutageTolerance,
                ExternalUrl = ExternalUrl(),
                LogsExternalUrl = links.LogsUrl,
                ExternalLabels = ExternalLabels,
                GeneratorUrl = links.Of,
                SourceTenants = config.MultitenancyEnabled && config.RulerFederationEnabled,
            }, ruleStore,
            placement => placement == RulePlacement.Metrics ? promqlRules : logqlRules,
            placement => placement == RulePlacement.Metrics ? stored : recording,
            placement => placement == RulePlacement.Metrics ? metricAlerts : logAlerts, journal, catalogue, time, instruments, loggers.CreateLogger("Rules")));

        Keep(new RuleFolderWatch(ruleStore, config.Ruler.PollInterval, time));
        var collectors = new CollectorRegistry(catalogue, time);
        var pipelines = new PipelineRegistry(catalogue, time, CheckPipeline);
        var rates = Keep(new RateMeter(instruments, time));
        var page = new PageService(rates, collectors, pipelines, rulers, router, metrics, limits, time);

        var status = new PrometheusStatus
        {
            ApiRoot = "/prometheus/api/v1",
            Notices = notices,
            Features = new Dictionary<string, string> { ["ruler_config_api"] = config.Ruler.ApiEnabled ? "true" : "false", ["alertmanager_config_api"] = "true", ["federation"] = config.MultitenancyEnabled && config.FederationEnabled ? "true" : "false" },
            Instruments = instruments,
            Blocks = metrics.BlockList,
            Switches = [("api", "remote_write_receiver", true)],
            Tsdb = (tenant, limit) => MetricStatus.Of(metrics.Status(tenant, limit)),
        };
        var lookback = new PromQlOptions().Lookback;
        http = Keep(await HttpHost.StartAsync(options.Host, port, loggers, application =>
        {
            application.UseLokiBase();
            application.UseRequestMetrics(instruments, time, mimirNames: true);
            application.UseTenancy(config.MultitenancyEnabled, config.FederationEnabled ? config.FederatedTenantsMax : 1);
            application.UseFleetTokens(config.FleetTokens);
            application.UseQueryLimits(limits, time);
            OperationsRoutes.Map(application, instruments);
            LifecycleRoutes.MapReload(application, enabled: true, ReloadAsync);
            RemoteWriteRoutes.Map(application, distributor, instruments, new RemoteWriteReceiverOptions
            {
                StartTimestamps = tenant => limits.For(tenant).StartTimestampsAsZeros,
                CountsFirst = distributor.CountsFirst,
                RefuseOverRate = distributor.RefuseOverRate,
            });
            OtlpMetricsRoutes.Map(
                application, distributor, tenant => limits.For(tenant).Otlp, lookback, time, instruments,
                "/otlp/v1/metrics", "/api/v1/otlp/v1/metrics", "/prometheus/api/v1/otlp/v1/metrics");
            InfluxRoutes.Map(application, distributor, time, instruments);
            LimitsRoutes.Map(application, limits);
            TenantRoutes.Map(application, metrics, ingestion, replicas, time);
            BlockUploadRoutes.Map(application, metrics, limits, time);
            // Mimir serves Prometheus's API under /prometheus; Prometheus's own clients ask without the prefix.
            foreach (string prefix in (string[])["", "/prometheus"])
            {
                var group = application.MapGroup(prefix);
                PrometheusQueryRoutes.Map(group, promql, readable, time, status);
                CardinalityRoutes.Map(group, metrics, limits);
                LimitsRoutes.MapUser(group, limits);
                TenantRoutes.MapUser(group, metrics, ingestion);
                AdminRoutes.Map(group, config.AdminApi, "set admin_api: true in the server's configuration", metrics);
                // Collectors scrape, and alerts are routed in this process.
                TargetsRoutes.Map(group, () => [], () => []);
                TargetDetailRoutes.Map(group, () => [], () => "");
                if (config.Ruler.ApiEnabled) RulerConfigRoutes.Map(group, rulers);
                RemoteReadRoutes.Map(group, readable, limits, () => Labels.Empty);
                FederateRoutes.Map(group, readable, lookback, time, () => Labels.Empty);
            }
            RulesRoutes.Map(application.MapGroup("/prometheus"), tenant => rulers.Groups(tenant, RulePlacement.Metrics));
            RulesRoutes.MapAll(application, rulers.Groups);
            RulesRoutes.MapLogs(application, tenant => rulers.Groups(tenant, RulePlacement.Logs));
            if (config.Ruler.ApiEnabled) RulerConfigRoutes.MapLogs(application, rulers);
            RulerConfigRoutes.MapDeleteTenant(application, rulers);
            LokiRoutes.Map(application, logServices);
            LokiSnapshots.Map(application, config.AdminApi, logs);
            MimirAlertmanagerRoutes.Map(application, router);
            foreach (string prefix in (string[])["", "/alertmanager"]) AlertmanagerV2Routes.Map(application.MapGroup(prefix), router, time, instruments);
            AlertTraceRoutes.Map(application, router);
            QueryListRoutes.Map(application, promql.Queries);
            FleetRoutes.Map(application, collectors, pipelines);
            FleetStateRoutes.Map(application, collectors);
            PageRoutes.Map(application, page);
            application.UsePage();
        }, cancel, before: async () =>
        {
            await reading;
            recording.Start();
            await rulers.StartAsync(cancel);
        }));
    }

    private static IReadOnlyList<Diagnostic> CheckPipeline(string contents) =>
        [.. CollectorValidator.ValidatePipeline(new SourceText("pipeline", contents)).Select(d => d.ToDiagnostic())];

    private T Keep<T>(T part) where T : IAsyncDisposable
    {
        parts.Push(part);
        return part;
    }
}

/// <summary>Work that must have ended, however it ends, before what it works on is disposed of.</summary>
internal sealed class Waiting(Task work) : IAsyncDisposable
{
    public async ValueTask DisposeAsync() => await work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}

/// <summary>Something to dispose of in its turn.</summary>
internal sealed class Closing(IDisposable part) : IAsyncDisposable
{
    public ValueTask DisposeAsync()
    {
        part.Dispose();
        return ValueTask.CompletedTask;
    }
}
