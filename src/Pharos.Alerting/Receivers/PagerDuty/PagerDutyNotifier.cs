using System.Text;
using System.Text.Json.Nodes;

namespace Pharos.Alerting;

/// <summary>Triggers and resolves an incident for each group.</summary>
internal sealed class PagerDutyNotifier(PagerDutyConfig config, NotifierTools tools) : NotifierBase(tools)
{
    private const int SummaryRunesMax = 1024;
    private const int EventBytesMax = 512_000;

    private readonly HttpSender http = tools.Http.For(config.Http);

    protected override async Task<SendResult> SendOnceAsync(Notification n, Rendering render, CancellationToken cancel)
    {
        var details = Payloads.Render(config.Details, render) as JsonObject ?? new JsonObject();
        bool v2 = config.RoutingKey is not null;
        var body = v2 ? V2(n, render, details, (await config.RoutingKey!.ReadAsync(cancel)).Trim()) : V1(n, render, details, (await config.ServiceKey!.ReadAsync(cancel)).Trim());
        var shown = (JsonObject)body.DeepClone();
        shown[v2 ? "routing_key" : "service_key"] = "<secret>";
        using var bound = Deadline.Within(config.Timeout, Tools.Time, cancel);
        try
        {
            var reply = await http.PostJsonAsync(n, config.Url, body, bound.Token);
            return v2 ? reply.ToResult(429) : reply.ToResult(403);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return Deadline.Missed(config.Timeout);
        }
        finally
        {
            n.SentBody = Json.Write(shown);
        }
    }

    private JsonObject V2(Notification n, Rendering render, JsonObject details, string key)
    {
        string summary = Limits.Runes(render.Text(config.Description), SummaryRunesMax);
        var payload = Json.Object(
            ("summary", summary), ("source", render.Text(config.Source)), ("severity", render.Text(config.Severity)));
        payload.AddText("class", render.Text(config.Class)).AddText("component", render.Text(config.Component)).AddText("group", render.Text(config.Group));
        payload["custom_details"] = details;
        var body = Json.Object(
            ("routing_key", render.Text(key)), ("dedup_key", n.GroupHash), ("event_action", n.IsFiring ? "trigger" : "resolve"),
            ("payload", payload));
        body.AddText("client", render.Text(config.Client)).AddText("client_url", render.Text(config.ClientUrl));
        var images = config.Images
            .Select(i => new JsonObject().AddText("src", render.Text(i.Src)).AddText("alt", render.Text(i.Alt)).AddText("href", render.Text(i.Href)))
            .Where(i => i.ContainsKey("src")).ToList();
        if (images.Count > 0) body["images"] = Json.Array(images);
        var links = config.Links
            .Select(l => new JsonObject().AddText("href", render.Text(l.Href)).AddText("text", render.Text(l.Text)))
            .Where(l => l.ContainsKey("href")).ToList();
        if (links.Count > 0) body["links"] = Json.Array(links);
        int bytes = Encoding.UTF8.GetByteCount(Json.Write(body));
        if (bytes > EventBytesMax) payload["custom_details"] = TooLong(bytes);
        return body;
    }

    private JsonObject V1(Notification n, Rendering render, JsonObject details, string key)
    {
        var body = Json.Object(
            ("service_key", render.Text(key)), ("incident_key", n.GroupHash), ("event_type", n.IsFiring ? "trigger" : "resolve"),
            ("description", Limits.Runes(render.Text(config.Description), SummaryRunesMax)), ("details", details));
        if (n.IsFiring) body.AddText("client", render.Text(config.Client)).AddText("client_url", render.Text(config.ClientUrl));
        int bytes = Encoding.UTF8.GetByteCount(Json.Write(body));
        if (bytes > EventBytesMax) body["details"] = TooLong(bytes);
        return body;
    }

    private static JsonObject TooLong(int bytes) => Json.Object(("error",
        $"Custom details have been removed because the original event exceeds the maximum size of 512KB: {bytes} bytes"));
}
