using System.Text.Json.Nodes;
using Pharos.Yaml;

namespace Pharos.Alerting;

/// <summary><c>rocketchat_configs</c>.</summary>
internal sealed record RocketChatConfig : IntegrationConfig
{
    public string ApiUrl { get; init; } = "";
    public SecretSource? Token { get; init; }
    public SecretSource? TokenId { get; init; }
    public string Channel { get; init; } = "";
    public string Color { get; init; } = "";
    public string Title { get; init; } = "";
    public string TitleLink { get; init; } = "";
    public string Text { get; init; } = "";
    public string Emoji { get; init; } = "";
    public string IconUrl { get; init; } = "";
    public string ImageUrl { get; init; } = "";
    public string ThumbUrl { get; init; } = "";
    public bool ShortFields { get; init; }
    public bool LinkNames { get; init; }
    public IReadOnlyList<SlackField> Fields { get; init; } = [];
    public IReadOnlyList<(string Type, string Text, string Url, string Msg)> Actions { get; init; } = [];

    public static RocketChatConfig Read(YamlSection s, GlobalConfig global)
    {
        var token = s.Secret("token") ?? global.RocketchatToken;
        var id = s.Secret("token_id") ?? global.RocketchatTokenId;
        if (token is null) s.ErrorHere("no global Rocketchat Token set either inline or in a file");
        if (id is null) s.ErrorHere("no global Rocketchat TokenID set either inline or in a file");
        return new RocketChatConfig
        {
            Kind = "rocketchat",
            SendResolved = s.Bool("send_resolved", false),
            Http = s.Http(global),
            ApiUrl = s.UrlOrNull("api_url") ?? global.RocketchatApiUrl,
            Token = token,
            TokenId = id,
            Channel = s.Text("channel"),
            Color = s.Text("color", "{{ if eq .Status \"firing\" }}red{{ else }}green{{ end }}"),
            Title = s.Text("title", "{{ template \"rocketchat.default.title\" . }}"),
            TitleLink = s.Text("title_link", "{{ template \"rocketchat.default.titlelink\" . }}"),
            Text = s.Text("text", "{{ template \"rocketchat.default.text\" . }}"),
            Emoji = s.Text("emoji", "{{ template \"rocketchat.default.emoji\" . }}"),
            IconUrl = s.Text("icon_url", "{{ template \"rocketchat.default.iconurl\" . }}"),
            ImageUrl = s.Text("image_url"),
            ThumbUrl = s.Text("thumb_url"),
            ShortFields = s.Bool("short_fields", false),
            LinkNames = s.Bool("link_names", false),
            Fields = [.. s.Sections("fields").Select(SlackField.Read)],
            Actions = [.. s.Sections("actions").Select(Action)],
        };
    }

    public override INotifier Create(NotifierTools tools) => new RocketChatNotifier(this, tools);

    private static (string, string, string, string) Action(YamlSection a)
    {
        var action = (a.Text("type", "button"), a.Text("text"), a.Text("url"), a.Text("msg"));
        if (action.Item1 != "button") a.Error("type", "a Rocketchat action's type must be button");
        a.Done();
        return action;
    }
}

/// <summary>Posts a message with one attachment.</summary>
internal sealed class RocketChatNotifier(RocketChatConfig config, NotifierTools tools) : NotifierBase(tools)
{
    private readonly HttpSender http = tools.Http.For(config.Http);

    protected override async Task<SendResult> SendOnceAsync(Notification n, Rendering render, CancellationToken cancel)
    {
        var attachment = new JsonObject();
        attachment.AddText("title", Limits.Runes(render.Text(config.Title), 1024)).AddText("title_link", render.Text(config.TitleLink))
            .AddText("text", render.Text(config.Text)).AddText("image_url", render.Text(config.ImageUrl)).AddText("thumb_url", render.Text(config.ThumbUrl))
            .AddText("color", render.Text(config.Color));
        if (config.Fields.Count > 0) attachment["fields"] = Json.Array(config.Fields.Select(f => Json.Object(
            ("short", f.Short ?? config.ShortFields), ("title", render.Text(f.Title)), ("value", render.Text(f.Value)))));
        if (config.Actions.Count > 0) attachment["actions"] = Json.Array(config.Actions.Select(a => new JsonObject()
            .AddText("type", a.Type).AddText("text", render.Text(a.Text)).AddText("url", render.Text(a.Url)).AddText("msg", render.Text(a.Msg))));
        var body = new JsonObject();
        body.AddText("channel", render.Text(config.Channel)).AddText("emoji", render.Text(config.Emoji)).AddText("avatar", render.Text(config.IconUrl));
        if (config.LinkNames) body["parseUrls"] = true;
        body["attachments"] = new JsonArray(attachment);
        string url = $"{config.ApiUrl.TrimEnd('/')}/api/v1/chat.postMessage";
        var reply = await http.PostJsonAsync(n, url, body, cancel,
            ("X-Auth-Token", (await config.Token!.ReadAsync(cancel)).Trim()), ("X-User-Id", (await config.TokenId!.ReadAsync(cancel)).Trim()));
        var result = reply.ToResult(429);
        if (!result.IsDelivered) return result;
        return Json.Parse(reply.Body) is JsonObject json && json["success"]?.ToString() == "true"
            ? result : SendResult.Failed($"error response from Rocket.Chat: {Limits.Runes(reply.Body, 512)}", FailureReason.ClientError);
    }
}
