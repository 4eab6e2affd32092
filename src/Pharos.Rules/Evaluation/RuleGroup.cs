using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Pharos.Core;

namespace Pharos.Rules.Evaluation;

/// <summary>
/// One group: its rules are evaluated one after another at each slot of the group's grid. A slot is a whole multiple of the interval
/// plus an offset that comes from the group's name, so that groups spread over the interval.
/// </summary>
internal sealed class RuleGroup : IDisposable
{
    private readonly RuleContext context;
    private readonly RuleMetrics metrics;
    private readonly ILogger logger;
    private readonly Lock gate = new();
    private readonly MetricBatch batch = new();
    private readonly TenantId queryTenant;
    private readonly long intervalMs;
    private readonly long phaseMs;
    private long lastEvaluationMs;
    private double evaluationSeconds;
    private bool changed;

    public RuleGroup(RuleGroupSource source, RuleContext context, RuleMetrics metrics, ILogger logger)
    {
        Source = source;
        this.context = context;
        this.metrics = metrics;
        this.logger = logger;
        var group = source.Group;
        var interval = group.Interval ?? context.Options.DefaultInterval;
        intervalMs = Math.Max(1, (long)interval.TotalMilliseconds);
        queryTenant = group.SourceTenants.Count == 0 ? context.Options.Tenant : TenantId.Federated(group.SourceTenants);
        phaseMs = group.AlignEvaluationTime ? 0 : (long)(Labels.Of(("file", source.File), ("name", group.Name)).Fingerprint() % (ulong)intervalMs);
        Rules = [.. group.Rules.Select<RuleDefinition, Rule>(rule =>
            rule.IsAlerting ? new AlertingRule(rule, group.LabelsOf(rule)) : new RecordingRule(rule, group.LabelsOf(rule)))];
        metrics.GroupStarted(Key, interval.TotalSeconds, Rules.Count);
    }

    public RuleGroupSource Source { get; }

    public IReadOnlyList<Rule> Rules { get; }

    /// <summary>File and name.</summary>
    public string Key => $"{Source.File};{Source.Group.Name}";

    public long IntervalMs => intervalMs;

    public long LastEvaluationMs => lastEvaluationMs;

    /// <summary>Did an alert change its phase since this was last asked?</summary>
    public bool TakeChanged()
    {
        bool was = changed;
        changed = false;
        return was;
    }

    /// <summary>The last slot at or before a time.</summary>
    public long SlotAtOrBefore(long ms)
    {
        long slot = ms - (ms % intervalMs) + phaseMs;
        return slot > ms ? slot - intervalMs : slot;
    }

    /// <summary>Takes over what rules of the same identity knew, from the group as it was before a change.</summary>
    public void CopyFrom(RuleGroup before)
    {
        lastEvaluationMs = before.lastEvaluationMs;
        var known = before.Rules.GroupBy(r => r.Identity).ToDictionary(g => g.Key, g => new Queue<Rule>(g));
        foreach (var rule in Rules)
        {
            if (known.TryGetValue(rule.Identity, out var queue) && queue.TryDequeue(out var old)) rule.CopyFrom(old);
        }
        Orphans = [.. known.Values.SelectMany(q => q).SelectMany(r => r.Written)];
        changed = true;
    }

    /// <summary>Series of rules that were taken out; they get a stale marker at the next evaluation, unless something writes them again.</summary>
    private HashSet<Labels> Orphans { get; set; } = [];

    public void Restore(StoredGroup stored)
    {
        lastEvaluationMs = stored.LastEvaluationMs;
        var known = stored.Rules.GroupBy(r => r.Identity).ToDictionary(g => g.Key, g => new Queue<StoredRule>(g));
        foreach (var rule in Rules)
        {
            if (known.TryGetValue(rule.Identity, out var queue) && queue.TryDequeue(out var old)) GroupStateStore.Restore(old, rule);
        }
    }

