using System.Globalization;
using Pharos.Core;
using Pharos.Yaml;

namespace Pharos.Alerting;

/// <summary><c>pushover_configs</c>.</summary>
internal sealed record PushoverConfig : IntegrationConfig
{
    public SecretSource? UserKey { get; init; }
    public SecretSource? Token { get; init; }
    public string Title { get; init; } = "";
    public string Message { get; init; } = "";
    public string Url { get; init; } = "";
    public string UrlTitle { get; init; } = "";
    public string Device { get; init; } = "";
    public string Sound { get; init; } = "";
    public string Priority { get; init; } = "";
    public TimeSpan Retry { get; init; }
    public TimeSpan Expire { get; init; }
    public TimeSpan Ttl { get; init; }
    public bool Html { get; init; }
    public bool Monospace { get; init; }

    public static PushoverConfig Read(YamlSection s, GlobalConfig global)
    {
        var user = s.Secret("user_key");
        if (user is null) s.ErrorHere("one of user_key or user_key_file must be configured");
        var token = s.Secret("token");
        if (token is null) s.ErrorHere("one of token or token_file must be configured");
        bool html = s.Bool("html", false), monospace = s.Bool("monospace", false);
        if (html && monospace) s.ErrorHere("at most one of monospace & html must be configured");
        return new PushoverConfig
        {
            Kind = "pushover",
            SendResolved = s.Bool("send_resolved", true),
            Http = s.Http(global),
            UserKey = user,
            Token = token,
            Title = s.Text("title", "{{ template \"pushover.default.title\" . }}"),
            Message = s.Text("message", "{{ template \"pushover.default.message\" . }}"),
            Url = s.Text("url", "{{ template \"pushover.default.url\" . }}"),
            UrlTitle = s.Text("url_title"),
            Device = s.Text("device"),
            Sound = s.Text("sound"),
            Priority = s.Text("priority", "{{ if eq .Status \"firing\" }}2{{ else }}0{{ end }}"),
            Retry = s.Duration("retry", TimeSpan.FromMinutes(1)),
            Expire = s.Duration("expire", TimeSpan.FromHours(1)),
            Ttl = s.Duration("ttl", TimeSpan.Zero),
            Html = html,
            Monospace = monospace,
        };
    }

    public override INotifier Create(NotifierTools tools) => new PushoverNotifier(this, tools);
}

/// <summary>Pushes to phones; all values go in the query of the address.</summary>
internal sealed class PushoverNotifier(PushoverConfig config, NotifierTools tools) : NotifierBase(tools)
{
    private const string Api = "https://api.pushover.net/1/messages.json";

    private readonly HttpSender http = tools.Http.For(config.Http);

    protected override async Task<SendResult> SendOnceAsync(Notification n, Rendering render, CancellationToken cancel)
    {
        string message = config.Html ? render.Html(config.Message) : render.Text(config.Message);
        message = Limits.Runes(message.Trim(), 1024);
        if (message.Length == 0) message = "(no details)";
        var values = new List<(string Name, string Value)>
        {
            ("title", Limits.Runes(render.Text(config.Title), 250)),
            ("message", message),
            ("url", Limits.Runes(render.Text(config.Url), 512)),
            ("url_title", render.Text(config.UrlTitle)),
            ("priority", render.Text(config.Priority)),
            ("retry", Seconds(config.Retry)),
            ("expire", Seconds(config.Expire)),
        };
        if (config.Ttl > TimeSpan.Zero) values.Add(("ttl", Seconds(config.Ttl)));
        if (config.Html) values.Add(("html", "1"));
        if (config.Monospace) values.Add(("monospace", "1"));
        if (render.Text(config.Device) is { Length: > 0 } device) values.Add(("device", device));
        if (render.Text(config.Sound) is { Length: > 0 } sound) values.Add(("sound", sound));
        n.SentBody = Query(values);
        values.Add(("token", render.Text(await config.Token!.ReadAsync(cancel))));
        values.Add(("user", render.Text(await config.UserKey!.ReadAsync(cancel))));
        values.Add(("timestamp", n.Now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)));
        var reply = await http.SendAsync(HttpMethod.Post, $"{Api}?{Query(values)}", new ByteArrayContent([]), cancel);
        return reply.ToResult();
    }

    private static string Seconds(TimeSpan t) => ((long)t.TotalSeconds).ToString(CultureInfo.InvariantCulture);

    private static string Query(IEnumerable<(string Name, string Value)> values) =>
        string.Join('&', values.Select(v => $"{v.Name}={Uri.EscapeDataString(v.Value)}"));
}
