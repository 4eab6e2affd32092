namespace Pharos.Alerting.Tests.Timelines;

public sealed class DispatchTimelines
{
    private const string OneReceiver = """
        route:
          receiver: ops
          group_by: [alertname]
          group_wait: 10s
          group_interval: 1m
          repeat_interval: 3m
        receivers:
          - name: ops
            webhook_configs: [{url: "http://ops/"}]
        """;

    [Fact]
    public Task A_group_waits_then_reports_additions_at_its_interval_and_repeats() => TimelineScript.RunAsync(OneReceiver, """
        at 0s   push {alertname="Down", zone="a"} for 1h
        at 3s   push {alertname="Down", zone="b"} for 1h
        at 9s   expect nothing
        at 10s  expect ops firing=2 resolved=0 group={}:{alertname="Down"} because first notification
        at 20s  push {alertname="Down", zone="c"} for 1h
        at 69s  expect nothing
        at 70s  expect ops firing=3 resolved=0 because new alerts added
        # The repeat interval is looked at on the group's ticks only.
        at 249s expect nothing
        at 250s expect nothing
        at 310s expect ops firing=3 resolved=0 because repeat interval elapsed
        """);

    [Fact]
    public Task Groups_of_different_labels_are_apart() => TimelineScript.RunAsync(OneReceiver, """
        at 0s  push {alertname="A"} for 1h
        at 1s  push {alertname="B"} for 1h
        at 10s expect ops firing=1 group={}:{alertname="A"}
        at 11s expect ops firing=1 group={}:{alertname="B"}
        """);

    [Fact]
    public Task A_resolved_alert_is_told_once_and_forgotten() => TimelineScript.RunAsync(OneReceiver, """
        at 0s   push {alertname="Down", zone="a"} for 1h
        at 0s   push {alertname="Down", zone="b"} for 1h
        at 10s  expect ops firing=2
        at 30s  resolve {alertname="Down", zone="a"}
        at 70s  expect ops firing=1 resolved=1 because some alerts resolved
        at 80s  resolve {alertname="Down", zone="b"}
        at 130s expect ops firing=0 resolved=1 because all alerts resolved
        at 3h   expect nothing
        """);

    [Fact]
    public Task An_alert_that_nobody_refreshes_resolves_at_its_end() => TimelineScript.RunAsync(OneReceiver, """
        at 0s   push {alertname="Down"} for 100s
        at 10s  expect ops firing=1
        at 70s  expect nothing
        at 129s expect nothing
        at 130s expect ops firing=0 resolved=1 because all alerts resolved
        """);

    [Fact]
    public Task Without_an_end_the_resolve_timeout_counts() => TimelineScript.RunAsync("global: {resolve_timeout: 2m}\n" + OneReceiver, """
        at 0s   push {alertname="Down"}
        at 10s  expect ops firing=1
        at 129s expect nothing
        at 130s expect ops firing=0 resolved=1
        """);

    [Fact]
    public Task Firing_and_resolved_before_the_first_flush_tells_nobody() => TimelineScript.RunAsync(OneReceiver, """
        at 0s  push {alertname="Down"} for 1h
        at 5s  resolve {alertname="Down"}
        at 10m expect nothing
        at 10m journal {alertname="Down"} Deduplicated before anyone was told
        """);

    [Fact]
    public Task An_old_alert_is_flushed_at_once() => TimelineScript.RunAsync(OneReceiver, """
        at 0s   push {alertname="Down"} for 1h
        at 10s  forget
        at 20s  restart
        at 20s  expect nothing
        """);

    [Fact]
    public Task A_restart_neither_pages_twice_nor_forgets() => TimelineScript.RunAsync(OneReceiver, """
        at 0s   push {alertname="Down"} for 1h
        at 10s  expect ops firing=1
        at 30s  restart
        at 89s  expect nothing
        # Nothing was posted again, yet the alert is known and repeats.
        at 211s expect ops firing=1 because repeat interval elapsed
        at 212s resolve {alertname="Down"}
        at 272s expect ops resolved=1 because all alerts resolved
        """);

    [Fact]
    public Task A_restart_does_not_resolve_what_could_not_be_refreshed() => TimelineScript.RunAsync(OneReceiver, """
        at 0s   push {alertname="Down"} for 4m
        at 10s  expect ops firing=1
        at 20s  restart
        at 30s  push {alertname="Down"} for 4m
        at 190s expect nothing
        at 200s expect ops firing=1 because repeat interval elapsed
        """);

    [Fact]
    public Task A_failed_delivery_is_tried_again() => TimelineScript.RunAsync(OneReceiver, """
        at 0s   break ops
        at 0s   push {alertname="Down"} for 1h
        at 21s  mend ops
        at 21s  forget
        at 69s  expect ops firing=1 because first notification
        at 70s  journal {alertname="Down"} Notified after
        at 130s expect nothing
        """);

    [Fact]
    public Task A_resolve_that_fails_stays_in_the_group() => TimelineScript.RunAsync(OneReceiver, """
        at 0s   push {alertname="Down"} for 1h
        at 10s  expect ops firing=1
        at 20s  resolve {alertname="Down"}
        at 21s  break ops
        at 131s forget
        at 131s journal {alertname="Down"} NotifyFailed unexpected status code 502
        at 131s mend ops
        at 190s expect ops firing=0 resolved=1 because all alerts resolved
        """);

    [Fact]
    public Task Send_resolved_false_sends_no_ends() => TimelineScript.RunAsync("""
        route: {receiver: ops, group_by: [alertname], group_wait: 10s, group_interval: 1m, repeat_interval: 1h}
        receivers:
          - name: ops
            webhook_configs: [{url: "http://ops/", send_resolved: false}]
        """, """
        at 0s   push {alertname="Down", zone="a"} for 1h
        at 0s   push {alertname="Down", zone="b"} for 1h
        at 10s  expect ops firing=2
        at 20s  resolve {alertname="Down", zone="a"}
        at 70s  expect nothing
        at 80s  resolve {alertname="Down", zone="b"}
        at 130s expect nothing
        # The log was cleared: firing again is news.
        at 131s push {alertname="Down", zone="a"} for 1h
        at 190s expect ops firing=1 because first notification
        """);

    [Fact]
    public Task Each_integration_keeps_its_own_log() => TimelineScript.RunAsync("""
        route: {receiver: ops, group_wait: 10s, group_interval: 1m, repeat_interval: 1h}
        receivers:
          - name: ops
            webhook_configs: [{url: "http://one/"}, {url: "http://two/"}]
        """, """
        at 0s   break two
        at 0s   push {alertname="Down"} for 1h
        at 69s  forget
        at 69s  mend two
        at 75s  expect two firing=1 because first notification
        """);

    [Fact]
    public Task Continue_leads_to_several_receivers() => TimelineScript.RunAsync("""
        route:
          receiver: root
          group_wait: 10s
          routes:
            - {matchers: ['team="a"'], receiver: one, continue: true}
            - {matchers: ['severity="page"'], receiver: two}
        receivers:
          - {name: root, webhook_configs: [{url: "http://root/"}]}
          - {name: one, webhook_configs: [{url: "http://one/"}]}
          - {name: two, webhook_configs: [{url: "http://two/"}]}
        """, """
        at 0s  push {alertname="Down", team="a", severity="page"} for 1h
        at 10s expect one firing=1 group={}/{team="a"}:{}
        and two firing=1 group={}/{severity="page"}:{}
        at 11s push {alertname="Other"} for 1h
        at 30s expect root firing=1 group={}:{}
        at 30s journal {alertname="Other"} Routed no other route matches
        """);
}
