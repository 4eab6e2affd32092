using System.Globalization;
using Pharos.Core;

namespace Pharos.Rules.Loading;

/// <summary>Reads the fields of one YAML mapping strictly: an unknown or repeated field and a wrong type are findings.</summary>
internal sealed class YamlFields
{
    private const int MergeDepthMax = 10;

    private readonly string file;
    private readonly string type;
    private readonly List<Diagnostic> findings;
    private readonly Dictionary<string, (YamlNode Key, YamlNode Value)> fields = new(StringComparer.Ordinal);
    private readonly HashSet<string> read = new(StringComparer.Ordinal);

    /// <param name="type">What the mapping is, for messages: <c>rule group</c>.</param>
    public YamlFields(YamlNode node, string file, string type, List<Diagnostic> findings)
    {
        this.file = file;
        this.type = type;
        this.findings = findings;
        Node = node;
        if (node.Kind == YamlKind.Mapping) Take(node, 0, merged: false);
        else if (!node.IsNull) Error(node, $"{type} must be a mapping of fields");
    }

    public YamlNode Node { get; }

    public SourcePosition At(YamlNode node) => new(file, node.Line, node.Column);

    public void Error(YamlNode node, string message, string? mend = null) => findings.Add(Diagnostic.Error(At(node), message, mend));

    public YamlNode? Value(string name)
    {
        read.Add(name);
        return fields.TryGetValue(name, out var field) && !field.Value.IsNull ? field.Value : null;
    }

    /// <summary>Was the field written, even without a value?</summary>
    public bool Has(string name) => fields.ContainsKey(name);

    public YamlNode KeyOf(string name) => fields[name].Key;

    public string Text(string name)
    {
        var node = Value(name);
        if (node is null) return "";
        if (node.Kind == YamlKind.Scalar) return node.Value;
        Error(node, $"{name} must be text");
        return "";
    }

    public TimeSpan? Duration(string name)
    {
        var node = Value(name);
        if (node is null) return null;
        string? error = $"{name} must be a duration";
        if (node.Kind == YamlKind.Scalar && PromDuration.TryParse(node.Value, out var duration, out error)) return duration;
        Error(node, error!);
        return null;
    }

    public int Int(string name, int otherwise = 0)
    {
        var node = Value(name);
        if (node is null) return otherwise;
        if (node.Kind == YamlKind.Scalar && int.TryParse(node.Value.Replace("_", "", StringComparison.Ordinal), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number)) return number;
        Error(node, $"{name} must be a whole number");
        return otherwise;
    }

    public bool Bool(string name)
    {
        var node = Value(name);
        switch (node?.Value)
        {
            case null: return false;
            case "true" or "True" or "TRUE" or "yes" or "on": return true;
            case "false" or "False" or "FALSE" or "no" or "off": return false;
        }
        Error(node, $"{name} must be true or false");
        return false;
    }

    public IReadOnlyList<YamlNode> List(string name)
    {
        var node = Value(name);
        if (node is null) return [];
        if (node.Kind == YamlKind.Sequence) return node.Items;
        Error(node, $"{name} must be a list");
        return [];
    }

    /// <summary>A mapping of text to text with the nodes of its values, by name.</summary>
    public SortedDictionary<string, YamlNode> Texts(string name)
    {
        var texts = new SortedDictionary<string, YamlNode>(StringComparer.Ordinal);
        var node = Value(name);
        if (node is null) return texts;
        if (node.Kind != YamlKind.Mapping)
        {
            Error(node, $"{name} must be a mapping of names to text");
            return texts;
        }
        var inner = new YamlFields(node, file, name, findings);
        foreach (var (key, (_, value)) in inner.fields)
        {
            if (value.Kind != YamlKind.Scalar) Error(value, $"{name}: {key} must be text");
            else texts[key] = value;
        }
        return texts;
    }

    /// <summary>Reports the fields that nobody asked for.</summary>
    public void Close()
    {
        foreach (var (name, (key, _)) in fields)
        {
            if (!read.Contains(name))
                Error(key, $"field {name} not found in {type}", $"known fields: {string.Join(", ", read.Order(StringComparer.Ordinal))}");
        }
    }

    private void Take(YamlNode node, int depth, bool merged)
    {
        if (depth > MergeDepthMax) return;
        YamlNode? merge = null;
        foreach (var (key, value) in node.Pairs)
        {
            if (key.Kind != YamlKind.Scalar)
            {
                Error(key, $"field name of {type} must be text");
            }
            else if (key.Value == "<<" && key.Style == YamlDotNet.Core.ScalarStyle.Plain)
            {
                merge = value;
            }
            else if (!fields.TryAdd(key.Value, (key, value)) && !merged)
            {
                Error(key, $"field {key.Value} is set twice in {type}", "keep one of them");
            }
        }
        if (merge is null) return;
        foreach (var source in merge.Kind == YamlKind.Sequence ? merge.Items : [merge])
        {
            if (source.Kind == YamlKind.Mapping) Take(source, depth + 1, merged: true);
            else Error(source, "<< must name a mapping");
        }
    }
}
