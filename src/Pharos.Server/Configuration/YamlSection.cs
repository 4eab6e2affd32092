using Pharos.Core;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Pharos.Server.Configuration;

/// <summary>
/// Reads a mapping of a YAML file strictly: every mistake becomes a finding with its place, a key that nobody asked for is one,
/// and reading goes on, so that all mistakes are reported together.
/// </summary>
internal sealed class YamlSection
{
    private readonly Dictionary<string, YamlNode> values = new(StringComparer.Ordinal);
    private readonly HashSet<string> asked = new(StringComparer.Ordinal);
    private readonly YamlNode node;
    private readonly string name;

    private YamlSection(YamlNode node, string name, string file, List<Diagnostic> findings)
    {
        this.node = node;
        this.name = name;
        File = file;
        Findings = findings;
        if (IsNothing(node)) return;
        if (node is not YamlMappingNode mapping)
        {
            Error(node, $"{name} must be a mapping of keys to values");
            return;
        }
        foreach (var (key, value) in mapping.Children)
        {
            if (key is YamlScalarNode { Value: { } text }) values[text] = value;
            else Error(key, "a key must be a single text");
        }
    }

    public string File { get; }

    public List<Diagnostic> Findings { get; }

    /// <exception cref="ConfigurationException">The text is not YAML.</exception>
    public static YamlSection Load(string text, string file, string name)
    {
        var stream = new YamlStream();
        try
        {
            stream.Load(new StringReader(text));
        }
        catch (YamlException e)
        {
            throw new ConfigurationException([Diagnostic.Error(new SourcePosition(file, (int)e.Start.Line, (int)e.Start.Column), $"not valid YAML: {e.InnerException?.Message ?? e.Message}")]);
        }
        var findings = new List<Diagnostic>();
        if (stream.Documents.Count > 1) findings.Add(Diagnostic.Error(new SourcePosition(file, (int)stream.Documents[1].RootNode.Start.Line, 1), "only one YAML document is read"));
        foreach (var document in stream.Documents) DecodeBinary(document, file, findings);
        return new YamlSection(stream.Documents.Count == 0 ? new YamlScalarNode("") : stream.Documents[0].RootNode, name, file, findings);
    }

    /// <summary>Texts that are written as <c>!!binary</c> must come out as UTF-8.</summary>
    private static void DecodeBinary(YamlDocument document, string file, List<Diagnostic> findings)
    {
        foreach (var node in document.AllNodes.OfType<YamlScalarNode>())
        {
            if (node.Tag.IsEmpty || node.Tag.Value != "tag:yaml.org,2002:binary" || node.Value is not { } text) continue;
            var bytes = new byte[text.Length];
            if (Convert.TryFromBase64String(text, bytes, out int length) && System.Text.Unicode.Utf8.IsValid(bytes.AsSpan(0, length)))
                node.Value = System.Text.Encoding.UTF8.GetString(bytes, 0, length);
            else
                findings.Add(Diagnostic.Error(new SourcePosition(file, (int)node.Start.Line, (int)node.Start.Column), "a !!binary value is not valid base64 of UTF-8 text"));
        }
    }

    public bool Has(string key)
    {
        asked.Add(key);
        return values.ContainsKey(key);
    }

    /// <summary>The node of a key that is there and not empty, or null.</summary>
    public YamlNode? Node(string key)
    {
        asked.Add(key);
        return values.TryGetValue(key, out var value) && !IsNothing(value) ? value : null;
    }

    public string? Text(string key) => Node(key) switch
    {
        null => values.TryGetValue(key, out var empty) && empty is YamlScalarNode ? "" : null,
        YamlScalarNode { Value: { } text } => text,
        var other => Fail<string?>(other, $"{key} must be a single text", null),
    };

    public string Text(string key, string otherwise) => Text(key) ?? otherwise;

    public bool? Bool(string key) => Node(key) switch
    {
        null => null,
        YamlScalarNode { Value: "true" or "True" or "TRUE" or "yes" or "on" } => true,
        YamlScalarNode { Value: "false" or "False" or "FALSE" or "no" or "off" } => false,
        var other => Fail<bool?>(other, $"{key} must be true or false", null),
    };

    public bool Bool(string key, bool otherwise) => Bool(key) ?? otherwise;

    public long Number(string key, long otherwise, long min = long.MinValue)
    {
        var value = Node(key);
        if (value is null) return otherwise;
        if (value is YamlScalarNode { Value: { } text } && long.TryParse(text, out long number))
            return number >= min ? number : Fail(value, $"{key} must be at least {min}", otherwise);
        return Fail(value, $"{key} must be a whole number", otherwise);
    }

