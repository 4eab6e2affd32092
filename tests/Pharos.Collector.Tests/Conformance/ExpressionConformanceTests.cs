using System.Text.Json;
using Pharos.Collector.Evaluation;
using Pharos.Collector.Syntax;

namespace Pharos.Collector.Tests;

[Trait("Category", "Conformance")]
public sealed class ExpressionConformanceTests
{
    [Fact]
    public void Every_expression_has_its_value_or_fails()
    {
        using var file = JsonDocument.Parse(File.ReadAllText(Path.Combine(Places.Conformance("alloy-syntax"), "expression-cases.json")));
        var cases = file.RootElement.GetProperty("cases").EnumerateArray().ToList();
        var run = new ConformanceRun("expressions");
        foreach (var one in cases)
        {
            run.Case(one.GetProperty("id").GetString()!, () => Check(
                one.GetProperty("expression").GetString()!, one.TryGetProperty("expect", out var expected) ? expected : null));
        }
        run.Verify(cases.Count);
    }

    [Fact]
    public void The_runner_sees_a_wrong_expectation()
    {
        using var three = JsonDocument.Parse("3");
        Assert.Null(Check("1 + 2", three.RootElement));
        Assert.NotNull(Check("1 + 3", three.RootElement));
        Assert.NotNull(Check("1 + 3", null));
        Assert.NotNull(Check("1 + true", three.RootElement));
    }

    /// <param name="expected">Null: evaluation must fail.</param>
    private static string? Check(string text, JsonElement? expected)
    {
        var (expression, findings) = Parser.ParseExpression(new SourceText("", text));
        if (findings.Count > 0) return string.Join(" | ", findings);
        Value value;
        try
        {
            value = new Evaluator(new StandardLibrary(new HostFacts { Hostname = "test" }), EmptyScope.Instance).Evaluate(expression);
        }
        catch (EvaluationException failure)
        {
            return expected is null ? null : failure.Message;
        }
        if (expected is null) return $"evaluates to {value}";
        return value.Equals(Structured.FromJson(expected.Value)) ? null : $"expected {expected}, got {value}";
    }
}
