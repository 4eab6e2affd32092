using Pharos.Yaml;

namespace Pharos.Alerting;

/// <summary><c>discord_configs</c>.</summary>
internal sealed record DiscordConfig : IntegrationConfig
{
    public SecretSource? WebhookUrl { get; init; }
    public string Title { get; init; } = "";
    public string Message { get; init; } = "";
    public string Content { get; init; } = "";
    public string Username { get; init; } = "";
    public string AvatarUrl { get; init; } = "";

    public static DiscordConfig Read(YamlSection s, GlobalConfig global)
    {
        var url = s.SecretUrl("webhook_url");
        if (url is null) s.ErrorHere("one of webhook_url or webhook_url_file must be configured");
        return new DiscordConfig
        {
            Kind = "discord",
            SendResolved = s.Bool("send_resolved", true),
            Http = s.Http(global),
            WebhookUrl = url,
            Title = s.Text("title", "{{ template \"discord.default.title\" . }}"),
            Message = s.Text("message", "{{ template \"discord.default.message\" . }}"),
            Content = s.Text("content", "{{ template \"discord.default.content\" . }}"),
            Username = s.Text("username"),
            AvatarUrl = s.Text("avatar_url"),
        };
    }

    public override INotifier Create(NotifierTools tools) => new DiscordNotifier(this, tools);
}

/// <summary>Posts one embed to a Discord webhook.</summary>
internal sealed class DiscordNotifier(DiscordConfig config, NotifierTools tools) : NotifierBase(tools)
{
    private readonly HttpSender http = tools.Http.For(config.Http);

    protected override async Task<SendResult> SendOnceAsync(Notification n, Rendering render, CancellationToken cancel)
    {
        var body = Json.Object(("content", Limits.Runes(render.Text(config.Content), 2000)));
        body["embeds"] = new System.Text.Json.Nodes.JsonArray(Json.Object(
            ("title", Limits.Runes(render.Text(config.Title), 256)),
            ("description", Limits.Runes(render.Text(config.Message), 4096)),
            ("color", n.IsFiring ? 0x992D22 : 0x2ECC71)));
        body.AddText("username", render.Text(config.Username)).AddText("avatar_url", render.Text(config.AvatarUrl));
        var reply = await http.PostJsonAsync(n, (await config.WebhookUrl!.ReadAsync(cancel)).Trim(), body, cancel);
        return reply.ToResult(429);
    }
}
