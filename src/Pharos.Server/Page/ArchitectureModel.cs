using System.Text.Json.Serialization;

namespace Pharos.Server.Page;

/// <summary>The live map as the page reads it: GET /api/pharos/v1/architecture.</summary>
internal sealed record Architecture(
    DateTimeOffset At, string Finding, IReadOnlyList<StripFigure> Strip, IReadOnlyList<MapNode> Nodes, IReadOnlyList<MapEdge> Edges, IReadOnlyList<Change> Changes);

internal sealed record StripFigure(string Label, double? Value, string Unit, string State);

/// <param name="Lane">fleet, collectors, metrics, logs, rulers, routing or receivers.</param>
/// <param name="State">ok, pending, firing, nodata or error.</param>
internal sealed record MapNode(string Id, string Lane, string Name, string State, string Reason, IReadOnlyList<NodeFigure> Figures, string Link);

internal sealed record NodeFigure(string Label, double? Value, string Unit);

/// <param name="Signal">config, metrics, logs, alerts or notifications.</param>
/// <param name="Lit">On the path of the worst alert that fires.</param>
internal sealed record MapEdge(string Id, string From, string To, string Signal, double? Rate, string Unit, bool Idle, bool Lit);

/// <param name="Kind">config, rollout, silence, alert or notification.</param>
internal sealed record Change(DateTimeOffset At, string Kind, string Text);

/// <summary>Who the page talks for: GET /api/pharos/v1/me.</summary>
/// <param name="Alertmanagers">Addresses that alerts of the tenant's rules go to instead of the router here; empty where they go to that.</param>
internal sealed record Me(string Tenant, bool Multitenant, IReadOnlyList<string> Tenants, string Version, string Alertmanagers);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Architecture))]
[JsonSerializable(typeof(Me))]
internal sealed partial class PageJson : JsonSerializerContext;
