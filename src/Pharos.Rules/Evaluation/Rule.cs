using Pharos.Core;

namespace Pharos.Rules.Evaluation;

/// <summary>What one evaluation is about.</summary>
/// <param name="TimestampMs">The slot on the group's grid.</param>
/// <param name="OffsetMs">How far before the slot the query looks; results are written at that time.</param>
/// <param name="AbsenceCounts">False: a result that is missing proves nothing, because nothing may have been stored.</param>
internal readonly record struct Slot(long TimestampMs, long OffsetMs, long IntervalMs, bool AbsenceCounts)
{
    public long SampleMs => TimestampMs - OffsetMs;
}

/// <summary>A series that a rule gives.</summary>
internal readonly record struct RuleSample(Labels Labels, double Value, Histogram? Histogram);

/// <summary>A rule cannot be evaluated; the message says why.</summary>
internal sealed class RuleEvaluationException(string message) : Exception(message);

/// <summary>What rules share while they run.</summary>
internal sealed record RuleContext(
    RuleManagerOptions Options, IRuleLanguage Language, IMetricSink Sink, IAlertSink Alerts, IAlertJournal Journal, TimeProvider Time);

/// <summary>One rule as it lives: its state is read and changed under the group's lock.</summary>
internal abstract class Rule
{
    protected Rule(RuleDefinition definition, IReadOnlyDictionary<string, string> labels)
    {
        Definition = definition;
        Labels = labels;
        Identity = $"{(definition.IsAlerting ? "alert" : "record")}:{definition.Name}:{Core.Labels.Of(labels)}";
    }

    public RuleDefinition Definition { get; }

    public IReadOnlyDictionary<string, string> Labels { get; }

    /// <summary>Kind, name and labels: a rule that keeps these keeps its state when its file changes.</summary>
    public string Identity { get; }

    public RuleHealth Health { get; set; }
    public string LastError { get; set; } = "";
    public double EvaluationSeconds { get; set; }
    public long LastEvaluationMs { get; set; }

    /// <summary>Series that the last evaluation wrote; those missing from the next get a stale marker.</summary>
    public HashSet<Labels> Written { get; set; } = [];

    /// <summary>Results in the last evaluation; −1 before the first and after an error.</summary>
    public int LastResultCount { get; set; } = -1;

    public abstract RuleState State();

    public abstract void CopyFrom(Rule other);
}

internal sealed class RecordingRule(RuleDefinition definition, IReadOnlyDictionary<string, string> labels) : Rule(definition, labels)
{
    /// <exception cref="RuleEvaluationException">Two results have the same labels, or there are too many.</exception>
    public List<RuleSample> Apply(IReadOnlyList<VectorSample> vector, int limit)
    {
        if (limit > 0 && vector.Count > limit) throw new RuleEvaluationException($"exceeded limit of {limit} with {vector.Count} series");
        var samples = new List<RuleSample>(vector.Count);
        var seen = new HashSet<Labels>(vector.Count);
        var builder = new LabelsBuilder();
        foreach (var element in vector)
        {
            builder.Reset(element.Labels).Set(Core.Labels.MetricName, Definition.Record);
            foreach (var (name, value) in Labels) builder.Set(name, value);
            var named = builder.ToLabels();
            if (!seen.Add(named))
                throw new RuleEvaluationException($"vector contains metrics with the same labelset after applying rule labels: {named}");
            samples.Add(new RuleSample(named, element.Value, element.Histogram));
        }
        return samples;
    }

    public override void CopyFrom(Rule other) => Written = other.Written;

    public override RuleState State() => new()
    {
        Definition = Definition,
        Labels = Core.Labels.Of(Labels),
        Health = Health,
        LastError = LastError,
        EvaluationSeconds = EvaluationSeconds,
        LastEvaluation = LastEvaluationMs == 0 ? null : UnixTime.FromMs(LastEvaluationMs),
        Phase = AlertPhase.Inactive,
        Alerts = [],
    };
}
