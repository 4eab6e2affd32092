namespace Pharos.Templates.Tests.Conformance;

[Trait("Category", "Conformance")]
public sealed class GoTemplateConformance
{
    private static string CasesFile => Path.Combine(Places.Conformance("gotemplate"), "cases.json");

    /// <summary>Cases that do not come out as expected, with the reason: <c>id # why</c>.</summary>
    private static Dictionary<string, string> Listed() => File
        .ReadLines(Path.Combine(Places.Repository, "tests/Pharos.Templates.Tests/Conformance/listed.txt"))
        .Where(line => line.Length > 0 && line[0] != '#')
        .Select(line => line.Split(" # ", 2))
        .ToDictionary(parts => parts[0], parts => parts[1]);

    [Fact]
    public void Every_case_comes_out_as_expected_or_is_listed()
    {
        var (cases, samples) = GoTemplateCase.Load(CasesFile);
        var listed = Listed();
        // The notification cases run with the alert router's functions, in Pharos.Alerting.Tests.
        Assert.Equal(["alertmanager", "language", "rule"], cases.Select(c => c.Flavor).Distinct().Order());
        var report = Report.Of(cases.Where(c => c.Flavor != "alertmanager"), c => c.Id, c => c.Run(samples), listed);
        ConformanceRun.Report("gotemplate", report.Passed, report.ListedCount, report.Total);
        Assert.True(report.IsClean, report.ToString());
    }

    [Fact]
    public void The_runner_sees_a_wrong_expectation()
    {
        var (cases, samples) = GoTemplateCase.Load(CasesFile);
        var wrong = cases.First(c => c.Flavor == "language" && c.Expect is not null) with { Expect = "something else" };
        Assert.NotNull(wrong.Run(samples));
        var mustFail = cases.First(c => c.Flavor == "language" && c.Expect is not null) with { Expect = null, ExpectError = true };
        Assert.NotNull(mustFail.Run(samples));
    }
}

/// <summary>What a conformance run found.</summary>
internal sealed record Report(int Total, int Passed, int ListedCount, List<string> Problems)
{
    public bool IsClean => Problems.Count == 0 && Passed + ListedCount == Total;

    public static Report Of<T>(IEnumerable<T> cases, Func<T, string> id, Func<T, string?> run, Dictionary<string, string> listed)
    {
        int total = 0, passed = 0, listedCount = 0;
        var problems = new List<string>();
        var seen = new HashSet<string>();
        foreach (var one in cases)
        {
            total++;
            seen.Add(id(one));
            string? problem = run(one);
            bool isListed = listed.ContainsKey(id(one));
            if (problem is null && !isListed) passed++;
            else if (problem is not null && isListed) listedCount++;
            else if (problem is null) problems.Add($"{id(one)} passes but is listed: {listed[id(one)]}");
            else problems.Add($"{id(one)} {problem}");
        }
        problems.AddRange(listed.Keys.Where(k => !seen.Contains(k)).Select(k => $"{k} is listed but there is no such case"));
        return new Report(total, passed, listedCount, problems);
    }

    public override string ToString() => $"{Passed} passed, {ListedCount} listed of {Total}\n{string.Join('\n', Problems)}";
}
