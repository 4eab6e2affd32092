namespace Pharos.Alerting.Tests.Timelines;

public sealed class MutingTimelines
{
    private const string Inhibiting = """
        route: {receiver: ops, group_by: [alertname], group_wait: 10s, group_interval: 1m, repeat_interval: 1h}
        inhibit_rules:
          - source_matchers: ['severity="critical"']
            target_matchers: ['severity="warning"']
            equal: [zone]
        receivers:
          - name: ops
            webhook_configs: [{url: "http://ops/"}]
        """;

    [Fact]
    public Task A_firing_source_inhibits_until_it_resolves() => TimelineScript.RunAsync(Inhibiting, """
        at 0s   push {alertname="Slow", severity="warning", zone="a"} for 1h
        at 0s   push {alertname="Slow", severity="warning", zone="b"} for 1h
        at 5s   push {alertname="Down", severity="critical", zone="a"} for 1h
        at 15s  expect ops firing=1 group={}:{alertname="Slow"}
        and ops firing=1 group={}:{alertname="Down"}
        at 15s  journal {alertname="Slow", severity="warning", zone="a"} Inhibited alertname="Down"
        at 20s  resolve {alertname="Down", severity="critical", zone="a"}
        at 75s  expect ops firing=2 group={}:{alertname="Slow"} because new alerts added
        and ops resolved=1 group={}:{alertname="Down"}
        """);

    [Fact]
    public Task An_alert_on_both_sides_does_not_inhibit_itself() => TimelineScript.RunAsync("""
        route: {receiver: ops, group_by: [alertname], group_wait: 10s, group_interval: 1m, repeat_interval: 1h}
        inhibit_rules:
          - source_matchers: ['severity=~"critical|warning"']
            target_matchers: ['severity="warning"']
        receivers:
          - name: ops
            webhook_configs: [{url: "http://ops/"}]
        """, """
        at 0s  push {alertname="A", severity="warning"} for 1h
        at 0s  push {alertname="B", severity="warning"} for 1h
        at 10s expect ops firing=1 group={}:{alertname="A"}
        and ops firing=1 group={}:{alertname="B"}
        at 11s push {alertname="C", severity="critical"} for 1h
        at 15s push {alertname="D", severity="warning"} for 1h
        at 25s expect ops firing=1 group={}:{alertname="C"}
        """);

    private const string Silencing = """
        route: {receiver: ops, group_by: [alertname], group_wait: 10s, group_interval: 1m, repeat_interval: 1h}
        receivers:
          - name: ops
            webhook_configs: [{url: "http://ops/"}]
        """;

    [Fact]
    public Task A_silence_mutes_and_its_end_lets_through() => TimelineScript.RunAsync(Silencing, """
        at 0s   silence {zone="a"} for 100s as one
        at 1s   push {alertname="Down", zone="a"} for 1h
        at 1s   push {alertname="Down", zone="b"} for 1h
        at 11s  expect ops firing=1
        at 11s  journal {alertname="Down", zone="a"} Silenced of ann matches it until
        at 71s  expect nothing
        at 131s expect ops firing=2 because new alerts added
        """);

    [Fact]
    public Task An_expired_silence_mutes_no_more() => TimelineScript.RunAsync(Silencing, """
        at 0s  silence {alertname="Down"} for 10h as one
        at 1s  push {alertname="Down"} for 10h
        at 30s expect nothing
        at 30s expire one
        at 71s expect ops firing=1 because first notification
        """);

    [Fact]
    public Task A_silence_survives_a_restart() => TimelineScript.RunAsync(Silencing, """
        at 0s  silence {alertname="Down"} for 10h as one
        at 1s  push {alertname="Down"} for 10h
        at 5s  restart
        at 10m expect nothing
        """);

    [Fact]
    public Task Whoever_was_told_of_the_beginning_is_told_of_the_end_in_spite_of_a_silence() => TimelineScript.RunAsync(Silencing, """
        at 0s   push {alertname="Down"} for 10h
        at 10s  expect ops firing=1
        at 20s  silence {alertname="Down"} for 10h
        at 30s  resolve {alertname="Down"}
        at 70s  expect ops firing=0 resolved=1 because all alerts resolved
        """);

    [Fact]
    public Task Unless_that_is_turned_off() => TimelineScript.RunAsync(Silencing, """
        at 0s   push {alertname="Down"} for 10h
        at 10s  expect ops firing=1
        at 20s  silence {alertname="Down"} for 10h
        at 30s  resolve {alertname="Down"}
        at 70s  expect nothing
        """, new AlertRouterOptions { PassSilencedResolves = false });

    private const string Nights = """
        route:
          receiver: ops
          group_wait: 10s
          group_interval: 30m
          repeat_interval: 4h
          routes:
            - {matchers: ['team="a"'], receiver: muted, mute_time_intervals: [night]}
            - {matchers: ['team="b"'], receiver: active, active_time_intervals: [office]}
        time_intervals:
          - name: night
            time_intervals:
              - times: [{start_time: "22:00", end_time: "24:00"}, {start_time: "00:00", end_time: "06:00"}]
          - name: office
            time_intervals:
              - times: [{start_time: "09:00", end_time: "17:00"}]
                weekdays: ["monday:friday"]
                location: Europe/Berlin
        receivers:
          - {name: ops}
          - {name: muted, webhook_configs: [{url: "http://muted/"}]}
          - {name: active, webhook_configs: [{url: "http://active/"}]}
        """;

    [Fact]
    public Task Mute_and_active_intervals_hold_back_until_their_time() => TimelineScript.RunAsync(Nights, """
        # From Monday, 5 January 2026, 05:00 UTC.
        at 0s     push {alertname="Down", team="a"} for 10h
        at 0s     push {alertname="Down", team="b"} for 10h
        at 59m    expect nothing
        at 59m    journal {alertname="Down", team="a"} Muted muted by time interval night
        at 59m    journal {alertname="Down", team="b"} Muted outside of its active time intervals (office)
        at 3601s  expect nothing
        at 3610s  expect muted firing=1 because first notification
        # 09:00 in Berlin is 08:00 UTC.
        at 10809s expect nothing
        at 10810s expect active firing=1 because first notification
        """, start: new DateTimeOffset(2026, 1, 5, 5, 0, 0, TimeSpan.Zero));
}
