namespace Pharos.Collector.Syntax.Tests;

[Trait("Category", "Conformance")]
public sealed class FormatterConformanceTests
{
    [Fact]
    public void Pairs_of_input_and_layout()
    {
        string folder = Places.Conformance("alloy-syntax/printer");
        var run = new ConformanceRun("printer");
        foreach (string input in Directory.GetFiles(folder, "*.in"))
        {
            string expected = Path.ChangeExtension(input, ".expect"), error = Path.ChangeExtension(input, ".error");
            run.Case(Path.GetFileNameWithoutExtension(input), () => File.Exists(error)
                ? CheckError(File.ReadAllText(input), File.ReadAllText(error))
                : Check(File.ReadAllText(input), File.ReadAllText(expected)));
        }
        run.Verify(Directory.GetFiles(folder).Select(Path.GetFileNameWithoutExtension).Distinct().Count());
    }

    [Fact]
    public void Formatting_twice_changes_nothing()
    {
        string folder = Places.Conformance("alloy-syntax");
        var files = Directory.GetFiles(folder, "*.alloy", SearchOption.AllDirectories)
            .Where(f => Path.GetDirectoryName(Path.GetRelativePath(folder, f)) != "parser").ToList();
        var run = new ConformanceRun("idempotence");
        foreach (string file in files)
        {
            run.Case(Path.GetRelativePath(folder, file), () =>
            {
                string? once = Formatter.Format(new SourceText("once", File.ReadAllText(file)), out var findings);
                if (once is null) return string.Join(" | ", findings);
                string? twice = Formatter.Format(new SourceText("twice", once), out findings);
                return twice is null ? string.Join(" | ", findings) : Difference(once, twice);
            });
        }
        run.Verify(files.Count);
    }

    [Fact]
    public void Converted_files_stay_as_they_are()
    {
        string folder = Places.Conformance("alloy-syntax/convert");
        var files = Directory.GetFiles(folder, "*.alloy", SearchOption.AllDirectories);
        var run = new ConformanceRun("converted");
        foreach (string file in files)
        {
            run.Case(Path.GetRelativePath(folder, file), () =>
            {
                string text = File.ReadAllText(file);
                string? once = Formatter.Format(new SourceText("once", text), out var findings);
                return once is null ? string.Join(" | ", findings) : Difference(text.Replace("\r", "").TrimEnd(), once.TrimEnd());
            });
        }
        run.Verify(files.Length, ConformanceRun.ReadList(Path.Combine(Places.Repository, "tests/Pharos.Collector.Syntax.Tests/Conformance/converted-listed.txt")));
    }

    [Fact]
    public void The_runner_sees_a_wrong_expectation()
    {
        Assert.Null(Check("a=1\n", "a = 1\n"));
        Assert.NotNull(Check("a=1\n", "a = 2\n"));
        Assert.NotNull(CheckError("a = 1\n", "expected"));
    }

    private static string? Check(string input, string expected)
    {
        string? output = Formatter.Format(new SourceText("in", input), out var findings);
        if (output is null) return string.Join(" | ", findings);
        if (Difference(expected.TrimEnd(), output.TrimEnd()) is { } difference) return difference;
        string? again = Formatter.Format(new SourceText("expect", expected), out findings);
        return again is null ? string.Join(" | ", findings) : Difference(expected.TrimEnd(), again.TrimEnd());
    }

    private static string? CheckError(string input, string expected)
    {
        string? output = Formatter.Format(new SourceText("in", input), out var findings);
        if (output is not null) return "it was formatted";
        return findings.Any(f => f.Message.Contains(expected.Trim(), StringComparison.Ordinal)) ? null : string.Join(" | ", findings);
    }

    private static string? Difference(string expected, string actual)
    {
        var (a, b) = (expected.Split('\n'), actual.Split('\n'));
        for (int i = 0; i < Math.Max(a.Length, b.Length); i++)
        {
            string left = i < a.Length ? a[i] : "<end>", right = i < b.Length ? b[i] : "<end>";
            if (left != right) return $"line {i + 1}: expected [{left}], got [{right}]";
        }
        return null;
    }
}
