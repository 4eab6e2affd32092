using Pharos.Core;
using YamlDotNet.RepresentationModel;

namespace Pharos.Alerting;

/// <summary>
/// A mapping of the configuration, read key by key. Each value that does not fit is a finding with its place;
/// keys that nobody asked for are findings of <see cref="Done"/>.
/// </summary>
internal sealed class YamlSection
{
    private readonly Dictionary<string, (YamlNode Key, YamlNode Value)> entries = new(StringComparer.Ordinal);
    private readonly HashSet<string> asked = new(StringComparer.Ordinal);

    public YamlSection(YamlMappingNode node, ConfigReading reading, string name)
    {
        Node = node;
        Reading = reading;
        Name = name;
        Add(node, overwrite: true);
    }

    public YamlMappingNode Node { get; }
    public ConfigReading Reading { get; }

    /// <summary>Where the section stands, for messages: <c>slack_configs</c>.</summary>
    public string Name { get; }

    public SourcePosition Position => Reading.At(Node);

    public IEnumerable<string> Keys => entries.Keys;

    public bool Has(string key) => Value(key) is not null;

    public SourcePosition At(string key) => entries.TryGetValue(key, out var e) ? Reading.At(e.Value) : Position;

    /// <summary>A finding about one key's value.</summary>
    public void Error(string key, string message, string? mend = null) => Reading.Error(At(key), message, mend);

    /// <summary>A finding about the section as a whole.</summary>
    public void ErrorHere(string message, string? mend = null) => Reading.Error(Position, message, mend);

    /// <summary>The value, null where the key is absent or its value is null.</summary>
    public YamlNode? Value(string key)
    {
        asked.Add(key);
        return entries.TryGetValue(key, out var e) && !Yaml.IsNull(e.Value) ? e.Value : null;
    }

    public string? TextOrNull(string key)
    {
        var node = Value(key);
        if (node is null) return null;
        if (node is YamlScalarNode scalar) return scalar.Value ?? "";
        Reading.Error(node, $"{key} must be a text");
        return null;
    }

    public string Text(string key, string otherwise = "") => TextOrNull(key) ?? otherwise;

    /// <summary>A text that is never shown.</summary>
    public string? SecretOrNull(string key)
    {
        var node = Value(key);
        if (node is not null) Reading.MarkSecret(node);
        return TextOrNull(key);
    }

    public bool? BoolOrNull(string key)
    {
        string? text = TextOrNull(key);
        if (text is null) return null;
        if (Yaml.TryBool(text, out bool value)) return value;
        Error(key, $"{key} must be true or false, not {GoString.Quote(text)}");
        return null;
    }

    public bool Bool(string key, bool otherwise) => BoolOrNull(key) ?? otherwise;

    public long? IntOrNull(string key)
    {
        string? text = TextOrNull(key);
        if (text is null) return null;
        if (Yaml.TryInt(text, out long value)) return value;
        Error(key, $"{key} must be a whole number, not {GoString.Quote(text)}");
        return null;
    }

    public int Count(string key, int otherwise)
    {
        long? value = IntOrNull(key);
        if (value is null) return otherwise;
        if (value is >= 0 and <= int.MaxValue) return (int)value;
        Error(key, $"{key} must not be negative");
        return otherwise;
    }

    public TimeSpan? DurationOrNull(string key)
    {
        string? text = TextOrNull(key);
        if (text is null) return null;
        if (PromDuration.TryParse(text, out var duration, out string? error)) return duration;
        Error(key, $"{key}: {error}");
        return null;
    }

    public TimeSpan Duration(string key, TimeSpan otherwise) => DurationOrNull(key) ?? otherwise;

    public YamlSection? Section(string key)
    {
        var node = Value(key);
        if (node is null) return null;
        if (node is YamlMappingNode mapping) return new YamlSection(mapping, Reading, key);
        Reading.Error(node, $"{key} must be a mapping of keys to values");
        return null;
    }

    /// <summary>The items of a list; empty where absent.</summary>
    public IReadOnlyList<YamlNode> Items(string key)
    {
        var node = Value(key);
        if (node is null) return [];
        if (node is YamlSequenceNode list) return [.. list.Children];
        Reading.Error(node, $"{key} must be a list");
        return [];
    }

    public IEnumerable<YamlSection> Sections(string key)
    {
        foreach (var item in Items(key))
        {
            if (item is YamlMappingNode mapping) yield return new YamlSection(mapping, Reading, key);
            else if (Yaml.IsNull(item)) yield return new YamlSection(new YamlMappingNode(), Reading, key);
            else Reading.Error(item, $"each item of {key} must be a mapping of keys to values");
        }
    }

    public List<(string Text, YamlNode Node)> Texts(string key)
    {
        var texts = new List<(string, YamlNode)>();
        foreach (var item in Items(key))
        {
            if (item is YamlScalarNode scalar) texts.Add((Yaml.IsNull(scalar) ? "" : scalar.Value ?? "", item));
            else Reading.Error(item, $"each item of {key} must be a text");
        }
        return texts;
    }

    /// <summary>Text by name, in the order written; a null value is an empty text.</summary>
    public Dictionary<string, string> Map(string key, bool secret = false)
    {
        var map = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, node) in Entries(key))
        {
            if (node is not YamlScalarNode scalar)
            {
                Reading.Error(node, $"{key}.{name} must be a text");
                continue;
            }
            if (secret) Reading.MarkSecret(scalar);
            map[name] = Yaml.IsNull(scalar) ? "" : scalar.Value ?? "";
        }
        return map;
    }

    public IEnumerable<(string Name, YamlNode Node)> Entries(string key)
    {
        var section = Section(key);
        return section is null ? [] : section.entries.Select(e => (e.Key, e.Value.Value));
    }

    /// <summary>Reports every key that nothing has asked for.</summary>
    public void Done()
    {
        foreach (var (key, (node, _)) in entries)
        {
            if (asked.Contains(key)) continue;
            string? near = NearestName.Of(key, asked);
            Reading.Error(node, $"unknown key {GoString.Quote(key)}{(Name.Length > 0 ? $" in {Name}" : "")}",
                near is null ? null : $"did you mean {near}?");
        }
    }

    private void Add(YamlMappingNode node, bool overwrite)
    {
        foreach (var (key, value) in node.Children)
        {
            string? name = (key as YamlScalarNode)?.Value;
            if (name is null) Reading.Error(key, "a key must be a text");
            else if (name == "<<" && value is YamlMappingNode merged) Add(merged, overwrite: false);
            else if (overwrite) entries[name] = (key, value);
            else entries.TryAdd(name, (key, value));
        }
    }
}
