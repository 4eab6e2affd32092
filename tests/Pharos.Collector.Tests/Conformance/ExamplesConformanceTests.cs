using Pharos.Collector.Evaluation;
using Pharos.Collector.Hosting;
using Pharos.Collector.Syntax;
using Pharos.Core;

namespace Pharos.Collector.Tests;

[Trait("Category", "Conformance")]
public sealed class ExamplesConformanceTests
{
    [Theory]
    [InlineData("examples")]
    [InlineData("convert")]
    public void Every_whole_configuration_can_be_used(string part)
    {
        string folder = Places.Conformance("alloy-syntax");
        var run = new ConformanceRun(part);
        var files = Directory.GetFiles(Path.Combine(folder, part), "*.alloy", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToList();
        foreach (string file in files) run.Case(Path.GetRelativePath(folder, file), () => Check(File.ReadAllText(file)));
        run.Verify(files.Count, ConformanceRun.ReadList(Path.Combine(Places.Repository, $"tests/Pharos.Collector.Tests/Conformance/{part}-listed.txt")));
    }

    [Fact]
    public void The_runner_sees_a_wrong_expectation()
    {
        Assert.Null(Check("prometheus.echo \"e\" { }\n"));
        Assert.NotNull(Check("prometheus.echoo \"e\" { }\n"));
        Assert.NotNull(Check("prometheus.echo \"e\" {\n\tx = 1\n}\n"));
    }

    private static string? Check(string text)
    {
        var errors = CollectorValidator.Validate([new SourceText("main.alloy", text)], Stability.Experimental).Where(f => f.Severity == Severity.Error).ToList();
        return errors.Count == 0 ? null : string.Join(" | ", errors.Select(e => e.Message).Distinct());
    }
}
