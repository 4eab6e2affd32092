using Pharos.Core;
using Pharos.Server.LocalPrometheus;
using Pharos.Yaml;

namespace Pharos.Server.Configuration.Ruler;

/// <summary>Where a tenant's rules over logs record to by remote write: <c>ruler.remote_write</c> with the tenant's limits over it.</summary>
internal sealed record RulerRemoteWrite : RecordingTarget
{
    /// <summary>What holds where nothing is configured.</summary>
    public static RulerRemoteWrite Off { get; } = new();

    public bool Enabled { get; init; }

    /// <summary>Requests carry the tenant in <c>X-Scope-OrgID</c>.</summary>
    public bool AddOrgIdHeader { get; init; } = true;

    /// <summary>The tenant's limit <c>ruler_remote_write_disabled</c>.</summary>
    public bool Disabled { get; init; }

    /// <summary>By id, in the order of their ids, with all that the tenant's limits say of them.</summary>
    public IReadOnlyDictionary<string, RulerRemoteClient> Clients { get; init; } = new SortedDictionary<string, RulerRemoteClient>(StringComparer.Ordinal);

    /// <summary>What the single limits say of every client: a mapping, null where none is set.</summary>
    public YamlNode? Singles { get; init; }

    /// <summary>What <c>ruler_remote_write_config</c> says: sections by client, as written.</summary>
    public IReadOnlyDictionary<string, YamlNode> Overrides { get; init; } = new SortedDictionary<string, YamlNode>(StringComparer.Ordinal);

    /// <summary>False: what is recorded goes to this server's own metrics.</summary>
    public bool Sends => Enabled && !Disabled && Clients.Count > 0;

    public static RulerRemoteWrite Of(TenantLimits limits) => limits.Recording as RulerRemoteWrite ?? Off;
}

/// <param name="Source">The section that it was read from, paths of files absolute.</param>
internal sealed record RulerRemoteClient(YamlNode Source, RemoteWriteTarget Target);
