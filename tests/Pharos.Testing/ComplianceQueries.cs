namespace Pharos.Testing;

/// <summary>The query list of the public compliance data, every template expanded with all its arguments.</summary>
public static class ComplianceQueries
{
    /// <summary>Reads the list. <c>MustFail</c> says that the query has no answer over the demo series.</summary>
    public static IReadOnlyList<(string Query, bool MustFail)> Load()
    {
        var queries = new List<(string, bool)>();
        string template = "";
        string[] arguments = [];
        bool mustFail = false;
        foreach (string line in File.ReadLines(Path.Combine(Places.Conformance("promql-compliance"), "promql-test-queries.yml")))
        {
            string text = line.Trim();
            if (text.StartsWith('-')) Finish();
            text = text.TrimStart('-', ' ');
            if (text.StartsWith("query:", StringComparison.Ordinal)) template = Scalar(text["query:".Length..].Trim());
            else if (text.StartsWith("variant_args:", StringComparison.Ordinal))
                arguments = text["variant_args:".Length..].Trim(' ', '[', ']').Split(',', StringSplitOptions.TrimEntries).Select(a => a.Trim('\'')).ToArray();
            else if (text.StartsWith("should_fail:", StringComparison.Ordinal)) mustFail = text.EndsWith("true", StringComparison.Ordinal);
        }
        Finish();
        return queries;

        void Finish()
        {
            if (template.Length > 0) queries.AddRange(Expand(template, arguments, 0).Select(q => (q, mustFail)));
            (template, arguments, mustFail) = ("", [], false);
        }
    }

    private static string Scalar(string text) => text[0] is '\'' or '"' ? text[1..^1] : text;

    private static IEnumerable<string> Expand(string template, string[] arguments, int from)
    {
        if (from == arguments.Length) return [template];
        return Values(arguments[from])
            .SelectMany(v => Expand(template.Replace($"{{{{.{arguments[from]}}}}}", v, StringComparison.Ordinal), arguments, from + 1));
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
