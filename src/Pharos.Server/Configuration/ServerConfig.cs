using System.Net;
using Pharos.Alerting;
using Pharos.Core;
using Pharos.Server.Configuration.Ruler;
using Pharos.Storage.WriteLog;

namespace Pharos.Server.Configuration;

/// <summary>
/// The file given to <c>pharos server --config</c>. Every key is optional; an unknown one is an error.
/// Limits carry the names that Mimir and Loki give them.
/// </summary>
public sealed record ServerConfig
{
    /// <summary>True: every request must name its tenant in <c>X-Scope-OrgID</c>.</summary>
    public bool MultitenancyEnabled { get; init; }

    /// <summary>Whether tenants may delete series and take snapshots of their metrics under <c>/api/v1/admin/tsdb/</c>.</summary>
    public bool AdminApi { get; init; }

    /// <summary>Reads may name several tenants, <c>a|b</c>, where multi-tenancy is on.</summary>
    public bool FederationEnabled { get; init; } = true;

    /// <summary>Most tenants in one federated read; 0 = no limit.</summary>
    public int FederatedTenantsMax { get; init; }

    /// <summary>Rule groups may read other tenants' data, <c>source_tenants</c>. Mimir: ruler.tenant_federation.enabled.</summary>
    public bool RulerFederationEnabled { get; init; }

    /// <summary>Remote write by rules over logs, as far as it is the same for all tenants.</summary>
    internal RulerOptions Ruler { get; init; } = new();

    public SyncPolicy Sync { get; init; } = SyncPolicy.Always;

    public TenantLimits Limits { get; init; } = TenantLimits.Default;

    /// <summary>Limits of single tenants; what a tenant does not set comes from <see cref="Limits"/>.</summary>
    public IReadOnlyDictionary<TenantId, TenantLimits> Overrides { get; init; } = new Dictionary<TenantId, TenantLimits>();

    /// <summary>A file of overrides that is read again while the server runs; null for none. Mimir: runtime_config.file.</summary>
    public string? RuntimeFile { get; init; }

    /// <summary>How often it is read. Mimir: runtime_config.period.</summary>
    public TimeSpan RuntimePeriod { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Alert routing of tenants that have none of their own: an alertmanager.yml; null for none.</summary>
    public string? AlertmanagerFallbackFile { get; init; }

    /// <summary>Networks that notification receivers must not reach.</summary>
    public IReadOnlyList<IPNetwork> ReceiversBlockedNetworks { get; init; } = [];

    /// <summary>Whether receivers are kept from loopback, private and link-local addresses; null: where there are several tenants.</summary>
    public bool? ReceiversBlockPrivate { get; init; }

    /// <summary>Tokens that collectors must send as the password of basic authentication; empty: none is asked for.</summary>
    public IReadOnlyList<string> FleetTokens { get; init; } = [];

    /// <summary>Address that links in notifications start with; null: the address listened on.</summary>
    public string? ExternalUrl { get; init; }

    /// <summary>Where this was read from, for reading it again; null where it was not.</summary>
    public string? File { get; init; }

    /// <summary>What was read and has no effect, each with its place.</summary>
    public IReadOnlyList<Diagnostic> Warnings { get; init; } = [];

    /// <summary>A tenant writes its receivers itself, so what stands inside the operator's network is not for them unless the operator says so.</summary>
    public ReceiverFirewall ReceiverFirewall => new(ReceiversBlockedNetworks, ReceiversBlockPrivate ?? MultitenancyEnabled);

    /// <exception cref="ConfigurationException">Every mistake in the text, each with its place.</exception>
    public static ServerConfig Load(string text, string file) => new ServerConfigReader(text, file).Read();

    internal TenantLimits LimitsOf(TenantId tenant) => Overrides.TryGetValue(tenant, out var own) ? own : Limits;
}
