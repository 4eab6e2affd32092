using Pharos.Core;

namespace Pharos.Rules.Evaluation;

/// <summary>The metrics that Prometheus, Mimir and Loki keep about rules, under their names.</summary>
internal sealed class RuleMetrics
{
    private readonly string[] tenant;
    private readonly Counter evaluations;
    private readonly Counter failures;
    private readonly Counter iterations;
    private readonly Counter missed;
    private readonly HistogramInstrument evaluationDuration;
    private readonly HistogramInstrument groupDuration;
    private readonly Gauge interval;
    private readonly Gauge lastEvaluation;
    private readonly Gauge lastDuration;
    private readonly Gauge lastRuleDurationSum;
    private readonly Gauge lastRestore;
    private readonly Gauge rules;
    private readonly Gauge lastSamples;

    public RuleMetrics(Instruments instruments, RuleManagerOptions options)
    {
        string prefix = options.MetricPrefix;
        tenant = prefix == "prometheus" ? [] : [options.Tenant.Name];
        string[] user = prefix == "prometheus" ? [] : ["user"];
        string[] group = [.. user, "rule_group"];
        evaluations = instruments.Counter($"{prefix}_rule_evaluations_total", "The total number of rule evaluations.", group);
        failures = instruments.Counter($"{prefix}_rule_evaluation_failures_total", "The total number of rule evaluation failures.", group);
        iterations = instruments.Counter($"{prefix}_rule_group_iterations_total", "The total number of scheduled rule group evaluations, whether executed or missed.", group);
        missed = instruments.Counter($"{prefix}_rule_group_iterations_missed_total", "The total number of rule group evaluations missed due to slow rule group evaluation.", group);
        evaluationDuration = instruments.Histogram($"{prefix}_rule_evaluation_duration_seconds", "The duration for a rule to execute.", HistogramInstrument.DefaultBounds, user);
        groupDuration = instruments.Histogram($"{prefix}_rule_group_duration_seconds", "The duration of rule group evaluations.", HistogramInstrument.DefaultBounds, user);
        interval = instruments.Gauge($"{prefix}_rule_group_interval_seconds", "The interval of a rule group.", group);
        lastEvaluation = instruments.Gauge($"{prefix}_rule_group_last_evaluation_timestamp_seconds", "The timestamp of the last rule group evaluation in seconds.", group);
        lastDuration = instruments.Gauge($"{prefix}_rule_group_last_duration_seconds", "The duration of the last rule group evaluation.", group);
        lastRuleDurationSum = instruments.Gauge($"{prefix}_rule_group_last_rule_duration_sum_seconds", "The sum of time in seconds it took to evaluate each rule in the group.", group);
        lastRestore = instruments.Gauge($"{prefix}_rule_group_last_restore_duration_seconds", "The duration of the last alert rules restoration.", group);
        rules = instruments.Gauge($"{prefix}_rule_group_rules", "The number of rules.", group);
        lastSamples = instruments.Gauge($"{prefix}_rule_group_last_evaluation_samples", "The number of samples returned during the last rule group evaluation.", group);
    }

    private string[] Key(string group) => [.. tenant, group];

    public void GroupStarted(string group, double intervalSeconds, int ruleCount)
    {
        string[] key = Key(group);
        interval.With(key).Set(intervalSeconds);
        rules.With(key).Set(ruleCount);
        evaluations.With(key);
        failures.With(key);
        iterations.With(key);
        missed.With(key);
    }

    public void GroupGone(string group)
    {
        string[] key = Key(group);
        foreach (var gauge in new[] { interval, lastEvaluation, lastDuration, lastRuleDurationSum, lastRestore, rules, lastSamples }) gauge.Remove(key);
    }

    public void RuleEvaluated(string group, double seconds, bool failed)
    {
        evaluations.With(Key(group)).Add(1);
        if (failed) failures.With(Key(group)).Add(1);
        evaluationDuration.Observe(seconds, tenant);
    }

    public void GroupEvaluated(string group, long timestampMs, double seconds, double ruleSeconds, long samples)
    {
        string[] key = Key(group);
        iterations.With(key).Add(1);
        groupDuration.Observe(seconds, tenant);
        lastDuration.With(key).Set(seconds);
        lastRuleDurationSum.With(key).Set(ruleSeconds);
        lastEvaluation.With(key).Set(timestampMs / 1000.0);
        lastSamples.With(key).Set(samples);
    }

    public void Missed(string group, long count)
    {
        missed.With(Key(group)).Add(count);
        iterations.With(Key(group)).Add(count);
    }

    public void Restored(string group, double seconds) => lastRestore.With(Key(group)).Set(seconds);
}
