using Pharos.Core;

namespace Pharos.Alerting.Tests;

public sealed class ConfigTests
{
    [Fact]
    public void All_mistakes_are_reported_with_their_places()
    {
        var e = Assert.Throws<ConfigurationException>(() => AlertmanagerConfig.Load("""
            route:
              receiver: ops
              group_intervall: 5m
              group_wait: 10
              routes:
                - receiver: nobody
                  mute_time_intervals: [never]
            receivers:
              - name: ops
                slack_configs: [{channel: x}]
              - name: ops
            """, "am.yml"));
        Assert.Equal(
            [
                "am.yml:3:3: field group_intervall not found in route; did you mean \"group_interval\"?",
                "am.yml:4:15: group_wait: duration \"10\" has no unit; write for example \"10s\"",
                "am.yml:6:17: undefined receiver \"nobody\" used in route; add it to receivers",
                "am.yml:7:29: undefined time interval \"never\" used in route; add it to time_intervals",
                "am.yml:10:21: no Slack API URL nor App token set either inline or in a file",
                "am.yml:11:11: notification config name \"ops\" is not unique",
            ],
            e.Diagnostics.Select(d => d.ToString()));
    }

    [Fact]
    public void Secrets_are_not_shown()
    {
        var config = AlertmanagerConfig.Load("""
            global: {slack_api_url: 'https://hooks.slack.com/T/B/X'}
            route: {receiver: ops}
            receivers:
              - name: ops
                slack_configs: [{channel: c}]
                pagerduty_configs:
                  - routing_key: |
                      topsecret
                    client: me
                webhook_configs: [{url: "https://user:pass@example.org/"}]
            """, "am.yml");
        Assert.DoesNotContain("hooks.slack.com", config.MaskedText, StringComparison.Ordinal);
        Assert.DoesNotContain("topsecret", config.MaskedText, StringComparison.Ordinal);
        Assert.DoesNotContain("pass", config.MaskedText, StringComparison.Ordinal);
        // What is shown can be read again.
        Assert.Equal("ops", AlertmanagerConfig.Load(config.MaskedText, "shown").Receivers[0].Name);
    }

    [Fact]
    public void A_tenant_may_not_name_files()
    {
        var options = new AlertmanagerConfigOptions { AllowFiles = false, Templates = new Dictionary<string, string> { ["a.tmpl"] = "" } };
        var e = Assert.Throws<ConfigurationException>(() => AlertmanagerConfig.Load("""
            templates: [a.tmpl, /etc/passwd]
            route: {receiver: ops}
            receivers:
              - name: ops
                webhook_configs: [{url_file: /etc/passwd}, {url: "http://x/", http_config: {tls_config: {ca_file: /etc/ca}}}]
            """, "am.yml", options));
        Assert.Equal([1, 5, 5], e.Diagnostics.Select(d => d.Position.Line));
    }

    [Fact]
    public void Group_keys_and_route_ids_have_their_exact_form()
    {
        var config = AlertmanagerConfig.Load("""
            route:
              receiver: ops
              routes:
                - matchers: ['b!~"x\ny"', a="1"]
                  match: {z: "q\"u"}
                  group_by: [alertname, b]
                  routes:
                    - matchers: ['"na me"=~"v"']
            receivers: [{name: ops}]
            """, "am.yml");
        var child = config.Routes.Root.Children[0];
        Assert.Equal("{}/{a=\"1\",b!~\"x\\ny\",z=\"q\\\"u\"}", child.Key);
        Assert.Equal("{}/{a=\"1\",b!~\"x\\ny\",z=\"q\\\"u\"}/0/{\"na me\"=~\"v\"}/0", child.Children[0].Id);
        Assert.Equal(child.Key + ":{alertname=\"A\", b=\"\\\"\"}", child.GroupKey(child.GroupLabels(Labels.Of(("alertname", "A"), ("b", "\""), ("c", "d")))));
    }

    [Fact]
    public void Routes_inherit_what_may_be_inherited()
    {
        var config = AlertmanagerConfig.Load("""
            route:
              receiver: ops
              group_by: [a]
              group_wait: 1s
              group_interval: 2s
              repeat_interval: 3s
              routes:
                - matchers: [x=y]
                - matchers: [x=z]
                  group_by: []
                - matchers: [x=q]
                  group_by: ['...']
            receivers: [{name: ops}]
            """, "am.yml");
        var (first, second, third) = (config.Routes.Root.Children[0], config.Routes.Root.Children[1], config.Routes.Root.Children[2]);
        Assert.Equal(["a"], first.GroupBy);
        Assert.Equal((TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(3)), (first.GroupWait, first.GroupInterval, first.RepeatInterval));
        Assert.Empty(second.GroupBy);
        Assert.True(third.GroupByAll);
    }

    [Theory]
    [InlineData("weekdays: ['monday:friday']", "2026-01-05T12:00:00Z", true)]
    [InlineData("weekdays: ['monday:friday']", "2026-01-04T12:00:00Z", false)]
    [InlineData("times: [{start_time: '09:00', end_time: '17:00'}]", "2026-01-05T17:00:00Z", false)]
    [InlineData("times: [{start_time: '09:00', end_time: '24:00'}]", "2026-01-05T23:59:59Z", true)]
    [InlineData("days_of_month: ['-1']", "2026-02-28T12:00:00Z", true)]
    [InlineData("days_of_month: ['29:31']", "2026-02-28T12:00:00Z", false)]
    [InlineData("days_of_month: ['1:-1']", "2026-02-28T12:00:00Z", true)]
    [InlineData("months: ['december:december', '2']", "2026-02-28T12:00:00Z", true)]
    [InlineData("years: ['2020:2025']", "2026-02-28T12:00:00Z", false)]
    [InlineData("times: [{start_time: '09:00', end_time: '10:00'}], location: Australia/Sydney", "2026-01-04T22:30:00Z", true)]
    public void Time_intervals_hold_when_all_their_fields_do(string spec, string instant, bool holds)
    {
        var config = AlertmanagerConfig.Load($"route: {{receiver: ops}}\nreceivers: [{{name: ops}}]\ntime_intervals: [{{name: t, time_intervals: [{{{spec}}}]}}]", "am.yml");
        Assert.Equal(holds, config.TimeIntervals["t"].Contains(DateTimeOffset.Parse(instant)));
    }

    [Fact]
    public void Where_the_grammars_disagree_the_classic_one_counts_with_a_warning()
    {
        var config = AlertmanagerConfig.Load("""
            route: {receiver: ops, routes: [{matchers: ['a=b\c', 'foo=']}]}
            receivers: [{name: ops}]
            """, "am.yml");
        Assert.Equal("{a=\"b\\\\c\",foo=\"\"}", MatcherText.Join(config.Routes.Root.Children[0].Matchers));
        Assert.Equal(2, config.Warnings.Count);
        Assert.All(config.Warnings, w => Assert.Equal(Severity.Warning, w.Severity));
    }
}
