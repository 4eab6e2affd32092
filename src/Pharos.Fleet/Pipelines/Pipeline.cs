namespace Pharos.Fleet;

public enum ConfigType
{
    Unspecified = 0,
    Alloy = 1,
    OpenTelemetry = 2,
}

public enum SourceType
{
    Unspecified = 0,
    Git = 1,
    Terraform = 2,
    Grafana = 3,
}

/// <summary>Where a pipeline was last updated from.</summary>
public sealed record PipelineSource(SourceType Type, string Namespace);

/// <summary>A piece of configuration that is served to the collectors that its matchers fit.</summary>
public sealed record Pipeline
{
    /// <summary>Given by the fleet, never reused.</summary>
    public string Id { get; init; } = "";

    /// <summary>Unique in the tenant.</summary>
    public required string Name { get; init; }

    public required string Contents { get; init; }

    /// <summary>All must fit. Without any, every collector of the type is assigned.</summary>
    public IReadOnlyList<string> Matchers { get; init; } = [];

    public bool Enabled { get; init; } = true;

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; init; }

    public PipelineSource? Source { get; init; }

    public ConfigType ConfigType { get; init; } = ConfigType.Alloy;

    /// <summary>A JSON object of the client's own; empty for none.</summary>
    public string Metadata { get; init; } = "";
}

public enum RevisionOperation
{
    Unspecified = 0,
    Insert = 1,
    Update = 2,
    Delete = 3,
}

/// <summary>A pipeline as it was after one change.</summary>
public sealed record PipelineRevision(string RevisionId, Pipeline Snapshot, DateTimeOffset CreatedAt, RevisionOperation Operation);
