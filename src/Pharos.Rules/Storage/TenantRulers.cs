using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Storage.Catalogue;

namespace Pharos.Rules;

/// <summary>How the rules of all tenants run.</summary>
public sealed record TenantRulersOptions
{
    public TimeSpan DefaultInterval { get; init; } = TimeSpan.FromMinutes(1);
    public TimeSpan DefaultQueryOffset { get; init; }
    public TimeSpan ResendDelay { get; init; } = TimeSpan.FromMinutes(1);
    public TimeSpan OutageTolerance { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Rules over metrics may read other tenants' data, <c>source_tenants</c>. Mimir: ruler.tenant_federation.enabled.</summary>
    public bool SourceTenants { get; init; }

    /// <summary>Address under which users reach this server, without a slash at the end.</summary>
    public string ExternalUrl { get; init; } = "";

    /// <summary>The same for rules over logs; null: <see cref="ExternalUrl"/>.</summary>
    public string? LogsExternalUrl { get; init; }

    /// <inheritdoc cref="RuleManagerOptions.ExternalLabels"/>
    public Func<Labels> ExternalLabels { get; init; } = () => Labels.Empty;

    /// <summary>The link in an alert to the data behind it, by placement and expression; null: the expression browser.</summary>
    public Func<RulePlacement, string, string>? GeneratorUrl { get; init; }
}

/// <summary>Runs the stored rule groups of every tenant, in both placements, and takes changes over at once.</summary>
public sealed class TenantRulers : IAsyncDisposable
{
    private readonly TenantRulersOptions options;
    private readonly RuleStore store;
    private readonly Func<RulePlacement, IRuleLanguage> language;
    private readonly Func<RulePlacement, IMetricSink> sink;
    private readonly Func<RulePlacement, IAlertSink> alerts;
    private readonly IAlertJournal journal;
    private readonly ICatalogue catalogue;
    private readonly TimeProvider time;
    private readonly Instruments instruments;
    private readonly ILogger logger;
    private readonly Gauge managersTotal;
    private readonly Lock gate = new();
    private readonly Dictionary<(TenantId Tenant, RulePlacement Placement), Ruler> rulers = [];
    private bool stopped;

    /// <param name="sink">Gets what rules of a placement record.</param>
    /// <param name="alerts">Gets their alerts.</param>
    public TenantRulers(
        TenantRulersOptions options,
        RuleStore store,
        Func<RulePlacement, IRuleLanguage> language,
        Func<RulePlacement, IMetricSink> sink,
        Func<RulePlacement, IAlertSink> alerts,
        IAlertJournal journal,
        ICatalogue catalogue,
        TimeProvider time,
        Instruments instruments,
        ILogger logger)
    {
        this.options = options;
        this.store = store;
        this.language = language;
        this.sink = sink;
        this.alerts = alerts;
        this.journal = journal;
        this.catalogue = catalogue;
        this.time = time;
        this.instruments = instruments;
        this.logger = logger;
        managersTotal = instruments.Gauge("cortex_ruler_managers_total", "Total number of managers registered and running in the ruler.");
    }

    public RuleStore Store => store;

    /// <summary>How groups of a placement are read and checked.</summary>
    public RuleFileOptions Reading(RulePlacement placement) =>
        new() { Language = language(placement), SourceTenants = options.SourceTenants && placement == RulePlacement.Metrics };

    /// <summary>Begins to run the rules of every tenant.</summary>
    public async Task StartAsync(CancellationToken cancel)
    {
        store.Changed += OnChanged;
        foreach (var tenant in store.Tenants())
        {
            foreach (var placement in Enum.GetValues<RulePlacement>()) await RefreshAsync(tenant, placement, cancel);
        }
    }

    /// <summary>Groups of a tenant as they run; what was stored a moment ago is among them.</summary>
    public IReadOnlyList<RuleGroupState> Groups(TenantId tenant, RulePlacement placement)
    {
        Ruler? ruler;
        lock (gate) ruler = rulers.GetValueOrDefault((tenant, placement));
        return ruler is null ? [] : ruler.Manager.Groups();
    }