    /// <summary>After an outage longer than is tolerated, what was pending before it says nothing any more.</summary>
    public void ForgetPending()
    {
        lock (gate)
        {
            foreach (var rule in Rules.OfType<AlertingRule>())
            {
                foreach (var alert in rule.Instances.Values.Where(i => i.Phase == AlertPhase.Pending).ToList()) rule.Instances.Remove(alert.Labels);
            }
        }
    }

    public StoredGroup Stored()
    {
        lock (gate) return new StoredGroup { LastEvaluationMs = lastEvaluationMs, Rules = [.. Rules.Select(GroupStateStore.Of)] };
    }

    /// <summary>All series that the group's rules wrote last.</summary>
    public IEnumerable<Labels> Written()
    {
        lock (gate) return [.. Rules.SelectMany(r => r.Written).Concat(Orphans)];
    }

    public RuleGroupState State()
    {
        lock (gate)
        {
            return new RuleGroupState
            {
                Name = Source.Group.Name,
                File = Source.File,
                Placement = context.Options.Placement,
                Definition = Source.Group,
                Interval = TimeSpan.FromMilliseconds(intervalMs),
                EvaluationSeconds = evaluationSeconds,
                LastEvaluation = lastEvaluationMs == 0 ? null : UnixTime.FromMs(lastEvaluationMs),
                Rules = [.. Rules.Select(r => r.State())],
            };
        }
    }

    /// <summary>Evaluates all rules at one slot. Never throws but for cancellation: a rule's failure is its own.</summary>
    /// <param name="send">False: alerts are not handed on, as a later evaluation will.</param>
    /// <param name="absenceCounts">See <see cref="Slot"/>.</param>
    public async ValueTask EvaluateAsync(long slotMs, bool send, bool absenceCounts, CancellationToken cancel)
    {
        long started = context.Time.GetTimestamp();
        var limits = context.Options.Limits();
        var offset = Source.Group.QueryOffset ?? (limits.RuleQueryOffset > TimeSpan.Zero ? limits.RuleQueryOffset : context.Options.DefaultQueryOffset);
        var slot = new Slot(slotMs, (long)offset.TotalMilliseconds, intervalMs, absenceCounts);
        long samples = 0;
        double ruleSeconds = 0;
        foreach (var rule in Rules)
        {
            cancel.ThrowIfCancellationRequested();
            if (!(rule is AlertingRule ? limits.AlertingRules : limits.RecordingRules)) continue;
            long ruleStarted = context.Time.GetTimestamp();
            using var span = context.Options.Spans?.StartRoot("rule");
            span?.SetTag("name", rule.Definition.Name);
            span?.SetTag("group", Key);
            string error = "";
            try
            {
                samples += await EvaluateAsync(rule, slot, ResultsMax(limits), cancel);
                if (send && rule is AlertingRule alerting) await SendAsync(alerting, slot, cancel);
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                throw;
            }
            catch (Exception e)
            {
                // Whatever goes wrong belongs to this rule alone; the others go on.
                error = e.Message;
                span?.SetStatus(ActivityStatusCode.Error, error);
                RulesLog.RuleFailed(logger, context.Options.Tenant.Name, rule.Definition.Name, Key, error);
                if (rule.LastError != error) Journal(rule, slot, Labels.Of(("alertname", rule.Definition.Name)), AlertStep.Evaluated, $"evaluation failed: {error}", []);
            }
            double seconds = context.Time.GetElapsedTime(ruleStarted).TotalSeconds;
            ruleSeconds += seconds;
            lock (gate)
            {
                rule.Health = error.Length == 0 ? RuleHealth.Ok : RuleHealth.Error;
                rule.LastError = error;
                rule.EvaluationSeconds = seconds;
                rule.LastEvaluationMs = slotMs;
                if (error.Length > 0) rule.LastResultCount = -1;
            }
            metrics.RuleEvaluated(Key, seconds, error.Length > 0);
        }
        await EndOrphansAsync(slot, cancel);
        double total = context.Time.GetElapsedTime(started).TotalSeconds;
        lock (gate)
        {
            lastEvaluationMs = slotMs;
            evaluationSeconds = total;
        }
        metrics.GroupEvaluated(Key, slotMs, total, ruleSeconds, samples);
    }

    public void Dispose() => batch.Dispose();

