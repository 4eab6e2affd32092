using Pharos.Core;

namespace Pharos.Rules;

/// <summary>Where a rule's expression runs: PromQL over metrics, or LogQL over logs.</summary>
public enum RulePlacement
{
    Metrics,
    Logs,
}

/// <summary>One rule as written. Exactly one of <see cref="Record"/> and <see cref="Alert"/> is set.</summary>
public sealed record RuleDefinition
{
    /// <summary>Name of the series that the rule writes; empty for an alerting rule.</summary>
    public string Record { get; init; } = "";

    /// <summary>Name of the alert; empty for a recording rule.</summary>
    public string Alert { get; init; } = "";

    public required string Expr { get; init; }

    /// <summary>How long the expression must hold before the alert fires.</summary>
    public TimeSpan For { get; init; }

    /// <summary>How long a firing alert goes on after the expression stopped holding.</summary>
    public TimeSpan KeepFiringFor { get; init; }

    /// <summary>Labels set on the result; of an alerting rule, templates.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = Empty;

    /// <summary>Templates.</summary>
    public IReadOnlyDictionary<string, string> Annotations { get; init; } = Empty;

    /// <summary>Where the rule stands in its file.</summary>
    public SourcePosition Position { get; init; }

    public string Name => IsAlerting ? Alert : Record;

    public bool IsAlerting => Alert.Length > 0;

    internal static IReadOnlyDictionary<string, string> Empty { get; } = new SortedDictionary<string, string>(StringComparer.Ordinal);
}

/// <summary>One group of rules as written.</summary>
public sealed record RuleGroupDefinition
{
    public required string Name { get; init; }

    /// <summary>Null: the manager's default.</summary>
    public TimeSpan? Interval { get; init; }

    /// <summary>How far back queries look, and the timestamp of what they write. Null: the manager's default.</summary>
    public TimeSpan? QueryOffset { get; init; }

    /// <summary>Most series or alerts of one rule; 0 for no limit.</summary>
    public int Limit { get; init; }

    /// <summary>Mimir: evaluate at whole multiples of the interval, without the group's own offset.</summary>
    public bool AlignEvaluationTime { get; init; }

    /// <summary>Mimir: the tenants whose data the rules read, as one; empty: the group's own.</summary>
    public IReadOnlyList<string> SourceTenants { get; init; } = [];

    /// <summary>Labels for every rule of the group; a rule's own win.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = RuleDefinition.Empty;

    public IReadOnlyList<RuleDefinition> Rules { get; init; } = [];

    public SourcePosition Position { get; init; }

    /// <summary>A rule's labels with the group's under them.</summary>
    public IReadOnlyDictionary<string, string> LabelsOf(RuleDefinition rule)
    {
        if (Labels.Count == 0) return rule.Labels;
        var all = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in Labels) all[name] = value;
        foreach (var (name, value) in rule.Labels) all[name] = value;
        return all;
    }
}

/// <summary>A group and where it comes from.</summary>
/// <param name="File">Path of the rule file, or the namespace of a stored group.</param>
public sealed record RuleGroupSource(string File, RuleGroupDefinition Group);
