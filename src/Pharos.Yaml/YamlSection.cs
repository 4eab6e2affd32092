using System.Globalization;
using Pharos.Core;

namespace Pharos.Yaml;

/// <summary>
/// A mapping of a YAML text, read key by key and strictly. Each value that does not fit is a finding with its place; so is a key that is
/// written twice, and, once <see cref="Done"/> is called, a key that nobody asked for. Reading goes on, so that all mistakes are
/// reported together.
/// </summary>
public sealed class YamlSection
{
    private const int MergeDepthMax = 10;

    private readonly Dictionary<string, (YamlNode Key, YamlNode Value)> entries = new(StringComparer.Ordinal);
    private readonly HashSet<string> asked = new(StringComparer.Ordinal);

    /// <param name="node">A mapping; a null is an empty one, and another kind is a finding.</param>
    /// <param name="name">What it is, for messages: <c>slack_configs</c>.</param>
    public YamlSection(YamlNode node, string name, YamlReading reading)
    {
        Node = node;
        Name = name;
        Reading = reading;
        if (node.Kind == YamlKind.Mapping) Add(node, 0, merged: false);
        else if (!node.IsNull) Error(node, $"{name} must be a mapping of keys to values");
    }

    public YamlNode Node { get; }
    public string Name { get; }
    public YamlReading Reading { get; }

    public List<Diagnostic> Findings => Reading.Findings;

    public SourcePosition Position => Reading.At(Node);

    /// <summary>In the text's order.</summary>
    public IReadOnlyCollection<string> Keys => entries.Keys;

    /// <summary>Keys with their values, in the text's order.</summary>
    public IEnumerable<(YamlNode Key, YamlNode Value)> Pairs => entries.Values;

    /// <summary>Whether the key is written, even without a value.</summary>
    public bool Has(string key)
    {
        asked.Add(key);
        return entries.ContainsKey(key);
    }

    /// <summary>The value; null where the key is absent or its value is null.</summary>
    public YamlNode? Value(string key)
    {
        asked.Add(key);
        return entries.TryGetValue(key, out var e) && !e.Value.IsNull ? e.Value : null;
    }

    /// <summary>The node of a key that is written.</summary>
    public YamlNode KeyOf(string key) => entries[key].Key;

    /// <summary>A finding about one key's value.</summary>
    public void Error(string key, string message, string? mend = null) => Error(Place(key), message, mend);

    public void Error(YamlNode node, string message, string? mend = null) => Reading.Error(node, message, mend);

    /// <summary>A finding about the section as a whole.</summary>
    public void ErrorHere(string message, string? mend = null) => Error(Node, message, mend);

    public void WarnHere(string message, string? mend = null) => Reading.Warn(Node, message, mend);

    public void Warn(string key, string message, string? mend = null) => Reading.Warn(Place(key), message, mend);

    /// <summary>A text; empty where it is null, and null where the key is absent.</summary>
    public string? TextOrNull(string key)
    {
        asked.Add(key);
        if (!entries.TryGetValue(key, out var e)) return null;
        if (e.Value.IsNull) return "";
        if (e.Value.Kind == YamlKind.Scalar) return e.Value.Value;
        Error(e.Value, $"{key} must be a text");
        return null;
    }

    public string Text(string key, string otherwise = "") => TextOrNull(key) ?? otherwise;

    /// <summary>A text that is never shown.</summary>
    public string? SecretOrNull(string key)
    {
        if (Value(key) is { } node) Reading.MarkSecret(node);
        return TextOrNull(key);
    }

    public bool? BoolOrNull(string key) => Scalar(key) switch
    {
        null => null,
        "y" or "Y" or "yes" or "Yes" or "YES" or "on" or "On" or "ON" or "true" or "True" or "TRUE" => true,
        "n" or "N" or "no" or "No" or "NO" or "off" or "Off" or "OFF" or "false" or "False" or "FALSE" => false,
        var other => Fail<bool?>(key, $"{key} must be true or false, not {GoString.Quote(other)}", null),
    };

    public bool Bool(string key, bool otherwise = false) => BoolOrNull(key) ?? otherwise;

    public long? NumberOrNull(string key, long min = long.MinValue)
    {
        string? text = Scalar(key);
        if (text is null) return null;
        if (!long.TryParse(text.Replace("_", "", StringComparison.Ordinal), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number))
            return Fail<long?>(key, $"{key} must be a whole number, not {GoString.Quote(text)}", null);
        return number >= min ? number : Fail<long?>(key, min == 0 ? $"{key} must not be negative" : $"{key} must be at least {min}", null);
    }

    public long Number(string key, long otherwise, long min = long.MinValue) => NumberOrNull(key, min) ?? otherwise;

    /// <summary>A whole number from <paramref name="min"/> to the greatest of 32 bits.</summary>
    public int Count(string key, int otherwise = 0, int min = 0) => NumberOrNull(key, min) switch
    {
        null => otherwise,
        <= int.MaxValue and var number => (int)number,
        _ => Fail(key, $"{key} must be at most {int.MaxValue}", otherwise),
    };

    /// <summary>A finite number that is not negative.</summary>
    public double Float(string key, double otherwise)
    {
        string? text = Scalar(key);
        if (text is null) return otherwise;
        return double.TryParse(text, CultureInfo.InvariantCulture, out double number) && number >= 0 && double.IsFinite(number)
            ? number
            : Fail(key, $"{key} must be a number from 0, not {GoString.Quote(text)}", otherwise);
    }

