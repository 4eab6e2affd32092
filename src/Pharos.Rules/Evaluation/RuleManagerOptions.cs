using System.Diagnostics;
using Pharos.Core;

namespace Pharos.Rules;

/// <summary>How the rules of one tenant run.</summary>
public sealed record RuleManagerOptions
{
    public TenantId Tenant { get; init; } = TenantId.Anonymous;

    public RulePlacement Placement { get; init; } = RulePlacement.Metrics;

    /// <summary>Interval of groups that set none. Prometheus: evaluation_interval, default 1 m.</summary>
    public TimeSpan DefaultInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Query offset of groups that set none. Prometheus: rule_query_offset, default 0.</summary>
    public TimeSpan DefaultQueryOffset { get; init; }

    /// <summary>The tenant's limits as they are now: query offset, results of a rule, whether rules run.</summary>
    public Func<TenantLimits> Limits { get; init; } = () => TenantLimits.Default;

    /// <summary>A firing alert is sent again after this time. Prometheus: --rules.alert.resend-delay, default 1 m.</summary>
    public TimeSpan ResendDelay { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Evaluations missed while the process was down are made up this far back; pending alerts from before are forgotten.
    /// Prometheus: --rules.alert.for-outage-tolerance, default 1 h.
    /// </summary>
    public TimeSpan OutageTolerance { get; init; } = TimeSpan.FromHours(1);

    /// <summary>
    /// How long after its last sample a series still answers queries. In a longer outage the missing of a result proves nothing.
    /// </summary>
    public TimeSpan LookbackDelta { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Labels of this server, for templates; asked for at each evaluation.</summary>
    public Func<Labels> ExternalLabels { get; init; } = () => Labels.Empty;

    /// <summary>Address under which users reach this server, without a slash at the end; links in alerts start with it.</summary>
    public string ExternalUrl { get; init; } = "";

    /// <summary>Start of the own metrics' names: <c>prometheus</c>, <c>cortex_prometheus</c> or <c>loki_prometheus</c>; the latter carry a <c>user</c> label.</summary>
    public string MetricPrefix { get; init; } = "prometheus";

    /// <summary>Gets a span of each rule's evaluation; null: none.</summary>
    public ActivitySource? Spans { get; init; }

    /// <summary>The link in an alert to the data behind it; null: the expression browser.</summary>
    public Func<string, string>? GeneratorUrl { get; init; }
}
