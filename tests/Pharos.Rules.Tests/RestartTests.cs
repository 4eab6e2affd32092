using Pharos.Core;

namespace Pharos.Rules.Tests;

public sealed class RestartTests
{
    private const string Rules = """
        groups:
          - name: g
            interval: 1m
            align_evaluation_time_on_interval: true
            rules:
              - {record: r, expr: x}
              - {alert: A, expr: x, for: 5m}
        """;

    [Fact]
    public async Task A_restart_changes_no_alert_and_leaves_no_hole()
    {
        await using var through = new Stage();
        await using var restarted = new Stage();
        foreach (var stage in new[] { through, restarted })
        {
            stage.During("x", 120, 900, ("a", "1"));
            await stage.RunAsync(Rules);
            stage.AdvanceTo(180);
        }
        await restarted.StopAsync();
        foreach (var stage in new[] { through, restarted }) stage.AdvanceTo(370);
        restarted.Restart();
        await restarted.RunAsync(Rules);
        foreach (var stage in new[] { through, restarted }) stage.AdvanceTo(1200);
        Assert.Equal(through.Sink.Of("r", Stage.Start), restarted.Sink.Of("r", Stage.Start));
        Assert.Equal(through.Sink.Of("ALERTS", Stage.Start), restarted.Sink.Of("ALERTS", Stage.Start));
        Assert.Equal(through.Sent(), restarted.Sent());
    }

    [Fact]
    public async Task A_crash_changes_no_alert()
    {
        await using var stage = new Stage();
        stage.During("x", 60, 900, ("a", "1"));
        await stage.RunAsync(Rules);
        stage.AdvanceTo(180);
        // The old manager is never stopped in order; a new one starts from what is stored.
        var crashed = stage.Manager;
        stage.Restart();
        await stage.RunAsync(Rules);
        await crashed.DisposeAsync();
        stage.AdvanceTo(360);
        Assert.Equal("""360 {a="1", alertname="A"} 360..600""", stage.Sent().Single());
    }

    [Fact]
    public async Task An_alert_that_ended_while_the_process_was_down_is_resolved_at_its_own_time()
    {
        await using var stage = new Stage();
        stage.During("x", 60, 480, ("a", "1"));
        await stage.RunAsync(Rules);
        stage.AdvanceTo(420);
        await stage.StopAsync();
        stage.AdvanceTo(600);
        stage.Restart();
        await stage.RunAsync(Rules);
        stage.AdvanceTo(600);
        Assert.Equal("""600 {a="1", alertname="A"} 360..540""", stage.Sent()[^1]);
    }

    [Fact]
    public async Task After_a_long_outage_a_firing_alert_goes_on_until_data_had_time_to_arrive()
    {
        await using var stage = new Stage();
        // No data from 480 to 1920: what scrapes was down as well.
        stage.Language.Answers["x"] = ms => (ms - Stage.Start.ToUnixTimeMilliseconds()) / 1000 is (>= 60 and <= 480) or >= 1920
            ? [new VectorSample(Labels.Of(("a", "1")), ms, 7)] : [];
        await stage.RunAsync(Rules);
        stage.AdvanceTo(480);
        await stage.StopAsync();
        stage.AdvanceTo(1830);
        stage.Restart();
        stage.Language.Answers["x"] = ms => (ms - Stage.Start.ToUnixTimeMilliseconds()) / 1000 is (>= 60 and <= 780) or >= 1860
            ? [new VectorSample(Labels.Of(("a", "1")), ms, 7)] : [];
        await stage.RunAsync(Rules);
        stage.AdvanceTo(2400);
        Assert.All(stage.Alerts.Sent, s => Assert.Equal(Stage.Start.AddSeconds(360), s.Alert.StartsAt));
        Assert.DoesNotContain(stage.Happened(), h => h.Contains("Resolved", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Time_that_nobody_saw_does_not_bring_a_pending_alert_nearer()
    {
        await using var stage = new Stage();
        bool up = true;
        stage.Language.Answers["x"] = ms => up || ms >= Stage.Start.AddSeconds(1500).ToUnixTimeMilliseconds() ? [new VectorSample(Labels.Empty, ms, 7)] : [];
        await stage.RunAsync(Rules);
        stage.AdvanceTo(120);
        await stage.StopAsync();
        up = false;
        stage.AdvanceTo(1440);
        stage.Restart();
        await stage.RunAsync("groups: [{name: g, interval: 1m, align_evaluation_time_on_interval: true, rules: [{record: r, expr: x}, {alert: A, expr: x, for: 5m}]}]");
        stage.AdvanceTo(1500);
        var alert = stage.Manager.Groups().Single().Rules[1].Alerts.SingleOrDefault();
        // The slots 180 to 420 saw that nothing held (series outlive the stop by the lookback): the alert was dropped then.
        Assert.Equal(Stage.Start.AddSeconds(1500), alert!.ActiveAt);
        Assert.Equal(AlertPhase.Pending, alert.Phase);
    }

    [Fact]
    public async Task Beyond_the_tolerance_only_the_newest_slots_are_made_up_and_pending_alerts_are_forgotten()
    {
        await using var stage = new Stage();
        stage.During("x", 60, 100_000, ("a", "1"));
        await stage.RunAsync(Rules);
        stage.AdvanceTo(120);
        await stage.StopAsync();
        stage.AdvanceTo(7_200);
        stage.Restart();
        await stage.RunAsync(Rules);
        stage.AdvanceTo(7_200);
        var written = stage.Sink.Of("r", Stage.Start);
        Assert.Equal("60 120 3600 3660", string.Join(' ', written.Take(4).Select(s => s.Split(' ')[0])));
        Assert.Equal("7200", written[^1].Split(' ')[0]);
        Assert.Equal(Stage.Start.AddSeconds(3600), stage.Manager.Groups().Single().Rules[1].Alerts.Single().ActiveAt);
    }

    [Fact]
    public async Task State_of_groups_that_no_longer_exist_is_dropped()
    {
        await using var stage = new Stage();
        stage.During("x", 0, 1000);
        await stage.RunAsync(Rules);
        stage.AdvanceTo(120);
        await stage.StopAsync();
        Assert.Single(stage.Catalogue.List("anonymous", "rule-state-metrics"));
        stage.Restart();
        await stage.RunAsync("groups: []");
        Assert.Empty(stage.Catalogue.List("anonymous", "rule-state-metrics"));
    }
}
