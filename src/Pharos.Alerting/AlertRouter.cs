using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Storage.Catalogue;

namespace Pharos.Alerting;

/// <summary>
/// Routes alerts of one or many tenants to receivers: groups, inhibits, silences, compares with what was already sent, and notifies.
/// Alerts, silences, the notification log and uploaded configurations live in the catalogue, so that a restart loses nothing and
/// pages nobody twice. Safe for several threads.
/// </summary>
public sealed class AlertRouter : IAlertSink, IAsyncDisposable
{
    public const string ConfigCollection = "alertmanager-config";

    // The router's own facts, no tenant's.
    private const string OwnTenant = "_", OwnCollection = "alert-router", AliveKey = "alive";

    private static readonly TimeSpan AliveInterval = TimeSpan.FromMinutes(1);

    private readonly RouterShared shared;
    private readonly ConcurrentDictionary<TenantId, Lazy<TenantRouter>> tenants = new();
    private readonly List<ITimer> timers = [];
    private readonly Lock configGate = new();
    private readonly DateTimeOffset aliveAt;
    private AlertmanagerConfig fallback;
    private bool disposed;

    /// <param name="handlers">Transports of HTTP receivers; null: real sockets behind the options' firewall.</param>
    public AlertRouter(
        AlertRouterOptions options, ICatalogue catalogue, IAlertJournal journal, TimeProvider time,
        HttpHandlerFactory? handlers, Instruments instruments, ILogger logger)
    {
        History = new NotificationHistory();
        var metrics = new RouterMetrics(instruments);
        shared = new RouterShared(options, catalogue, journal, time, handlers, metrics, History, new WorkTracker(), logger);
        Journal = journal;
        fallback = AlertmanagerConfig.Load(options.FallbackConfig, "", new AlertmanagerConfigOptions { Matchers = options.Matchers });
        aliveAt = catalogue.Get(OwnTenant, OwnCollection, AliveKey) is { } alive
            && DateTimeOffset.TryParse(alive.Content, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out var at) ? at : time.GetUtcNow();
        instruments.BeforeRead(Measure);
    }

    /// <summary>What was sent lately.</summary>
    public NotificationHistory History { get; }

    public IAlertJournal Journal { get; }

    public AlertRouterOptions Options => shared.Options;

    public DateTimeOffset StartedAt => shared.StartedAt;

    /// <summary>The configuration of tenants that have none of their own. Setting it reloads them.</summary>
    /// <exception cref="ConfigurationException">It cannot be put to work; the old one goes on.</exception>
    public void UseFallback(AlertmanagerConfig config)
    {
        lock (configGate)
        {
            try
            {
                // Proves that it works before any tenant takes it.
                new ActiveConfig(config, TenantId.Anonymous, shared).Dispose();
                foreach (var (tenant, router) in tenants)
                {
                    if (router.IsValueCreated && shared.Catalogue.Get(tenant.Name, ConfigCollection, "config") is null) router.Value.Apply(config);
                }
                fallback = config;
            }
            catch (ConfigurationException)
            {
                shared.Metrics.ReloadOk.Set(0);
                throw;
            }
            shared.Metrics.ReloadOk.Set(1);
            shared.Metrics.ReloadAt.Set(shared.Now.ToUnixTimeMilliseconds() / 1000.0);
            shared.Metrics.ConfigHash.Set(ConfigHash(config.Text));
        }
    }

    /// <summary>Notes a configuration that did not even parse, for the metrics.</summary>
    public void ReloadFailed() => shared.Metrics.ReloadOk.Set(0);

    /// <summary>Takes up the work of every tenant that the catalogue knows, and starts the timers.</summary>
    public void Start()
    {
        foreach (string collection in (string[])[ConfigCollection, TenantRouter.AlertCollection, SilenceStore.Collection, NotificationLog.Collection])
        {
            foreach (string name in shared.Catalogue.Tenants(collection))
            {
                if (TenantId.TryParse(name, out var tenant, out _)) Tenant(tenant);
            }
        }
        Every(shared.Options.GroupSweepInterval, t => t.Sweep());
        Every(shared.Options.AlertCollectInterval, t => t.CollectAlerts());
        Every(shared.Options.MaintenanceInterval, t => t.Maintain());
        timers.Add(shared.Time.CreateTimer(_ => NoteAlive(), null, TimeSpan.Zero, AliveInterval));
    }

