using Pharos.Core;

namespace Pharos.Rules.Tests;

public sealed class AlertingTests
{
    private const string Down = """
        groups:
          - name: g
            interval: 1m
            align_evaluation_time_on_interval: true
            rules:
              - alert: Down
                expr: up == 0
                for: 2m
                labels: {severity: page, who: "{{ $labels.job }}"}
                annotations: {summary: "{{ $labels.job }} is {{ $value }}"}
        """;

    [Fact]
    public async Task An_alert_waits_fires_is_repeated_and_resolves()
    {
        await using var stage = new Stage();
        stage.During("up == 0", 60, 300, ("__name__", "up"), ("job", "api"));
        await stage.RunAsync(Down);
        stage.AdvanceTo(420);
        const string identity = """{alertname="Down", job="api", severity="page", who="api"}""";
        Assert.Equal(
            [
                $"180 {identity} 180..420",
                $"300 {identity} 180..540",
                $"360 {identity} 180..360",
            ],
            stage.Sent().Where(s => !s.StartsWith("420", StringComparison.Ordinal) && !s.StartsWith("240", StringComparison.Ordinal)));
        Assert.Equal("api is 7", stage.Alerts.Sent[0].Alert.Annotations["summary"]);
        Assert.Equal("http://pharos/graph?g0.expr=up+%3D%3D+0&g0.tab=1", stage.Alerts.Sent[0].Alert.GeneratorUrl);
        Assert.Equal(
            [
                """60 {alertname="Down", alertstate="pending", job="api", severity="page", who="api"} 1""",
                """120 {alertname="Down", alertstate="pending", job="api", severity="page", who="api"} 1""",
                """180 {alertname="Down", alertstate="firing", job="api", severity="page", who="api"} 1""",
                """180 {alertname="Down", alertstate="pending", job="api", severity="page", who="api"} stale""",
                """240 {alertname="Down", alertstate="firing", job="api", severity="page", who="api"} 1""",
                """300 {alertname="Down", alertstate="firing", job="api", severity="page", who="api"} 1""",
                """360 {alertname="Down", alertstate="firing", job="api", severity="page", who="api"} stale""",
            ],
            stage.Sink.Of("ALERTS", Stage.Start));
        long active = Stage.Start.AddSeconds(60).ToUnixTimeSeconds();
        Assert.Equal(
            [.. new[] { 60, 120, 180, 240, 300 }.Select(s => $"{s} {identity} {active}"), $"360 {identity} stale"],
            stage.Sink.Of("ALERTS_FOR_STATE", Stage.Start));
    }

    [Fact]
    public async Task The_journal_tells_what_happened_and_why()
    {
        await using var stage = new Stage();
        stage.During("up == 0", 120, 240, ("job", "api"));
        await stage.RunAsync(Down);
        stage.AdvanceTo(300);
        Assert.Equal(
            [
                "60 Evaluated: `up == 0` gives nothing",
                "120 Evaluated: `up == 0` gives 1 series",
                "120 Pending: `up == 0` holds with value 7; fires at 2026-01-01T00:04:00Z if it still holds then",
                "240 Firing: `up == 0` holds with value 7; it has held for 2m, since 2026-01-01T00:02:00Z",
                "240 Sent: handed over as firing",
                "300 Evaluated: `up == 0` gives nothing",
                "300 Resolved: `up == 0` no longer gives this series",
                "300 Sent: handed over as resolved",
            ],
            stage.Happened());
    }

    [Fact]
    public async Task Without_a_waiting_time_it_fires_at_once_and_a_pending_alert_that_stops_is_dropped()
    {
        await using var stage = new Stage();
        stage.During("now", 60, 60, ("a", "1"));
        stage.During("later", 60, 60, ("a", "1"));
        await stage.RunAsync("""
            groups:
              - name: g
                align_evaluation_time_on_interval: true
                rules:
                  - {alert: Now, expr: now}
                  - {alert: Later, expr: later, for: 5m}
            """);
        stage.AdvanceTo(60);
        var rules = stage.Manager.Groups().Single().Rules;
        Assert.Equal([AlertPhase.Firing, AlertPhase.Pending], rules.Select(r => r.Phase));
        stage.AdvanceTo(120);
        rules = stage.Manager.Groups().Single().Rules;
        Assert.All(rules, r => Assert.Empty(r.Alerts));
        Assert.Equal(["Now", "Now"], stage.Alerts.Sent.Select(s => s.Alert.Labels["alertname"]));
    }

