using Pharos.Alerting.Tests.Timelines;
using Pharos.Core;

namespace Pharos.Alerting.Tests.Receivers;

public sealed class EmailTests
{
    private static string Config(SmtpServer server, string more) => $$"""
        global:
          smtp_smarthost: 127.0.0.1:{{server.Port}}
          smtp_from: router@example.org
        route: {receiver: ops, group_by: [alertname], group_wait: 10s, group_interval: 1m, repeat_interval: 1h}
        receivers:
          - name: ops
            email_configs:
              - {to: "Ann <ann@example.org>, bob@example.org", {{more}}}
        """;

    private static async Task<RouterHarness> FireAsync(string config)
    {
        var router = new RouterHarness(config);
        router.Push("{alertname=\"Down\", zone=\"<a>\"}", ends: 3600, starts: 0, annotations: "{summary=\"wörld = full\"}");
        await router.AdvanceToAsync(10);
        return router;
    }

    [Fact]
    public async Task A_mail_has_text_then_html_each_quoted()
    {
        await using var server = new SmtpServer("8BITMIME");
        await using var router = await FireAsync(Config(server, "require_tls: false, text: 'zone {{ .CommonLabels.zone }}: {{ .CommonAnnotations.summary }}', html: '<b>{{ .CommonLabels.zone }}</b>', headers: {x-team: 'ä'}"));
        Assert.Equal(["EHLO localhost", "MAIL FROM:<router@example.org>", "RCPT TO:<ann@example.org>", "RCPT TO:<bob@example.org>", "DATA", "QUIT"], server.Commands);
        string mail = Assert.Single(server.Messages);
        Assert.Contains("Subject: [FIRING:1] Down (<a>)\n", mail, StringComparison.Ordinal);
        Assert.Contains("To: Ann <ann@example.org>, bob@example.org\n", mail, StringComparison.Ordinal);
        Assert.Contains("X-Team: =?utf-8?q?=C3=A4?=\n", mail, StringComparison.Ordinal);
        Assert.Contains("Date: Thu, 01 Jan 2026 00:00:10 +0000\n", mail, StringComparison.Ordinal);
        Assert.Contains("Content-Type: text/plain; charset=UTF-8\n\nzone <a>: w=C3=B6rld =3D full\n", mail, StringComparison.Ordinal);
        Assert.Contains("Content-Type: text/html; charset=UTF-8\n\n<b>&lt;a&gt;</b>\n", mail, StringComparison.Ordinal);
        Assert.True(mail.IndexOf("text/plain", StringComparison.Ordinal) < mail.IndexOf("text/html", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_default_mail_names_every_label_escaped()
    {
        await using var server = new SmtpServer();
        await using var router = await FireAsync(Config(server, "require_tls: false"));
        string mail = Assert.Single(server.Messages).Replace("=\n", "", StringComparison.Ordinal);
        Assert.Contains("zone =3D &lt;a&gt;<br>", mail, StringComparison.Ordinal);
        Assert.Contains("[1] Firing", mail, StringComparison.Ordinal);
        Assert.DoesNotContain("<a>", mail[mail.IndexOf("<html", StringComparison.Ordinal)..], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tls_is_required_unless_that_is_turned_off()
    {
        await using var server = new SmtpServer();
        await using var router = await FireAsync(Config(server, "text: x"));
        await router.AdvanceToAsync(69);
        await router.AdvanceToAsync(71);
        Assert.Empty(server.Messages);
        Assert.Contains("does not advertise the STARTTLS extension", router.Router.History.Read(TenantId.Anonymous, 1)[0].Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task StartTls_then_the_first_usable_mechanism()
    {
        await using var server = new SmtpServer("STARTTLS", "AUTH CRAM-MD5 LOGIN PLAIN");
        await using var router = await FireAsync(Config(server, "tls_config: {insecure_skip_verify: true}, auth_username: u, auth_password: secret"));
        Assert.Single(server.Messages);
        Assert.Equal(["EHLO localhost", "STARTTLS", "EHLO localhost", "AUTH LOGIN", "= u", "= secret"], server.Commands.Take(6));
    }

    [Fact]
    public async Task A_certificate_that_is_not_trusted_is_refused()
    {
        await using var server = new SmtpServer("STARTTLS");
        await using var router = await FireAsync(Config(server, "text: x"));
        await router.AdvanceToAsync(71);
        Assert.Empty(server.Messages);
        Assert.Contains("TLS", router.Router.History.Read(TenantId.Anonymous, 1)[0].Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cram_md5_answers_the_challenge()
    {
        await using var server = new SmtpServer("AUTH CRAM-MD5");
        await using var router = await FireAsync(Config(server, "require_tls: false, auth_username: u, auth_secret: s3cret"));
        Assert.Single(server.Messages);
#pragma warning disable CA5351 // What the mechanism is made of.
        string digest = Convert.ToHexStringLower(System.Security.Cryptography.HMACMD5.HashData("s3cret"u8, "<1@test>"u8));
#pragma warning restore CA5351
        Assert.Contains($"= u {digest}", server.Commands);
    }

    [Fact]
    public async Task A_refusal_for_now_is_tried_again_and_one_for_ever_is_not()
    {
        await using var server = new SmtpServer { RecipientAnswer = "550 no such user" };
        await using var router = await FireAsync(Config(server, "require_tls: false"));
        await router.AdvanceToAsync(20);
        Assert.Equal(1, server.Commands.Count(c => c.StartsWith("EHLO", StringComparison.Ordinal)));
        server.RecipientAnswer = "450 try later";
        await router.AdvanceToAsync(75);
        Assert.True(server.Commands.Count(c => c.StartsWith("EHLO", StringComparison.Ordinal)) > 2);
        server.RecipientAnswer = "250 ok";
        await router.AdvanceToAsync(140);
        Assert.Single(server.Messages);
    }

    [Fact]
    public async Task A_blocked_address_is_not_reached()
    {
        await using var server = new SmtpServer();
        await using var router = new RouterHarness(Config(server, "require_tls: false"), new AlertRouterOptions { Firewall = new ReceiverFirewall([], BlockPrivate: true) });
        router.Push("{alertname=\"Down\"}", ends: 3600, starts: 0);
        await router.AdvanceToAsync(75);
        Assert.Empty(server.Commands);
        Assert.Contains("is blocked for receivers", router.Router.History.Read(TenantId.Anonymous, 1)[0].Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tenants_own_firewall_counts_and_may_change_while_it_runs()
    {
        await using var server = new SmtpServer();
        var limits = new AlertLimits { ReceiversBlockPrivate = false };
        await using var router = new RouterHarness(
            Config(server, "require_tls: false"), new AlertRouterOptions { Firewall = new ReceiverFirewall([], BlockPrivate: true), Limits = _ => limits });
        router.Push("{alertname=\"Down\"}", ends: 3600, starts: 0);
        await router.AdvanceToAsync(75);
        Assert.Single(server.Messages);
        limits = new AlertLimits { ReceiversBlockedNetworks = [System.Net.IPNetwork.Parse("127.0.0.0/8"), System.Net.IPNetwork.Parse("::1/128")], ReceiversBlockPrivate = false };
        router.Push("{alertname=\"Other\"}", ends: 3600, starts: 75);
        await router.AdvanceToAsync(200);
        Assert.Single(server.Messages);
        Assert.Contains("is blocked for receivers", router.Router.History.Read(TenantId.Anonymous, 1)[0].Error, StringComparison.Ordinal);
    }
}
