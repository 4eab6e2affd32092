using Pharos.Core;
using Pharos.Templates;

namespace Pharos.Rules.Evaluation;

/// <summary>The state machine of one alerting rule: inactive → pending → firing → resolved.</summary>
internal sealed class AlertingRule(RuleDefinition definition, IReadOnlyDictionary<string, string> labels) : Rule(definition, labels)
{
    /// <summary>Resolved alerts are kept and sent again for this long, in case a receiver missed the first message.</summary>
    private const long ResolvedRetentionMs = 15 * 60_000;

    public Dictionary<Labels, AlertInstance> Instances { get; } = [];

    private long HoldMs { get; } = (long)definition.For.TotalMilliseconds;

    private long KeepMs { get; } = (long)definition.KeepFiringFor.TotalMilliseconds;

    /// <summary>Labels and annotations of each result, templates expanded. Runs outside of the group's lock: templates may query.</summary>
    /// <param name="queryTenant">Whose data templates query; may stand for several tenants.</param>
    /// <exception cref="RuleEvaluationException">Two alerts have the same labels.</exception>
    public List<AlertInstance> Expand(
        IReadOnlyList<VectorSample> vector, Slot slot, TenantId queryTenant, RuleContext context, Action<string> warn, CancellationToken cancel)
    {
        var functions = PrometheusTemplateFunctions.Create(context.Options.ExternalUrl, slot.TimestampMs, Query);
        var expanded = new List<AlertInstance>(vector.Count);
        var seen = new HashSet<Labels>(vector.Count);
        var builder = new LabelsBuilder();
        var external = context.Options.ExternalLabels();
        foreach (var element in vector)
        {
            object value = element.Histogram is { } histogram ? new HistogramText(histogram) : element.Value;
            var data = new RuleTemplateData(element.Labels, external, context.Options.ExternalUrl, value);
            builder.Reset(element.Labels).Remove(Core.Labels.MetricName);
            foreach (var (name, text) in Labels) builder.Set(name, Text(text, data));
            builder.Set("alertname", Definition.Alert);
            var identity = builder.ToLabels();
            if (!seen.Add(identity))
                throw new RuleEvaluationException($"vector contains metrics with the same labelset after applying alert labels: {identity}");
            var annotations = new LabelsBuilder();
            foreach (var (name, text) in Definition.Annotations) annotations.Set(name, Text(text, data));
            expanded.Add(new AlertInstance
            {
                Labels = identity,
                Annotations = annotations.ToLabels(),
                ActiveAtMs = slot.TimestampMs,
                Phase = AlertPhase.Pending,
                Value = element.Value,
            });
        }
        return expanded;

        IReadOnlyList<VectorSample> Query(string expression) =>
            context.Language.QueryInstantAsync(queryTenant, expression, slot.SampleMs, cancel).AsTask().GetAwaiter().GetResult().Vector;

        string Text(string template, RuleTemplateData data)
        {
            try
            {
                return RuleTemplates.Expand(template, Definition.Alert, data, functions, cancel);
            }
            catch (TemplateException e)
            {
                warn(e.Message);
                return $"<error expanding template: {e.Message}>";
            }
        }
    }

    /// <summary>Moves the state machine on by one evaluation; returns the rule's own series.</summary>
    /// <param name="changed">Called for each alert that changed its phase, with the reason.</param>
    /// <exception cref="RuleEvaluationException">There are too many alerts; all are cleared.</exception>
    public List<RuleSample> Apply(List<AlertInstance> results, Slot slot, int limit, Action<AlertInstance, AlertStep, string> changed)
    {
        long now = slot.TimestampMs;
        var present = new HashSet<Labels>(results.Count);
        foreach (var result in results)
        {
            present.Add(result.Labels);
            if (Instances.TryGetValue(result.Labels, out var known) && known.Phase != AlertPhase.Inactive)
            {
                known.Value = result.Value;
                known.Annotations = result.Annotations;
                continue;
            }
            Instances[result.Labels] = result;
            if (HoldMs > 0) changed(result, AlertStep.Pending, Held(result, $"fires at {Shown(now + HoldMs)} if it still holds then"));
        }
        var samples = new List<RuleSample>(present.Count * 2);
        foreach (var alert in Instances.Values.OrderBy(i => i.Labels).ToList())
        {
            if (!present.Contains(alert.Labels))
            {
                if (!GoesOn(alert, slot, changed)) continue;
            }
            else
            {
                alert.KeepFiringSinceMs = 0;
            }
            if (alert.Phase == AlertPhase.Pending && now - alert.ActiveAtMs >= HoldMs)
            {
                alert.Phase = AlertPhase.Firing;
                alert.FiredAtMs = now;
                changed(alert, AlertStep.Firing, Held(alert, HoldMs > 0 ? $"it has held for {PromDuration.FormatMs(HoldMs)}, since {Shown(alert.ActiveAtMs)}" : "the rule has no waiting time"));
            }
            samples.Add(StateSample(alert));
            samples.Add(new RuleSample(alert.Labels.With(Core.Labels.MetricName, "ALERTS_FOR_STATE"), Math.Floor(alert.ActiveAtMs / 1000.0), null));
        }
        if (limit > 0 && Instances.Count > limit)
        {
            int count = Instances.Count;
            Instances.Clear();
            throw new RuleEvaluationException($"exceeded limit of {limit} with {count} alerts");
        }
        return samples;
    }