    /// <summary>A finite number that is not negative.</summary>
    public double Float(string key, double otherwise)
    {
        var value = Node(key);
        if (value is null) return otherwise;
        return value is YamlScalarNode { Value: { } text } && double.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out double number) && number >= 0 && double.IsFinite(number)
            ? number : Fail(value, $"{key} must be a number from 0", otherwise);
    }

    public TimeSpan? Duration(string key)
    {
        var value = Node(key);
        if (value is null) return null;
        if (value is not YamlScalarNode { Value: { } text }) return Fail<TimeSpan?>(value, $"{key} must be a duration", null);
        return PromDuration.TryParse(text, out var duration, out string? error) ? duration : Fail<TimeSpan?>(value, $"{key}: {error}", null);
    }

    public TimeSpan Duration(string key, TimeSpan otherwise) => Duration(key) ?? otherwise;

    /// <summary>A size such as <c>15MB</c>, bytes; units are powers of 1024, as Prometheus reads them.</summary>
    public long Size(string key, long otherwise)
    {
        var value = Node(key);
        if (value is null) return otherwise;
        if (value is YamlScalarNode { Value: { } text } && ByteSize.TryParse(text, out long bytes)) return bytes;
        return Fail(value, $"{key} must be a size with a unit, for example 15MB", otherwise);
    }

    /// <summary>A list of texts; a single text counts as a list of one only where the real format says so.</summary>
    public IReadOnlyList<string> Texts(string key)
    {
        var value = Node(key);
        if (value is null) return [];
        if (value is not YamlSequenceNode list) return Fail<IReadOnlyList<string>>(value, $"{key} must be a list", []);
        return [.. list.Children.Select(c => c is YamlScalarNode { Value: { } text } ? text : Fail(c, $"{key} must be a list of texts", ""))];
    }

    public IReadOnlyDictionary<string, string> TextMap(string key)
    {
        var section = Section(key);
        return section is null ? new Dictionary<string, string>() : section.values.ToDictionary(v => v.Key, v => section.Text(v.Key) ?? "");
    }

    /// <summary>The names in this section, in the file's order.</summary>
    public IReadOnlyCollection<string> Keys => values.Keys;

    public YamlSection? Section(string key)
    {
        asked.Add(key);
        return values.TryGetValue(key, out var value) && !IsNothing(value) ? new YamlSection(value, key, File, Findings) : null;
    }

    /// <summary>A list of mappings. An empty item is an error, as everywhere in the real formats.</summary>
    public IReadOnlyList<YamlSection> Sections(string key)
    {
        var value = Node(key);
        if (value is null) return [];
        if (value is not YamlSequenceNode list) return Fail<IReadOnlyList<YamlSection>>(value, $"{key} must be a list", []);
        var sections = new List<YamlSection>();
        foreach (var child in list.Children)
        {
            if (IsNothing(child)) Error(child, $"empty or null item in {key}");
            else sections.Add(new YamlSection(child, key, File, Findings));
        }
        return sections;
    }

    /// <summary>Reports keys that nobody asked for. To be called once everything was read.</summary>
    public void Done()
    {
        foreach (var (key, value) in values)
        {
            if (asked.Contains(key)) continue;
            string? near = NearestName.Of(key, asked);
            Findings.Add(Diagnostic.Error(KeyPosition(key, value), $"unknown field \"{key}\" in {name}", near is null ? null : $"did you mean \"{near}\"?"));
        }
    }

    public void Error(string key, string message, string? mend = null) =>
        Findings.Add(Diagnostic.Error(At(values.TryGetValue(key, out var value) ? value : node), message, mend));

    public void Error(string message, string? mend = null) => Findings.Add(Diagnostic.Error(At(node), message, mend));

    public void Warn(string key, string message) => Findings.Add(Diagnostic.Warning(At(values.TryGetValue(key, out var value) ? value : node), message));

    public SourcePosition Position => At(node);

    private void Error(YamlNode at, string message) => Findings.Add(Diagnostic.Error(At(at), message));

    private SourcePosition At(YamlNode at) => new(File, (int)at.Start.Line, (int)at.Start.Column);

    private SourcePosition KeyPosition(string key, YamlNode value)
    {
        var found = node is YamlMappingNode mapping ? mapping.Children.Keys.FirstOrDefault(k => k is YamlScalarNode scalar && scalar.Value == key) : null;
        return At(found ?? value);
    }

    private T Fail<T>(YamlNode at, string message, T instead)
    {
        Error(at, message);
        return instead;
    }

    private static bool IsNothing(YamlNode node) => node is YamlScalarNode { Style: ScalarStyle.Plain or ScalarStyle.Any, Value: null or "" or "~" or "null" };
}
