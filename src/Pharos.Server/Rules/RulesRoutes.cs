using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pharos.Core;
using Pharos.PromQL;
using Pharos.Rules;
using Pharos.Server.Http;

namespace Pharos.Server.Rules;

/// <summary>
/// State of rules as Prometheus shows it: <c>GET /api/v1/rules</c> and <c>/api/v1/alerts</c>; the same of rules over logs under
/// <c>/loki/prometheus</c>; and <c>GET /api/pharos/v1/rules</c>, which lists both and says where each group runs.
/// </summary>
internal static class RulesRoutes
{
    /// <summary>The Prometheus API. Mapped under each prefix where that API stands.</summary>
    public static void Map(IEndpointRouteBuilder routes, Func<TenantId, IReadOnlyList<RuleGroupState>> groups)
    {
        routes.MapGet("/api/v1/rules", http => RulesAsync(http, groups(http.Tenant()), withPlacement: false));
        routes.MapGet("/api/v1/alerts", http => AlertsAsync(http, groups(http.Tenant())));
    }

    /// <summary>The listing over all placements.</summary>
    public static void MapAll(IEndpointRouteBuilder routes, Func<TenantId, IReadOnlyList<RuleGroupState>> groups) =>
        routes.MapGet("/api/pharos/v1/rules", http => RulesAsync(http, groups(http.Tenant()), withPlacement: true));

    /// <summary>State of rules over logs, as Loki's ruler shows it.</summary>
    public static void MapLogs(IEndpointRouteBuilder routes, Func<TenantId, IReadOnlyList<RuleGroupState>> groups)
    {
        routes.MapGet("/loki/prometheus/api/v1/rules", http => RulesAsync(http, groups(http.Tenant()), withPlacement: false));
        routes.MapGet("/loki/prometheus/api/v1/alerts", http => AlertsAsync(http, groups(http.Tenant())));
    }

    private static async Task RulesAsync(HttpContext http, IReadOnlyList<RuleGroupState> all, bool withPlacement)
    {
        var query = http.Request.Query;
        string type = query["type"].ToString().ToLowerInvariant();
        if (type is not ("" or "alert" or "record"))
        {
            await BadDataAsync(http, $"invalid parameter \"type\": not supported value \"{type}\"; write alert or record");
            return;
        }
        string excludeText = query["exclude_alerts"].ToString();
        bool? exclude = excludeText.ToLowerInvariant() switch { "" or "false" or "0" or "f" => false, "true" or "1" or "t" => true, _ => null };
        if (exclude is null)
        {
            await BadDataAsync(http, $"invalid parameter \"exclude_alerts\": error converting exclude_alerts: \"{excludeText}\" is neither true nor false");
            return;
        }
        string limitText = query["group_limit"].ToString(), token = query["group_next_token"].ToString();
        int limit = 0;
        if (limitText.Length > 0 && (!int.TryParse(limitText, out limit) || limit <= 0))
        {
            await BadDataAsync(http, "invalid parameter \"group_limit\": group_limit needs to be a positive number");
            return;
        }
        if (token.Length > 0 && limit == 0)
        {
            await BadDataAsync(http, "invalid parameter \"group_limit\": group_limit needs to be set when group_next_token is");
            return;
        }
        var matcherSets = new List<IReadOnlyList<Matcher>>();
        try
        {
            foreach (string? selector in query["match[]"]) matcherSets.Add(PromQlLanguage.ParseSelector(selector ?? ""));
        }
        catch (QueryException e)
        {
            await BadDataAsync(http, $"invalid parameter \"match[]\": {e.Message}");
            return;
        }
        var files = Set(http, "file[]");
        var groupNames = Set(http, "rule_group[]");
        var ruleNames = Set(http, "rule_name[]");
        var groups = all
            .Where(g => (files.Count == 0 || files.Contains(g.File)) && (groupNames.Count == 0 || groupNames.Contains(g.Name)))
            .OrderBy(g => g.Placement).ThenBy(g => g.File, StringComparer.Ordinal).ThenBy(g => g.Name, StringComparer.Ordinal)
            .Select(g => (Group: g, Rules: g.Rules.Where(r => Wanted(r, type, ruleNames, matcherSets)).ToList()))
            .Where(g => g.Rules.Count > 0)
            .ToList();
        int from = 0;
        if (token.Length > 0)
        {
            from = groups.FindIndex(g => Token(g.Group) == token);
            if (from < 0)
            {
                await BadDataAsync(http, $"invalid group_next_token '{token}'. were rule groups changed?");
                return;
            }
        }
        int to = limit > 0 ? Math.Min(from + limit, groups.Count) : groups.Count;
        await SuccessAsync(http, json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("groups");
            for (int i = from; i < to; i++) RuleStateJson.WriteGroup(json, groups[i].Group, groups[i].Rules, withAlerts: !exclude.Value, withPlacement);
            json.WriteEndArray();
            if (to < groups.Count) json.WriteString("groupNextToken", Token(groups[to].Group));
            json.WriteEndObject();
        });
    }

    private static Task AlertsAsync(HttpContext http, IReadOnlyList<RuleGroupState> groups) => SuccessAsync(http, json =>
    {
        json.WriteStartObject();
        json.WriteStartArray("alerts");
        foreach (var alert in groups.SelectMany(g => g.Rules).SelectMany(r => r.Alerts)) RuleStateJson.WriteAlert(json, alert);
        json.WriteEndArray();
        json.WriteEndObject();
    });

    private static bool Wanted(RuleState rule, string type, HashSet<string> names, List<IReadOnlyList<Matcher>> matcherSets) =>
        (type.Length == 0 || (type == "alert") == rule.Definition.IsAlerting)
        && (names.Count == 0 || names.Contains(rule.Definition.Name))
        && (matcherSets.Count == 0 || matcherSets.Exists(set => set.All(m => m.Matches(rule.Labels[m.Name]))));

    private static HashSet<string> Set(HttpContext http, string parameter) =>
        http.Request.Query[parameter].OfType<string>().ToHashSet(StringComparer.Ordinal);

    /// <summary>Names the group that the next page begins with.</summary>
    private static string Token(RuleGroupState group) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{group.Placement};{group.File};{group.Name}")))[..40];

    private static Task SuccessAsync(HttpContext http, Action<Utf8JsonWriter> data) => WriteAsync(http, StatusCodes.Status200OK, json =>
    {
        json.WriteString("status", "success");
        json.WritePropertyName("data");
        data(json);
    });

    private static Task BadDataAsync(HttpContext http, string error) => WriteAsync(http, StatusCodes.Status400BadRequest, json =>
    {
        json.WriteString("status", "error");
        json.WriteString("errorType", "bad_data");
        json.WriteString("error", error);
    });

    private static async Task WriteAsync(HttpContext http, int status, Action<Utf8JsonWriter> fields)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(http.Response.BodyWriter);
        json.WriteStartObject();
        fields(json);
        json.WriteEndObject();
        await json.FlushAsync(http.RequestAborted);
    }
}
