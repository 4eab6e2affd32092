using Pharos.Yaml;

namespace Pharos.Alerting;

/// <summary><c>webex_configs</c>.</summary>
internal sealed record WebexConfig : IntegrationConfig
{
    public string ApiUrl { get; init; } = "";
    public string RoomId { get; init; } = "";
    public string Message { get; init; } = "";

    public static WebexConfig Read(YamlSection s, GlobalConfig global)
    {
        var http = s.Http(global);
        string room = s.Text("room_id");
        if (room.Length == 0) s.ErrorHere("missing room_id on webex_config");
        if (!http.HasAuthorization) s.ErrorHere("missing webex_configs.http_config.authorization");
        return new WebexConfig
        {
            Kind = "webex",
            SendResolved = s.Bool("send_resolved", true),
            Http = http,
            ApiUrl = s.UrlOrNull("api_url") ?? global.WebexApiUrl,
            RoomId = room,
            Message = s.Text("message", "{{ template \"webex.default.message\" . }}"),
        };
    }

    public override INotifier Create(NotifierTools tools) => new WebexNotifier(this, tools);
}

/// <summary>Posts a message to a Webex room.</summary>
internal sealed class WebexNotifier(WebexConfig config, NotifierTools tools) : NotifierBase(tools)
{
    private readonly HttpSender http = tools.Http.For(config.Http);

    protected override async Task<SendResult> SendOnceAsync(Notification n, Rendering render, CancellationToken cancel)
    {
        var body = Json.Object(("markdown", Limits.Bytes(render.Text(config.Message), 7439)), ("roomId", render.Text(config.RoomId)));
        return (await http.PostJsonAsync(n, config.ApiUrl, body, cancel)).ToResult();
    }
}
