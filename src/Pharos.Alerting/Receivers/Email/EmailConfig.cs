using Pharos.Core;
using Pharos.Yaml;

namespace Pharos.Alerting;

/// <summary><c>email_configs</c>.</summary>
internal sealed record EmailConfig : IntegrationConfig
{
    public string To { get; init; } = "";
    public string From { get; init; } = "";
    public HostPort? Smarthost { get; init; }
    public string Hello { get; init; } = "";
    public string AuthUsername { get; init; } = "";
    public SecretSource? AuthPassword { get; init; }
    public string AuthIdentity { get; init; } = "";
    public SecretSource? AuthSecret { get; init; }

    /// <summary>Names in their usual spelling; values are templates.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();
    public string Html { get; init; } = "";
    public string Text { get; init; } = "";
    public bool RequireTls { get; init; }
    public bool ImplicitTls { get; init; }
    public TlsOptions Tls { get; init; } = TlsOptions.Default;

    /// <summary>Whether the mails of a group form a thread, and whether a new one begins each day.</summary>
    public bool Threading { get; init; }
    public bool ThreadByDay { get; init; }

    public static EmailConfig Read(YamlSection s, GlobalConfig global)
    {
        if (s.Has("http_config")) s.Error("http_config", "email_configs take no http_config");
        var smarthost = HostPort.Read(s, "smarthost") ?? global.SmtpSmarthost;
        string from = s.TextOrNull("from") ?? global.SmtpFrom ?? "";
        string to = s.Text("to");
        if (to.Length == 0) s.ErrorHere("missing to address in email config");
        if (smarthost is null) s.ErrorHere("no global SMTP smarthost set", "set smarthost here or smtp_smarthost in global");
        if (from.Length == 0) s.ErrorHere("no global SMTP from set", "set from here or smtp_from in global");
        bool threading = false, byDay = true;
        if (s.Section("threading") is { } thread)
        {
            threading = thread.Bool("enabled", false);
            string day = thread.Text("thread_by_date", "daily");
            if (day is not ("none" or "daily")) thread.Error("thread_by_date", "thread_by_date must be none or daily");
            byDay = day == "daily";
            thread.Done();
        }
        return new EmailConfig
        {
            Kind = "email",
            SendResolved = s.Bool("send_resolved", false),
            To = to,
            From = from,
            Smarthost = smarthost,
            Hello = s.TextOrNull("hello") ?? global.SmtpHello,
            AuthUsername = s.TextOrNull("auth_username") ?? global.SmtpAuthUsername ?? "",
            AuthPassword = s.Secret("auth_password") ?? global.SmtpAuthPassword,
            AuthIdentity = s.TextOrNull("auth_identity") ?? global.SmtpAuthIdentity ?? "",
            AuthSecret = s.Secret("auth_secret") ?? global.SmtpAuthSecret,
            Headers = ReadHeaders(s),
            Html = s.Text("html", "{{ template \"email.default.html\" . }}"),
            Text = s.Text("text"),
            RequireTls = s.BoolOrNull("require_tls") ?? global.SmtpRequireTls,
            ImplicitTls = s.BoolOrNull("force_implicit_tls") ?? global.SmtpForceImplicitTls ?? smarthost?.Port == "465",
            Tls = s.Section("tls_config") is { } tls ? TlsOptions.Read(tls) : global.SmtpTls,
            Threading = threading,
            ThreadByDay = byDay,
        };
    }

    public override INotifier Create(NotifierTools tools) => new EmailNotifier(this, tools);

    private static Dictionary<string, string> ReadHeaders(YamlSection s)
    {
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, value) in s.TextMap("headers"))
        {
            string usual = string.Join('-', name.Split('-').Select(p => p.Length == 0 ? p : char.ToUpperInvariant(p[0]) + p[1..].ToLowerInvariant()));
            if (!headers.TryAdd(usual, value)) s.Error("headers", $"duplicate header {GoString.Quote(usual)} in email config");
            if (name.AsSpan().IndexOfAny("\r\n: ") >= 0) s.Error("headers", $"{GoString.Quote(name)} is not the name of a header");
        }
        return headers;
    }
}
