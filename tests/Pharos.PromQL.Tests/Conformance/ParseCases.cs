using System.Text.Json;
using Pharos.Core;

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
        var failures = new List<string>();
        var queries = ComplianceQueries.Load();
        // What only fails when it runs is judged by the differential run: it must parse.
        foreach (var (query, _) in queries)
        {
            if (Judge(query, mustParse: query != "{__name__=~\".*\"}") is { } failure) failures.Add(failure);
        }
        Assert.True(failures.Count == 0, string.Join('\n', failures));
        Assert.True(queries.Count > 400 && queries.Count(q => q.MustFail) == 5, $"{queries.Count} queries");
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
}
