using Pharos.Collector;
using Pharos.Collector.Discovery;
using Pharos.Collector.Relabeling;
using Pharos.Core;
using Pharos.Server.LocalPrometheus;

namespace Pharos.Server.Configuration.Ruler;

/// <summary>What becomes of alerts of a tenant's rules: the keys of <c>ruler</c> about Alertmanagers with the tenant's limits over them.</summary>
internal sealed record RulerAlerting : AlertTarget
{
    /// <summary>What holds where nothing is configured: alerts go to the router in this process.</summary>
    public static RulerAlerting Off { get; } = new();

    /// <summary>Each gets all alerts; none: they go to the router in this process.</summary>
    public IReadOnlyList<AlertmanagerAddress> Addresses { get; init; } = [];

    public HttpClientOptions Http { get; init; } = HttpClientOptions.Default;

    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How often the names of addresses that are looked up by DNS are looked up.</summary>
    public TimeSpan RefreshInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Alerts of a tenant that wait for one Alertmanager; over it the oldest are dropped.</summary>
    public int QueueCapacity { get; init; } = 10_000;

    /// <summary>For alerts to the router in this process, too.</summary>
    public IReadOnlyList<RelabelRule> RelabelRules { get; init; } = [];

    /// <summary>The tenant's limit <c>ruler_alertmanager_config</c> as it was written, JSON, without secrets.</summary>
    public string OwnShown { get; init; } = "{}";

    /// <summary>The tenant's limit <c>ruler_alertmanager_client_config</c> as it was written, JSON, without secrets.</summary>
    public string OwnClientShown { get; init; } = "{}";

    public bool Sends => Addresses.Count > 0;

    /// <summary>The addresses for people: without passwords.</summary>
    public string Names => string.Join(", ", Addresses.Select(a => a.Shown));

    public static RulerAlerting Of(TenantLimits limits) => limits.AlertsTo as RulerAlerting ?? Off;

    /// <summary>A group for each address.</summary>
    public IEnumerable<AlertmanagerGroup> Groups() => Addresses.Select(a => new AlertmanagerGroup(
        a.Url.Scheme, a.Url.AbsolutePath.TrimEnd('/'), Timeout, a.Login is { } login && Http.BasicAuth is null ? Http with { BasicAuth = login } : Http, null,
        a.RecordType is { } type
            ? new Discoveries([], [new DnsOptions([a.Url.Host], type, a.Url.Port) { RefreshInterval = RefreshInterval }])
            : new Discoveries([[Labels.Of(("__address__", a.Url.Authority))]], []),
        [], []));
}

/// <param name="RecordType">DNS records its host stands for: SRV or A; null: the host itself is meant.</param>
internal sealed record AlertmanagerAddress(Uri Url, string? RecordType)
{
    /// <summary>What stands before the <c>@</c> of the URL.</summary>
    public BasicAuthOptions? Login { get; } = Url.UserInfo.Split(':', 2) is [{ Length: > 0 } user, .. var rest]
        ? new BasicAuthOptions(Uri.UnescapeDataString(user), rest.Length > 0 ? Uri.UnescapeDataString(rest[0]) : "", "")
        : null;

    public string Shown => $"{Url.Scheme}://{Url.Authority}{Url.AbsolutePath.TrimEnd('/')}";
}
