using System.Text;
using Pharos.Core;

namespace Pharos.Rules;

/// <summary>Writes rule groups as YAML, in the order of fields that Prometheus's tools use.</summary>
public static class RuleFileWriter
{
    /// <summary>One group, as the rulers' APIs give it.</summary>
    public static string WriteGroup(RuleGroupDefinition group)
    {
        var text = new StringBuilder();
        Group(text, group, "", "");
        return text.ToString();
    }

    /// <summary>A rule file.</summary>
    public static string WriteFile(IEnumerable<RuleGroupDefinition> groups)
    {
        var text = new StringBuilder("groups:\n");
        foreach (var group in groups) Group(text, group, "    - ", "      ");
        return text.ToString();
    }

    /// <summary>Groups by namespace, as the rulers' APIs list them.</summary>
    public static string WriteNamespaces(IEnumerable<(string Namespace, RuleGroupDefinition Group)> groups)
    {
        var text = new StringBuilder();
        foreach (var space in groups.GroupBy(g => g.Namespace, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            text.Append(Scalar(space.Key, "")).Append(":\n");
            foreach (var (_, group) in space) Group(text, group, "    - ", "      ");
        }
        return text.Length == 0 ? "{}\n" : text.ToString();
    }

    private static void Group(StringBuilder text, RuleGroupDefinition group, string first, string indent)
    {
        text.Append(first).Append("name: ").Append(Scalar(group.Name, indent)).Append('\n');
        if (group.Interval is { } interval) Field(text, indent, "interval", PromDuration.Format(interval));
        if (group.QueryOffset is { } offset) Field(text, indent, "query_offset", PromDuration.Format(offset));
        if (group.Limit != 0) Field(text, indent, "limit", group.Limit.ToString());
        if (group.AlignEvaluationTime) Field(text, indent, "align_evaluation_time_on_interval", "true");
        if (group.SourceTenants.Count > 0)
        {
            text.Append(indent).Append("source_tenants:\n");
            foreach (string tenant in group.SourceTenants) text.Append(indent).Append("    - ").Append(Scalar(tenant, indent)).Append('\n');
        }
        Map(text, indent, "labels", group.Labels);
        if (group.Rules.Count == 0)
        {
            text.Append(indent).Append("rules: []\n");
            return;
        }
        text.Append(indent).Append("rules:\n");
        string inner = indent + "      ";
        foreach (var rule in group.Rules)
        {
            text.Append(indent).Append("    - ").Append(rule.IsAlerting ? "alert: " : "record: ").Append(Scalar(rule.Name, inner)).Append('\n');
            text.Append(inner).Append("expr: ").Append(Scalar(rule.Expr, inner)).Append('\n');
            if (rule.For > TimeSpan.Zero) Field(text, inner, "for", PromDuration.Format(rule.For));
            if (rule.KeepFiringFor > TimeSpan.Zero) Field(text, inner, "keep_firing_for", PromDuration.Format(rule.KeepFiringFor));
            Map(text, inner, "labels", rule.Labels);
            Map(text, inner, "annotations", rule.Annotations);
        }
    }

    private static void Field(StringBuilder text, string indent, string name, string value) =>
        text.Append(indent).Append(name).Append(": ").Append(value).Append('\n');

    private static void Map(StringBuilder text, string indent, string name, IReadOnlyDictionary<string, string> map)
    {
        if (map.Count == 0) return;
        text.Append(indent).Append(name).Append(":\n");
        string inner = indent + "    ";
        foreach (var (key, value) in map) text.Append(inner).Append(Scalar(key, inner)).Append(": ").Append(Scalar(value, inner)).Append('\n');
    }

    /// <summary>A scalar in the plainest form that reads back the same.</summary>
    private static string Scalar(string value, string indent)
    {
        if (IsLiteral(value))
        {
            string chomp = value.EndsWith("\n\n", StringComparison.Ordinal) ? "+" : value.EndsWith('\n') ? "" : "-";
            var block = new StringBuilder("|").Append(chomp);
            string body = value.EndsWith('\n') ? value[..^1] : value;
            foreach (string line in body.Split('\n'))
            {
                block.Append('\n');
                if (line.Length > 0) block.Append(indent).Append("    ").Append(line);
            }
            return block.ToString();
        }
        if (IsPlain(value)) return value;
        return value.Any(char.IsControl) ? GoQuoted(value) : $"'{value.Replace("'", "''", StringComparison.Ordinal)}'";
    }

    private static bool IsLiteral(string value) =>
        value.TrimEnd('\n').Contains('\n') && value[0] is not (' ' or '\n' or '\t') && !value.Any(c => c != '\n' && char.IsControl(c))
        && !value.Split('\n').Any(line => line.Length > 0 && line.Trim(' ').Length == 0);

    private static bool IsPlain(string value)
    {
        if (value.Length == 0 || !(char.IsAsciiLetter(value[0]) || value[0] == '_' || value[0] == '/')) return false;
        foreach (char c in value)
        {
            if (!(char.IsLetterOrDigit(c) || " _-./()[]<>=+*$,;@%^|".Contains(c) || c is '"' or '\'' or ':' or '{' or '}')) return false;
        }
        if (value[^1] is ' ' or ':' || value.Contains(": ", StringComparison.Ordinal) || value.Contains(" #", StringComparison.Ordinal)) return false;
        return value.ToLowerInvariant() is not ("true" or "false" or "yes" or "no" or "on" or "off" or "null" or "y" or "n");
    }

    private static string GoQuoted(string value)
    {
        var quoted = new StringBuilder("\"");
        foreach (char c in value)
        {
            quoted.Append(c switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '\t' => "\\t",
                '\r' => "\\r",
                _ when char.IsControl(c) => $"\\u{(int)c:x4}",
                _ => c.ToString(),
            });
        }
        return quoted.Append('"').ToString();
    }
}
