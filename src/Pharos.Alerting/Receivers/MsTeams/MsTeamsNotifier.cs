using System.Text.Json.Nodes;

namespace Pharos.Alerting;

/// <summary>Posts a message card (connectors) or an adaptive card (workflows).</summary>
internal sealed class MsTeamsNotifier(MsTeamsConfig config, NotifierTools tools) : NotifierBase(tools)
{
    private readonly HttpSender http = tools.Http.For(config.Http);

    protected override async Task<SendResult> SendOnceAsync(Notification n, Rendering render, CancellationToken cancel)
    {
        string title = render.Text(config.Title), text = render.Text(config.Text);
        JsonObject body = config.Workflow ? AdaptiveCard(n, title, text) : Json.Object(
            ("@context", "http://schema.org/extensions"), ("type", "MessageCard"), ("title", title), ("summary", render.Text(config.Summary)),
            ("text", text), ("themeColor", n.IsFiring ? "8C1A1A" : "2DC72D"));
        var reply = await http.PostJsonAsync(n, (await config.WebhookUrl!.ReadAsync(cancel)).Trim(), body, cancel);
        return reply.ToResult(429);
    }

    private static JsonObject AdaptiveCard(Notification n, string title, string text)
    {
        var heading = Json.Object(("type", "TextBlock"), ("text", title), ("weight", "Bolder"), ("size", "Medium"), ("wrap", true), ("style", "heading"),
            ("color", n.IsFiring ? "Attention" : "Good"));
        var card = Json.Object(
            ("$schema", "http://adaptivecards.io/schemas/adaptive-card.json"), ("type", "AdaptiveCard"), ("version", "1.2"),
            ("body", new JsonArray(heading, Json.Object(("type", "TextBlock"), ("text", text), ("wrap", true)))),
            ("msteams", Json.Object(("width", "full"))));
        return Json.Object(("type", "message"), ("attachments", new JsonArray(Json.Object(
            ("contentType", "application/vnd.microsoft.card.adaptive"), ("contentUrl", null), ("content", card)))));
    }
}
