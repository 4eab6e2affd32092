using Pharos.Core;

namespace Pharos.Fleet;

/// <summary>Limits of a tenant's fleet. Attribute and matcher limits are those of the reference service.</summary>
public sealed record FleetOptions
{
    public int CollectorsMax { get; init; } = 100_000;

    public int PipelinesMax { get; init; } = 1000;

    /// <summary>Characters of one attribute's name.</summary>
    public int AttributeNameMax { get; init; } = 100;

    public int AttributeValueMax { get; init; } = 150;

    /// <summary>Characters of one matcher.</summary>
    public int MatcherMax { get; init; } = 200;

    /// <summary>Local attributes that one collector may send.</summary>
    public int LocalAttributesMax { get; init; } = 22;

    public int RemoteAttributesMax { get; init; } = 100;

    /// <summary>Characters of one pipeline's contents.</summary>
    public int ContentsMax { get; init; } = 1 << 20;

    /// <summary>Older revisions of a pipeline are forgotten.</summary>
    public int RevisionsMax { get; init; } = 100;

    /// <summary>A collector that did not ask for so long counts as not responding.</summary>
    public TimeSpan SilentAfter { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>A configuration that is being applied for so long counts as stalled.</summary>
    public TimeSpan StalledAfter { get; init; } = TimeSpan.FromMinutes(5);
}

/// <summary>Checks the contents of a pipeline with the collector's own validator. Findings of severity error refuse them.</summary>
public delegate IReadOnlyList<Diagnostic> PipelineCheck(string contents);
