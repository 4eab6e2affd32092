using Pharos.Alerting;
using Pharos.Core;
using Pharos.Fleet;
using Pharos.Metrics;
using Pharos.Rules;
using Pharos.Server.Configuration;
using Pharos.Server.Configuration.Ruler;
using Pharos.Server.Hosting;

namespace Pharos.Server.Page;

/// <summary>The data behind the page's own views: who is asking, and the live map with its finding.</summary>
internal sealed class PageService(
    RateMeter rates, CollectorRegistry collectorRegistry, PipelineRegistry pipelines, TenantRulers rulers, AlertRouter router, MetricStore metricStore,
    TenantOverrides overrides, TimeProvider time)
{
    private const string SamplesReceived = "cortex_distributor_received_samples_total";
    private const string LinesReceived = "loki_distributor_lines_received_total";

    /// <summary>What the metrics of alerts to Alertmanagers begin with, of rules over metrics and over logs.</summary>
    private static readonly string[] Notifications = ["cortex_prometheus_notifications", "loki_prometheus_notifications"];

    public Me WhoAmI(TenantId tenant)
    {
        var tenants = rulers.Store.Tenants().Select(t => t.Name)
            .Concat(router.ConfiguredTenants())
            .Concat(metricStore.Tenants.Select(t => t.Name))
            .Concat(overrides.Config.Overrides.Keys.Concat(overrides.Runtime.Keys).Select(t => t.Name))
            .Append(tenant.Name)
            .Where(name => !overrides.Config.MultitenancyEnabled || name != TenantId.Anonymous.Name)
            .Distinct().Order(StringComparer.Ordinal).ToList();
        // A browser that has picked no tenant yet starts with the first there is.
        bool none = overrides.Config.MultitenancyEnabled && tenant == TenantId.Anonymous;
        string name = none ? tenants.FirstOrDefault("") : tenant.Name;
        string alertmanagers = TenantId.TryParse(name, out var whose, out _) ? RulerAlerting.Of(overrides.For(whose)).Names : "";
        return new Me(name, overrides.Config.MultitenancyEnabled, tenants, ProductVersion.Text, alertmanagers);
    }

    public Architecture Map(TenantId tenant)
    {
        var now = time.GetUtcNow();
        var groups = rulers.Groups(tenant);
        var firing = groups.SelectMany(g => g.Rules).SelectMany(r => r.Alerts).Where(a => a.Phase == AlertPhase.Firing).ToList();
        var pending = groups.SelectMany(g => g.Rules).SelectMany(r => r.Alerts).Where(a => a.Phase == AlertPhase.Pending).ToList();
        var sent = router.History.Read(tenant, 200);
        var collectors = collectorRegistry.States(tenant);

        var outside = RulerAlerting.Of(overrides.For(tenant));

        var collectorsNode = Collectors(collectors);
        var nodes = new List<MapNode>
        {
            Fleet(collectors.Count, pipelines.List(tenant).Count(p => p.Enabled)),
            collectorsNode,
            Metrics(tenant),
            Logs(tenant),
            Ruler(RulePlacement.Metrics, groups),
            Ruler(RulePlacement.Logs, groups),
            Routing(tenant, outside.Sends ? 0 : firing.Count),
        };
        if (outside.Sends) nodes.Add(Alertmanagers(tenant, outside));
        var receivers = Receivers(tenant, sent);
        nodes.AddRange(receivers);

        int metricsFire = FiringIn(groups, RulePlacement.Metrics), logsFire = FiringIn(groups, RulePlacement.Logs);
        double? samples = rates.PerSecond(SamplesReceived, tenant);
        double? lines = rates.PerSecond(LinesReceived, tenant);
        string alertsGoTo = outside.Sends ? "alertmanagers" : "routing";
        double polls = collectors.Count(c => now - c.LastSeenAt <= TimeSpan.FromMinutes(1));
        var edges = new List<MapEdge>
        {
            Edge("fleet", "collectors", "config", polls, "in 1 min", false),
            Edge("collectors", "metrics", "metrics", samples, "samples/s", metricsFire > 0),
            Edge("collectors", "logs", "logs", lines, "lines/s", logsFire > 0),
            Edge("metrics", "rules-metrics", "metrics", rates.PerSecond("cortex_prometheus_rule_evaluations_total", tenant), "rules/s", metricsFire > 0),
            Edge("logs", "rules-logs", "logs", rates.PerSecond("loki_prometheus_rule_evaluations_total", tenant), "rules/s", logsFire > 0),
            Edge("rules-metrics", alertsGoTo, "alerts", metricsFire, "firing", metricsFire > 0),
            Edge("rules-logs", alertsGoTo, "alerts", logsFire, "firing", logsFire > 0),
        };
        foreach (var receiver in receivers)
        {
            string name = receiver.Name;
            int lastHour = sent.Count(s => s.Receiver == name && now - s.At <= TimeSpan.FromHours(1));
            bool lit = firing.Count > 0 && sent.Any(s => s.Receiver == name && s.Status == "firing" && now - s.At <= TimeSpan.FromHours(1));
            edges.Add(Edge("routing", receiver.Id, "notifications", lastHour, "in 1 h", lit));
        }
        var strip = new List<StripFigure>
        {
            new("Firing", firing.Count, "alerts", firing.Count > 0 ? "firing" : "ok"),
            new("Pending", pending.Count, "alerts", pending.Count > 0 ? "pending" : "ok"),
            new("Collectors", Healthy(collectors), $"of {collectors.Count}", collectorsNode.State),
            new("Samples", Round(samples), "samples/s", samples > 0 ? "ok" : "nodata"),
            new("Log lines", Round(lines), "lines/s", lines > 0 ? "ok" : "nodata"),
            new("Undelivered", sent.Count(s => !s.Delivered && now - s.At <= TimeSpan.FromHours(1)), "in 1 h", sent.Any(s => !s.Delivered && now - s.At <= TimeSpan.FromHours(1)) ? "error" : "ok"),
        };
        return new Architecture(now, Finding(collectors.Count, samples, firing, pending, sent, outside), strip, nodes, edges, Changes(tenant, sent));
    }

    private static string Finding(
        int collectors, double? samples, List<AlertState> firing, List<AlertState> pending, IReadOnlyList<SentNotification> sent, RulerAlerting outside)
    {
        if (firing.Count > 0)
        {
            var worst = firing.OrderBy(a => a.Labels["severity"] switch { "critical" => 0, "warning" => 1, _ => 2 }).ThenBy(a => a.ActiveAt).First();
            string who = sent.FirstOrDefault(s => s.Delivered && s.Status == "firing" && s.Alerts.Any(l => l["alertname"] == worst.Labels["alertname"])) is { } page
                ? $"{page.Receiver} was notified at {page.At:HH:mm:ss} UTC"
                : outside.Sends ? $"it goes to {outside.Names}" : "nobody was notified yet";
            string others = firing.Count > 1 ? $" and {firing.Count - 1} more alert{(firing.Count > 2 ? "s" : "")}" : "";
            return $"{worst.Labels["alertname"]}{others} firing since {worst.ActiveAt:HH:mm:ss} UTC; {who}.";
        }
        if (pending.Count > 0) return $"{pending[0].Labels["alertname"]} is pending since {pending[0].ActiveAt:HH:mm:ss} UTC and fires if it lasts.";
        if (collectors == 0 && samples is null or 0) return "Nothing arrives yet. Start a collector, or push metrics to /api/v1/push and logs to /loki/api/v1/push.";
        return "Everything that reports is healthy; nothing fires.";
    }

    private static MapNode Fleet(int collectors, int pipelines) => new(
        "fleet", "fleet", "Fleet", collectors > 0 ? "ok" : "nodata", collectors > 0 ? "collectors poll their pipelines" : "no collector has registered",
        [new("collectors", collectors, ""), new("pipelines", pipelines, "")], "/fleet");

    private static MapNode Collectors(IReadOnlyList<CollectorState> collectors)
    {
        int healthy = Healthy(collectors);
        var ill = collectors.FirstOrDefault(c => c.Health is not (CollectorHealth.Healthy or CollectorHealth.Inactive));
        string reason = collectors.Count == 0 ? "no collector has registered"
            : ill is null ? $"{healthy} of {collectors.Count} poll and run what they are served"
            : $"{ill.Collector.Id}: {Words(ill.Health)}";
        string state = collectors.Count == 0 ? "nodata" : ill is null ? "ok" : ill.Health == CollectorHealth.ConfigurationError ? "error" : "pending";
        return new MapNode("collectors", "collectors", "Collectors", state, reason, [new("healthy", healthy, $"of {collectors.Count}")], "/fleet");
    }

    private static int Healthy(IReadOnlyList<CollectorState> collectors) => collectors.Count(c => c.Health == CollectorHealth.Healthy);

    private static string Words(CollectorHealth health) => health switch
    {
        CollectorHealth.Unresponsive => "it has not polled for too long",
        CollectorHealth.ConfigurationError => "it cannot run its configuration",
        CollectorHealth.Stalled => "it has not reported back on its configuration",
        _ => "it has never polled",
    };

    private MapNode Metrics(TenantId tenant)
    {
        double series = rates.Total("cortex_ingester_active_series", tenant);
        return new MapNode(
            "metrics", "metrics", "Metrics", series > 0 ? "ok" : "nodata", series > 0 ? "samples are stored" : "no sample has arrived",
            [new("series", series, ""), new("samples/s", Round(rates.PerSecond(SamplesReceived, tenant)), "")], "/explore/metrics");
    }

    private MapNode Logs(TenantId tenant)
    {
        double streams = rates.Total("loki_ingester_memory_streams", tenant);
        return new MapNode(
            "logs", "logs", "Logs", streams > 0 ? "ok" : "nodata", streams > 0 ? "lines are stored" : "no line has arrived",
            [new("streams", streams, ""), new("lines/s", Round(rates.PerSecond(LinesReceived, tenant)), "")], "/explore/logs");
    }

    private static MapNode Ruler(RulePlacement placement, IReadOnlyList<RuleGroupState> groups)
    {
        var own = groups.Where(g => g.Placement == placement).ToList();
        var failing = own.SelectMany(g => g.Rules).FirstOrDefault(r => r.LastError.Length > 0);
        int firing = own.SelectMany(g => g.Rules).SelectMany(r => r.Alerts).Count(a => a.Phase == AlertPhase.Firing);
        int pending = own.SelectMany(g => g.Rules).SelectMany(r => r.Alerts).Count(a => a.Phase == AlertPhase.Pending);
        string state = failing is not null ? "error" : firing > 0 ? "firing" : pending > 0 ? "pending" : own.Count > 0 ? "ok" : "nodata";
        string reason = failing is not null ? $"{failing.Definition.Name}: {failing.LastError}" : own.Count == 0 ? "no rule group is loaded" : $"{firing} firing, {pending} pending";
        return new MapNode(
            placement == RulePlacement.Metrics ? "rules-metrics" : "rules-logs", "rulers", placement == RulePlacement.Metrics ? "Metric rules" : "Log rules", state, reason,
            [new("rules", own.Sum(g => g.Rules.Count), ""), new("firing", firing, "")], "/alerting/rules");
    }

    private MapNode Routing(TenantId tenant, int firing)
    {
        int alerts = router.Alerts(tenant).Count;
        return new MapNode(
            "routing", "routing", "Alert routing", firing > 0 ? "firing" : "ok", $"{alerts} alerts in {router.Groups(tenant).Count} groups",
            [new("alerts", alerts, ""), new("silences", router.Silences(tenant).Count(s => s.StartsAt <= time.GetUtcNow() && s.EndsAt > time.GetUtcNow()), "")], "/alerting");
    }

    private MapNode Alertmanagers(TenantId tenant, RulerAlerting to)
    {
        double sent = Notifications.Sum(n => rates.Total(n + "_sent_total", tenant)), failed = Notifications.Sum(n => rates.Total(n + "_errors_total", tenant));
        double failing = Notifications.Sum(n => rates.PerSecond(n + "_errors_total", tenant) ?? 0);
        string state = failing > 0 ? "error" : sent > 0 ? "ok" : "nodata";
        string reason = failing > 0 ? $"{to.Names} does not take alerts; the server's log says why" : sent > 0 ? $"alerts go to {to.Names}" : $"nothing was sent to {to.Names} yet";
        return new MapNode("alertmanagers", "routing", "Alertmanagers", state, reason, [new("sent", sent - failed, ""), new("failed", failed, "")], "/alerting");
    }

    private List<MapNode> Receivers(TenantId tenant, IReadOnlyList<SentNotification> sent)
    {
        var nodes = new List<MapNode>();
        foreach (var receiver in router.Config(tenant).Receivers)
        {
            var own = sent.Where(s => s.Receiver == receiver.Name).ToList();
            string state = own.Count == 0 ? "nodata" : own[0].Delivered ? "ok" : "error";
            string reason = own.Count == 0 ? "nothing was sent yet" : own[0].Delivered ? $"last delivered {own[0].At:HH:mm:ss} UTC" : own[0].Error ?? "not delivered";
            nodes.Add(new MapNode($"receiver-{receiver.Name}", "receivers", receiver.Name, state, reason, [new("sent", own.Count(s => s.Delivered), ""), new("failed", own.Count(s => !s.Delivered), "")], "/alerting/notifications"));
        }
        return nodes;
    }

    private List<Change> Changes(TenantId tenant, IReadOnlyList<SentNotification> sent)
    {
        var changes = sent.Take(20).Select(s => new Change(
            s.At, "notification", $"{s.Receiver}/{s.Integration}: {string.Join(", ", s.Alerts.Select(a => a["alertname"]).Distinct())} {s.Status}{(s.Delivered ? "" : $", not delivered: {s.Error}")}"));
        var alerts = router.Journal.Read(tenant, null, 400)
            .Where(e => e.Step is AlertStep.Pending or AlertStep.Firing or AlertStep.Resolved)
            .Select(e => new Change(e.At, "alert", $"{e.Alert["alertname"]} {e.Step.ToString().ToLowerInvariant()}: {e.Because}"));
        var silences = router.Silences(tenant).Select(s => new Change(s.UpdatedAt, "silence", $"{s.CreatedBy}: {s.Comment}"));
        return [.. changes.Concat(alerts).Concat(silences).OrderByDescending(c => c.At).Take(30)];
    }

    private static int FiringIn(IReadOnlyList<RuleGroupState> groups, RulePlacement placement) =>
        groups.Where(g => g.Placement == placement).SelectMany(g => g.Rules).SelectMany(r => r.Alerts).Count(a => a.Phase == AlertPhase.Firing);

    private static MapEdge Edge(string from, string to, string signal, double? rate, string unit, bool lit) =>
        new($"{from}-{to}", from, to, signal, Round(rate), unit, rate is null or 0, lit);

    private static double? Round(double? value) => value is null ? null : Math.Round(value.Value, value < 10 ? 2 : 0);
}
