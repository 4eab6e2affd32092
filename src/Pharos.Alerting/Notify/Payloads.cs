using System.Globalization;
using System.Text.Json.Nodes;
using Pharos.Yaml;

namespace Pharos.Alerting;

/// <summary>
/// Turns a YAML value whose text leaves are templates into JSON. A leaf that renders to a number, a truth value,
/// an object or a list becomes that; what alerts put into it is never read as a template.
/// </summary>
internal static class Payloads
{
    public static JsonNode? Render(YamlNode node, Rendering render) => node.Kind switch
    {
        YamlKind.Mapping => Object(node, render),
        YamlKind.Sequence => Json.Array(node.Items.Select(c => Render(c, render))),
        _ => node.IsNull ? null : Value(render.Text(node.Value)),
    };

    public static JsonNode? Value(string text)
    {
        string trimmed = text.Trim();
        if (trimmed.Length == 0) return text.Length == 0 ? null : JsonValue.Create(text);
        if (trimmed[0] is '{' or '[' && Json.Parse(trimmed) is { } structure) return structure;
        if (trimmed is "true" or "false") return JsonValue.Create(trimmed == "true");
        if (trimmed is "null" or "~") return null;
        if (trimmed.Length < 19 && trimmed.Trim('-').Length > 0 && (trimmed[0] != '0' || trimmed.Length == 1 || trimmed[1] == '.') && trimmed[0] != '+')
        {
            if (long.TryParse(trimmed, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long whole)) return JsonValue.Create(whole);
            if (double.TryParse(trimmed, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number))
                return JsonValue.Create(number);
        }
        return JsonValue.Create(text);
    }

    private static JsonObject Object(YamlNode map, Rendering render)
    {
        var json = new JsonObject();
        foreach (var (key, value) in map.Pairs) json[render.Text(key.Value)] = Render(value, render);
        return json;
    }
}