    /// <summary>The group's limit or the tenant's, whichever is smaller; 0 for none.</summary>
    private int ResultsMax(TenantLimits limits)
    {
        int own = Source.Group.Limit;
        return own <= 0 ? limits.RuleResultsMax : limits.RuleResultsMax <= 0 ? own : Math.Min(own, limits.RuleResultsMax);
    }

    private async ValueTask<long> EvaluateAsync(Rule rule, Slot slot, int resultsMax, CancellationToken cancel)
    {
        var result = await context.Language.QueryInstantAsync(queryTenant, rule.Definition.Expr, slot.SampleMs, cancel);
        List<RuleSample> samples;
        if (rule is AlertingRule alerting)
        {
            var expanded = alerting.Expand(result.Vector, slot, queryTenant, context,
                error => RulesLog.TemplateFailed(logger, context.Options.Tenant.Name, rule.Definition.Alert, error), cancel);
            var events = new List<(AlertInstance Alert, AlertStep Step, string Because)>();
            try
            {
                lock (gate)
                {
                    samples = alerting.Apply(expanded, slot, resultsMax, (alert, step, because) => events.Add((alert, step, because)));
                    if (events.Count > 0) changed = true;
                }
            }
            catch (RuleEvaluationException)
            {
                changed = true;
                throw;
            }
            if (rule.LastResultCount != result.Vector.Count)
            {
                string found = result.Vector.Count == 0 ? "gives nothing" : result.Vector.Count == 1 ? "gives 1 series" : $"gives {result.Vector.Count} series";
                Journal(rule, slot, Labels.Of(("alertname", rule.Definition.Alert)), AlertStep.Evaluated, $"`{rule.Definition.Expr}` {found}", []);
            }
            foreach (var (alert, step, because) in events) Journal(rule, slot, alert.Labels, step, because, [("value", GoFloat.Format(alert.Value))]);
        }
        else
        {
            samples = ((RecordingRule)rule).Apply(result.Vector, resultsMax);
        }
        rule.LastResultCount = result.Vector.Count;
        await AppendAsync(rule, samples, slot, cancel);
        return samples.Count;
    }

    private async ValueTask AppendAsync(Rule rule, List<RuleSample> samples, Slot slot, CancellationToken cancel)
    {
        var written = new HashSet<Labels>(samples.Count);
        batch.Clear();
        foreach (var sample in samples)
        {
            written.Add(sample.Labels);
            int series = batch.AddSeries(sample.Labels);
            if (sample.Histogram is null) batch.AddSample(series, slot.SampleMs, sample.Value);
            else batch.AddHistogram(series, slot.SampleMs, sample.Histogram);
        }
        foreach (var before in rule.Written)
        {
            if (!written.Contains(before)) batch.AddSample(batch.AddSeries(before), slot.SampleMs, SampleValue.Stale);
        }
        lock (gate) rule.Written = written;
        if (batch.IsEmpty) return;
        var result = await context.Sink.AppendAsync(context.Options.Tenant, batch, cancel);
        AppendError? serious = null;
        foreach (var error in result.Errors)
        {
            RulesLog.SampleRefused(logger, context.Options.Tenant.Name, rule.Definition.Name, error.Message);
            // A sample that is late or already there costs nothing; a limit or a bad label does.
            if (error.Kind != AppendErrorKind.BadData || !IsLateOrDuplicate(error.Code)) serious ??= error;
        }
        if (serious is not null) throw new RuleEvaluationException($"result not stored: {serious.Message}");
    }

    private static bool IsLateOrDuplicate(string code) =>
        code.Contains("out-of-order", StringComparison.Ordinal) || code.Contains("duplicate", StringComparison.Ordinal) || code.Contains("too-old", StringComparison.Ordinal)
        || code.Contains("too-far-in-past", StringComparison.Ordinal);

