using System.Text.Json.Nodes;
using Pharos.Yaml;

namespace Pharos.Alerting;

/// <summary><c>mattermost_configs</c>.</summary>
internal sealed record MattermostConfig : IntegrationConfig
{
    public SecretSource? WebhookUrl { get; init; }
    public string Channel { get; init; } = "";
    public string Username { get; init; } = "";
    public string Text { get; init; } = "";
    public string Fallback { get; init; } = "";
    public string Color { get; init; } = "";
    public string Pretext { get; init; } = "";
    public string AuthorName { get; init; } = "";
    public string AuthorLink { get; init; } = "";
    public string AuthorIcon { get; init; } = "";
    public string Title { get; init; } = "";
    public string TitleLink { get; init; } = "";
    public IReadOnlyList<SlackField> Fields { get; init; } = [];
    public string ThumbUrl { get; init; } = "";
    public string Footer { get; init; } = "";
    public string FooterIcon { get; init; } = "";
    public string ImageUrl { get; init; } = "";
    public string IconUrl { get; init; } = "";
    public string IconEmoji { get; init; } = "";
    public string Type { get; init; } = "";
    public string Card { get; init; } = "";
    public string Priority { get; init; } = "";
    public bool RequestedAck { get; init; }
    public bool PersistentNotifications { get; init; }
    public IReadOnlyList<MattermostConfig> Attachments { get; init; } = [];

    public static MattermostConfig Read(YamlSection s, GlobalConfig global)
    {
        var url = s.SecretUrl("webhook_url") ?? global.MattermostWebhookUrl;
        if (url is null) s.ErrorHere("no Mattermost webhook URL or URL file provided");
        string card = "", priority = "";
        bool ack = false, persistent = false;
        if (s.Section("props") is { } props)
        {
            card = props.Text("card");
            props.Done();
        }
        if (s.Section("priority") is { } p)
        {
            priority = p.Text("priority");
            ack = p.Bool("requested_ack", false);
            persistent = p.Bool("persistent_notifications", false);
            p.Done();
        }
        return Attachment(s) with
        {
            SendResolved = s.Bool("send_resolved", true),
            Http = s.Http(global),
            WebhookUrl = url,
            Channel = s.Text("channel"),
            Username = s.Text("username", "{{ template \"mattermost.default.username\" . }}"),
            IconUrl = s.Text("icon_url"),
            IconEmoji = s.Text("icon_emoji"),
            Type = s.Text("type"),
            Card = card,
            Priority = priority,
            RequestedAck = ack,
            PersistentNotifications = persistent,
            Attachments = [.. s.Sections("attachments").Select(a =>
            {
                var attachment = Attachment(a);
                a.Done();
                return attachment;
            })],
        };
    }

    public override INotifier Create(NotifierTools tools) => new MattermostNotifier(this, tools);

    private static MattermostConfig Attachment(YamlSection s) => new()
    {
        Kind = "mattermost",
        SendResolved = true,
        Text = s.Text("text", "{{ template \"mattermost.default.text\" . }}"),
        Fallback = s.Text("fallback", "{{ template \"mattermost.default.fallback\" . }}"),
        Color = s.Text("color", "{{ template \"mattermost.default.color\" . }}"),
        Pretext = s.Text("pretext"),
        AuthorName = s.Text("author_name"),
        AuthorLink = s.Text("author_link"),
        AuthorIcon = s.Text("author_icon"),
        Title = s.Text("title", "{{ template \"mattermost.default.title\" . }}"),
        TitleLink = s.Text("title_link", "{{ template \"mattermost.default.titlelink\" . }}"),
        Fields = [.. s.Sections("fields").Select(SlackField.Read)],
        ThumbUrl = s.Text("thumb_url"),
        Footer = s.Text("footer"),
        FooterIcon = s.Text("footer_icon"),
        ImageUrl = s.Text("image_url"),
    };
}

/// <summary>Posts to an incoming webhook of Mattermost.</summary>
internal sealed class MattermostNotifier(MattermostConfig config, NotifierTools tools) : NotifierBase(tools)
{
    private const int TextRunesMax = 16383;

    private readonly HttpSender http = tools.Http.For(config.Http);

    protected override async Task<SendResult> SendOnceAsync(Notification n, Rendering render, CancellationToken cancel)
    {
        var body = new JsonObject();
        body.AddText("channel", render.Text(config.Channel)).AddText("username", render.Text(config.Username));
        var attachments = config.Attachments.Count > 0 ? config.Attachments : [config];
        body["attachments"] = Json.Array(attachments.Select(a => Attachment(a, render)));
        body.AddText("icon_url", render.Text(config.IconUrl)).AddText("icon_emoji", render.Text(config.IconEmoji)).AddText("type", config.Type);
        if (config.Card.Length > 0) body["props"] = Json.Object(("card", render.Text(config.Card)));
        if (config.Priority.Length > 0) body["priority"] = Priority(render);
        return (await http.PostJsonAsync(n, (await config.WebhookUrl!.ReadAsync(cancel)).Trim(), body, cancel)).ToResult(429);
    }

    private JsonObject Priority(Rendering render)
    {
        var json = Json.Object(("priority", render.Text(config.Priority)));
        if (config.RequestedAck) json["requested_ack"] = true;
        if (config.PersistentNotifications) json["persistent_notifications"] = true;
        return json;
    }

    private static JsonObject Attachment(MattermostConfig a, Rendering render)
    {
        var json = new JsonObject();
        json.AddText("fallback", render.Text(a.Fallback)).AddText("color", render.Text(a.Color)).AddText("pretext", render.Text(a.Pretext))
            .AddText("text", Limits.Runes(render.Text(a.Text), TextRunesMax)).AddText("author_name", render.Text(a.AuthorName))
            .AddText("author_link", render.Text(a.AuthorLink)).AddText("author_icon", render.Text(a.AuthorIcon))
            .AddText("title", render.Text(a.Title)).AddText("title_link", render.Text(a.TitleLink));
        if (a.Fields.Count > 0) json["fields"] = Json.Array(a.Fields.Select(f => Json.Object(
            ("title", render.Text(f.Title)), ("value", render.Text(f.Value)), ("short", f.Short ?? false))));
        return json.AddText("thumb_url", render.Text(a.ThumbUrl)).AddText("footer", render.Text(a.Footer))
            .AddText("footer_icon", render.Text(a.FooterIcon)).AddText("image_url", render.Text(a.ImageUrl));
    }
}
