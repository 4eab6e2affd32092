using System.Text.Json.Nodes;
using Pharos.Yaml;

namespace Pharos.Alerting;

/// <summary><c>wechat_configs</c>.</summary>
internal sealed record WeChatConfig : IntegrationConfig
{
    public SecretSource? ApiSecret { get; init; }
    public string CorpId { get; init; } = "";
    public string ApiUrl { get; init; } = "";
    public string Message { get; init; } = "";
    public string ToUser { get; init; } = "";
    public string ToParty { get; init; } = "";
    public string ToTag { get; init; } = "";
    public string AgentId { get; init; } = "";
    public bool Markdown { get; init; }

    public static WeChatConfig Read(YamlSection s, GlobalConfig global)
    {
        var secret = s.Secret("api_secret") ?? global.WechatApiSecret;
        if (secret is null) s.ErrorHere("no global Wechat Api Secret set either inline or in a file");
        string corp = s.TextOrNull("corp_id") ?? global.WechatCorpId ?? "";
        if (corp.Length == 0) s.ErrorHere("no global Wechat CorpID set");
        string type = s.Text("message_type", "text");
        if (type is not ("text" or "markdown")) s.Error("message_type", $"weChat message type {type} does not match valid options", "use text or markdown");
        return new WeChatConfig
        {
            Kind = "wechat",
            SendResolved = s.Bool("send_resolved", false),
            Http = s.Http(global),
            ApiSecret = secret,
            CorpId = corp,
            ApiUrl = GlobalConfig.Slash(s.UrlOrNull("api_url") ?? global.WechatApiUrl),
            Message = s.Text("message", "{{ template \"wechat.default.message\" . }}"),
            ToUser = s.Text("to_user", "{{ template \"wechat.default.to_user\" . }}"),
            ToParty = s.Text("to_party", "{{ template \"wechat.default.to_party\" . }}"),
            ToTag = s.Text("to_tag", "{{ template \"wechat.default.to_tag\" . }}"),
            AgentId = s.Text("agent_id", "{{ template \"wechat.default.agent_id\" . }}"),
            Markdown = type == "markdown",
        };
    }

    public override INotifier Create(NotifierTools tools) => new WeChatNotifier(this, tools);
}

/// <summary>Sends by WeChat Work; the access token is kept for two hours.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "A semaphore whose wait handle is not used holds nothing to dispose.")]
internal sealed class WeChatNotifier(WeChatConfig config, NotifierTools tools) : NotifierBase(tools)
{
    private static readonly TimeSpan TokenLife = TimeSpan.FromHours(2);

    private readonly HttpSender http = tools.Http.For(config.Http);
    private readonly SemaphoreSlim gate = new(1, 1);
    private string? token;
    private DateTimeOffset tokenAt;

    protected override async Task<SendResult> SendOnceAsync(Notification n, Rendering render, CancellationToken cancel)
    {
        string message = render.Text(config.Message), type = config.Markdown ? "markdown" : "text";
        var body = Json.Object((type, Json.Object(("content", message))));
        body.AddText("touser", render.Text(config.ToUser)).AddText("toparty", render.Text(config.ToParty)).AddText("totag", render.Text(config.ToTag))
            .AddText("agentid", render.Text(config.AgentId));
        body["safe"] = "0";
        body["msgtype"] = type;
        string access = await TokenAsync(render, cancel);
        var reply = await http.PostJsonAsync(n, $"{config.ApiUrl}message/send?access_token={Uri.EscapeDataString(access)}", body, cancel);
        var result = reply.ToResult();
        if (!result.IsDelivered) return result with { Retry = true };
        var json = Json.Parse(reply.Body) as JsonObject;
        string code = json?["errcode"]?.ToString() ?? "";
        if (code == "0") return result;
        if (code != "42001") return SendResult.Failed($"WeChat answered {code}: {json?["errmsg"]}", FailureReason.ClientError);
        token = null;
        return SendResult.Again("the access token has lapsed", FailureReason.AuthError);
    }

    private async Task<string> TokenAsync(Rendering render, CancellationToken cancel)
    {
        await gate.WaitAsync(cancel);
        try
        {
            if (token is not null && Tools.Time.GetUtcNow() - tokenAt < TokenLife) return token;
            string secret = (await config.ApiSecret!.ReadAsync(cancel)).Trim();
            string url = $"{config.ApiUrl}gettoken?corpsecret={Uri.EscapeDataString(render.Text(secret))}&corpid={Uri.EscapeDataString(render.Text(config.CorpId))}";
            var reply = await http.SendAsync(HttpMethod.Get, url, null, cancel);
            string? got = (Json.Parse(reply.Body) as JsonObject)?["access_token"]?.ToString();
            if (string.IsNullOrEmpty(got)) throw new NotifyException("invalid APISecret for CorpID: the service gave no access token", reason: FailureReason.AuthError);
            tokenAt = Tools.Time.GetUtcNow();
            return token = got;
        }
        finally
        {
            gate.Release();
        }
    }
}
