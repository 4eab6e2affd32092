using Pharos.Core;
using Pharos.PromQL;

namespace Pharos.Rules.Tests;

public sealed class RuleTestRunnerTests
{
    private static async Task<RuleTestResult> RunAsync(string rules, string tests)
    {
        using var folder = Places.NewFolder();
        await File.WriteAllTextAsync(Path.Combine(folder, "rules.yml"), rules);
        await File.WriteAllTextAsync(Path.Combine(folder, "test.yml"), tests);
        var result = await RuleTestRunner.RunAsync(Path.Combine(folder, "test.yml"), new RuleTestOptions { Language = Language }, TestContext.Current.CancellationToken);
        return result with { Failures = [.. result.Failures.Select(f => f.Replace(folder.Path + "/", "", StringComparison.Ordinal))] };
    }

    private static RuleTestLanguage Language(IMetricQueryable store, TimeSpan step)
    {
        var engine = new PromQlEngine(store, new PromQlOptions { SubqueryStep = step, ConcurrencyMax = 1 }, TimeProvider.System, new Instruments());
        return new RuleTestLanguage(new PromQlRuleLanguage(engine), engine);
    }

    [Fact]
    public async Task Differences_name_their_place_and_both_sides()
    {
        var result = await RunAsync(
            """
            groups:
              - name: g
                rules:
                  - alert: Down
                    expr: up == 0
                    for: 1m
                    labels: {env: "{{ $externalLabels.env }}"}
                    annotations: {summary: "{{ $labels.job }} of {{ $value }}"}
            """,
            """
            rule_files: ["r*.yml"]
            tests:
              - name: first
                external_labels: {env: test}
                input_series:
                  - series: up{job="a"}
                    values: 0x5
                alert_rule_test:
                  - eval_time: 1m
                    alertname: Down
                    exp_alerts:
                      - exp_labels: {job: a, env: test}
                        exp_annotations: {summary: a of 0}
                  - eval_time: 2m
                    alertname: Down
                    exp_alerts: []
                promql_expr_test:
                  - expr: up + 1
                    eval_time: 1m
                    exp_samples:
                      - labels: '{job="a"}'
                        value: 2
            """);
        Assert.Equal(1, result.Tests);
        Assert.Equal(
            [
                "test.yml:3:5: test \"first\": test.yml:14:9: alertname: Down, time: 2m\n    exp: nothing\n    got: Labels:{alertname=\"Down\", env=\"test\", job=\"a\"} Annotations:{summary=\"a of 0\"}",
                "test.yml:3:5: test \"first\": test.yml:18:9: expr: \"up + 1\", time: 1m\n    exp: {job=\"a\"} 2\n    got: {job=\"a\"} 1",
            ],
            result.Failures);
    }

    [Fact]
    public async Task Mistakes_in_test_and_rule_files_are_reported_with_their_places()
    {
        var result = await RunAsync("groups: []", "rule_files: [rules.yml]\ntests:\n  - input_series:\n      - series: up{\n        values: 1 x\n    nope: 1\n");
        Assert.Equal(3, result.Failures.Count);
        Assert.Contains("test.yml:4:17: series: \"up{\": expected a label name or } at character 4", result.Failures);
        Assert.Contains("test.yml:5:17: values: \"x\" is no value: not a whole number: \"\"", result.Failures);
        Assert.StartsWith("test.yml:6:5: field nope not found in test", result.Failures[2]);
        result = await RunAsync("groups: [{name: g, rules: [{record: r, expr: 'sum('}]}]", "rule_files: [rules.yml, none.yml]\ntests: []");
        Assert.Contains("no rule file matches \"none.yml\"", result.Failures[0]);
        Assert.Contains("could not parse expression", result.Failures[1]);
    }

    [Fact]
    public async Task Groups_see_each_other_in_the_given_order_and_start_where_asked()
    {
        var result = await RunAsync(
            "groups: [{name: b, rules: [{record: two, expr: one + 1}]}, {name: a, rules: [{record: one, expr: x}]}]",
            """
            rule_files: [rules.yml]
            group_eval_order: [a, b]
            fuzzy_compare: true
            tests:
              - start_timestamp: 1000000
                interval: 30s
                input_series: [{series: x, values: "1+1x10"}]
                promql_expr_test:
                  - {expr: two, eval_time: 1m, exp_samples: [{labels: two, value: 4}]}
                  - {expr: timestamp(two), eval_time: 1m, exp_samples: [{value: 1000060}]}
            """);
        Assert.True(result.Passed, string.Join('\n', result.Failures));
    }
}
