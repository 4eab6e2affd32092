using System.Text.RegularExpressions;
using Pharos.Collector.Evaluation;
using Pharos.Collector.Hosting;
using Pharos.Collector.Syntax;

namespace Pharos.Collector.Tests;

[Trait("Category", "Conformance")]
public sealed partial class ValidatorConformanceTests
{
    [Fact]
    public void Every_archive_has_exactly_its_findings()
    {
        string folder = Places.Conformance("alloy-syntax/validator");
        var run = new ConformanceRun("validator");
        var archives = Directory.GetFiles(folder, "*.txtar", SearchOption.AllDirectories);
        foreach (string archive in archives)
        {
            run.Case(Path.GetRelativePath(folder, archive), () => Check(
                File.ReadAllText(archive), File.ReadAllText(Path.ChangeExtension(archive, ".diags")), archive.Contains("/ga/", StringComparison.Ordinal)));
        }
        run.Verify(archives.Length, ConformanceRun.ReadList(Path.Combine(Places.Repository, "tests/Pharos.Collector.Tests/Conformance/validator-listed.txt")));
    }

    [Fact]
    public void The_runner_sees_a_wrong_expectation()
    {
        const string archive = "a comment\n-- main.alloy --\nlogging { x = 1 }\n";
        Assert.Null(Check(archive, "Error: main.alloy:1:11: unrecognized attribute name \"x\"\n", stableOnly: true));
        Assert.NotNull(Check(archive, "Error: main.alloy:1:12: unrecognized attribute name \"x\"\n", stableOnly: true));
        Assert.NotNull(Check(archive, "", stableOnly: true));
    }

    private static string? Check(string archive, string expected, bool stableOnly)
    {
        var sources = Txtar.Read(archive).Select(f => new SourceText(f.Name, f.Text)).ToList();
        var wanted = expected.Split('\n').Where(l => Head().IsMatch(l)).Order(StringComparer.Ordinal).ToList();
        var found = CollectorValidator.Validate(sources, stableOnly ? Stability.GenerallyAvailable : Stability.Experimental)
            .Select(f => $"{f.Severity}: {f.Position}: {f.Message}").Order(StringComparer.Ordinal).ToList();
        var missing = wanted.Except(found).ToList();
        var more = found.Except(wanted).ToList();
        return missing.Count + more.Count == 0 && wanted.Count == found.Count ? null : $"missing [{string.Join(" | ", missing)}], unexpected [{string.Join(" | ", more)}]";
    }

    [GeneratedRegex("^(Error|Warning): ")]
    private static partial Regex Head();
}

/// <summary>Archives of text files: a comment, then each file after its line <c>-- name --</c>.</summary>
internal static class Txtar
{
    public static IReadOnlyList<(string Name, string Text)> Read(string archive)
    {
        var files = new List<(string Name, string Text)>();
        foreach (string line in archive.Split('\n').Select(l => l.TrimEnd('\r')))
        {
            if (line.StartsWith("-- ", StringComparison.Ordinal) && line.EndsWith(" --", StringComparison.Ordinal)) files.Add((line[3..^3], ""));
            else if (files.Count > 0) files[^1] = (files[^1].Name, files[^1].Text + line + "\n");
        }
        return [.. files.Select(f => (f.Name, f.Text.Length > 0 ? f.Text[..^1] : ""))];
    }
}