    private async ValueTask EndOrphansAsync(Slot slot, CancellationToken cancel)
    {
        if (Orphans.Count == 0) return;
        var alive = Rules.SelectMany(r => r.Written).ToHashSet();
        batch.Clear();
        foreach (var orphan in Orphans)
        {
            if (!alive.Contains(orphan)) batch.AddSample(batch.AddSeries(orphan), slot.SampleMs, SampleValue.Stale);
        }
        lock (gate) Orphans = [];
        if (batch.IsEmpty) return;
        try
        {
            await context.Sink.AppendAsync(context.Options.Tenant, batch, cancel);
        }
        catch (StoreUnavailableException e)
        {
            RulesLog.SampleRefused(logger, context.Options.Tenant.Name, "(removed)", e.Message);
        }
    }

    private async ValueTask SendAsync(AlertingRule rule, Slot slot, CancellationToken cancel)
    {
        long resendMs = (long)context.Options.ResendDelay.TotalMilliseconds;
        var due = new List<(AlertInstance Instance, long SentBefore)>();
        var alerts = new List<Alert>();
        lock (gate)
        {
            foreach (var alert in rule.Instances.Values.Where(i => i.NeedsSending(slot.TimestampMs, resendMs)).OrderBy(i => i.Labels))
            {
                due.Add((alert, alert.LastSentAtMs));
                alert.LastSentAtMs = slot.TimestampMs;
                // An alert that nobody repeats ends by itself after four missed rounds.
                alert.ValidUntilMs = slot.TimestampMs + (4 * Math.Max(intervalMs, resendMs));
                alerts.Add(new Alert
                {
                    Labels = alert.Labels,
                    Annotations = alert.Annotations,
                    StartsAt = UnixTime.FromMs(alert.FiredAtMs),
                    EndsAt = UnixTime.FromMs(alert.ResolvedAtMs > 0 ? alert.ResolvedAtMs : alert.ValidUntilMs),
                    GeneratorUrl = context.Options.GeneratorUrl?.Invoke(rule.Definition.Expr)
                        ?? context.Options.ExternalUrl + PrometheusTemplateFunctions.TableLink(rule.Definition.Expr),
                });
            }
        }
        if (alerts.Count == 0) return;
        try
        {
            await context.Alerts.SendAsync(context.Options.Tenant, alerts, cancel);
        }
        catch (AlertSendException e)
        {
            lock (gate)
            {
                foreach (var (instance, sentBefore) in due) instance.LastSentAtMs = sentBefore;
            }
            RulesLog.SendFailed(logger, context.Options.Tenant.Name, rule.Definition.Alert, e.Message);
            foreach (var (instance, _) in due) Journal(rule, slot, instance.Labels, AlertStep.NotifyFailed, $"not handed over: {e.Message}; the next evaluation tries again", []);
            return;
        }
        string to = context.Alerts.Elsewhere(context.Options.Tenant) is { } elsewhere ? $" to {elsewhere}" : "";
        foreach (var (instance, sentBefore) in due)
        {
            // Repetitions of what the router knows already would drown the journal.
            bool news = instance.Phase == AlertPhase.Firing ? sentBefore < instance.FiredAtMs || sentBefore == 0 : sentBefore < instance.ResolvedAtMs;
            if (news) Journal(rule, slot, instance.Labels, AlertStep.Sent, $"handed over{to} as {(instance.Phase == AlertPhase.Firing ? "firing" : "resolved")}", [("value", GoFloat.Format(instance.Value))]);
        }
    }

    private void Journal(Rule rule, Slot slot, Labels alert, AlertStep step, string because, IEnumerable<(string Name, string Value)> more)
    {
        if (rule is not AlertingRule) return;
        var detail = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["rule"] = rule.Definition.Name,
            ["rule_group"] = Source.Group.Name,
            ["rule_file"] = Source.File,
            ["expr"] = rule.Definition.Expr,
            ["placement"] = context.Options.Placement == RulePlacement.Metrics ? "metrics" : "logs",
        };
        if (rule.Definition.For > TimeSpan.Zero) detail["for"] = PromDuration.Format(rule.Definition.For);
        foreach (var (name, value) in more) detail[name] = value;
        context.Journal.Record(new AlertEvent(context.Options.Tenant, UnixTime.FromMs(slot.TimestampMs), step, alert, because, detail));
    }
}