    /// <inheritdoc/>
    public ValueTask SendAsync(TenantId tenant, IReadOnlyList<Alert> alerts, CancellationToken cancel)
    {
        var errors = Receive(tenant, alerts);
        return errors.Count == alerts.Count && errors.Count > 0 ? throw new AlertSendException(string.Join("; ", errors.Distinct())) : ValueTask.CompletedTask;
    }

    /// <summary>Takes alerts. What is wrong with some of them is returned; the others are stored and durable.</summary>
    public IReadOnlyList<string> Receive(TenantId tenant, IReadOnlyList<Alert> alerts) => Tenant(tenant).Receive(alerts);

    public IReadOnlyList<AlertView> Alerts(TenantId tenant) => Tenant(tenant).Alerts();

    public IReadOnlyList<GroupView> Groups(TenantId tenant) => Tenant(tenant).Groups();

    public IReadOnlyList<Silence> Silences(TenantId tenant) => Tenant(tenant).Silences();

    public Silence? FindSilence(TenantId tenant, string id) => Tenant(tenant).FindSilence(id);

    /// <summary>Stores or changes a silence; durable when this returns.</summary>
    /// <exception cref="SilenceException">It is not valid, unknown, or a limit is reached.</exception>
    public Silence SetSilence(TenantId tenant, Silence silence) => Tenant(tenant).SetSilence(silence);

    /// <exception cref="SilenceException">There is no such silence.</exception>
    public void ExpireSilence(TenantId tenant, string id) => Tenant(tenant).ExpireSilence(id);

    /// <summary>The configuration now at work for a tenant.</summary>
    public AlertmanagerConfig Config(TenantId tenant) => Tenant(tenant).Config;

    /// <summary>The configuration that a tenant uploaded; null where it has none.</summary>
    public TenantConfig? StoredConfig(TenantId tenant) =>
        shared.Catalogue.Get(tenant.Name, ConfigCollection, "config") is { } document ? StateJson.ReadConfig(document.Content) : null;

    /// <summary>Checks, puts to work and keeps a tenant's configuration.</summary>
    /// <exception cref="ConfigurationException">It is not valid or over a limit; the old one goes on.</exception>
    public void StoreConfig(TenantId tenant, TenantConfig config)
    {
        CheckLimits(config, shared.Options.Limits(tenant));
        var loaded = Load(config);
        lock (configGate)
        {
            Tenant(tenant).Apply(loaded);
            shared.Catalogue.Put(tenant.Name, ConfigCollection, "config", StateJson.Write(config));
        }
    }

    /// <summary>Takes a tenant's configuration away; the fallback takes its place. False where there was none.</summary>
    public bool DeleteConfig(TenantId tenant)
    {
        lock (configGate)
        {
            bool had = shared.Catalogue.Delete(tenant.Name, ConfigCollection, "config");
            if (had) Tenant(tenant).Apply(fallback);
            return had;
        }
    }

    /// <summary>Tenants with a configuration of their own, sorted.</summary>
    public IReadOnlyList<string> ConfiguredTenants() => shared.Catalogue.Tenants(ConfigCollection);

    /// <summary>Done when everything that is due now has been done. For simulated time.</summary>
    public Task IdleAsync() => shared.Work.IdleAsync();

    public async ValueTask DisposeAsync()
    {
        if (disposed) return;
        disposed = true;
        foreach (var timer in timers) await timer.DisposeAsync();
        NoteAlive();
        foreach (var tenant in tenants.Values.Where(t => t.IsValueCreated)) tenant.Value.Dispose();
    }

    private TenantRouter Tenant(TenantId tenant) =>
        tenants.GetOrAdd(tenant, t => new Lazy<TenantRouter>(() => new TenantRouter(t, shared, ConfigOf(t), aliveAt))).Value;

