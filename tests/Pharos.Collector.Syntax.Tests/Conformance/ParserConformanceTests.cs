using System.Text.RegularExpressions;
using Pharos.Core;

namespace Pharos.Collector.Syntax.Tests;

[Trait("Category", "Conformance")]
public sealed partial class ParserConformanceTests
{
    [Fact]
    public void Files_that_must_parse_and_files_with_marked_errors()
    {
        string folder = Places.Conformance("alloy-syntax/parser");
        var run = new ConformanceRun("parser");
        var files = Directory.GetFiles(folder, "*.alloy", SearchOption.AllDirectories);
        foreach (string file in files) run.Case(Path.GetRelativePath(folder, file), () => Check(File.ReadAllText(file)));
        run.Verify(Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Count(f => f.EndsWith(".alloy")));
    }

    [Fact]
    public void Odd_inputs_neither_crash_nor_hang()
    {
        string folder = Places.Conformance("alloy-syntax/parser/fuzz");
        var run = new ConformanceRun("fuzz");
        var files = Directory.GetFiles(folder, "*", SearchOption.AllDirectories);
        foreach (string file in files)
        {
            run.Case(Path.GetFileName(file), () =>
            {
                string literal = File.ReadAllLines(file)[1]["[]byte(".Length..^1];
                Parser.ParseFile(new SourceText("fuzz", Literals.Unquote(literal)));
                return null;
            });
        }
        run.Verify(files.Length);
    }

    [Fact]
    public void The_runner_sees_a_wrong_expectation()
    {
        Assert.Null(Check("a = [1, 2/* ERROR HERE \"missing ','\" */\n]\n"));
        Assert.NotNull(Check("a = [1, 2/* ERROR HERE \"another text\" */\n]\n"));
        Assert.NotNull(Check("a = [1, 2\n]\n"));
        Assert.NotNull(Check("a = 1 /* ERROR \"expected\" */\n"));
    }

    /// <summary>Errors are marked by comments: at the start of the token before the comment, or (HERE) right after that token.</summary>
    private static string? Check(string text)
    {
        var source = new SourceText("case.alloy", text);
        var found = Parser.ParseFile(source).Findings.Where(f => f.Severity == Severity.Error).ToList();
        var expected = new List<(SourcePosition At, string Pattern)>();
        int previousStart = 0, previousEnd = 0;
        var lexer = new Lexer(source, _ => { });
        for (var token = lexer.Next(); token.Kind != TokenKind.EndOfFile; token = lexer.Next())
        {
            if (token.Kind == TokenKind.Comment)
            {
                var mark = Mark().Match(text[token.Start..token.End]);
                if (!mark.Success) continue;
                expected.Add((source.PositionOf(mark.Groups[1].Length > 0 ? previousEnd : previousStart), mark.Groups[2].Value));
            }
            else if (token.Kind != TokenKind.Terminator)
            {
                (previousStart, previousEnd) = (token.Start, token.End);
            }
        }
        foreach (var (at, pattern) in expected)
        {
            int match = found.FindIndex(f => f.Position == at && Regex.IsMatch(f.Message, pattern));
            if (match < 0) return $"no error at {at} matches {pattern}; found {string.Join(" | ", found)}";
            found.RemoveAt(match);
        }
        return found.Count == 0 ? null : $"unexpected: {string.Join(" | ", found)}";
    }

    [GeneratedRegex("""^/\* *ERROR *(HERE)? *"([^"]*)" *\*/$""")]
    private static partial Regex Mark();
}