    public AlertPhase Phase => Instances.Count == 0 ? AlertPhase.Inactive : Instances.Values.Max(i => i.Phase);

    public override void CopyFrom(Rule other)
    {
        Written = other.Written;
        foreach (var (labels, alert) in ((AlertingRule)other).Instances) Instances[labels] = alert;
    }

    public override RuleState State() => new()
    {
        Definition = Definition,
        Labels = Core.Labels.Of(Labels),
        Health = Health,
        LastError = LastError,
        EvaluationSeconds = EvaluationSeconds,
        LastEvaluation = LastEvaluationMs == 0 ? null : UnixTime.FromMs(LastEvaluationMs),
        Phase = Phase,
        Alerts = [.. Instances.Values.Where(i => i.Phase != AlertPhase.Inactive).OrderBy(i => i.Labels).Select(i => i.State())],
    };

    /// <summary>An alert whose result is missing: is it still active?</summary>
    private bool GoesOn(AlertInstance alert, Slot slot, Action<AlertInstance, AlertStep, string> changed)
    {
        long now = slot.TimestampMs;
        if (!slot.AbsenceCounts && alert.Phase != AlertPhase.Inactive)
        {
            // Nobody saw this time: a pending alert does not come nearer to firing by it.
            if (alert.Phase == AlertPhase.Pending) alert.ActiveAtMs += slot.IntervalMs;
            return true;
        }
        bool keep = false;
        if (alert.Phase == AlertPhase.Firing && KeepMs > 0)
        {
            if (alert.KeepFiringSinceMs == 0) alert.KeepFiringSinceMs = now;
            keep = now - alert.KeepFiringSinceMs < KeepMs;
        }
        if (keep) return true;
        if (alert.Phase == AlertPhase.Pending)
        {
            Instances.Remove(alert.Labels);
            changed(alert, AlertStep.Resolved, $"`{Definition.Expr}` no longer gives this series; it did not hold for {PromDuration.FormatMs(HoldMs)}, so it never fired");
        }
        else if (alert.Phase == AlertPhase.Firing)
        {
            alert.Phase = AlertPhase.Inactive;
            alert.ResolvedAtMs = now;
            changed(alert, AlertStep.Resolved, $"`{Definition.Expr}` no longer gives this series"
                + (KeepMs > 0 ? $", for {PromDuration.FormatMs(KeepMs)} now (keep_firing_for)" : ""));
        }
        else if (now - alert.ResolvedAtMs > ResolvedRetentionMs)
        {
            Instances.Remove(alert.Labels);
        }
        return false;
    }

    private RuleSample StateSample(AlertInstance alert) => new(
        new LabelsBuilder(alert.Labels)
            .Set(Core.Labels.MetricName, "ALERTS")
            .Set("alertname", Definition.Alert)
            .Set("alertstate", alert.Phase == AlertPhase.Firing ? "firing" : "pending")
            .ToLabels(),
        1, null);

    private string Held(AlertInstance alert, string then) => $"`{Definition.Expr}` holds with value {GoFloat.Format(alert.Value)}; {then}";

    private static string Shown(long ms) => UnixTime.FromMs(ms).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'");

    /// <summary>A histogram as a template value.</summary>
    private sealed class HistogramText(Histogram histogram) : ITemplateStringer
    {
        public string ToTemplateString() =>
            $"{{count:{GoFloat.Format(histogram.Count)}, sum:{GoFloat.Format(histogram.Sum)}}}";
    }
}