    public TimeSpan? DurationOrNull(string key)
    {
        string? text = Scalar(key);
        if (text is null) return null;
        return PromDuration.TryParse(text, out var duration, out string? error) ? duration : Fail<TimeSpan?>(key, $"{key}: {error}", null);
    }

    public TimeSpan Duration(string key, TimeSpan otherwise) => DurationOrNull(key) ?? otherwise;

    /// <summary>A size such as <c>15MB</c>, bytes; units are powers of 1024, as Prometheus reads them.</summary>
    public long Size(string key, long otherwise)
    {
        string? text = Scalar(key);
        if (text is null) return otherwise;
        return ByteSize.TryParse(text, out long bytes) ? bytes : Fail(key, $"{key} must be a size with a unit, for example 15MB", otherwise);
    }

    /// <summary>The items of a list; none where the key is absent.</summary>
    public IReadOnlyList<YamlNode> Items(string key)
    {
        var node = Value(key);
        if (node is null) return [];
        if (node.Kind == YamlKind.Sequence) return node.Items;
        Error(node, $"{key} must be a list");
        return [];
    }

    /// <summary>A list of texts, each with its node; a null is an empty text.</summary>
    public List<(string Text, YamlNode Node)> TextNodes(string key)
    {
        var texts = new List<(string, YamlNode)>();
        foreach (var item in Items(key))
        {
            if (item.Kind == YamlKind.Scalar) texts.Add((item.IsNull ? "" : item.Value, item));
            else Error(item, $"each item of {key} must be a text");
        }
        return texts;
    }

    public IReadOnlyList<string> Texts(string key) => TextNodes(key).ConvertAll(t => t.Text);

    /// <summary>A list of texts that are never shown.</summary>
    public IReadOnlyList<string> Secrets(string key)
    {
        var texts = TextNodes(key);
        foreach (var (_, node) in texts) Reading.MarkSecret(node);
        return texts.ConvertAll(t => t.Text);
    }

    public YamlSection? Section(string key)
    {
        var node = Value(key);
        if (node is null) return null;
        if (node.Kind == YamlKind.Mapping) return new YamlSection(node, key, Reading);
        Error(node, $"{key} must be a mapping of keys to values");
        return null;
    }

    /// <summary>A list of mappings. An empty item is an error.</summary>
    public IReadOnlyList<YamlSection> Sections(string key)
    {
        var sections = new List<YamlSection>();
        foreach (var item in Items(key))
        {
            if (item.Kind == YamlKind.Mapping) sections.Add(new YamlSection(item, key, Reading));
            else Error(item, item.IsNull ? $"empty or null item in {key}" : $"each item of {key} must be a mapping of keys to values");
        }
        return sections;
    }

    /// <summary>The values of a mapping by name, in the text's order.</summary>
    public IEnumerable<(string Name, YamlNode Node)> Entries(string key) => Section(key) is { } section ? section.Pairs.Select(p => (p.Key.Value, p.Value)) : [];

    /// <summary>A mapping of names to texts in the text's order, each with its node.</summary>
    public List<(string Name, YamlNode Node)> TextEntries(string key)
    {
        var texts = new List<(string, YamlNode)>();
        foreach (var (name, node) in Entries(key))
        {
            if (node.Kind == YamlKind.Scalar) texts.Add((name, node));
            else Error(node, $"{key}.{name} must be a text");
        }
        return texts;
    }

    /// <summary>Texts by name, in the text's order; a null is an empty text.</summary>
    public IReadOnlyDictionary<string, string> TextMap(string key) =>
        TextEntries(key).ToDictionary(e => e.Name, e => e.Node.IsNull ? "" : e.Node.Value, StringComparer.Ordinal);

    /// <summary>Reports each key that nobody asked for. To be called once everything was read.</summary>
    public void Done()
    {
        foreach (var (key, (node, _)) in entries)
        {
            if (asked.Contains(key)) continue;
            string? near = NearestName.Of(key, asked);
            Error(node, $"field {key} not found in {Name}", near is not null ? $"did you mean \"{near}\"?" : $"known fields: {string.Join(", ", asked.Order(StringComparer.Ordinal))}");
        }
    }

    private YamlNode Place(string key) => entries.TryGetValue(key, out var e) ? e.Value : Node;

    /// <summary>The text of a scalar that is not null.</summary>
    private string? Scalar(string key) => Value(key) is null ? null : TextOrNull(key);

    private T Fail<T>(string key, string message, T instead)
    {
        Error(key, message);
        return instead;
    }

    private void Add(YamlNode node, int depth, bool merged)
    {
        if (depth > MergeDepthMax) return;
        YamlNode? merge = null;
        foreach (var (key, value) in node.Pairs)
        {
            if (key.Kind != YamlKind.Scalar) Error(key, $"a key of {Name} must be a text");
            else if (key is { Value: "<<", Style: YamlStyle.Plain }) merge = value;
            else if (!entries.TryAdd(key.Value, (key, value)) && !merged) Error(key, $"field {key.Value} is set twice in {Name}", "keep one of them");
        }
        if (merge is null) return;
        foreach (var source in merge.Kind == YamlKind.Sequence ? merge.Items : [merge])
        {
            if (source.Kind == YamlKind.Mapping) Add(source, depth + 1, merged: true);
            else Error(source, "<< must name a mapping");
        }
    }
}
