using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Pharos.Alerting.Tests.Timelines;
using Pharos.Core;
using Pharos.Wire.Signing;

namespace Pharos.Alerting.Tests.Receivers;

/// <summary>What receivers are sent, byte for byte where a service depends on it.</summary>
public sealed class PayloadTests
{

    private static string Config(string receiver) => $$"""
        route: {receiver: team.x, group_by: [alertname], group_wait: 10s, group_interval: 1m, repeat_interval: 1h}
        receivers:
          - name: team.x
            {{receiver}}
        """;

    private static async Task<RouterHarness> FireAsync(string receiver, Func<HttpRequestMessage, string, HttpResponseMessage>? answer = null)
    {
        var router = new RouterHarness(Config(receiver));
        if (answer is not null) router.Answer = answer;
        router.Push("{alertname=\"Down\", instance=\"b:1\"}", ends: 3600, starts: 0, annotations: "{summary=\"it is <down> & out\"}");
        router.Push("{alertname=\"Down\", instance=\"a:1\"}", ends: 3600, starts: 0, annotations: "{summary=\"it is <down> & out\", runbook=\"http://rb\"}");
        await router.AdvanceToAsync(10);
        return router;
    }

    private static JsonNode Json(string text) => JsonNode.Parse(text)!;

    private static void Same(string expected, string found) =>
        Assert.True(JsonNode.DeepEquals(Json(expected), Json(found)), $"expected {Json(expected).ToJsonString()}\nfound    {Json(found).ToJsonString()}");

    [Fact]
    public async Task Webhook_version_4()
    {
        await using var router = await FireAsync("webhook_configs: [{url: \"http://ops/hook\"}]");
        var (_, _, request, body) = Assert.Single(router.Requests);
        Assert.Equal("http://ops/hook", request.RequestUri!.ToString());
        Assert.Equal("application/json", request.Content!.Headers.ContentType!.MediaType);
        Assert.StartsWith("Alertmanager/", request.Headers.UserAgent.ToString(), StringComparison.Ordinal);
        Same("""
            {
              "version": "4", "receiver": "team\\.x", "status": "firing", "groupKey": "{}:{alertname=\"Down\"}", "truncatedAlerts": 0,
              "notification_reason": "first notification", "groupLabels": {"alertname": "Down"}, "commonLabels": {"alertname": "Down"},
              "commonAnnotations": {"summary": "it is <down> & out"}, "routeLabels": {}, "externalURL": "http://am.example.org",
              "alerts": [
                {"status": "firing", "labels": {"alertname": "Down", "instance": "a:1"}, "annotations": {"runbook": "http://rb", "summary": "it is <down> & out"},
                 "startsAt": "2026-01-01T00:00:00Z", "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "http://prometheus.example.org/graph", "fingerprint": "d10cbbcf0b4fb9c4"},
                {"status": "firing", "labels": {"alertname": "Down", "instance": "b:1"}, "annotations": {"summary": "it is <down> & out"},
                 "startsAt": "2026-01-01T00:00:00Z", "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "http://prometheus.example.org/graph", "fingerprint": "cd1ab2b20e36ea4b"}
              ]
            }
            """.Replace("d10cbbcf0b4fb9c4", Fingerprint("a:1"), StringComparison.Ordinal).Replace("cd1ab2b20e36ea4b", Fingerprint("b:1"), StringComparison.Ordinal), body);
    }

    [Fact]
    public async Task Webhook_with_fewer_alerts_and_an_own_payload()
    {
        await using var few = await FireAsync("webhook_configs: [{url: \"http://ops/\", max_alerts: 1}]");
        var json = Json(Assert.Single(few.Requests).Body);
        Assert.Single(json["alerts"]!.AsArray());
        Assert.Equal(1, json["truncatedAlerts"]!.GetValue<int>());

        await using var own = await FireAsync("webhook_configs: [{url: \"http://{{ .GroupLabels.alertname | toLower }}/\", payload: {title: \"{{ .Status }}!\", n: \"{{ len .Alerts }}\", list: [\"{{ .CommonLabels.alertname }}\"], alerts: \"{{ toJson .Alerts.Resolved }}\"}}]");
        Assert.Equal("down", own.Requests[0].Host);
        Same("""{"title": "firing!", "n": 2, "list": ["Down"], "alerts": []}""", own.Requests[0].Body);
    }

