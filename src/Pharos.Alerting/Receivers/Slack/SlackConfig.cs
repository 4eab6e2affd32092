using Pharos.Yaml;

namespace Pharos.Alerting;

/// <summary><c>slack_configs</c>.</summary>
internal sealed record SlackConfig : IntegrationConfig
{
    /// <summary>A webhook's address, or null where an app token is used.</summary>
    public SecretSource? ApiUrl { get; init; }
    public SecretSource? AppToken { get; init; }
    public string AppUrl { get; init; } = "";
    public string Channel { get; init; } = "";
    public string Username { get; init; } = "";
    public string Color { get; init; } = "";
    public string Title { get; init; } = "";
    public string TitleLink { get; init; } = "";
    public string Pretext { get; init; } = "";
    public string Text { get; init; } = "";
    public string MessageText { get; init; } = "";
    public string Fallback { get; init; } = "";
    public string CallbackId { get; init; } = "";
    public string Footer { get; init; } = "";
    public string IconEmoji { get; init; } = "";
    public string IconUrl { get; init; } = "";
    public string ImageUrl { get; init; } = "";
    public string ThumbUrl { get; init; } = "";
    public IReadOnlyList<SlackField> Fields { get; init; } = [];
    public IReadOnlyList<SlackAction> Actions { get; init; } = [];
    public bool ShortFields { get; init; }
    public IReadOnlyList<string> MarkdownIn { get; init; } = [];
    public bool LinkNames { get; init; }

    /// <summary>Later notifications of a group change the first message; needs an app token.</summary>
    public bool UpdateMessage { get; init; }
    public TimeSpan Timeout { get; init; }

    public static SlackConfig Read(YamlSection s, GlobalConfig global)
    {
        var http = s.Http(global);
        var apiUrl = s.SecretUrl("api_url");
        var appToken = s.Secret("app_token");
        string? appUrl = s.UrlOrNull("app_url");
        if (apiUrl is not null && appToken is not null) s.ErrorHere("at most one of app_token/app_token_file & api_url/api_url_file must be configured");
        bool ownUrl = apiUrl is not null;
        if (!ownUrl) appToken ??= http.HasAuthorization && global.SlackAppToken is not null ? null : global.SlackAppToken;
        string app = appUrl ?? global.SlackAppUrl;
        if (appToken is not null) apiUrl = null;
        else apiUrl ??= http.HasAuthorization ? global.SlackApiUrl ?? new SecretSource(app, null) : global.SlackApiUrl;
        if (apiUrl is null && appToken is null) s.ErrorHere("no Slack API URL nor App token set either inline or in a file");
        bool update = s.Bool("update_message", false);
        if (update && appToken is null && apiUrl?.Value != global.SlackAppUrl)
            s.Error("update_message", "update_message can only be used with bot tokens. api_url must be set to https://slack.com/api/chat.postMessage");
        return new SlackConfig
        {
            Kind = "slack",
            SendResolved = s.Bool("send_resolved", false),
            Http = http,
            ApiUrl = apiUrl,
            AppToken = appToken,
            AppUrl = app,
            Channel = s.Text("channel"),
            Username = s.Text("username", "{{ template \"slack.default.username\" . }}"),
            Color = s.Text("color", "{{ template \"slack.default.color\" . }}"),
            Title = s.Text("title", "{{ template \"slack.default.title\" . }}"),
            TitleLink = s.Text("title_link", "{{ template \"slack.default.titlelink\" . }}"),
            Pretext = s.Text("pretext", "{{ template \"slack.default.pretext\" . }}"),
            Text = s.Text("text", "{{ template \"slack.default.text\" . }}"),
            MessageText = s.Text("message_text"),
            Fallback = s.Text("fallback", "{{ template \"slack.default.fallback\" . }}"),
            CallbackId = s.Text("callback_id", "{{ template \"slack.default.callbackid\" . }}"),
            Footer = s.Text("footer", "{{ template \"slack.default.footer\" . }}"),
            IconEmoji = s.Text("icon_emoji", "{{ template \"slack.default.iconemoji\" . }}"),
            IconUrl = s.Text("icon_url", "{{ template \"slack.default.iconurl\" . }}"),
            ImageUrl = s.Text("image_url"),
            ThumbUrl = s.Text("thumb_url"),
            ShortFields = s.Bool("short_fields", false),
            LinkNames = s.Bool("link_names", false),
            MarkdownIn = s.Has("mrkdwn_in") ? s.Texts("mrkdwn_in") : ["fallback", "pretext", "text"],
            Fields = [.. s.Sections("fields").Select(SlackField.Read)],
            Actions = [.. s.Sections("actions").Select(SlackAction.Read)],
            UpdateMessage = update,
            Timeout = s.Duration("timeout", TimeSpan.Zero),
        };
    }

    public override INotifier Create(NotifierTools tools) => new SlackNotifier(this, tools);
}

/// <summary>A field of an attachment.</summary>
internal sealed record SlackField(string Title, string Value, bool? Short)
{
    public static SlackField Read(YamlSection s)
    {
        var field = new SlackField(s.Text("title"), s.Text("value"), s.BoolOrNull("short"));
        if (field.Title.Length == 0) s.ErrorHere("missing title in Slack field configuration");
        if (field.Value.Length == 0) s.ErrorHere("missing value in Slack field configuration");
        s.Done();
        return field;
    }
}

/// <summary>A button or menu of an attachment.</summary>
internal sealed record SlackAction(
    string Type, string Text, string Url, string Style, string Name, string Value, SlackConfirm? Confirm)
{
    public static SlackAction Read(YamlSection s)
    {
        SlackConfirm? confirm = null;
        if (s.Section("confirm") is { } c)
        {
            confirm = new SlackConfirm(c.Text("text"), c.Text("title"), c.Text("ok_text"), c.Text("dismiss_text"));
            if (confirm.Text.Length == 0) c.ErrorHere("missing text in Slack confirmation configuration");
            c.Done();
        }
        var action = new SlackAction(s.Text("type"), s.Text("text"), s.Text("url"), s.Text("style"), s.Text("name"), s.Text("value"), confirm);
        if (action.Type.Length == 0) s.ErrorHere("missing type in Slack action configuration");
        if (action.Text.Length == 0) s.ErrorHere("missing text in Slack action configuration");
        if (action.Url.Length == 0 && action.Name.Length == 0) s.ErrorHere("missing name or url in Slack action configuration");
        s.Done();
        return action;
    }
}

/// <summary>Asks before an action is done.</summary>
internal sealed record SlackConfirm(string Text, string Title, string OkText, string DismissText);