    [Fact]
    public async Task Keep_firing_for_bridges_a_gap()
    {
        await using var stage = new Stage();
        stage.Language.Answers["flap"] = ms => (ms - Stage.Start.ToUnixTimeMilliseconds()) / 1000 is 60 or 180 ? [new VectorSample(Labels.Empty, ms, 1)] : [];
        await stage.RunAsync("""
            groups:
              - name: g
                align_evaluation_time_on_interval: true
                rules:
                  - {alert: Flap, expr: flap, keep_firing_for: 2m}
            """);
        stage.AdvanceTo(120);
        var alert = stage.Manager.Groups().Single().Rules.Single().Alerts.Single();
        Assert.Equal(AlertPhase.Firing, alert.Phase);
        Assert.Equal(Stage.Start.AddSeconds(120), alert.KeepFiringSince);
        stage.AdvanceTo(180);
        Assert.Null(stage.Manager.Groups().Single().Rules.Single().Alerts.Single().KeepFiringSince);
        stage.AdvanceTo(360);
        Assert.Empty(stage.Manager.Groups().Single().Rules.Single().Alerts);
        Assert.Contains(stage.Happened(), h => h == "360 Resolved: `flap` no longer gives this series, for 2m now (keep_firing_for)");
    }

    [Fact]
    public async Task A_resolved_alert_is_repeated_for_a_quarter_of_an_hour()
    {
        await using var stage = new Stage();
        stage.During("x", 60, 60);
        await stage.RunAsync("""
            groups:
              - {name: g, align_evaluation_time_on_interval: true, rules: [{alert: X, expr: x}]}
            """);
        stage.AdvanceTo(3600);
        // Resend delay and interval are both 1 m: every second evaluation sends again.
        Assert.Equal("60 120 240 360 480 600 720 840 960", string.Join(' ', stage.Alerts.Sent.Select(s => (s.At - Stage.Start).TotalSeconds)));
        Assert.All(stage.Alerts.Sent.Skip(1), s => Assert.Equal(Stage.Start.AddSeconds(120), s.Alert.EndsAt));
    }

    [Fact]
    public async Task Alerts_that_the_router_did_not_take_are_sent_at_the_next_evaluation()
    {
        await using var stage = new Stage();
        stage.During("x", 60, 600);
        await stage.RunAsync("groups: [{name: g, align_evaluation_time_on_interval: true, rules: [{alert: X, expr: x}]}]");
        stage.Alerts.Fails = true;
        stage.AdvanceTo(60);
        stage.Alerts.Fails = false;
        stage.AdvanceTo(120);
        Assert.Equal(["""120 {alertname="X"} 60..360"""], stage.Sent());
        Assert.Contains(stage.Happened(), h => h == "60 NotifyFailed: not handed over: no router; the next evaluation tries again");
    }

    [Fact]
    public async Task Two_results_with_the_same_labels_and_too_many_alerts_are_errors()
    {
        await using var stage = new Stage();
        stage.Language.Answers["twins"] = ms => [new VectorSample(Labels.Of(("__name__", "a")), ms, 1), new VectorSample(Labels.Of(("__name__", "b")), ms, 1)];
        stage.Language.Answers["many"] = ms => [new VectorSample(Labels.Of(("a", "1")), ms, 1), new VectorSample(Labels.Of(("a", "2")), ms, 1)];
        await stage.RunAsync("""
            groups:
              - name: g
                limit: 1
                align_evaluation_time_on_interval: true
                rules:
                  - {alert: Twins, expr: twins}
                  - {alert: Many, expr: many}
                  - {alert: Broken, expr: vector(1), annotations: {a: "{{ $labels.x.y }}"}}
            """);
        stage.Language.Answers["vector(1)"] = ms => [new VectorSample(Labels.Empty, ms, 1)];
        stage.AdvanceTo(60);
        var rules = stage.Manager.Groups().Single().Rules;
        Assert.Equal("""vector contains metrics with the same labelset after applying alert labels: {alertname="Twins"}""", rules[0].LastError);
        Assert.Equal("exceeded limit of 1 with 2 alerts", rules[1].LastError);
        Assert.Empty(rules[1].Alerts);
        Assert.Equal([RuleHealth.Error, RuleHealth.Error, RuleHealth.Ok], rules.Select(r => r.Health));
        Assert.StartsWith("<error expanding template: ", rules[2].Alerts.Single().Annotations["a"]);
        Assert.Equal(2, stage.Instruments.Read().Single(f => f.Name == "prometheus_rule_evaluation_failures_total").Cells.Single().Value);
    }

    [Fact]
    public async Task Templates_may_query()
    {
        await using var stage = new Stage();
        stage.Language.Answers["x"] = ms => [new VectorSample(Labels.Of(("a", "1")), ms, 1)];
        stage.Language.Answers["""y{a="1"}"""] = ms => [new VectorSample(Labels.Of(("b", "2")), ms, 1234567)];
        await stage.RunAsync("""
            groups:
              - name: g
                align_evaluation_time_on_interval: true
                rules:
                  - alert: X
                    expr: x
                    annotations:
                      a: '{{ with printf "y{a=%q}" $labels.a | query }}{{ . | first | value | humanize }} of {{ (first .).Labels.b }}{{ end }}'
            """);
        stage.AdvanceTo(60);
        Assert.Equal("1.235M of 2", stage.Alerts.Sent.Single().Alert.Annotations["a"]);
    }
}