    [Fact]
    public async Task Slack_attachment()
    {
        await using var router = await FireAsync("slack_configs: [{api_url: \"http://slack/hook\", channel: '#ops', text: '{{ .CommonAnnotations.summary }}', fields: [{title: n, value: '{{ len .Alerts }}', short: true}]}]");
        Same("""
            {
              "channel": "#ops", "username": "Alertmanager",
              "attachments": [{
                "title": "[FIRING:2] Down ", "title_link": "http://am.example.org/#/alerts?receiver=team%5C.x", "text": "it is <down> & out",
                "fallback": "[FIRING:2] Down  | http://am.example.org/#/alerts?receiver=team%5C.x", "callback_id": "", "footer": "", "color": "danger",
                "fields": [{"title": "n", "value": "2", "short": true}], "mrkdwn_in": ["fallback", "pretext", "text"]
              }]
            }
            """, Assert.Single(router.Requests).Body);
        // send_resolved is false by default.
        router.Requests.Clear();
        router.Push("{alertname=\"Down\", instance=\"a:1\"}", ends: 10);
        router.Push("{alertname=\"Down\", instance=\"b:1\"}", ends: 10);
        await router.AdvanceToAsync(200);
        Assert.Empty(router.Requests);
    }

    [Fact]
    public async Task Slack_answers_that_are_errors_are_not_tried_again()
    {
        await using var router = await FireAsync("slack_configs: [{api_url: \"http://slack/hook\", channel: nowhere}]", (_, _) =>
            new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("""{"ok":false,"error":"channel_not_found"}""", null, "application/json") });
        await router.AdvanceToAsync(69);
        Assert.Single(router.Requests);
        var sent = Assert.Single(router.Router.History.Read(TenantId.Anonymous, 10));
        Assert.False(sent.Delivered);
        Assert.Contains("channel_not_found", sent.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Slack_updates_its_message_when_asked_to()
    {
        await using var router = await FireAsync("slack_configs: [{app_token: xoxb-1, channel: '#ops', update_message: true, send_resolved: true}]", (_, _) =>
            new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("""{"ok":true,"ts":"17.5","channel":"C42"}""", null, "application/json") });
        Assert.Equal("https://slack.com/api/chat.postMessage", router.Requests[0].Request.RequestUri!.ToString());
        Assert.Equal("Bearer xoxb-1", router.Requests[0].Request.Headers.Authorization!.ToString());
        router.Requests.Clear();
        await router.RestartAsync();
        router.Push("{alertname=\"Down\", instance=\"a:1\"}", ends: 10);
        router.Push("{alertname=\"Down\", instance=\"b:1\"}", ends: 10);
        await router.AdvanceToAsync(80);
        Assert.Equal("https://slack.com/api/chat.update", router.Requests[^1].Request.RequestUri!.ToString());
        Assert.Equal("17.5", Json(router.Requests[^1].Body)["ts"]!.ToString());
        Assert.Equal("C42", Json(router.Requests[^1].Body)["channel"]!.ToString());
    }