    /// <summary>Groups of a tenant in both placements, those over metrics first.</summary>
    public IReadOnlyList<RuleGroupState> Groups(TenantId tenant) =>
        [.. Groups(tenant, RulePlacement.Metrics), .. Groups(tenant, RulePlacement.Logs)];

    /// <summary>Takes the stored groups of a tenant over; completes when they run.</summary>
    public async Task RefreshAsync(TenantId tenant, RulePlacement placement, CancellationToken cancel)
    {
        Ruler? ruler;
        lock (gate)
        {
            if (stopped) return;
            rulers.TryGetValue((tenant, placement), out ruler);
        }
        if (ruler is null && store.List(tenant, placement).Count == 0) return;
        if (ruler is null)
        {
            lock (gate)
            {
                if (!rulers.TryGetValue((tenant, placement), out ruler))
                {
                    ruler = new Ruler(Manager(tenant, placement));
                    rulers[(tenant, placement)] = ruler;
                    managersTotal.Set(rulers.Count);
                }
            }
        }
        await ruler.Turn.WaitAsync(cancel);
        try
        {
            // Read inside the turn: of several changes at once, the last to come sees them all.
            await ruler.Manager.UpdateAsync([.. store.List(tenant, placement).Where(g => MayRun(tenant, placement, g)).Select(g => new RuleGroupSource(g.Namespace, g.Group))], cancel);
        }
        finally
        {
            ruler.Turn.Release();
        }
    }

    /// <inheritdoc cref="RuleManager.SettledAsync"/>
    public Task SettledAsync()
    {
        lock (gate) return Task.WhenAll(rulers.Values.Select(r => r.Manager.SettledAsync()));
    }

    public async ValueTask DisposeAsync()
    {
        List<Ruler> all;
        lock (gate)
        {
            if (stopped) return;
            stopped = true;
            all = [.. rulers.Values];
            rulers.Clear();
        }
        store.Changed -= OnChanged;
        foreach (var ruler in all) await ruler.Manager.DisposeAsync();
    }

    private RuleManager Manager(TenantId tenant, RulePlacement placement) => new(
        new RuleManagerOptions
        {
            Tenant = tenant,
            Placement = placement,
            DefaultInterval = options.DefaultInterval,
            DefaultQueryOffset = options.DefaultQueryOffset,
            Limits = () => store.LimitsOf(tenant),
            ResendDelay = options.ResendDelay,
            OutageTolerance = options.OutageTolerance,
            ExternalLabels = options.ExternalLabels,
            ExternalUrl = placement == RulePlacement.Logs ? options.LogsExternalUrl ?? options.ExternalUrl : options.ExternalUrl,
            MetricPrefix = placement == RulePlacement.Metrics ? "cortex_prometheus" : "loki_prometheus",
            GeneratorUrl = options.GeneratorUrl is { } link ? expression => link(placement, expression) : null,
        },
        language(placement), sink(placement), alerts(placement), journal, catalogue, time, instruments, logger);

    private bool MayRun(TenantId tenant, RulePlacement placement, StoredRuleGroup group)
    {
        if (group.Group.SourceTenants.Count == 0 || Reading(placement).SourceTenants) return true;
        RulesLog.SourceTenantsOff(logger, tenant.Name, group.Namespace, group.Group.Name);
        return false;
    }

    private void OnChanged(TenantId tenant, RulePlacement placement) => _ = TakeOverAsync(tenant, placement);

    private async Task TakeOverAsync(TenantId tenant, RulePlacement placement)
    {
        try
        {
            await RefreshAsync(tenant, placement, CancellationToken.None);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            RulesLog.TenantFailed(logger, tenant.Name, e);
        }
    }

    private sealed class Ruler(RuleManager manager)
    {
        public RuleManager Manager { get; } = manager;

        public SemaphoreSlim Turn { get; } = new(1, 1);
    }
}
