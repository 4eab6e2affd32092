using System.Text.Json;
using Pharos.Core;
using YamlDotNet.RepresentationModel;

namespace Pharos.PromQL.Tests.Conformance;

/// <summary>Queries that must parse and queries that must be refused.</summary>
[Trait("Category", "Conformance")]
public sealed class ParseCases
{
    [Fact]
    public void Every_parse_case_passes()
    {
        using var file = JsonDocument.Parse(File.ReadAllText(Path.Combine(Places.Conformance("promql"), "parse-cases.json")));
        var failures = new List<string>();
        int count = 0;
        foreach (var test in file.RootElement.GetProperty("cases").EnumerateArray())
        {
            count++;
            if (Judge(test.GetProperty("query").GetString()!, test.GetProperty("expect").GetString() == "parse") is { } failure)
                failures.Add($"{test.GetProperty("id").GetString()}: {failure}");
        }
        Assert.True(failures.Count == 0, string.Join('\n', failures));
        Assert.True(count > 200);
    }

    [Fact]
    public void A_wrong_expectation_is_noticed()
    {
        Assert.NotNull(Judge("1 + 1", mustParse: false));
        Assert.NotNull(Judge("1 +", mustParse: true));
    }

    [Fact]
    public void Every_compliance_template_parses_or_fails_where_it_should()
    {
        var yaml = new YamlStream();
        using (var text = File.OpenText(Path.Combine(Places.Conformance("promql-compliance"), "promql-test-queries.yml"))) yaml.Load(text);
        var failures = new List<string>();
        int templates = 0, queries = 0;
        foreach (var node in (YamlSequenceNode)((YamlMappingNode)yaml.Documents[0].RootNode)["test_cases"])
        {
            templates++;
            var test = (YamlMappingNode)node;
            var arguments = test.Children.TryGetValue("variant_args", out var names) ? ((YamlSequenceNode)names).Select(n => n.ToString()).ToArray() : [];
            // What only fails when it runs is judged by the engine's own tests: it must parse.
            foreach (string query in Expand(test["query"].ToString(), arguments, 0))
            {
                queries++;
                bool mustParse = query != "{__name__=~\".*\"}";
                if (Judge(query, mustParse) is { } failure) failures.Add(failure);
            }
        }
        Assert.True(failures.Count == 0, string.Join('\n', failures));
        Assert.True(templates > 90 && queries > 400, $"{templates} templates, {queries} queries");
    }

    private static string? Judge(string query, bool mustParse)
    {
        try
        {
            var expr = PromQlLanguage.Parse(query);
            if (!mustParse) return $"{query} parses, as {expr}";
            string printed = PromQlLanguage.Format(query);
            string again = PromQlLanguage.Format(printed);
            return printed == again ? null : $"{query} is printed as {printed}, and that as {again}";
        }
        catch (QueryException e)
        {
            if (mustParse) return $"{query}: {e.Message}";
            return e.Position.Line > 0 ? null : $"{query}: the error has no place: {e.Message}";
        }
    }

    internal static IEnumerable<string> Expand(string template, string[] arguments, int from)
    {
        if (from == arguments.Length) return [template];
        string[] values = Values(arguments[from]);
        return values.SelectMany(v => Expand(template.Replace($"{{{{.{arguments[from]}}}}}", v, StringComparison.Ordinal), arguments, from + 1));
    }

    private static string[] Values(string argument) => argument switch
    {
        "range" => ["1s", "15s", "1m", "5m", "15m", "1h"],
        "offset" => ["1m", "5m", "10m"],
        "simpleAggrOp" => ["sum", "avg", "max", "min", "count", "stddev", "stdvar"],
        "simpleTimeAggrOp" => ["sum", "avg", "max", "min", "count", "stddev", "stdvar", "absent", "last"],
        "topBottomOp" => ["topk", "bottomk"],
        "quantile" => ["-0.5", "0.1", "0.5", "0.75", "0.95", "0.90", "0.99", "1", "1.5"],
        "arithBinOp" => ["+", "-", "*", "/", "%", "^"],
        "compBinOp" => ["==", "!=", "<", ">", "<=", ">="],
        "binOp" => ["+", "-", "*", "/", "%", "^", "==", "!=", "<", ">", "<=", ">="],
        "simpleMathFunc" => ["abs", "ceil", "floor", "exp", "sqrt", "ln", "log2", "log10", "round"],
        "extrapolatedRateFunc" => ["delta", "rate", "increase"],
        "clampFunc" => ["clamp_min", "clamp_max"],
        "instantRateFunc" => ["idelta", "irate"],
        "dateFunc" => ["day_of_month", "day_of_week", "days_in_month", "hour", "minute", "month", "year"],
        "smoothingFactor" or "trendFactor" => ["0.1", "0.5", "0.8"],
        _ => throw new InvalidOperationException($"unknown template argument {argument}"),
    };
}
