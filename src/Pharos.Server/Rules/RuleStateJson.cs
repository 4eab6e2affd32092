using System.Text.Json;
using Pharos.Core;
using Pharos.Rules;
using Pharos.Templates.Formatting;

namespace Pharos.Server.Rules;

/// <summary>Rule groups, rules and alerts as the Prometheus API writes them.</summary>
internal static class RuleStateJson
{
    private static readonly DateTimeOffset NoTime = new(1, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <param name="rules">The rules of the group to show.</param>
    /// <param name="withPlacement">Add <c>placement</c>: <c>metrics</c> or <c>logs</c>.</param>
    public static void WriteGroup(Utf8JsonWriter json, RuleGroupState group, IEnumerable<RuleState> rules, bool withAlerts, bool withPlacement)
    {
        json.WriteStartObject();
        json.WriteString("name", group.Name);
        json.WriteString("file", group.File);
        if (withPlacement) json.WriteString("placement", group.Placement == RulePlacement.Metrics ? "metrics" : "logs");
        json.WriteStartArray("rules");
        foreach (var rule in rules) WriteRule(json, rule, withAlerts);
        json.WriteEndArray();
        json.WriteNumber("interval", group.Interval.TotalSeconds);
        json.WriteNumber("limit", group.Definition.Limit);
        if (group.Definition.SourceTenants.Count > 0)
        {
            json.WriteStartArray("sourceTenants");
            foreach (string tenant in group.Definition.SourceTenants) json.WriteStringValue(tenant);
            json.WriteEndArray();
        }
        json.WriteNumber("evaluationTime", group.EvaluationSeconds);
        json.WriteString("lastEvaluation", Time(group.LastEvaluation));
        json.WriteEndObject();
    }

    public static void WriteAlert(Utf8JsonWriter json, AlertState alert)
    {
        json.WriteStartObject();
        WriteLabels(json, "labels", alert.Labels);
        WriteLabels(json, "annotations", alert.Annotations);
        json.WriteString("state", Phase(alert.Phase));
        json.WriteString("activeAt", Time(alert.ActiveAt));
        if (alert.KeepFiringSince is { } since) json.WriteString("keepFiringSince", Time(since));
        json.WriteString("value", FloatVerbs.Format(alert.Value, 'e', -1));
        json.WriteEndObject();
    }

    private static void WriteRule(Utf8JsonWriter json, RuleState rule, bool withAlerts)
    {
        json.WriteStartObject();
        var definition = rule.Definition;
        if (definition.IsAlerting) json.WriteString("state", rule.Health == RuleHealth.Unknown ? "unknown" : Phase(rule.Phase));
        json.WriteString("name", definition.Name);
        json.WriteString("query", definition.Expr.Trim());
        if (definition.IsAlerting)
        {
            json.WriteNumber("duration", definition.For.TotalSeconds);
            json.WriteNumber("keepFiringFor", definition.KeepFiringFor.TotalSeconds);
        }
        if (definition.IsAlerting || !rule.Labels.IsEmpty) WriteLabels(json, "labels", rule.Labels);
        if (definition.IsAlerting)
        {
            WriteLabels(json, "annotations", Labels.Of(definition.Annotations));
            json.WriteStartArray("alerts");
            foreach (var alert in withAlerts ? rule.Alerts : []) WriteAlert(json, alert);
            json.WriteEndArray();
        }
        json.WriteString("health", rule.Health switch { RuleHealth.Ok => "ok", RuleHealth.Error => "err", _ => "unknown" });
        if (rule.LastError.Length > 0) json.WriteString("lastError", rule.LastError);
        json.WriteNumber("evaluationTime", rule.EvaluationSeconds);
        json.WriteString("lastEvaluation", Time(rule.LastEvaluation));
        json.WriteString("type", definition.IsAlerting ? "alerting" : "recording");
        json.WriteEndObject();
    }

    private static string Phase(AlertPhase phase) => phase switch { AlertPhase.Firing => "firing", AlertPhase.Pending => "pending", _ => "inactive" };

    private static void WriteLabels(Utf8JsonWriter json, string name, Labels labels)
    {
        json.WriteStartObject(name);
        foreach (var (key, value) in labels) json.WriteString(key, value);
        json.WriteEndObject();
    }

    private static string Time(DateTimeOffset? time)
    {
        var at = time ?? NoTime;
        return at.Ticks % TimeSpan.TicksPerSecond == 0
            ? at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'")
            : at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'");
    }
}
