using Pharos.Core;

namespace Pharos.Rules;

public enum RuleHealth
{
    /// <summary>Not evaluated yet.</summary>
    Unknown,
    Ok,
    Error,
}

public enum AlertPhase
{
    Inactive,
    Pending,
    Firing,
}

/// <summary>One alert of a rule, at a moment.</summary>
public sealed record AlertState
{
    public required Labels Labels { get; init; }
    public required Labels Annotations { get; init; }
    public required AlertPhase Phase { get; init; }
    public required double Value { get; init; }

    /// <summary>When the expression began to hold.</summary>
    public required DateTimeOffset ActiveAt { get; init; }
    public DateTimeOffset? FiredAt { get; init; }
    public DateTimeOffset? ResolvedAt { get; init; }

    /// <summary>Since when it fires only because of <c>keep_firing_for</c>.</summary>
    public DateTimeOffset? KeepFiringSince { get; init; }
}

/// <summary>One rule, at a moment.</summary>
public sealed record RuleState
{
    public required RuleDefinition Definition { get; init; }

    /// <summary>The rule's labels with the group's under them, as written.</summary>
    public required Labels Labels { get; init; }
    public required RuleHealth Health { get; init; }

    /// <summary>Why the last evaluation failed; empty where it did not.</summary>
    public required string LastError { get; init; }
    public required double EvaluationSeconds { get; init; }

    /// <summary>Null: not evaluated yet.</summary>
    public required DateTimeOffset? LastEvaluation { get; init; }

    /// <summary>Of an alerting rule: the furthest phase of its alerts.</summary>
    public required AlertPhase Phase { get; init; }

    /// <summary>Pending and firing alerts, sorted by labels.</summary>
    public required IReadOnlyList<AlertState> Alerts { get; init; }
}

/// <summary>One group, at a moment.</summary>
public sealed record RuleGroupState
{
    public required string Name { get; init; }

    /// <summary>Path of the rule file, or the namespace of a stored group.</summary>
    public required string File { get; init; }
    public required RulePlacement Placement { get; init; }
    public required RuleGroupDefinition Definition { get; init; }
    public required TimeSpan Interval { get; init; }
    public required double EvaluationSeconds { get; init; }
    public required DateTimeOffset? LastEvaluation { get; init; }
    public required IReadOnlyList<RuleState> Rules { get; init; }
}