    private AlertmanagerConfig ConfigOf(TenantId tenant)
    {
        if (StoredConfig(tenant) is not { } stored) return fallback;
        try
        {
            return Load(stored);
        }
        catch (ConfigurationException e)
        {
            AlertingLog.StoredConfigBroken(shared.Logger, tenant.Name, e.Message);
            return fallback;
        }
    }

    private AlertmanagerConfig Load(TenantConfig config) => AlertmanagerConfig.Load(config.Text, "alertmanager_config", new AlertmanagerConfigOptions
    {
        AllowFiles = false,
        Matchers = shared.Options.Matchers,
        Templates = config.Templates,
    });

    private static void CheckLimits(TenantConfig config, AlertLimits limits)
    {
        var findings = new List<Diagnostic>();
        void Find(bool over, string message)
        {
            if (over) findings.Add(Diagnostic.Error(SourcePosition.None, message));
        }
        Find(Over(config.Text, limits.ConfigBytesMax), $"Alertmanager configuration is too big, limit: {limits.ConfigBytesMax} bytes (alertmanager_max_config_size_bytes)");
        Find(limits.TemplatesMax > 0 && config.Templates.Count > limits.TemplatesMax, $"too many templates in the configuration: {config.Templates.Count} (limit: {limits.TemplatesMax}, alertmanager_max_templates_count)");
        foreach (var (name, text) in config.Templates)
        {
            Find(Over(text, limits.TemplateBytesMax), $"template {name} is too big: {Encoding.UTF8.GetByteCount(text)} bytes (limit: {limits.TemplateBytesMax} bytes, alertmanager_max_template_size_bytes)");
            Find(name.Length == 0 || name.AsSpan().IndexOfAny("/\\") >= 0 || name is "." or "..", $"invalid template name {GoString.Quote(name)}: it must be a plain file name");
        }
        if (findings.Count > 0) throw new ConfigurationException(findings);

        static bool Over(string text, int bytesMax) => bytesMax > 0 && Encoding.UTF8.GetByteCount(text) > bytesMax;
    }

    /// <summary>48 bits of a hash: a float64 holds them exactly.</summary>
    private static double ConfigHash(string text) =>
        System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(text))) >> 16;

    private void Every(TimeSpan interval, Action<TenantRouter> work) =>
        timers.Add(shared.Time.CreateTimer(_ =>
        {
            foreach (var (tenant, router) in tenants)
            {
                try
                {
                    if (router.IsValueCreated) work(router.Value);
                }
                catch (Exception e)
                {
                    // One tenant's trouble, for example a full disk, must not stop the others' maintenance.
                    AlertingLog.MaintenanceBroke(shared.Logger, tenant.Name, e);
                }
            }
        }, null, interval, interval));

    private void NoteAlive()
    {
        try
        {
            shared.Catalogue.Put(OwnTenant, OwnCollection, AliveKey, StateJson.Time(shared.Now));
        }
        catch (Exception e)
        {
            AlertingLog.MaintenanceBroke(shared.Logger, OwnTenant, e);
        }
    }

    private void Measure()
    {
        var total = new TenantCounts();
        foreach (var tenant in tenants.Values.Where(t => t.IsValueCreated))
        {
            var counts = tenant.Value.Count();
            total.Active += counts.Active;
            total.Suppressed += counts.Suppressed;
            total.Groups += counts.Groups;
            total.Receivers += counts.Receivers;
            total.Integrations += counts.Integrations;
            total.InhibitRules += counts.InhibitRules;
            for (int i = 0; i < total.Silences.Length; i++) total.Silences[i] += counts.Silences[i];
        }
        shared.Metrics.Alerts.With("active").Set(total.Active);
        shared.Metrics.Alerts.With("suppressed").Set(total.Suppressed);
        shared.Metrics.Alerts.With("unprocessed").Set(0);
        shared.Metrics.Groups.Set(total.Groups);
        shared.Metrics.Receivers.Set(total.Receivers);
        shared.Metrics.Integrations.Set(total.Integrations);
        shared.Metrics.InhibitionRules.Set(total.InhibitRules);
        foreach (var state in Enum.GetValues<SilenceState>()) shared.Metrics.Silences.With(state.ToString().ToLowerInvariant()).Set(total.Silences[(int)state]);
    }
}
