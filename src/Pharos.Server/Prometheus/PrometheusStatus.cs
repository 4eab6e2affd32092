using Pharos.Core;

namespace Pharos.Server.Prometheus;

/// <summary>What the status pages tell about the process that serves them.</summary>
internal sealed record PrometheusStatus
{
    /// <summary>The version of the Prometheus API that is spoken; clients choose their features by it.</summary>
    public string Version { get; init; } = "3.5.0";

    public string Revision { get; init; } = "";
    public string Branch { get; init; } = "";

    /// <summary>Names this program to clients that ask which of the family they talk to.</summary>
    public string Application { get; init; } = "Pharos";

    /// <summary>Features that clients look for in <c>buildinfo</c>, such as <c>ruler_config_api</c>.</summary>
    public IReadOnlyDictionary<string, string> Features { get; init; } = new Dictionary<string, string>();

    /// <summary>Flags and their values, as the process was started.</summary>
    public Func<IReadOnlyDictionary<string, string>> Flags { get; init; } = static () => new Dictionary<string, string>();

    /// <summary>The configuration that is in force, as YAML, secrets hidden.</summary>
    public Func<string> ConfigYaml { get; init; } = static () => "";

    /// <summary>Whether the last reload of the configuration worked, and when the one in force was loaded.</summary>
    public Func<(bool Ok, DateTimeOffset LoadedAt)>? Reload { get; init; }

    /// <summary>Path below which the whole of Prometheus's API is served, <c>/api/v1</c> at its end; null where that is the path that is asked.</summary>
    public string? ApiRoot { get; init; }

    /// <summary>What an operator should know; null where nobody is told.</summary>
    public Notices? Notices { get; init; }

    /// <summary>How long samples are kept, for display.</summary>
    public string StorageRetention { get; init; } = "";

    /// <summary>The tenant's blocks on disk; null where the store has none.</summary>
    public Func<TenantId, IReadOnlyList<Metrics.BlockStatus>>? Blocks { get; init; }

    /// <summary>The process's own metrics; null where it shows none.</summary>
    public Instruments? Instruments { get; init; }

    /// <summary>Switches of the process that <c>/api/v1/features</c> shows beside what is always there: category, name, on or off.</summary>
    public IReadOnlyList<(string Category, string Name, bool On)> Switches { get; init; } = [];

    /// <summary>Cardinality of the tenant's head, the largest so many of each list; null where the store cannot tell.</summary>
    public Func<TenantId, int, TsdbStatus>? Tsdb { get; init; }
}

/// <summary>A name with a number, largest first in its list.</summary>
internal sealed record NamedCount(string Name, long Value);

/// <summary>What <c>/api/v1/status/tsdb</c> says about the head.</summary>
internal sealed record TsdbStatus
{
    public long SeriesCount { get; init; }
    public long LabelPairCount { get; init; }
    public long ChunkCount { get; init; }
    public long MinTimeMs { get; init; }
    public long MaxTimeMs { get; init; }
    public IReadOnlyList<NamedCount> SeriesByMetric { get; init; } = [];
    public IReadOnlyList<NamedCount> ValuesByLabel { get; init; } = [];
    public IReadOnlyList<NamedCount> BytesByLabel { get; init; } = [];
    public IReadOnlyList<NamedCount> SeriesByLabelPair { get; init; } = [];
}
