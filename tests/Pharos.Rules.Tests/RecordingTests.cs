using Pharos.Core;

namespace Pharos.Rules.Tests;

public sealed class RecordingTests
{
    [Fact]
    public async Task Results_get_the_rules_name_and_labels_and_end_with_a_stale_marker()
    {
        await using var stage = new Stage();
        stage.During("sum(x)", 60, 120, ("__name__", "x"), ("job", "a"), ("drop", "me"));
        await stage.RunAsync("""
            groups:
              - name: g
                align_evaluation_time_on_interval: true
                labels: {team: core, env: prod}
                rules:
                  - record: x:sum
                    expr: sum(x)
                    labels: {drop: "", env: test}
            """);
        stage.AdvanceTo(240);
        Assert.Equal(
            [
                """60 {env="test", job="a", team="core"} 7""",
                """120 {env="test", job="a", team="core"} 7""",
                """180 {env="test", job="a", team="core"} stale""",
            ],
            stage.Sink.Of("x:sum", Stage.Start));
    }

    [Fact]
    public async Task Queries_and_results_lie_back_by_the_query_offset()
    {
        await using var stage = new Stage();
        stage.During("x", 0, 60);
        await stage.RunAsync("groups: [{name: g, align_evaluation_time_on_interval: true, query_offset: 30s, rules: [{record: r, expr: x}]}]");
        stage.AdvanceTo(120);
        Assert.Equal(["30 {} 7", "90 {} stale"], stage.Sink.Of("r", Stage.Start));
    }

    [Fact]
    public async Task An_error_and_a_passed_limit_write_nothing()
    {
        await using var stage = new Stage();
        bool fail = false;
        stage.Language.Answers["x"] = ms => fail
            ? throw new QueryException(QueryErrorKind.Execution, "many-to-many matching not allowed")
            : [new VectorSample(Labels.Of(("a", "1")), ms, 1)];
        await stage.RunAsync("groups: [{name: g, align_evaluation_time_on_interval: true, limit: 1, rules: [{record: r, expr: x}]}]");
        stage.AdvanceTo(60);
        fail = true;
        stage.AdvanceTo(120);
        var rule = stage.Manager.Groups().Single().Rules.Single();
        Assert.Equal(RuleHealth.Error, rule.Health);
        Assert.Equal("many-to-many matching not allowed", rule.LastError);
        stage.Language.Answers["x"] = ms => [new VectorSample(Labels.Of(("a", "1")), ms, 1), new VectorSample(Labels.Of(("a", "2")), ms, 1)];
        stage.AdvanceTo(180);
        Assert.Equal("exceeded limit of 1 with 2 series", stage.Manager.Groups().Single().Rules.Single().LastError);
        Assert.Equal(["""60 {a="1"} 1"""], stage.Sink.Of("r", Stage.Start));
    }

    [Fact]
    public async Task Refused_samples_make_the_rule_ill_unless_they_are_only_late()
    {
        await using var stage = new Stage();
        stage.During("x", 0, 1000);
        await stage.RunAsync("groups: [{name: g, align_evaluation_time_on_interval: true, rules: [{record: r, expr: x}]}]");
        stage.Sink.Refuse = _ => new AppendError(AppendErrorKind.BadData, "sample-out-of-order", "out of order");
        stage.AdvanceTo(60);
        Assert.Equal(RuleHealth.Ok, stage.Manager.Groups().Single().Rules.Single().Health);
        stage.Sink.Refuse = _ => new AppendError(AppendErrorKind.Limit, "max-series-per-user", "too many series");
        stage.AdvanceTo(120);
        Assert.Equal("result not stored: too many series", stage.Manager.Groups().Single().Rules.Single().LastError);
    }

    [Fact]
    public async Task Later_rules_see_what_earlier_ones_wrote()
    {
        await using var stage = new Stage();
        stage.During("x", 0, 1000);
        int seen = 0;
        stage.Language.Answers["r"] = ms =>
        {
            seen = stage.Sink.Of("r", Stage.Start).Count;
            return [];
        };
        await stage.RunAsync("groups: [{name: g, align_evaluation_time_on_interval: true, rules: [{record: r, expr: x}, {record: s, expr: r}]}]");
        stage.AdvanceTo(60);
        Assert.Equal(1, seen);
    }

    [Fact]
    public async Task Groups_spread_over_their_interval_and_keep_to_their_grid()
    {
        await using var stage = new Stage();
        var times = new Dictionary<string, List<long>>();
        foreach (string name in new[] { "a", "b", "c" })
        {
            times[name] = [];
            stage.Language.Answers[name] = ms =>
            {
                times[name].Add(ms);
                return [];
            };
        }
        await stage.RunAsync("groups: [{name: a, rules: [{record: r, expr: a}]}, {name: b, rules: [{record: r, expr: b}]}, {name: c, rules: [{record: r, expr: c}]}]");
        stage.AdvanceTo(600);
        Assert.All(times.Values, t => Assert.Equal(10, t.Count));
        Assert.All(times.Values, t => Assert.All(t.Zip(t.Skip(1)), pair => Assert.Equal(60_000, pair.Second - pair.First)));
        Assert.Equal(3, times.Values.Select(t => t[0] % 60_000).Distinct().Count());
    }

    [Fact]
    public async Task An_evaluation_longer_than_the_interval_costs_slots_and_counts_them()
    {
        await using var stage = new Stage();
        stage.During("x", 0, 10_000);
        bool slow = true;
        stage.Language.Before = async _ =>
        {
            if (slow) await Task.Delay(TimeSpan.FromSeconds(150), stage.Time);
        };
        await stage.RunAsync("groups: [{name: g, align_evaluation_time_on_interval: true, rules: [{record: r, expr: x}]}]");
        stage.AdvanceTo(200);
        slow = false;
        stage.AdvanceTo(480);
        Assert.Equal("60 180 240 300 360 420 480", string.Join(' ', stage.Sink.Of("r", Stage.Start).Select(s => s.Split(' ')[0])));
        var missed = stage.Instruments.Read().Single(f => f.Name == "prometheus_rule_group_iterations_missed_total").Cells.Single();
        Assert.Equal(1, missed.Value);
    }

    [Fact]
    public async Task A_changed_group_keeps_its_state_and_what_is_taken_out_ends()
    {
        await using var stage = new Stage();
        stage.During("x", 0, 1000, ("a", "1"));
        const string first = "groups: [{name: g, align_evaluation_time_on_interval: true, rules: [{record: r, expr: x}, {record: s, expr: x}, {alert: A, expr: x, for: 3m}]}]";
        await stage.RunAsync(first);
        stage.AdvanceTo(120);
        await stage.RunAsync("groups: [{name: g, align_evaluation_time_on_interval: true, rules: [{record: s, expr: x}, {alert: A, expr: x, for: 3m, annotations: {new: one}}]}]");
        stage.AdvanceTo(240);
        Assert.Equal("""180 {a="1"} stale""", stage.Sink.Of("r", Stage.Start)[^1]);
        Assert.Equal("""240 {a="1"} 7""", stage.Sink.Of("s", Stage.Start)[^1]);
        Assert.Equal("""240 {a="1", alertname="A"} 240..480""", stage.Sent().Single());
        await stage.RunAsync("groups: []");
        stage.AdvanceTo(359);
        Assert.Equal("""240 {a="1"} 7""", stage.Sink.Of("s", Stage.Start)[^1]);
        stage.AdvanceTo(360);
        Assert.Equal("""360 {a="1"} stale""", stage.Sink.Of("s", Stage.Start)[^1]);
    }
}
