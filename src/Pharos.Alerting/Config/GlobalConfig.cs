using Pharos.Core;
using Pharos.Yaml;

namespace Pharos.Alerting;

/// <summary>Defaults for all receivers: <c>global</c>.</summary>
internal sealed record GlobalConfig
{
    /// <summary>Given to an alert that comes without an end.</summary>
    public TimeSpan ResolveTimeout { get; init; } = TimeSpan.FromMinutes(5);
    public HttpClientOptions Http { get; init; } = HttpClientOptions.Default;

    public string? SmtpFrom { get; init; }
    public HostPort? SmtpSmarthost { get; init; }
    public string SmtpHello { get; init; } = "localhost";
    public bool SmtpRequireTls { get; init; } = true;
    public bool? SmtpForceImplicitTls { get; init; }
    public TlsOptions SmtpTls { get; init; } = TlsOptions.Default;
    public string? SmtpAuthUsername { get; init; }
    public SecretSource? SmtpAuthPassword { get; init; }
    public string? SmtpAuthIdentity { get; init; }
    public SecretSource? SmtpAuthSecret { get; init; }

    public SecretSource? SlackApiUrl { get; init; }
    public SecretSource? SlackAppToken { get; init; }
    public string SlackAppUrl { get; init; } = "https://slack.com/api/chat.postMessage";
    public string PagerdutyUrl { get; init; } = "https://events.pagerduty.com/v2/enqueue";
    public string OpsgenieApiUrl { get; init; } = "https://api.opsgenie.com/";
    public SecretSource? OpsgenieApiKey { get; init; }
    public string VictoropsApiUrl { get; init; } = "https://alert.victorops.com/integrations/generic/20131114/alert/";
    public SecretSource? VictoropsApiKey { get; init; }
    public string WechatApiUrl { get; init; } = "https://qyapi.weixin.qq.com/cgi-bin/";
    public SecretSource? WechatApiSecret { get; init; }
    public string? WechatCorpId { get; init; }
    public string TelegramApiUrl { get; init; } = "https://api.telegram.org";
    public SecretSource? TelegramBotToken { get; init; }
    public string WebexApiUrl { get; init; } = "https://webexapis.com/v1/messages";
    public string RocketchatApiUrl { get; init; } = "https://open.rocket.chat/";
    public SecretSource? RocketchatToken { get; init; }
    public SecretSource? RocketchatTokenId { get; init; }
    public string? JiraApiUrl { get; init; }
    public SecretSource? MattermostWebhookUrl { get; init; }

    public static GlobalConfig Read(YamlSection? s)
    {
        var d = new GlobalConfig();
        if (s is null) return d;
        var http = s.Section("http_config");
        var tls = s.Section("smtp_tls_config");
        var global = new GlobalConfig
        {
            ResolveTimeout = s.Duration("resolve_timeout", d.ResolveTimeout),
            Http = http is null ? d.Http : HttpClientOptions.Read(http),
            SmtpFrom = s.TextOrNull("smtp_from"),
            SmtpSmarthost = HostPort.Read(s, "smtp_smarthost"),
            SmtpHello = s.Text("smtp_hello", d.SmtpHello),
            SmtpRequireTls = s.Bool("smtp_require_tls", true),
            SmtpForceImplicitTls = s.BoolOrNull("smtp_force_implicit_tls"),
            SmtpTls = tls is null ? d.SmtpTls : TlsOptions.Read(tls),
            SmtpAuthUsername = s.TextOrNull("smtp_auth_username"),
            SmtpAuthPassword = s.Secret("smtp_auth_password"),
            SmtpAuthIdentity = s.TextOrNull("smtp_auth_identity"),
            SmtpAuthSecret = s.Secret("smtp_auth_secret"),
            SlackApiUrl = s.SecretUrl("slack_api_url"),
            SlackAppToken = s.Secret("slack_app_token"),
            SlackAppUrl = s.UrlOrNull("slack_app_url") ?? d.SlackAppUrl,
            PagerdutyUrl = s.UrlOrNull("pagerduty_url") ?? d.PagerdutyUrl,
            OpsgenieApiUrl = Slash(s.UrlOrNull("opsgenie_api_url") ?? d.OpsgenieApiUrl),
            OpsgenieApiKey = s.Secret("opsgenie_api_key"),
            VictoropsApiUrl = Slash(s.UrlOrNull("victorops_api_url") ?? d.VictoropsApiUrl),
            VictoropsApiKey = s.Secret("victorops_api_key"),
            WechatApiUrl = Slash(s.UrlOrNull("wechat_api_url") ?? d.WechatApiUrl),
            WechatApiSecret = s.Secret("wechat_api_secret"),
            WechatCorpId = s.TextOrNull("wechat_api_corp_id"),
            TelegramApiUrl = s.UrlOrNull("telegram_api_url") ?? d.TelegramApiUrl,
            TelegramBotToken = s.Secret("telegram_bot_token"),
            WebexApiUrl = s.UrlOrNull("webex_api_url") ?? d.WebexApiUrl,
            RocketchatApiUrl = s.UrlOrNull("rocketchat_api_url") ?? d.RocketchatApiUrl,
            RocketchatToken = s.Secret("rocketchat_token"),
            RocketchatTokenId = s.Secret("rocketchat_token_id"),
            JiraApiUrl = s.UrlOrNull("jira_api_url"),
            MattermostWebhookUrl = s.SecretUrl("mattermost_webhook_url"),
        };
        CheckSlack(s, global);
        s.Done();
        return global;
    }

    /// <summary>The address with a slash at its end, so that paths can be put behind it.</summary>
    public static string Slash(string url) => url.EndsWith('/') ? url : url + "/";

    private static void CheckSlack(YamlSection s, GlobalConfig global)
    {
        // An app token beside the app's own address is the older way to write the same.
        if (global.SlackAppToken is null || global.SlackApiUrl is null || global.SlackApiUrl.Value == global.SlackAppUrl) return;
        s.Error("slack_api_url", "at most one of slack_app_token/slack_app_token_file & slack_api_url/slack_api_url_file must be configured");
    }
}

/// <summary>A server's name and port.</summary>
internal sealed record HostPort(string Host, string Port)
{
    public static HostPort? Read(YamlSection s, string key)
    {
        string? text = s.TextOrNull(key);
        if (string.IsNullOrEmpty(text)) return null;
        int colon = text.LastIndexOf(':');
        string host = colon < 0 ? text : text[..colon];
        string port = colon < 0 ? "" : text[(colon + 1)..];
        if (host.StartsWith('[') && host.EndsWith(']')) host = host[1..^1];
        else if (host.Contains(':')) colon = -1;
        if (colon >= 0 && port.Length > 0) return new HostPort(host, port);
        s.Error(key, $"address {GoString.Quote(text)}: missing port", "write host:port");
        return null;
    }

    public override string ToString() => Host.Contains(':') ? $"[{Host}]:{Port}" : $"{Host}:{Port}";
}
