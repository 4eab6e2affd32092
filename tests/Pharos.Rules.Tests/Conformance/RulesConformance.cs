using System.Text.Json;
using Pharos.Core;
using Pharos.PromQL;

namespace Pharos.Rules.Tests.Conformance;

/// <summary>Rule files and rule unit tests that Prometheus's own tools judge.</summary>
[Trait("Category", "Conformance")]
public sealed class RulesConformance
{
    private sealed record Case(string Id, string Expect, Func<Task<(bool Passed, string Why)>> Run);

    [Fact]
    public async Task Promtool_rules()
    {
        string folder = Places.Conformance("promtool-rules");
        var cases = Expected(folder).Concat(RealWorld(folder)).ToList();
        int files = Directory.GetFiles(folder, "*.yml").Length + Directory.GetFiles(Path.Combine(folder, "real-world")).Length;
        var report = await RunAsync(cases, "promtool-rules");
        ConformanceRun.Report("promtool-rules", report.Passed, report.Listed, cases.Count);
        Assert.True(report.Problems.Count == 0, report.ToString());
        Assert.Equal(cases.Count, report.Passed + report.Listed);
        Assert.True(cases.Count >= files, $"{files} files, but only {cases.Count} cases");
    }

    [Fact]
    public async Task Rule_file_format()
    {
        string folder = Places.Conformance("prometheus-config");
        var root = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "expect.json"))).RootElement;
        var cases = root.GetProperty("cases").EnumerateArray()
            .Where(c => c.GetProperty("file").GetString()!.StartsWith("rulefmt/", StringComparison.Ordinal))
            .Select(c =>
            {
                string file = c.GetProperty("file").GetString()!;
                bool legacy = c.TryGetProperty("name_validation", out var scheme) && scheme.GetString() == "legacy";
                return new Case(file, c.GetProperty("expect").GetString() == "accept" ? "pass" : "fail", () => CheckAsync(Path.Combine(folder, file), legacy));
            }).ToList();
        Assert.Equal(Directory.GetFiles(Path.Combine(folder, "rulefmt")).Length, cases.Count);
        var report = await RunAsync(cases, "rulefmt");
        Assert.True(report.Problems.Count == 0, report.ToString());
        Assert.Equal(cases.Count, report.Passed + report.Listed);
    }

    [Fact]
    public async Task Causes_of_refused_rule_files_are_the_reference_ones()
    {
        string folder = Places.Conformance("prometheus-config");
        var root = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "expect.json"))).RootElement;
        foreach (var one in root.GetProperty("cases").EnumerateArray().Where(c => c.GetProperty("file").GetString()!.StartsWith("rulefmt/", StringComparison.Ordinal)))
        {
            if (!one.TryGetProperty("reference_error", out var reference)) continue;
            bool legacy = one.TryGetProperty("name_validation", out var scheme) && scheme.GetString() == "legacy";
            string gist = reference.GetString()! switch
            {
                "parse error" => "could not parse expression",
                "the group name is repeated in the file" => "is repeated in the same file",
                "invalid annotation name under legacy name validation" => "invalid annotation name",
                var text => text,
            };
            var (_, why) = await CheckAsync(Path.Combine(folder, one.GetProperty("file").GetString()!), legacy);
            Assert.Contains(gist, why);
        }
    }

    [Fact]
    public async Task The_runner_sees_a_wrong_expectation()
    {
        string folder = Places.Conformance("promtool-rules");
        var wrong = new Case("unittest.yml", "fail", () => TestAsync(Path.Combine(folder, "unittest.yml"), []));
        Assert.NotEmpty((await RunAsync([wrong], "none")).Problems);
        var alsoWrong = new Case("failing.yml", "pass", () => TestAsync(Path.Combine(folder, "failing.yml"), []));
        Assert.NotEmpty((await RunAsync([alsoWrong], "none")).Problems);
    }

    [Fact]
    public async Task Duplicate_rules_are_warned_of()
    {
        string folder = Places.Conformance("promtool-rules");
        var check = RuleFiles.Check([Path.Combine(folder, "rules_duplicates.yml")], RuleFileOptions.Default);
        var warning = Assert.Single(check.Findings);
        Assert.Equal(Severity.Warning, warning.Severity);
        Assert.Equal("3 rules are named job:test:count_over_time1m with no labels", warning.Message);
        Assert.Equal(18, warning.Position.Line);
        await Task.CompletedTask;
    }

    private static IEnumerable<Case> Expected(string folder)
    {
        var root = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "expect.json"))).RootElement;
        foreach (var one in root.GetProperty("cases").EnumerateArray())
        {
            string file = one.GetProperty("file").GetString()!, kind = one.GetProperty("kind").GetString()!;
            string[] run = one.TryGetProperty("run", out var names) ? [.. names.EnumerateArray().Select(n => n.GetString()!)] : [];
            string flags = one.TryGetProperty("flags", out var f) ? "?" + string.Join('&', f.EnumerateObject().Select(p => $"{p.Name}={p.Value}")) : "";
            string id = $"{kind} {file}{(run.Length > 0 ? $"[{string.Join(',', run)}]" : "")}{flags}";
            string path = Path.Combine(folder, file);
            yield return new Case(id, one.GetProperty("expect").GetString()!, () => kind == "test" ? TestAsync(path, run) : CheckAsync(path, legacy: false));
        }
    }

    private static IEnumerable<Case> RealWorld(string folder) => Directory.GetFiles(Path.Combine(folder, "real-world"))
        .Order(StringComparer.Ordinal)
        .Select(path => new Case($"real-world/{Path.GetFileName(path)}", "pass", () => CheckAsync(path, legacy: false)));

    private static Task<(bool Passed, string Why)> CheckAsync(string path, bool legacy)
    {
        using var engine = Engine(new UnitTests.TestStore(), TimeSpan.FromMinutes(1));
        var check = RuleFiles.Check([path], new RuleFileOptions { Language = new PromQlRuleLanguage(engine), LegacyNames = legacy });
        return Task.FromResult((!check.HasErrors, string.Join('\n', check.Findings)));
    }

    private static async Task<(bool Passed, string Why)> TestAsync(string path, string[] run)
    {
        var result = await RuleTestRunner.RunAsync(path, new RuleTestOptions { Language = Language, Run = run }, TestContext.Current.CancellationToken);
        return (result.Passed, string.Join('\n', result.Failures));
    }

    private static RuleTestLanguage Language(IMetricQueryable store, TimeSpan step)
    {
        var engine = Engine(store, step);
        return new RuleTestLanguage(new PromQlRuleLanguage(engine), engine);
    }

    private static PromQlEngine Engine(IMetricQueryable store, TimeSpan step) =>
        new(store, new PromQlOptions { SubqueryStep = step, ConcurrencyMax = 2 }, TimeProvider.System, new Instruments());

    private sealed record Report(int Passed, int Listed, List<string> Problems)
    {
        public override string ToString() => $"{Passed} passed, {Listed} listed\n{string.Join('\n', Problems)}";
    }

    private static async Task<Report> RunAsync(IEnumerable<Case> cases, string section)
    {
        var listed = File.ReadLines(Path.Combine(Places.Repository, "tests/Pharos.Rules.Tests/Conformance/listed.txt"))
            .Where(line => line.StartsWith(section + ": ", StringComparison.Ordinal))
            .Select(line => line[(section.Length + 2)..].Split(" # ", 2))
            .ToDictionary(parts => parts[0], parts => parts[1]);
        int passed = 0, known = 0;
        var problems = new List<string>();
        foreach (var one in cases)
        {
            var (ok, why) = await one.Run();
            bool asExpected = ok == (one.Expect == "pass");
            bool isListed = listed.Remove(one.Id);
            if (asExpected && !isListed) passed++;
            else if (!asExpected && isListed) known++;
            else problems.Add(asExpected ? $"{one.Id} comes out as expected but is listed" : $"{one.Id}: expected {one.Expect}: {why}");
        }
        problems.AddRange(listed.Keys.Select(id => $"{id} is listed but there is no such case"));
        return new Report(passed, known, problems);
    }
}
