using Pharos.Core;
using Pharos.Rules.Loading;

namespace Pharos.Rules.UnitTests;

/// <summary>A file of rule unit tests, in the form that promtool reads.</summary>
internal sealed record RuleTestFile
{
    /// <summary>Patterns of rule files, relative to the test file.</summary>
    public IReadOnlyList<string> RuleFiles { get; init; } = [];
    public TimeSpan EvaluationInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Names of groups in the order in which they are evaluated; the others come first.</summary>
    public IReadOnlyList<string> GroupOrder { get; init; } = [];

    /// <summary>Floats are equal where they are neighbours.</summary>
    public bool Fuzzy { get; init; }
    public IReadOnlyList<RuleTest> Tests { get; init; } = [];

    /// <exception cref="ConfigurationException">All mistakes in it.</exception>
    public static RuleTestFile Parse(string text, string file)
    {
        var findings = new List<Diagnostic>();
        var root = YamlTree.Read(text, file, findings);
        var parsed = root is null ? new RuleTestFile() : new RuleTestReader(file, findings).File(root);
        return findings.Count > 0 ? throw new ConfigurationException(findings) : parsed;
    }
}

internal sealed record RuleTest
{
    public string Name { get; init; } = "";

    /// <summary>Distance of given values and interval of groups that set none.</summary>
    public TimeSpan? Interval { get; init; }
    public long StartMs { get; init; }
    public IReadOnlyList<(Labels Labels, List<SeriesValue> Values)> Series { get; init; } = [];
    public IReadOnlyList<AlertTest> Alerts { get; init; } = [];
    public IReadOnlyList<ExpressionTest> Expressions { get; init; } = [];
    public Labels ExternalLabels { get; init; } = Labels.Empty;
    public string ExternalUrl { get; init; } = "";
    public SourcePosition Position { get; init; }
}

internal sealed record AlertTest(TimeSpan EvalTime, string AlertName, IReadOnlyList<(Labels Labels, Labels Annotations)> Expected, SourcePosition Position);

internal sealed record ExpectedSample(Labels Labels, double Value, Histogram? Histogram);

internal sealed record ExpressionTest(TimeSpan EvalTime, string Expr, IReadOnlyList<ExpectedSample> Expected, SourcePosition Position);

/// <summary>Reads test files strictly.</summary>
internal sealed class RuleTestReader(string file, List<Diagnostic> findings)
{
    public RuleTestFile File(YamlNode root)
    {
        var fields = new YamlFields(root, file, "test file", findings);
        var parsed = new RuleTestFile
        {
            RuleFiles = [.. fields.List("rule_files").Select(n => n.Value)],
            EvaluationInterval = fields.Duration("evaluation_interval") is { } interval && interval > TimeSpan.Zero ? interval : TimeSpan.FromMinutes(1),
            GroupOrder = [.. fields.List("group_eval_order").Select(n => n.Value)],
            Fuzzy = fields.Bool("fuzzy_compare"),
            Tests = [.. fields.List("tests").Select(Test)],
        };
        fields.Close();
        return parsed;
    }

    private RuleTest Test(YamlNode node)
    {
        var fields = new YamlFields(node, file, "test", findings);
        string start = fields.Text("start_timestamp");
        var external = fields.Texts("external_labels");
        var test = new RuleTest
        {
            Name = fields.Text("name"),
            Interval = fields.Duration("interval") is { } interval && interval > TimeSpan.Zero ? interval : null,
            StartMs = Start(fields, start),
            Series = [.. fields.List("input_series").Select(Series)],
            Alerts = [.. fields.List("alert_rule_test").Select(Alert)],
            Expressions = [.. fields.List("promql_expr_test").Select(Expression)],
            ExternalLabels = Labels.Of(external.Select(e => KeyValuePair.Create(e.Key, e.Value.Value))),
            ExternalUrl = fields.Text("external_url"),
            Position = fields.At(node),
        };
        fields.Close();
        return test;
    }

    private static long Start(YamlFields fields, string text)
    {
        if (text.Length == 0) return 0;
        if (DateTimeOffset.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, System.Globalization.DateTimeStyles.AssumeUniversal, out var time) && text.Contains('-'))
            return time.ToUnixTimeMilliseconds();
        if (Pharos.Templates.Formatting.FloatVerbs.TryParse(text, out double seconds)) return (long)Math.Round(seconds * 1000);
        fields.Error(fields.Value("start_timestamp")!, $"start_timestamp \"{text}\" is neither an RFC 3339 time nor Unix seconds");
        return 0;
    }

    private (Labels, List<SeriesValue>) Series(YamlNode node)
    {
        var fields = new YamlFields(node, file, "input series", findings);
        string series = fields.Text("series"), values = fields.Text("values");
        fields.Close();
        return (Read(fields, "series", () => SeriesText.Metric(series), Labels.Empty), Read(fields, "values", () => SeriesText.Values(values), []));
    }

    private AlertTest Alert(YamlNode node)
    {
        var fields = new YamlFields(node, file, "alert test", findings);
        string name = fields.Text("alertname");
        var expected = new List<(Labels, Labels)>();
        foreach (var alert in fields.List("exp_alerts"))
        {
            var one = new YamlFields(alert, file, "expected alert", findings);
            var labels = one.Texts("exp_labels");
            var annotations = one.Texts("exp_annotations");
            one.Close();
            expected.Add((
                Labels.Of(labels.Select(l => KeyValuePair.Create(l.Key, l.Value.Value))).With("alertname", name),
                Labels.Of(annotations.Select(l => KeyValuePair.Create(l.Key, l.Value.Value)))));
        }
        var at = fields.Duration("eval_time") ?? TimeSpan.Zero;
        fields.Close();
        if (name.Length == 0) fields.Error(node, "alertname must be set");
        return new AlertTest(at, name, expected, fields.At(node));
    }

    private ExpressionTest Expression(YamlNode node)
    {
        var fields = new YamlFields(node, file, "expression test", findings);
        string expr = fields.Text("expr");
        var at = fields.Duration("eval_time") ?? TimeSpan.Zero;
        var expected = new List<ExpectedSample>();
        foreach (var sample in fields.List("exp_samples"))
        {
            var one = new YamlFields(sample, file, "expected sample", findings);
            string labels = one.Text("labels"), value = one.Text("value"), histogram = one.Text("histogram");
            one.Close();
            expected.Add(new ExpectedSample(
                Read(one, "labels", () => SeriesText.Metric(labels), Labels.Empty),
                value.Length == 0 ? 0 : Read(one, "value", () => SeriesText.Number(value), 0),
                histogram.Length == 0 ? null : Read<Histogram?>(one, "histogram", () => SeriesText.Histogram(histogram.Trim()), null)));
        }
        fields.Close();
        return new ExpressionTest(at, expr, expected, fields.At(node));
    }

    private static T Read<T>(YamlFields fields, string name, Func<T> read, T otherwise)
    {
        try
        {
            return read();
        }
        catch (FormatException e)
        {
            fields.Error(fields.Value(name) ?? fields.Node, $"{name}: {e.Message}");
            return otherwise;
        }
    }
}
