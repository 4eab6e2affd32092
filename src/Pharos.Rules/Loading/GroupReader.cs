using Pharos.Core;
using Pharos.Yaml;

namespace Pharos.Rules.Loading;

/// <summary>Reads and checks one rule group.</summary>
internal sealed class GroupReader(YamlReading reading, RuleFileOptions options)
{
    private string[]? lines;

    public RuleGroupDefinition Group(YamlNode node)
    {
        var fields = new YamlSection(node, "rule group", reading);
        string name = fields.Text("name");
        if (name.Length == 0) fields.ErrorHere("Groupname must not be empty", "add name:");
        var interval = fields.DurationOrNull("interval");
        var offset = fields.DurationOrNull("query_offset");
        var delay = fields.DurationOrNull("evaluation_delay");
        if (offset is not null && delay is not null) fields.Error(fields.KeyOf("evaluation_delay"), "query_offset and evaluation_delay mean the same", "keep query_offset");
        int limit = fields.Count("limit");
        string[] sources = [.. fields.TextNodes("source_tenants").Select(t => SourceTenant(t.Text, t.Node))];
        if (fields.Value("concurrency") is not null) fields.Warn("concurrency", "concurrency is vmalert's and has no effect", "rules of a group run one after another");
        bool align = fields.Bool("align_evaluation_time_on_interval");
        var labels = Labels(fields, "labels", "label", ruleName: null);
        var rules = new List<RuleDefinition>();
        foreach (var rule in fields.Items("rules")) rules.Add(Rule(rule, name, rules.Count + 1));
        fields.Done();
        return new RuleGroupDefinition
        {
            Name = name,
            Interval = interval == TimeSpan.Zero ? null : interval,
            QueryOffset = offset ?? delay,
            Limit = limit,
            AlignEvaluationTime = align,
            SourceTenants = sources,
            Labels = labels,
            Rules = rules,
            Position = fields.Position,
        };
    }

    private string SourceTenant(string name, YamlNode node)
    {
        if (!options.SourceTenants)
            reading.Error(node, "source_tenants is not allowed here", "put the rule into the tenant whose data it reads, or, in the server, set ruler.tenant_federation.enabled");
        else if (!TenantId.TryParse(name, out _, out string? error)) reading.Error(node, error);
        return name;
    }

    private RuleDefinition Rule(YamlNode node, string group, int number)
    {
        var fields = new YamlSection(node, "rule", reading);
        string record = fields.Text("record"), alert = fields.Text("alert"), expr = fields.Text("expr");
        string shown = record.Length > 0 ? record : alert;
        string where = $"group \"{group}\", rule {number}{(shown.Length > 0 ? $", \"{shown}\"" : "")}";
        var hold = fields.DurationOrNull("for");
        var keep = fields.DurationOrNull("keep_firing_for");
        if (record.Length > 0 && alert.Length > 0) fields.Error(fields.KeyOf("alert"), $"{where}: only one of 'record' and 'alert' must be set");
        if (record.Length == 0 && alert.Length == 0) fields.ErrorHere($"{where}: one of 'record' or 'alert' must be set");
        if (expr.Trim().Length == 0) fields.ErrorHere($"{where}: field 'expr' must be set in rule");
        else Expression(fields.Value("expr")!, where);
        bool records = record.Length > 0 && alert.Length == 0;
        if (records)
        {
            if (record.AsSpan().ContainsAny('{', '}'))
                fields.Error("record", $"{where}: braces present in the recording rule name", "select in expr, not in the name");
            else if (options.LegacyNames && !LabelNames.IsLegacyMetric(record))
                fields.Error("record", $"{where}: invalid recording rule name: {record}");
            if (fields.Has("annotations") && fields.Value("annotations") is { } notes && notes.Pairs.Count > 0)
                fields.Error(fields.KeyOf("annotations"), $"{where}: invalid field 'annotations' in recording rule");
            if (hold is { } h && h > TimeSpan.Zero) fields.Error(fields.KeyOf("for"), $"{where}: invalid field 'for' in recording rule");
            if (keep is { } k && k > TimeSpan.Zero) fields.Error(fields.KeyOf("keep_firing_for"), $"{where}: invalid field 'keep_firing_for' in recording rule");
        }
        var labels = Labels(fields, "labels", "label", records ? null : alert);
        var annotations = Labels(fields, "annotations", "annotation", records ? null : alert);
        fields.Done();
        return new RuleDefinition
        {
            Record = record,
            Alert = alert,
            Expr = expr,
            For = hold ?? TimeSpan.Zero,
            KeepFiringFor = keep ?? TimeSpan.Zero,
            Labels = labels,
            Annotations = annotations,
            Position = fields.Position,
        };
    }

    /// <param name="ruleName">Name of the alert where the values are templates; null where they are not.</param>
    private IReadOnlyDictionary<string, string> Labels(YamlSection fields, string field, string kind, string? ruleName)
    {
        var texts = fields.TextEntries(field);
        if (texts.Count == 0) return RuleDefinition.Empty;
        var labels = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, node) in texts)
        {
            bool good = name.Length > 0 && (!options.LegacyNames || LabelNames.IsLegacy(name)) && (kind != "label" || name != Core.Labels.MetricName);
            if (!good) fields.Error(node, $"invalid {kind} name: {GoString.Quote(name)}");
            if (ruleName is not null && RuleTemplates.Check(node.Value, ruleName, out int index) is { } why)
                reading.Findings.Add(Diagnostic.Error(PlaceIn(node, index), $"{kind} \"{name}\": {why}"));
            labels[name] = node.Value;
        }
        return labels;
    }

    private void Expression(YamlNode node, string where)
    {
        if (options.Language is null) return;
        foreach (var finding in options.Language.Check(node.Value))
        {
            int index = IndexOf(node.Value, finding.Position);
            reading.Findings.Add(finding with
            {
                Position = finding.Position.Line > 0 ? PlaceIn(node, index) : reading.At(node),
                Message = finding.Severity == Severity.Error ? $"{where}: could not parse expression: {finding.Message}" : $"{where}: {finding.Message}",
            });
        }
    }

    private static int IndexOf(string value, SourcePosition position)
    {
        int index = 0;
        for (int line = 1; line < position.Line; line++)
        {
            int end = value.IndexOf('\n', index);
            if (end < 0) return value.Length;
            index = end + 1;
        }
        return Math.Min(index + Math.Max(position.Column - 1, 0), value.Length);
    }

    /// <summary>The place in the file of a character of a scalar's value; exact for one-line and literal scalars.</summary>
    private SourcePosition PlaceIn(YamlNode node, int index)
    {
        var place = reading.At(node);
        var inside = SourcePosition.At(node.Value, index);
        switch (node.Style)
        {
            case YamlStyle.Literal:
                lines ??= reading.Text.Split('\n');
                int row = node.Line + inside.Line;
                string line = row <= lines.Length ? lines[row - 1] : "";
                return place with { Line = row, Column = line.Length - line.TrimStart(' ').Length + inside.Column };
            case YamlStyle.Plain when inside.Line == 1:
                return place with { Column = node.Column + inside.Column - 1 };
            case YamlStyle.Quoted when inside.Line == 1:
                return place with { Column = node.Column + inside.Column };
            default:
                return place;
        }
    }
}