    [Fact]
    public async Task PagerDuty_triggers_and_resolves_by_the_group()
    {
        await using var router = await FireAsync("pagerduty_configs: [{routing_key: the-key, class: c, links: [{href: 'http://l', text: l}]}]", (_, _) => new HttpResponseMessage(HttpStatusCode.Accepted));
        var (_, _, request, body) = Assert.Single(router.Requests);
        Assert.Equal("https://events.pagerduty.com/v2/enqueue", request.RequestUri!.ToString());
        var json = Json(body);
        string hash = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData("{}:{alertname=\"Down\"}"u8));
        Assert.Equal(("the-key", "trigger", hash), (json["routing_key"]!.ToString(), json["event_action"]!.ToString(), json["dedup_key"]!.ToString()));
        var payload = json["payload"]!;
        Assert.Equal(("[FIRING:2] Down ", "error", "Alertmanager", "c"), (payload["summary"]!.ToString(), payload["severity"]!.ToString(), payload["source"]!.ToString(), payload["class"]!.ToString()));
        Assert.Equal(2, payload["custom_details"]!["num_firing"]!.GetValue<int>());
        Assert.Equal("it is <down> & out", payload["custom_details"]!["firing"]![0]!["annotations"]!["summary"]!.ToString());
        // The history shows the event without its key.
        Assert.DoesNotContain("the-key", router.Router.History.Read(TenantId.Anonymous, 1)[0].Body, StringComparison.Ordinal);
        router.Push("{alertname=\"Down\", instance=\"a:1\"}", ends: 10);
        router.Push("{alertname=\"Down\", instance=\"b:1\"}", ends: 10);
        await router.AdvanceToAsync(70);
        Assert.Equal("resolve", Json(router.Requests[^1].Body)["event_action"]!.ToString());
    }

    [Theory]
    // PagerDuty asks to come again after 429; a webhook's 4xx is final; 5xx is tried again by all.
    [InlineData("pagerduty_configs: [{routing_key: k}]", 429, true)]
    [InlineData("pagerduty_configs: [{routing_key: k}]", 400, false)]
    [InlineData("webhook_configs: [{url: 'http://ops/'}]", 429, false)]
    [InlineData("webhook_configs: [{url: 'http://ops/'}]", 503, true)]
    [InlineData("opsgenie_configs: [{api_key: k}]", 429, true)]
    [InlineData("telegram_configs: [{bot_token: t, chat_id: 1}]", 400, true)]
    public async Task Status_codes_decide_about_another_attempt(string receiver, int status, bool again)
    {
        await using var router = await FireAsync(receiver, (_, _) => new HttpResponseMessage((HttpStatusCode)status));
        await router.AdvanceToAsync(15);
        Assert.Equal(again, router.Requests.Count > 1);
    }

    [Fact]
    public async Task A_template_that_fails_is_an_error_and_not_a_crash()
    {
        await using var router = await FireAsync("slack_configs: [{api_url: \"http://slack/hook\", text: '{{ .NoSuch }}'}]");
        Assert.Empty(router.Requests);
        Assert.Contains("NoSuch", router.Router.History.Read(TenantId.Anonymous, 1)[0].Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Labels_are_never_read_as_templates()
    {
        await using var router = new RouterHarness(Config("webhook_configs: [{url: \"http://ops/\", payload: {text: '{{ .CommonLabels.evil }}', all: '{{ toJson .CommonLabels }}'}}]"));
        router.Push("{alertname=\"Down\", evil=\"{{ .ExternalURL }}\"}", ends: 3600, starts: 0);
        await router.AdvanceToAsync(10);
        Same("""{"text": "{{ .ExternalURL }}", "all": {"alertname": "Down", "evil": "{{ .ExternalURL }}"}}""", Assert.Single(router.Requests).Body);
    }

    [Fact]
    public async Task Opsgenie_creates_and_closes()
    {
        await using var router = await FireAsync("opsgenie_configs: [{api_key: k, api_url: 'http://og', responders: [{name: 'a, b', type: teams}], tags: 'x,y', details: {k: v}}]");
        var (_, _, request, body) = Assert.Single(router.Requests);
        Assert.Equal("http://og/v2/alerts", request.RequestUri!.ToString());
        Assert.Equal("GenieKey k", request.Headers.GetValues("Authorization").Single());
        var json = Json(body);
        Same("""[{"name": "a", "type": "team"}, {"name": "b", "type": "team"}]""", json["responders"]!.ToJsonString());
        Same("""{"alertname": "Down", "k": "v"}""", json["details"]!.ToJsonString());
        router.Push("{alertname=\"Down\", instance=\"a:1\"}", ends: 10);
        router.Push("{alertname=\"Down\", instance=\"b:1\"}", ends: 10);
        await router.AdvanceToAsync(70);
        Assert.Equal($"/v2/alerts/{json["alias"]}/close?identifierType=alias", router.Requests[^1].Request.RequestUri!.PathAndQuery);
    }

    [Fact]
    public async Task Route_labels_are_rendered_from_each_other()
    {
        await using var router = new RouterHarness("""
            route:
              receiver: ops
              group_by: [alertname]
              group_wait: 10s
              labels: {reason: '{{ .GroupLabels.alertname }}', text: 'because {{ routeLabels "reason" }}'}
              routes:
                - {matchers: ['service="db"'], labels: {reason: database}}
            receivers:
              - {name: ops, webhook_configs: [{url: "http://ops/"}]}
            """);
        router.Push("{alertname=\"Down\", service=\"db\"}", ends: 3600, starts: 0);
        await router.AdvanceToAsync(10);
        Same("""{"reason": "database", "text": "because database"}""", Json(Assert.Single(router.Requests).Body)["routeLabels"]!.ToJsonString());
    }

    private static string Fingerprint(string instance) => Labels.Of(("alertname", "Down"), ("instance", instance)).Fingerprint().ToString("x16");

    [Fact]
    public async Task Sns_is_signed_as_it_is_sent()
    {
        await using var router = await FireAsync("sns_configs: [{topic_arn: \"arn:aws:sns:eu-west-1:1:ops\", subject: Down, message: \"a b\", attributes: {team: x}, sigv4: {access_key: AKIDEXAMPLE, secret_key: secret}}]");
        var (_, _, request, body) = Assert.Single(router.Requests);
        Assert.Equal("https://sns.eu-west-1.amazonaws.com/", request.RequestUri!.ToString());
        Assert.Equal(
            "Action=Publish&Version=2010-03-31&TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A1%3Aops&Subject=Down&Message=a%20b&MessageAttributes.entry.1.Name=team&MessageAttributes.entry.1.Value.DataType=String&MessageAttributes.entry.1.Value.StringValue=x",
            body);
        var expected = new SignatureV4("eu-west-1", "sns").Sign(
            "POST", request.RequestUri, [("Content-Type", request.Content!.Headers.ContentType!.ToString())], Encoding.UTF8.GetBytes(body), new AwsCredentials("AKIDEXAMPLE", "secret"),
            DateTimeOffset.Parse("2026-01-01T00:00:10Z", CultureInfo.InvariantCulture));
        Assert.All(expected, h => Assert.Equal(h.Value, request.Headers.GetValues(h.Name).Single()));
        Assert.Contains("SignedHeaders=content-type;host;x-amz-date,", expected[^1].Value, StringComparison.Ordinal);
    }
}
