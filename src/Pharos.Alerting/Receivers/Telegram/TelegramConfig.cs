using System.Globalization;
using Pharos.Yaml;

namespace Pharos.Alerting;

/// <summary><c>telegram_configs</c>.</summary>
internal sealed record TelegramConfig : IntegrationConfig
{
    public string ApiUrl { get; init; } = "";
    public SecretSource? BotToken { get; init; }
    public SecretSource? ChatId { get; init; }
    public long ThreadId { get; init; }
    public string Message { get; init; } = "";
    public string ParseMode { get; init; } = "";
    public bool DisableNotifications { get; init; }

    public static TelegramConfig Read(YamlSection s, GlobalConfig global)
    {
        var token = s.Secret("bot_token") ?? global.TelegramBotToken;
        if (token is null) s.ErrorHere("missing bot_token or bot_token_file on telegram_config");
        long? chat = s.NumberOrNull("chat_id");
        string? chatFile = s.FileOrNull("chat_id_file");
        if (chat is null or 0 && string.IsNullOrEmpty(chatFile)) s.ErrorHere("missing chat_id or chat_id_file on telegram_config");
        if (chat is not null and not 0 && !string.IsNullOrEmpty(chatFile)) s.ErrorHere("at most one of chat_id & chat_id_file must be configured");
        string mode = s.Text("parse_mode", "HTML");
        if (mode is not ("" or "Markdown" or "MarkdownV2" or "HTML"))
            s.Error("parse_mode", "unknown parse_mode on telegram_config, must be Markdown, MarkdownV2, HTML or empty string");
        return new TelegramConfig
        {
            Kind = "telegram",
            SendResolved = s.Bool("send_resolved", true),
            Http = s.Http(global),
            ApiUrl = s.UrlOrNull("api_url") ?? global.TelegramApiUrl,
            BotToken = token,
            ChatId = chat is not null and not 0 ? new SecretSource(chat.Value.ToString(CultureInfo.InvariantCulture), null) : new SecretSource(null, chatFile),
            ThreadId = s.NumberOrNull("message_thread_id") ?? 0,
            Message = s.Text("message", "{{ template \"telegram.default.message\" . }}"),
            ParseMode = mode,
            DisableNotifications = s.Bool("disable_notifications", false),
        };
    }

    public override INotifier Create(NotifierTools tools) => new TelegramNotifier(this, tools);
}

/// <summary>Sends a message by a bot.</summary>
internal sealed class TelegramNotifier(TelegramConfig config, NotifierTools tools) : NotifierBase(tools)
{
    private const int MessageRunesMax = 4096;

    private readonly HttpSender http = tools.Http.For(config.Http);

    protected override async Task<SendResult> SendOnceAsync(Notification n, Rendering render, CancellationToken cancel)
    {
        string text;
        if (config.ParseMode == "HTML")
        {
            text = render.Html(config.Message);
            // Cutting HTML could leave a tag open, which Telegram refuses.
            if (text.EnumerateRunes().Count() > MessageRunesMax)
                text = $"A notification of {n.Alerts.Count} alerts was longer than Telegram takes ({MessageRunesMax} characters). See the alert router for the alerts.";
        }
        else
        {
            text = Limits.Runes(render.Text(config.Message), MessageRunesMax);
        }
        string chat = await config.ChatId!.ReadAsync(cancel);
        if (!long.TryParse(chat, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _)) throw new NotifyException("chat_id is not a whole number");
        // All values as texts, as Alertmanager sends them; the service takes both forms.
        var body = Json.Object(("chat_id", chat), ("text", text), ("disable_web_page_preview", "true"));
        body.AddText("parse_mode", config.ParseMode);
        if (config.DisableNotifications) body["disable_notification"] = "true";
        if (config.ThreadId != 0) body["message_thread_id"] = config.ThreadId.ToString(CultureInfo.InvariantCulture);
        string token = await config.BotToken!.ReadAsync(cancel);
        var reply = await http.PostJsonAsync(n, $"{config.ApiUrl.TrimEnd('/')}/bot{token}/sendMessage", body, cancel);
        var result = reply.ToResult();
        return result.IsDelivered ? result : result with { Retry = true };
    }
}
