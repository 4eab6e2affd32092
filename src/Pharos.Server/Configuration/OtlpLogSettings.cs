using System.Text.Json;
using Pharos.Core;
using Pharos.Yaml;

namespace Pharos.Server.Configuration;

/// <summary>Loki's <c>otlp_config</c>: what attributes of OTLP logs become.</summary>
internal static class OtlpLogSettings
{
    private static readonly string[] Keys = ["resource_attributes", "scope_attributes", "log_attributes", "severity_text_as_label"];

    public static LimitSetting Mapping { get; } = new(
        "otlp_config", "what attributes of OTLP logs become, see below",
        (l, n, r) => l with { Logs = l.Logs with { Otlp = Read(n, r) } },
        (l, json) => Write(json, l.Logs.Otlp));

    private static OtlpLogMapping Read(YamlNode node, LimitReader reader)
    {
        var mapping = OtlpLogMapping.Default;
        foreach (var (key, value) in Entries(node, reader, Keys))
        {
            switch (key)
            {
                case "resource_attributes":
                    foreach (var (name, inner) in Entries(value, reader, "ignore_defaults", "attributes_config"))
                    {
                        mapping = name == "ignore_defaults"
                            ? mapping with { IgnoreDefaults = reader.Choice(inner, ("true", true), ("false", false)) }
                            : mapping with { Resource = Rules(inner, reader, labels: true) };
                    }
                    break;
                case "scope_attributes": mapping = mapping with { Scope = Rules(value, reader, labels: false) }; break;
                case "log_attributes": mapping = mapping with { Log = Rules(value, reader, labels: false) }; break;
                default: mapping = mapping with { SeverityTextAsLabel = reader.Choice(value, ("true", true), ("false", false)) }; break;
            }
        }
        return mapping;
    }

    private static List<OtlpLogRule> Rules(YamlNode node, LimitReader reader, bool labels) =>
        [.. reader.Items(node, "action", "attributes", "regex").Select(i => Rule(i, node, reader, labels)).OfType<OtlpLogRule>()];

    private static OtlpLogRule? Rule(Dictionary<string, YamlNode> item, YamlNode at, LimitReader reader, bool labels)
    {
        if (!item.TryGetValue("action", out var action)) return reader.Fail<OtlpLogRule?>(at, "an attribute rule needs an action", null);
        var becomes = reader.Choice(action, ("structured_metadata", OtlpLogAction.StructuredMetadata), ("drop", OtlpLogAction.Drop), ("index_label", OtlpLogAction.IndexLabel));
        if (becomes == OtlpLogAction.IndexLabel && !labels) return reader.Fail<OtlpLogRule?>(action, "only resource attributes can become index labels", null);
        string pattern = item.TryGetValue("regex", out var regex) ? reader.Text(regex) : "";
        if (pattern.Length > 0 && !LinearRegex.TryCreate(pattern, anchored: true, dotMatchesNewline: true, out _, out string? error))
            return reader.Fail<OtlpLogRule?>(regex!, $"regex: {error}", null);
        IReadOnlyList<string> attributes = item.TryGetValue("attributes", out var names) ? reader.Texts(names) : [];
        if ((attributes.Count == 0) == (pattern.Length == 0)) return reader.Fail<OtlpLogRule?>(at, "an attribute rule needs either attributes or regex", null);
        return new OtlpLogRule(becomes, attributes, pattern);
    }

    private static IEnumerable<(string Key, YamlNode Value)> Entries(YamlNode node, LimitReader reader, params string[] known)
    {
        if (LimitReader.IsEmpty(node)) yield break;
        if (node.Kind != YamlKind.Mapping)
        {
            reader.Fail(node, "a mapping of keys to values is expected here", 0);
            yield break;
        }
        foreach (var (key, value) in node.Pairs)
        {
            string name = reader.Text(key);
            if (known.Contains(name, StringComparer.Ordinal)) yield return (name, value);
            else reader.Fail(key, $"field {name} not found; known fields: {string.Join(", ", known)}", 0);
        }
    }

    private static void Write(Utf8JsonWriter json, OtlpLogMapping mapping)
    {
        json.WriteStartObject();
        if (mapping.IgnoreDefaults || mapping.Resource.Count > 0)
        {
            json.WriteStartObject("resource_attributes"u8);
            json.WriteBoolean("ignore_defaults"u8, mapping.IgnoreDefaults);
            Rules("attributes_config", mapping.Resource);
            json.WriteEndObject();
        }
        if (mapping.Scope.Count > 0) Rules("scope_attributes", mapping.Scope);
        if (mapping.Log.Count > 0) Rules("log_attributes", mapping.Log);
        if (mapping.SeverityTextAsLabel) json.WriteBoolean("severity_text_as_label"u8, true);
        json.WriteEndObject();

        void Rules(string name, IReadOnlyList<OtlpLogRule> rules)
        {
            json.WritePropertyName(name);
            RuleLists.Write(json, rules, rule =>
            {
                json.WriteString("action"u8, rule.Action switch { OtlpLogAction.Drop => "drop", OtlpLogAction.IndexLabel => "index_label", _ => "structured_metadata" });
                if (rule.Pattern.Length > 0)
                {
                    json.WriteString("regex"u8, rule.Pattern);
                    return;
                }
                json.WriteStartArray("attributes"u8);
                foreach (string attribute in rule.Attributes) json.WriteStringValue(attribute);
                json.WriteEndArray();
            });
        }
    }
}
