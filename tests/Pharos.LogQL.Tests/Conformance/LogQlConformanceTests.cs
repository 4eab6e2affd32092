using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Pharos.LogQL.Tests.Conformance;

[Trait("Category", "Conformance")]
public sealed class LogQlConformanceTests(ITestOutputHelper output)
{
    [Fact]
    public void Queries_and_stages_behave_as_the_public_cases_say()
    {
        var file = Read("cases.json");
        int expected = new[] { "parse_ok", "reject", "pipeline" }.Sum(n => file.GetProperty(n).GetArrayLength());
        Check([.. CaseRunner.ParseOk(file), .. CaseRunner.Reject(file), .. CaseRunner.Pipeline(file)], expected, id => !id.StartsWith("m-", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Metric_queries_give_the_numbers_of_the_public_scenarios()
    {
        var scenarios = Read("metric-cases.json").GetProperty("scenarios");
        var outcomes = new List<CaseRunner.Outcome>();
        foreach (var scenario in scenarios.EnumerateArray()) outcomes.AddRange(await MetricRunner.RunAsync(scenario));
        Check(outcomes, scenarios.EnumerateArray().Sum(s => s.GetProperty("queries").GetArrayLength()), id => id.StartsWith("m-", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_runners_see_a_wrong_expectation()
    {
        var parse = JsonSerializer.SerializeToElement(JsonNode.Parse("""{"parse_ok":[{"id":"w1","query":"{a=\"b\"}","kind":"metric"}],"reject":[{"id":"w2","query":"{a=\"b\"}","when":"parse","why":"nothing"}],"pipeline":[{"id":"w3","stage":"| json","line":"{\"a\":1}","labels":{},"kept":true,"expect_line":"{\"a\":1}","expect_labels":{"a":"2"}}]}"""));
        Assert.All(new[] { CaseRunner.ParseOk(parse), CaseRunner.Reject(parse), CaseRunner.Pipeline(parse) }, o => Assert.NotNull(Assert.Single(o).Failure));
        var metric = JsonSerializer.SerializeToElement(JsonNode.Parse("""{"id":"w4","load":[{"selector":"{a=\"b\"}","line":"x","at":"1s"}],"queries":[{"at":"60s","query":"count_over_time({a=\"b\"}[1m])","expect":"series","series":[{"labels":"{a=\"b\"}","values":"2"}]},{"at":"60s","query":"count_over_time({a=\"b\"}[1m])","expect":"empty"},{"at":"60s","query":"count_over_time({a=\"b\"}[1m])","expect":"fail"}]}"""));
        Assert.All(await MetricRunner.RunAsync(metric), o => Assert.NotNull(o.Failure));
    }

    private void Check(List<CaseRunner.Outcome> outcomes, int expected, Func<string, bool> mine)
    {
        var listed = Listed().Where(l => mine(l.Key)).ToDictionary();
        var report = new StringBuilder();
        foreach (var outcome in outcomes.Where(o => o.Failure is not null && !listed.ContainsKey(o.Id))) report.AppendLine($"{outcome.Id} fails: {outcome.Failure}");
        foreach (var outcome in outcomes.Where(o => o.Failure is null && listed.ContainsKey(o.Id))) report.AppendLine($"{outcome.Id} is listed and passes: take it off the list");
        foreach (string id in listed.Keys.Where(id => outcomes.All(o => o.Id != id))) report.AppendLine($"{id} is listed and there is no such case");
        int passed = outcomes.Count(o => o.Failure is null);
        output.WriteLine($"{passed} passed, {outcomes.Count - passed} listed or failed, of {expected}");
        ConformanceRun.Report($"logql {outcomes.FirstOrDefault()?.Id.TrimEnd([.. "0123456789-"])}", passed, listed.Count, expected);
        Assert.Equal(expected, outcomes.Count);
        Assert.True(report.Length == 0, $"{passed} of {expected} passed\n{report}");
        Assert.Equal(expected, passed + listed.Count);
    }

    private static Dictionary<string, string> Listed() => File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Conformance", "listed.txt"))
        .Where(l => l.Length > 0 && l[0] != '#')
        .Select(l => l.Split(' ', 2))
        .ToDictionary(l => l[0], l => l[1], StringComparer.Ordinal);

    private static JsonElement Read(string file) => JsonDocument.Parse(File.ReadAllText(Path.Combine(Places.Conformance("logql"), file))).RootElement;
}
