using Pharos.Core;

namespace Pharos.Alerting;

public enum SilenceState
{
    Pending,
    Active,
    Expired,
}

/// <summary>Mutes the alerts that all of its matchers match, while it is active. Immutable.</summary>
public sealed record Silence
{
    /// <summary>A UUID; empty before it is stored.</summary>
    public string Id { get; init; } = "";
    public required IReadOnlyList<Matcher> Matchers { get; init; }
    public required DateTimeOffset StartsAt { get; init; }
    public required DateTimeOffset EndsAt { get; init; }
    public DateTimeOffset UpdatedAt { get; init; }
    public string CreatedBy { get; init; } = "";
    public string Comment { get; init; } = "";
    public IReadOnlyDictionary<string, string> Annotations { get; init; } = new Dictionary<string, string>();

    public SilenceState StateAt(DateTimeOffset now) => now < StartsAt ? SilenceState.Pending : now >= EndsAt ? SilenceState.Expired : SilenceState.Active;

    public bool Matches(Labels alert) => Matcher.All(Matchers, alert);
}

/// <summary>A silence cannot be stored.</summary>
public sealed class SilenceException(string message, bool notFound = false) : Exception(message)
{
    /// <summary>There is no silence of the id that was given.</summary>
    public bool NotFound { get; } = notFound;
}
