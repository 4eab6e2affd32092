using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pharos.Alerting;
using Pharos.Core;
using Pharos.Server.Http;

namespace Pharos.Server.Alertmanager;

/// <summary>
/// Why was I (not) paged: <c>GET /api/pharos/v1/alerts/journal?labels={…}&amp;limit=</c> (what happened to alerts, newest last) and
/// <c>GET /api/pharos/v1/notifications?limit=</c> (what was sent, newest first).
/// </summary>
internal static class AlertTraceRoutes
{
    private const int LimitDefault = 200, LimitMax = 5000;

    public static void Map(IEndpointRouteBuilder routes, AlertRouter router)
    {
        routes.MapGet("/api/pharos/v1/notifications", http => NotificationsAsync(http, router));
        routes.MapGet("/api/pharos/v1/alerts/journal", http => JournalAsync(http, router.Journal));
    }

    private static Task NotificationsAsync(HttpContext http, AlertRouter router)
    {
        var sent = router.History.Read(http.Tenant(), Limit(http));
        return AlertmanagerReply.JsonAsync(http, json =>
        {
            json.WriteStartArray();
            foreach (var n in sent)
            {
                json.WriteStartObject();
                json.WriteString("at", AlertmanagerReply.Time(n.At));
                json.WriteString("receiver", n.Receiver);
                json.WriteString("integration", n.Integration);
                json.WriteNumber("index", n.Index);
                json.WriteString("groupKey", n.GroupKey);
                json.WriteString("status", n.Status);
                json.WriteString("reason", n.Reason);
                json.WriteBoolean("delivered", n.Delivered);
                if (n.Error is not null) json.WriteString("error", n.Error);
                json.WriteNumber("attempts", n.Attempts);
                json.WriteStartArray("alerts");
                foreach (var alert in n.Alerts) Labels(json, alert);
                json.WriteEndArray();
                json.WriteString("body", n.Body);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        });
    }

    private static async Task JournalAsync(HttpContext http, IAlertJournal journal)
    {
        IReadOnlyList<Matcher> matchers = [];
        string? text = http.Request.Query["labels"].FirstOrDefault();
        try
        {
            if (!string.IsNullOrEmpty(text)) matchers = MatcherText.ParseAll(text);
        }
        catch (FormatException e)
        {
            await AlertmanagerReply.ErrorAsync(http, 400, $"labels: {e.Message}; write for example {{alertname=\"Down\"}}");
            return;
        }
        int limit = Limit(http);
        var events = journal.Read(http.Tenant(), null, 0).Where(e => Matcher.All(matchers, e.Alert)).ToList();
        if (events.Count > limit) events = events[^limit..];
        await AlertmanagerReply.JsonAsync(http, json =>
        {
            json.WriteStartArray();
            foreach (var e in events)
            {
                json.WriteStartObject();
                json.WriteString("at", AlertmanagerReply.Time(e.At));
                json.WriteString("step", e.Step.ToString());
                json.WritePropertyName("labels");
                Labels(json, e.Alert);
                json.WriteString("because", e.Because);
                json.WriteStartObject("detail");
                foreach (var (name, value) in e.Detail.OrderBy(d => d.Key, StringComparer.Ordinal)) json.WriteString(name, value);
                json.WriteEndObject();
                json.WriteEndObject();
            }
            json.WriteEndArray();
        });
    }

    private static int Limit(HttpContext http) =>
        int.TryParse(http.Request.Query["limit"].FirstOrDefault(), NumberStyles.None, CultureInfo.InvariantCulture, out int limit) && limit > 0
            ? Math.Min(limit, LimitMax) : LimitDefault;

    private static void Labels(System.Text.Json.Utf8JsonWriter json, Labels labels)
    {
        json.WriteStartObject();
        foreach (var (name, value) in labels) json.WriteString(name, value);
        json.WriteEndObject();
    }
}
