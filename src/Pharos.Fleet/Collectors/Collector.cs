namespace Pharos.Fleet;

public enum CollectorType
{
    Unspecified = 0,
    Alloy = 1,
    OpenTelemetry = 2,
}

/// <summary>What a collector last said about the configuration it was given.</summary>
public enum ConfigStatus
{
    Unset = 0,
    Applied = 1,
    Applying = 2,
    Failed = 3,
}

/// <summary>A collector of the fleet, as it is stored.</summary>
public sealed record Collector
{
    public required string Id { get; init; }

    /// <summary>For people; never matched.</summary>
    public string Name { get; init; } = "";

    public CollectorType Type { get; init; } = CollectorType.Alloy;

    /// <summary>False: it is served an empty configuration.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>What the collector says about itself.</summary>
    public IReadOnlyDictionary<string, string> LocalAttributes { get; init; } = new Dictionary<string, string>();

    /// <summary>What the operator says about it; these win, except over <c>collector.*</c>.</summary>
    public IReadOnlyDictionary<string, string> RemoteAttributes { get; init; } = new Dictionary<string, string>();

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; init; }

    /// <summary>When it took leave; null while it has not.</summary>
    public DateTimeOffset? MarkedInactiveAt { get; init; }

    /// <summary>When it last asked, as far as that is stored; see <see cref="CollectorState.LastSeenAt"/>.</summary>
    public DateTimeOffset? LastSeenAt { get; init; }

    public ConfigStatus Status { get; init; }

    /// <summary>Why its configuration failed; empty otherwise.</summary>
    public string StatusMessage { get; init; } = "";

    public DateTimeOffset? StatusAt { get; init; }

    /// <summary>The configuration that it reports to run, where it does.</summary>
    public string EffectiveConfig { get; init; } = "";
}

public enum CollectorHealth
{
    /// <summary>It has never asked.</summary>
    Unknown,
    Healthy,

    /// <summary>A new configuration is being applied for too long.</summary>
    Stalled,

    /// <summary>It runs, but its configuration failed.</summary>
    ConfigurationError,

    /// <summary>It has not asked for too long.</summary>
    Unresponsive,

    /// <summary>It took leave.</summary>
    Inactive,
}

/// <summary>A collector with what follows from its record.</summary>
/// <param name="Pipelines">Names of the pipelines it is assigned, sorted.</param>
/// <param name="ServedHash">Hash of the configuration it would be served now.</param>
public sealed record CollectorState(
    Collector Collector, CollectorHealth Health, DateTimeOffset? LastSeenAt, IReadOnlyList<string> Pipelines, string ServedHash);

/// <summary>One change to remote attributes.</summary>
/// <param name="Path"><c>remoteAttributes.NAME</c></param>
/// <param name="From">The other path, for move and copy.</param>
/// <param name="OldValue">Replace only this value; null for any.</param>
public sealed record AttributeOperation(AttributeOperationKind Kind, string Path, string? From, string? Value, string? OldValue);

public enum AttributeOperationKind
{
    Unknown = 0,
    Add = 1,
    Remove = 2,
    Replace = 3,
    Move = 4,
    Copy = 5,
}
