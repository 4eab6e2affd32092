using System.Globalization;
using System.Text.Json.Nodes;
using Pharos.Core;

namespace Pharos.Alerting;

/// <summary>Keeps one issue for each group, found by a label with the hash of the group key.</summary>
internal sealed class JiraNotifier(JiraConfig config, NotifierTools tools) : NotifierBase(tools)
{
    private const int SummaryRunesMax = 255, DescriptionRunesMax = 32767;

    private readonly HttpSender http = tools.Http.For(config.Http);

    protected override async Task<SendResult> SendOnceAsync(Notification n, Rendering render, CancellationToken cancel)
    {
        string project = render.Text(config.Project);
        var (found, result) = await FindAsync(n, render, project, cancel);
        if (!result.IsDelivered) return result;
        if (found is null && !n.IsFiring) return SendResult.Delivered;
        string key = found?["key"]?.ToString() ?? "";
        var body = Json.Object(("fields", Fields(n, render, project, isNew: found is null)));
        var reply = found is null
            ? await http.PostJsonAsync(n, $"{config.ApiUrl}/issue", body, cancel)
            : await http.SendJsonAsync(n, HttpMethod.Put, $"{config.ApiUrl}/issue/{Uri.EscapeDataString(key)}", body, cancel);
        result = reply.ToResult(429);
        if (!result.IsDelivered || found is null) return result;
        return await TransitionAsync(n, key, Status(found), cancel);
    }

    private async Task<(JsonObject? Issue, SendResult Result)> FindAsync(Notification n, Rendering render, string project, CancellationToken cancel)
    {
        string resolution = config.WontFixResolution.Length > 0 ? $"resolution != {GoString.Quote(render.Text(config.WontFixResolution))} and " : "";
        string open = n.IsFiring && config.ReopenTransition.Length > 0
            ? config.ReopenDuration > TimeSpan.Zero
                ? $"(resolutiondate is EMPTY OR resolutiondate >= -{((long)config.ReopenDuration.TotalMinutes).ToString(CultureInfo.InvariantCulture)}m) and "
                : ""
            : "statusCategory != Done and ";
        string query = $"{resolution}{open}project={GoString.Quote(project)} and labels={GoString.Quote($"ALERT{{{n.GroupHash}}}")} order by status ASC,resolutiondate DESC";
        var body = Json.Object(("jql", query), ("maxResults", 2), ("fields", new JsonArray("status")));
        string url = config.Cloud ? $"{config.ApiUrl.Replace("/rest/api/2", "/rest/api/3", StringComparison.Ordinal)}/search/jql" : $"{config.ApiUrl}/search";
        var reply = await http.PostJsonAsync(n, url, body, cancel);
        var result = reply.ToResult(429);
        if (!result.IsDelivered) return (null, result);
        var issues = (Json.Parse(reply.Body) as JsonObject)?["issues"] as JsonArray;
        return (issues is { Count: > 0 } ? issues[0] as JsonObject : null, result);
    }

    private JsonObject Fields(Notification n, Rendering render, string project, bool isNew)
    {
        var fields = new JsonObject();
        if (config.Fields is not null && Payloads.Render(config.Fields, render) is JsonObject own)
        {
            foreach (var (name, value) in own) fields[name] = value?.DeepClone();
        }
        fields["project"] = Json.Object(("key", project));
        fields["issuetype"] = Json.Object(("name", render.Text(config.IssueType)));
        if (isNew || config.UpdateSummary) fields["summary"] = Limits.Runes(render.Text(config.Summary), SummaryRunesMax);
        if (isNew || config.UpdateDescription) fields["description"] = Limits.Runes(render.Text(config.Description), DescriptionRunesMax);
        var labels = config.Labels.Select(render.Text).Append($"ALERT{{{n.GroupHash}}}").Order(StringComparer.Ordinal);
        fields["labels"] = Json.Array(labels.Select(l => (JsonNode?)l));
        if (render.Text(config.Priority) is { Length: > 0 } priority) fields["priority"] = Json.Object(("name", priority));
        return fields;
    }

    private async Task<SendResult> TransitionAsync(Notification n, string key, string status, CancellationToken cancel)
    {
        bool done = status == "done";
        string wanted = n.IsFiring && done ? config.ReopenTransition : !n.IsFiring && !done ? config.ResolveTransition : "";
        if (wanted.Length == 0) return SendResult.Delivered;
        string url = $"{config.ApiUrl}/issue/{Uri.EscapeDataString(key)}/transitions", sent = n.SentBody;
        var reply = await http.SendAsync(HttpMethod.Get, url, null, cancel);
        var result = reply.ToResult(429);
        if (!result.IsDelivered) return result;
        var all = (Json.Parse(reply.Body) as JsonObject)?["transitions"] as JsonArray ?? [];
        string? id = all.FirstOrDefault(t => t?["name"]?.ToString() == wanted)?["id"]?.ToString();
        if (id is null) return SendResult.Failed($"can't find transition {wanted} for issue {key}", FailureReason.ClientError);
        reply = await http.PostJsonAsync(n, url, Json.Object(("transition", Json.Object(("id", id)))), cancel);
        n.SentBody = sent;
        return reply.ToResult(429);
    }

    private static string Status(JsonObject issue) => issue["fields"]?["status"]?["statusCategory"]?["key"]?.ToString() ?? "";
}
