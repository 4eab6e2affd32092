using System.Text.Json.Nodes;

namespace Pharos.Alerting;

/// <summary>Posts one attachment to a Slack webhook, or by an app's token.</summary>
internal sealed class SlackNotifier(SlackConfig config, NotifierTools tools) : NotifierBase(tools)
{
    private const int TitleRunesMax = 1024;

    private readonly HttpSender http = tools.Http.For(config.Http);

    protected override async Task<SendResult> SendOnceAsync(Notification n, Rendering render, CancellationToken cancel)
    {
        var body = Body(render);
        string url = config.AppToken is null ? await config.ApiUrl!.ReadAsync(cancel) : config.AppUrl;
        if (config.UpdateMessage && n.State.TryGetValue("threadTs", out string? ts) && n.State.TryGetValue("channelId", out string? channel))
        {
            body["ts"] = ts;
            body["channel"] = channel;
            url = url.Replace("chat.postMessage", "chat.update", StringComparison.Ordinal);
        }
        (string, string)[] headers = config.AppToken is null ? [] : [("Authorization", $"Bearer {await config.AppToken.ReadAsync(cancel)}")];
        using var bound = Deadline.Within(config.Timeout, Tools.Time, cancel);
        try
        {
            var reply = await http.PostJsonAsync(n, url, body, bound.Token, headers);
            return Judge(n, reply);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return Deadline.Missed(config.Timeout);
        }
    }

    private SendResult Judge(Notification n, HttpReply reply)
    {
        var result = reply.ToResult(429);
        if (!result.IsDelivered) return result;
        if (!reply.ContentType.Equals("application/json", StringComparison.OrdinalIgnoreCase))
            return reply.Body.Trim() is "ok" or "" ? result : SendResult.Failed($"received an error response from Slack: {reply.Body.Trim()}", FailureReason.ClientError);
        if (Json.Parse(reply.Body) is not JsonObject json) return SendResult.Failed("Slack answered no JSON object");
        if (json["ok"]?.ToString() != "true") return SendResult.Failed($"error response from Slack: {json["error"]}", FailureReason.ClientError);
        if (config.UpdateMessage && json["ts"] is { } ts && json["channel"] is { } channel)
        {
            n.State["threadTs"] = ts.ToString();
            n.State["channelId"] = channel.ToString();
        }
        return result;
    }

    private JsonObject Body(Rendering render)
    {
        var attachment = new JsonObject();
        attachment.AddText("title", Limits.Runes(render.Text(config.Title), TitleRunesMax))
            .AddText("title_link", render.Text(config.TitleLink))
            .AddText("pretext", render.Text(config.Pretext));
        attachment["text"] = render.Text(config.Text);
        attachment["fallback"] = render.Text(config.Fallback);
        attachment["callback_id"] = render.Text(config.CallbackId);
        if (config.Fields.Count > 0) attachment["fields"] = Json.Array(config.Fields.Select(f => Json.Object(
            ("title", render.Text(f.Title)), ("value", render.Text(f.Value)), ("short", f.Short ?? config.ShortFields))));
        if (config.Actions.Count > 0) attachment["actions"] = Json.Array(config.Actions.Select(a => Action(a, render)));
        attachment.AddText("image_url", render.Text(config.ImageUrl)).AddText("thumb_url", render.Text(config.ThumbUrl));
        attachment["footer"] = render.Text(config.Footer);
        attachment.AddText("color", render.Text(config.Color));
        if (config.MarkdownIn.Count > 0) attachment["mrkdwn_in"] = Json.Array(config.MarkdownIn.Select(m => (JsonNode?)m));
        var body = new JsonObject();
        body.AddText("channel", render.Text(config.Channel))
            .AddText("username", render.Text(config.Username))
            .AddText("icon_emoji", render.Text(config.IconEmoji))
            .AddText("icon_url", render.Text(config.IconUrl));
        if (config.LinkNames) body["link_names"] = true;
        body.AddText("text", render.Text(config.MessageText));
        body["attachments"] = new JsonArray(attachment);
        return body;
    }

    private static JsonObject Action(SlackAction a, Rendering render)
    {
        var json = new JsonObject();
        json["type"] = render.Text(a.Type);
        json["text"] = render.Text(a.Text);
        json.AddText("url", render.Text(a.Url)).AddText("style", render.Text(a.Style))
            .AddText("name", render.Text(a.Name)).AddText("value", render.Text(a.Value));
        if (a.Confirm is { } c)
        {
            var confirm = new JsonObject();
            confirm["text"] = render.Text(c.Text);
            confirm.AddText("title", render.Text(c.Title)).AddText("ok_text", render.Text(c.OkText)).AddText("dismiss_text", render.Text(c.DismissText));
            json["confirm"] = confirm;
        }
        return json;
    }
}
