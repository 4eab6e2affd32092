using System.Text.Json.Nodes;

namespace Pharos.Alerting;

/// <summary>Posts the group as JSON, version "4" of Alertmanager's webhook body.</summary>
internal sealed class WebhookNotifier(WebhookConfig config, NotifierTools tools) : NotifierBase(tools)
{
    private readonly HttpSender http = tools.Http.For(config.Http);

    protected override async Task<SendResult> SendOnceAsync(Notification n, Rendering render, CancellationToken cancel)
    {
        JsonNode body = config.Payload is null ? WebhookBody.Write(n, render, config.AlertsMax, "4") : Payloads.Render(config.Payload, render) ?? new JsonObject();
        string url = await config.Url!.ReadAsync(cancel);
        if (url.Contains("{{", StringComparison.Ordinal)) url = render.Text(url).Trim();
        using var bound = Deadline.Within(config.Timeout, Tools.Time, cancel);
        try
        {
            return (await http.PostJsonAsync(n, url, body, bound.Token)).ToResult();
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return Deadline.Missed(config.Timeout);
        }
    }
}

/// <summary>The webhook body.</summary>
internal static class WebhookBody
{
    public static JsonObject Write(Notification n, Rendering render, int alertsMax, string version)
    {
        var alerts = alertsMax > 0 && n.Alerts.Count > alertsMax ? n.Alerts.Take(alertsMax) : n.Alerts;
        var data = render.Data;
        return Json.Object(
            ("receiver", data.Receiver),
            ("status", n.Status),
            ("alerts", Json.Array(alerts.Select(Alert))),
            ("groupLabels", Json.Of(n.GroupLabels)),
            ("commonLabels", Json.Of(data.CommonLabelSet)),
            ("commonAnnotations", Json.Of(data.CommonAnnotationSet)),
            ("externalURL", data.ExternalURL),
            ("routeLabels", Json.Of(n.RouteLabels.Select(l => KeyValuePair.Create(l.Key, render.RouteLabel(l.Key))))),
            ("version", version),
            ("groupKey", n.GroupKey),
            ("truncatedAlerts", alertsMax > 0 ? Math.Max(0, n.Alerts.Count - alertsMax) : 0),
            ("notification_reason", n.Reason));
    }

    public static JsonObject Alert(NotifiedAlert a) => Json.Object(
        ("status", a.Status),
        ("labels", Json.Of(a.Labels)),
        ("annotations", Json.Of(a.Annotations)),
        ("startsAt", Json.Time(a.StartsAt)),
        ("endsAt", Json.Time(a.EndsAt)),
        ("generatorURL", a.GeneratorUrl),
        ("fingerprint", a.Fingerprint));
}
