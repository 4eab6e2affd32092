using System.Text.Json;
using Pharos.Core;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Pharos.Collector.Discovery;

/// <summary>Lists of target groups, <c>[{"targets": [address], "labels": {name: value}}]</c>, as files and HTTP servers give them.</summary>
internal static class TargetGroups
{
    /// <summary>The targets, each with one label more.</summary>
    /// <exception cref="FormatException">The text is no list of target groups.</exception>
    public static IReadOnlyList<Labels> Read(string text, bool json, string metaName, string metaValue)
    {
        try
        {
            return json ? FromJson(text, metaName, metaValue) : FromYaml(text, metaName, metaValue);
        }
        catch (Exception bad) when (bad is JsonException or YamlException)
        {
            throw new FormatException($"not valid {(json ? "JSON" : "YAML")}: {bad.Message}", bad);
        }
    }

    private static List<Labels> FromJson(string text, string metaName, string metaValue)
    {
        using var document = JsonDocument.Parse(text);
        var found = new List<Labels>();
        if (document.RootElement.ValueKind == JsonValueKind.Null) return found;
        if (document.RootElement.ValueKind != JsonValueKind.Array) throw new FormatException("a list of {targets, labels} is expected");
        foreach (var group in document.RootElement.EnumerateArray())
        {
            if (group.ValueKind != JsonValueKind.Object) throw new FormatException("each entry must be an object of targets and labels");
            foreach (var member in group.EnumerateObject()) CheckKey(member.Name);
            var labels = group.Members("labels").Select(l => (l.Name, Text(l.Value, "labels"))).ToList();
            foreach (var target in group.Items("targets")) found.Add(Build(Text(target, "targets"), labels, metaName, metaValue));
        }
        return found;

        static string Text(JsonElement value, string key) => value.ValueKind == JsonValueKind.String ? value.GetString()! : throw new FormatException($"{key} must hold texts");
    }

    private static List<Labels> FromYaml(string text, string metaName, string metaValue)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(text));
        var found = new List<Labels>();
        if (stream.Documents.Count == 0 || IsNothing(stream.Documents[0].RootNode)) return found;
        if (stream.Documents[0].RootNode is not YamlSequenceNode groups) throw new FormatException("a list of {targets, labels} is expected");
        foreach (var node in groups)
        {
            if (node is not YamlMappingNode group) throw Wrong(node, "each entry must be a mapping of targets and labels");
            YamlNode? targets = null, given = null;
            foreach (var (key, value) in group.Children)
            {
                string name = (key as YamlScalarNode)?.Value ?? "";
                CheckKey(name);
                if (name == "targets") targets = value;
                else given = value;
            }
            var labels = given switch
            {
                null => [],
                YamlMappingNode map => map.Children.Select(p => (Text(p.Key, "labels"), Text(p.Value, "labels"))).ToList(),
                _ when IsNothing(given) => [],
                _ => throw Wrong(given, "labels must be a mapping"),
            };
            if (targets is null || IsNothing(targets)) continue;
            if (targets is not YamlSequenceNode list) throw Wrong(targets, "targets must be a list");
            foreach (var target in list) found.Add(Build(Text(target, "targets"), labels, metaName, metaValue));
        }
        return found;

        static string Text(YamlNode node, string key) => node is YamlScalarNode scalar ? scalar.Value ?? "" : throw Wrong(node, $"{key} must hold texts");
        static bool IsNothing(YamlNode node) => node is YamlScalarNode { Style: ScalarStyle.Plain or ScalarStyle.Any, Value: null or "" or "~" or "null" };
        static FormatException Wrong(YamlNode at, string message) => new($"line {at.Start.Line}: {message}");
    }

    private static void CheckKey(string name)
    {
        if (name is not ("targets" or "labels")) throw new FormatException($"an entry has the unknown field {GoString.Quote(name)}");
    }

    private static Labels Build(string target, IReadOnlyList<(string Name, string Value)> labels, string metaName, string metaValue)
    {
        var builder = new LabelsBuilder();
        foreach (var (name, value) in labels) builder.Set(name, value);
        return builder.Set("__address__", target).Set(metaName, metaValue).ToLabels();
    }
}
