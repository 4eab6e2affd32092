using Pharos.Core;
using Pharos.Yaml;

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
        var reading = new YamlReading(text, file);
        var parsed = reading.Root is null ? new RuleTestFile() : new RuleTestReader(reading).File();
        return reading.Findings.Count > 0 ? throw new ConfigurationException(reading.Findings) : parsed;
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
internal sealed class RuleTestReader(YamlReading reading)
{
    public RuleTestFile File()
    {
        var fields = reading.Section("test file");
        var parsed = new RuleTestFile
        {
            RuleFiles = fields.Texts("rule_files"),
            EvaluationInterval = fields.DurationOrNull("evaluation_interval") is { } interval && interval > TimeSpan.Zero ? interval : TimeSpan.FromMinutes(1),
            GroupOrder = fields.Texts("group_eval_order"),
            Fuzzy = fields.Bool("fuzzy_compare"),
            Tests = [.. fields.Items("tests").Select(Test)],
        };
        fields.Done();
        return parsed;
    }

    private RuleTest Test(YamlNode node)
    {
        var fields = new YamlSection(node, "test", reading);
        string start = fields.Text("start_timestamp");
        var external = fields.TextMap("external_labels");
        var test = new RuleTest
        {
            Name = fields.Text("name"),
            Interval = fields.DurationOrNull("interval") is { } interval && interval > TimeSpan.Zero ? interval : null,
            StartMs = Start(fields, start),
            Series = [.. fields.Items("input_series").Select(Series)],
            Alerts = [.. fields.Items("alert_rule_test").Select(Alert)],
            Expressions = [.. fields.Items("promql_expr_test").Select(Expression)],
            ExternalLabels = Labels.Of(external),
            ExternalUrl = fields.Text("external_url"),
            Position = fields.Position,
        };
        fields.Done();
        return test;
    }

    private static long Start(YamlSection fields, string text)
    {
        if (text.Length == 0) return 0;
        if (DateTimeOffset.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, System.Globalization.DateTimeStyles.AssumeUniversal, out var time) && text.Contains('-'))
            return time.ToUnixTimeMilliseconds();
        if (Pharos.Templates.Formatting.FloatVerbs.TryParse(text, out double seconds)) return (long)Math.Round(seconds * 1000);
        fields.Error("start_timestamp", $"start_timestamp \"{text}\" is neither an RFC 3339 time nor Unix seconds");
        return 0;
    }

    private (Labels, List<SeriesValue>) Series(YamlNode node)
    {
        var fields = new YamlSection(node, "input series", reading);
        string series = fields.Text("series"), values = fields.Text("values");
        fields.Done();
        return (Read(fields, "series", () => SeriesText.Metric(series), Labels.Empty), Read(fields, "values", () => SeriesText.Values(values), []));
    }

    private AlertTest Alert(YamlNode node)
    {
        var fields = new YamlSection(node, "alert test", reading);
        string name = fields.Text("alertname");
        var expected = new List<(Labels, Labels)>();
        foreach (var alert in fields.Items("exp_alerts"))
        {
            var one = new YamlSection(alert, "expected alert", reading);
            var labels = one.TextMap("exp_labels");
            var annotations = one.TextMap("exp_annotations");
            one.Done();
            expected.Add((
                Labels.Of(labels).With("alertname", name),
                Labels.Of(annotations)));
        }
        var at = fields.DurationOrNull("eval_time") ?? TimeSpan.Zero;
        fields.Done();
        if (name.Length == 0) fields.ErrorHere("alertname must be set");
        return new AlertTest(at, name, expected, fields.Position);
    }

    private ExpressionTest Expression(YamlNode node)
    {
        var fields = new YamlSection(node, "expression test", reading);
        string expr = fields.Text("expr");
        var at = fields.DurationOrNull("eval_time") ?? TimeSpan.Zero;
        var expected = new List<ExpectedSample>();
        foreach (var sample in fields.Items("exp_samples"))
        {
            var one = new YamlSection(sample, "expected sample", reading);
            string labels = one.Text("labels"), value = one.Text("value"), histogram = one.Text("histogram");
            one.Done();
            expected.Add(new ExpectedSample(
                Read(one, "labels", () => SeriesText.Metric(labels), Labels.Empty),
                value.Length == 0 ? 0 : Read(one, "value", () => SeriesText.Number(value), 0),
                histogram.Length == 0 ? null : Read<Histogram?>(one, "histogram", () => SeriesText.Histogram(histogram.Trim()), null)));
        }
        fields.Done();
        return new ExpressionTest(at, expr, expected, fields.Position);
    }

    private static T Read<T>(YamlSection fields, string name, Func<T> read, T otherwise)
    {
        try
        {
            return read();
        }
        catch (FormatException e)
        {
            fields.Error(name, $"{name}: {e.Message}");
            return otherwise;
        }
    }
}
