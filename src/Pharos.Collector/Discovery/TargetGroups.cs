using System.Text.Json;
using Pharos.Core;
using Pharos.Yaml;

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
        catch (JsonException bad)
        {
            throw new FormatException($"not valid JSON: {bad.Message}", bad);
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
            var labels = group.Members("labels").Select(l => KeyValuePair.Create(l.Name, Text(l.Value, "labels"))).ToList();
            foreach (var target in group.Items("targets")) found.Add(Build(Text(target, "targets"), labels, metaName, metaValue));
        }
        return found;

        static string Text(JsonElement value, string key) => value.ValueKind == JsonValueKind.String ? value.GetString()! : throw new FormatException($"{key} must hold texts");
    }

    private static List<Labels> FromYaml(string text, string metaName, string metaValue)
    {
        var reading = new YamlReading(text, "");
        if (reading.HasErrors) throw new FormatException(string.Join('\n', reading.Findings));
        var found = new List<Labels>();
        if (reading.Root is null or { IsNull: true }) return found;
        if (reading.Root.Kind != YamlKind.Sequence) throw new FormatException("a list of {targets, labels} is expected");
        foreach (var node in reading.Root.Items)
        {
            var group = new YamlSection(node, "an entry", reading);
            var targets = group.Texts("targets");
            var labels = group.TextMap("labels");
            group.Done();
            if (reading.HasErrors) throw new FormatException(string.Join('\n', reading.Findings));
            found.AddRange(targets.Select(target => Build(target, labels, metaName, metaValue)));
        }
        return found;
    }

    private static void CheckKey(string name)
    {
        if (name is not ("targets" or "labels")) throw new FormatException($"an entry has the unknown field {GoString.Quote(name)}");
    }

    private static Labels Build(string target, IEnumerable<KeyValuePair<string, string>> labels, string metaName, string metaValue)
    {
        var builder = new LabelsBuilder();
        foreach (var (name, value) in labels) builder.Set(name, value);
        return builder.Set("__address__", target).Set(metaName, metaValue).ToLabels();
    }
}
