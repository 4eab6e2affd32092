using Pharos.EndToEnd.Tests.Support;

namespace Pharos.EndToEnd.Tests;

public sealed class CommandLineTests
{
    [Theory]
    [InlineData("server")]
    [InlineData("prometheus")]
    [InlineData("alertmanager")]
    [InlineData("demo")]
    [InlineData("check")]
    [InlineData("rules")]
    [InlineData("query")]
    public async Task Every_command_has_help_with_examples(string command)
    {
        var (exit, output) = await RunningProgram.RunAsync(PharosPrograms.Pharos, command, "--help");
        Assert.Equal(0, exit);
        Assert.Contains("Examples:", output);
        Assert.Contains($"pharos {command}", output);
    }

    [Theory]
    [InlineData("run")]
    [InlineData("fmt")]
    [InlineData("validate")]
    public async Task Every_collector_command_has_help_with_examples(string command)
    {
        var (exit, output) = await RunningProgram.RunAsync(PharosPrograms.Collector, command, "--help");
        Assert.Equal(0, exit);
        Assert.Contains("Examples:", output);
    }

    [Theory]
    [InlineData("bogus")]
    [InlineData("server", "--bogus")]
    [InlineData("server", "--listen", "nowhere")]
    [InlineData("query", "range", "up", "--step", "5")]
    [InlineData("prometheus", "--enable-feature=bogus")]
    [InlineData("prometheus", "--enable-feature=exemplar-storage,type-and-unit-labels")]
    [InlineData("rules", "test", "--run", "(", "tests.yml")]
    public async Task Wrong_usage_ends_with_2_and_says_what_is_wrong(params string[] arguments)
    {
        var (exit, output) = await RunningProgram.RunAsync(PharosPrograms.Pharos, arguments);
        Assert.Equal(2, exit);
        Assert.StartsWith("pharos: ", output);
    }

    [Fact]
    public async Task A_feature_that_is_not_there_is_refused_with_the_reason()
    {
        var (exit, output) = await RunningProgram.RunAsync(PharosPrograms.Pharos, "prometheus", "--enable-feature=exemplar-storage,type-and-unit-labels");
        Assert.Equal(2, exit);
        Assert.StartsWith("pharos: --enable-feature: type-and-unit-labels is not supported: series get no labels __type__ and __unit__; types and units are at /api/v1/metadata", output);
    }

    [Fact]
    public async Task Unit_tests_of_rules_say_what_passed_and_what_differs()
    {
        using var folder = Places.NewFolder();
        await File.WriteAllTextAsync(Path.Combine(folder, "rules.yml"), "groups: [{name: g, rules: [{record: twice, expr: 2 * up}]}]\n");
        string tests = Path.Combine(folder, "tests.yml");
        await File.WriteAllTextAsync(tests, """
            rule_files: [rules.yml]
            tests:
              - name: right
                input_series: [{series: up, values: "1"}]
                promql_expr_test: [{expr: twice, exp_samples: [{labels: twice, value: 2}]}]
              - name: wrong
                input_series: [{series: up, values: "1"}]
                promql_expr_test: [{expr: twice, exp_samples: [{labels: twice, value: 3}]}]
            """);
        var (exit, output) = await RunningProgram.RunAsync(PharosPrograms.Pharos, "rules", "test", "--run", "^right$", tests);
        Assert.Equal((0, $"{tests}: OK, 1 tests"), (exit, output));
        (exit, output) = await RunningProgram.RunAsync(PharosPrograms.Pharos, "rules", "test", tests);
        Assert.Equal(1, exit);
        Assert.Contains("tests.yml:6:5: test \"wrong\": ", output);
        Assert.Contains("    exp: {__name__=\"twice\"} 3\n    got: {__name__=\"twice\"} 2", output);
        Assert.Contains($"{tests}: FAILED, 1 failures", output);
    }

    [Fact]
    public async Task A_port_in_use_is_explained()
    {
        using var folder = Places.NewFolder();
        var (server, http) = await PharosPrograms.StartServerAsync(Path.Combine(folder, "a"));
        await using var _ = server;
        using var __ = http;
        var (exit, output) = await RunningProgram.RunAsync(
            PharosPrograms.Pharos, "server", "--listen", http.BaseAddress!.Authority, "--data-dir", Path.Combine(folder, "b"));
        Assert.Equal(1, exit);
        Assert.Contains($"port {http.BaseAddress.Port} on 127.0.0.1 is in use by another program", output);
    }
}
