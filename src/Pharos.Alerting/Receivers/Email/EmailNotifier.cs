using System.Globalization;
using System.Security.Cryptography;

namespace Pharos.Alerting;

/// <summary>Mails the group to its recipients.</summary>
internal sealed class EmailNotifier(EmailConfig config, NotifierTools tools) : NotifierBase(tools)
{
    protected override async Task<SendResult> SendOnceAsync(Notification n, Rendering render, CancellationToken cancel)
    {
        string from = render.Text(config.From), to = render.Text(config.To);
        var sender = MailMessage.Addresses(from, "from");
        if (sender.Count != 1) throw new NotifyException($"must be exactly one 'from' address (got: {sender.Count})");
        var recipients = MailMessage.Addresses(to, "to");
        string message = Message(n, render, from, to);
        n.SentBody = message;

        string host = config.Smarthost!.Host;
        await using var smtp = await SmtpClient.ConnectAsync(config.Smarthost, config.ImplicitTls, config.Tls, Tools.Firewall, cancel);
        await smtp.HelloAsync(config.Hello, cancel);
        if (config.RequireTls && !smtp.IsEncrypted)
        {
            if (!smtp.Extensions.ContainsKey("STARTTLS"))
                return SendResult.Again($"'require_tls' is true (default) but {config.Smarthost} does not advertise the STARTTLS extension", FailureReason.ClientError);
            await smtp.StartTlsAsync(host, config.Tls, cancel);
            await smtp.HelloAsync(config.Hello, cancel);
        }
        if (smtp.Extensions.TryGetValue("AUTH", out string? mechanisms)) await AuthenticateAsync(smtp, mechanisms, cancel);
        await smtp.SendAsync(sender[0], recipients, message, cancel);
        await QuitAsync(smtp, cancel);
        return SendResult.Delivered;
    }

    private static async Task QuitAsync(SmtpClient smtp, CancellationToken cancel)
    {
        try
        {
            await smtp.QuitAsync(cancel);
        }
        catch (Exception e) when (e is IOException or NotifyException)
        {
            // The message was accepted; how the server says good-bye changes nothing.
        }
    }

    private async Task AuthenticateAsync(SmtpClient smtp, string mechanisms, CancellationToken cancel)
    {
        // Without a user name none is wanted, whatever the server offers.
        if (config.AuthUsername.Length == 0) return;
        var reasons = new List<string>();
        foreach (string mechanism in mechanisms.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            switch (mechanism.ToUpperInvariant())
            {
                case "CRAM-MD5" when config.AuthSecret is not null:
                    await smtp.AuthCramMd5Async(config.AuthUsername, await config.AuthSecret.ReadAsync(cancel), cancel);
                    return;
                case "PLAIN" when config.AuthPassword is not null:
                    RequireSafeLine(smtp);
                    await smtp.AuthPlainAsync(config.AuthIdentity, config.AuthUsername, await config.AuthPassword.ReadAsync(cancel), cancel);
                    return;
                case "LOGIN" when config.AuthPassword is not null:
                    RequireSafeLine(smtp);
                    await smtp.AuthLoginAsync(config.AuthUsername, await config.AuthPassword.ReadAsync(cancel), cancel);
                    return;
                case "CRAM-MD5":
                    reasons.Add("missing secret for CRAM-MD5 auth mechanism");
                    break;
                case "PLAIN" or "LOGIN":
                    reasons.Add($"missing password for {mechanism} auth mechanism");
                    break;
            }
        }
        throw new NotifyException(reasons.Count > 0 ? string.Join("; ", reasons) : $"unknown auth mechanism: {mechanisms}", retry: false, FailureReason.AuthError);
    }

    private void RequireSafeLine(SmtpClient smtp)
    {
        if (!smtp.IsEncrypted && config.Smarthost!.Host is not ("localhost" or "127.0.0.1" or "::1"))
            throw new NotifyException("the password is not sent over a connection without TLS", reason: FailureReason.AuthError);
    }

    private string Message(Notification n, Rendering render, string from, string to)
    {
        var headers = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, template) in config.Headers) headers[name] = OneLine(render.Text(template));
        headers.TryAdd("Subject", OneLine(render.Text("{{ template \"email.default.subject\" . }}")));
        headers.TryAdd("From", OneLine(from));
        headers.TryAdd("To", OneLine(to));
        headers["Date"] = n.Now.UtcDateTime.ToString("ddd, dd MMM yyyy HH:mm:ss '+0000'", CultureInfo.InvariantCulture);
        // Unique for each mail, and the same whenever the same flush is tried again.
        string id = Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(
            $"{n.Tenant}\n{n.Receiver}\n{n.GroupKey}\n{config.Index}\n{n.Now.UtcTicks}")))[..32];
        headers.TryAdd("Message-Id", $"<{n.Now.UtcTicks}.{id}@{config.Hello}>");
        if (config.Threading)
        {
            string date = config.ThreadByDay ? n.Now.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) : "";
            string thread = $"<alert-{n.GroupHash[..16]}-{date}@alertmanager>";
            headers["References"] = thread;
            headers["In-Reply-To"] = thread;
        }
        string text = config.Text.Length > 0 ? render.Text(config.Text) : "";
        string html = config.Html.Length > 0 ? render.Html(config.Html) : "";
        return MailMessage.Write(headers.Select(h => (h.Key, h.Value)), text, html, $"pharos{id}");
    }

    private static string OneLine(string text) => text.ReplaceLineEndings(" ").Trim();
}
