using System.Text.Json.Nodes;
using YamlDotNet.RepresentationModel;

namespace Pharos.Server.Tests;

/// <summary>The parts of an OpenAPI 2 or 3 description that the tests need: operations, and whether a JSON value fits a schema.</summary>
internal sealed class OpenApi
{
    private readonly YamlMappingNode root;

    public OpenApi(string file)
    {
        var stream = new YamlStream();
        using var text = new StreamReader(file);
        stream.Load(text);
        root = (YamlMappingNode)stream.Documents[0].RootNode;
    }

    /// <summary>Every <c>METHOD path</c>.</summary>
    public IEnumerable<string> Operations =>
        from path in Map(root, "paths")!.Children
        from method in ((YamlMappingNode)path.Value).Children
        where Text(method.Key) is "get" or "post" or "put" or "delete"
        select $"{Text(method.Key).ToUpperInvariant()} {Text(path.Key)}";

    /// <summary>Names of an operation's parameters and whether they are required.</summary>
    public Dictionary<string, bool> Parameters(string operation)
    {
        var parts = operation.Split(' ');
        var described = Map(Map(Map(root, "paths")!, parts[1])!, parts[0].ToLowerInvariant())!;
        if (!described.Children.TryGetValue("parameters", out var parameters)) return [];
        return ((YamlSequenceNode)parameters).Select(p => Resolve((YamlMappingNode)p))
            .ToDictionary(p => Text(p["name"]), p => p.Children.TryGetValue("required", out var required) && Text(required) == "true");
    }

    public string Summary(string operation)
    {
        var parts = operation.Split(' ');
        return Text(Map(Map(Map(root, "paths")!, parts[1])!, parts[0].ToLowerInvariant())!["summary"]);
    }

    /// <summary>What does not fit in an answer; empty where it fits.</summary>
    public List<string> Check(string operation, int status, string body)
    {
        var parts = operation.Split(' ');
        var responses = Map(Map(Map(Map(root, "paths")!, parts[1])!, parts[0].ToLowerInvariant())!, "responses")!;
        if ((Map(responses, status.ToString()) ?? Map(responses, "default")) is not { } response) return [$"{operation}: status {status} is not described"];
        response = Resolve(response);
        var faults = new List<string>();
        var schema = Map(response, "schema") ?? (Map(response, "content") is { } content && Map(content, "application/json") is { } json ? Map(json, "schema") : null);
        if (schema is null) return faults;
        try
        {
            Check(schema, body.Length == 0 ? null : JsonNode.Parse(body), operation, faults);
        }
        catch (System.Text.Json.JsonException)
        {
            faults.Add($"{operation}: the body is no JSON");
        }
        return faults;
    }

    private void Check(YamlMappingNode schema, JsonNode? value, string at, List<string> faults)
    {
        schema = Resolve(schema);
        if (schema.Children.TryGetValue("allOf", out var all))
        {
            foreach (var part in (YamlSequenceNode)all) Check((YamlMappingNode)part, value, at, faults);
            return;
        }
        foreach (string choice in (string[])["anyOf", "oneOf"])
        {
            if (!schema.Children.TryGetValue(choice, out var any)) continue;
            var attempts = ((YamlSequenceNode)any).Select(part =>
            {
                var found = new List<string>();
                Check((YamlMappingNode)part, value, at, found);
                return found;
            }).ToList();
            if (attempts.TrueForAll(a => a.Count > 0)) faults.AddRange(attempts.MinBy(a => a.Count)!.Prepend($"{at}: fits none of {attempts.Count} schemas; the nearest says"));
            return;
        }
        // A schema without a type, and without members, allows anything.
        if (!schema.Children.ContainsKey("type") && !schema.Children.ContainsKey("properties")) return;
        switch (schema.Children.TryGetValue("type", out var type) ? Text(type) : "object")
        {
            case "object":
                if (value is not JsonObject json)
                {
                    faults.Add($"{at}: no object");
                    return;
                }
                if (schema.Children.TryGetValue("required", out var required))
                    faults.AddRange(((YamlSequenceNode)required).Select(Text).Where(n => json[n] is null).Select(n => $"{at}.{n}: is required"));
                foreach (var (name, property) in (Map(schema, "properties") ?? new YamlMappingNode()).Children)
                {
                    if (json[Text(name)] is { } member) Check((YamlMappingNode)property, member, $"{at}.{Text(name)}", faults);
                }
                if (schema.Children.TryGetValue("additionalProperties", out var more) && more is YamlScalarNode { Value: "false" })
                    faults.AddRange(json.Select(m => m.Key).Where(n => Map(schema, "properties") is not { } known || Map(known, n) is null).Select(n => $"{at}.{n}: is not described"));
                if (Map(schema, "additionalProperties") is { } rest)
                {
                    foreach (var (name, member) in json) Check(rest, member, $"{at}.{name}", faults);
                }
                break;
            case "array":
                if (value is not JsonArray list)
                {
                    faults.Add($"{at}: no array");
                    return;
                }
                if (Count(schema, "minItems") is { } least && list.Count < least) faults.Add($"{at}: {list.Count} items, at least {least}");
                if (Count(schema, "maxItems") is { } most && list.Count > most) faults.Add($"{at}: {list.Count} items, at most {most}");
                for (int i = 0; i < list.Count; i++) Check(Map(schema, "items")!, list[i], $"{at}[{i}]", faults);
                break;
            case "string":
                if (value?.GetValueKind() != System.Text.Json.JsonValueKind.String) faults.Add($"{at}: no string");
                else if (schema.Children.TryGetValue("enum", out var values) && !((YamlSequenceNode)values).Select(Text).Contains(value.ToString())) faults.Add($"{at}: {value} is none of the values");
                else if (schema.Children.TryGetValue("format", out var format) && Text(format) == "date-time" && !DateTimeOffset.TryParse(value.ToString(), out _)) faults.Add($"{at}: {value} is no time");
                break;
            case "number" or "integer":
                if (value?.GetValueKind() != System.Text.Json.JsonValueKind.Number) faults.Add($"{at}: no number");
                else if (Text(type!) == "integer" && value.GetValue<double>() % 1 != 0) faults.Add($"{at}: {value} is no whole number");
                break;
            case "boolean":
                if (value?.GetValueKind() is not (System.Text.Json.JsonValueKind.True or System.Text.Json.JsonValueKind.False)) faults.Add($"{at}: no boolean");
                break;
        }
    }

    private static int? Count(YamlMappingNode schema, string name) =>
        schema.Children.TryGetValue(name, out var count) ? int.Parse(Text(count), System.Globalization.CultureInfo.InvariantCulture) : null;

    private YamlMappingNode Resolve(YamlMappingNode node)
    {
        while (node.Children.TryGetValue("$ref", out var reference))
        {
            var target = root;
            foreach (string part in Text(reference)[2..].Split('/')) target = Map(target, part)!;
            node = target;
        }
        return node;
    }

    private static YamlMappingNode? Map(YamlMappingNode node, string key)
    {
        foreach (var (name, value) in node.Children)
        {
            if (Text(name) == key) return value as YamlMappingNode;
        }
        return null;
    }

    private static string Text(YamlNode node) => ((YamlScalarNode)node).Value ?? "";
}
