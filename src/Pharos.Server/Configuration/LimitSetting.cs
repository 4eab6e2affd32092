using System.Globalization;
using System.Text.Json;
using Pharos.Core;
using YamlDotNet.RepresentationModel;

namespace Pharos.Server.Configuration;

/// <summary>One limit of a tenant: the name it has in a configuration, how it is read, and how its value is written back.</summary>
/// <param name="Meaning">For docs/server.md: what it limits, in which unit.</param>
internal sealed record LimitSetting(
    string Name, string Meaning, Func<TenantLimits, YamlNode, LimitReader, TenantLimits> Read, Action<TenantLimits, Utf8JsonWriter> WriteValue)
{
    public static LimitSetting Whole(string name, string meaning, Func<TenantLimits, long> get, Func<TenantLimits, long, TenantLimits> set, long max = int.MaxValue) =>
        new(name, meaning, (l, n, r) => set(l, r.Whole(n, max)), (l, json) => json.WriteNumberValue(get(l)));

    public static LimitSetting Number(string name, string meaning, Func<TenantLimits, double> get, Func<TenantLimits, double, TenantLimits> set) =>
        new(name, meaning, (l, n, r) => set(l, r.Number(n)), (l, json) => json.WriteNumberValue(get(l)));

    public static LimitSetting Duration(string name, string meaning, Func<TenantLimits, TimeSpan> get, Func<TenantLimits, TimeSpan, TenantLimits> set) =>
        new(name, meaning, (l, n, r) => set(l, r.Duration(n)), (l, json) => json.WriteStringValue(PromDuration.Format(get(l))));

    public static LimitSetting Size(string name, string meaning, Func<TenantLimits, long> get, Func<TenantLimits, long, TenantLimits> set) =>
        new(name, meaning, (l, n, r) => set(l, r.Size(n)), (l, json) => json.WriteStringValue(get(l) == 0 ? "0" : $"{get(l)}B"));

    public static LimitSetting Switch(string name, string meaning, Func<TenantLimits, bool> get, Func<TenantLimits, bool, TenantLimits> set) =>
        new(name, meaning, (l, n, r) => set(l, r.Choice(n, ("true", true), ("false", false))), (l, json) => json.WriteBooleanValue(get(l)));

    public static LimitSetting Text(string name, string meaning, Func<TenantLimits, string> get, Func<TenantLimits, string, TenantLimits> set) =>
        new(name, meaning, (l, n, r) => set(l, r.Text(n)), (l, json) => json.WriteStringValue(get(l)));

    public static LimitSetting Texts(string name, string meaning, Func<TenantLimits, IReadOnlyList<string>> get, Func<TenantLimits, IReadOnlyList<string>, TenantLimits> set) =>
        new(name, meaning, (l, n, r) => set(l, r.Texts(n)), (l, json) =>
        {
            json.WriteStartArray();
            foreach (string text in get(l)) json.WriteStringValue(text);
            json.WriteEndArray();
        });

    /// <summary>The value for a table of settings: as in YAML.</summary>
    public string ValueText(TenantLimits limits)
    {
        using var element = Value(limits);
        return element.RootElement.ValueKind == JsonValueKind.String ? element.RootElement.GetString()! : element.RootElement.GetRawText();
    }

    private JsonDocument Value(TenantLimits limits)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes)) WriteValue(limits, json);
        return JsonDocument.Parse(bytes.ToArray());
    }
}

/// <summary>Reads values of limits; what is wrong becomes a finding with its place.</summary>
internal sealed class LimitReader(string file, List<Diagnostic> findings)
{
    public SourcePosition At(YamlNode node) => new(file, (int)node.Start.Line, (int)node.Start.Column);

    public long Whole(YamlNode node, long max) =>
        long.TryParse(Scalar(node), NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number <= max
            ? number
            : Fail(node, $"\"{Scalar(node)}\" is not a whole number from 0 to {max}", 0L);

    public double Number(YamlNode node) =>
        double.TryParse(Scalar(node), NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && number >= 0 && double.IsFinite(number)
            ? number
            : Fail(node, $"\"{Scalar(node)}\" is not a number from 0", 0.0);

    public double SignedNumber(YamlNode node) =>
        double.TryParse(Scalar(node), NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number)
            ? number
            : Fail(node, $"\"{Scalar(node)}\" is not a number", 0.0);

    public TimeSpan Duration(YamlNode node) =>
        PromDuration.TryParse(Scalar(node), out var duration, out string? error) ? duration : Fail(node, error!, TimeSpan.Zero);

    public long Size(YamlNode node) =>
        ByteSize.TryParse(Scalar(node), out long bytes) ? bytes : Fail(node, $"\"{Scalar(node)}\" is not a size with a unit, for example 50GB", 0L);

    public string Text(YamlNode node) => node is YamlScalarNode { Value: { } text } ? text : Fail(node, "a text is expected here", "");

    public T Choice<T>(YamlNode node, params ReadOnlySpan<(string Word, T Value)> words)
    {
        string text = Scalar(node);
        var known = new List<string>();
        foreach (var (word, value) in words)
        {
            if (text == word) return value;
            known.Add(word);
        }
        return Fail(node, $"\"{text}\" is none of {string.Join(", ", known)}", words[0].Value);
    }

    /// <summary>A list of texts; also one text with commas, as on Mimir's command line.</summary>
    public IReadOnlyList<string> Texts(YamlNode node) => node switch
    {
        YamlSequenceNode list => [.. list.Children.Select(Text)],
        YamlScalarNode { Value: { } text } => text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries),
        _ => Fail<IReadOnlyList<string>>(node, "a list of texts is expected here", []),
    };

    /// <summary>A mapping of names to values.</summary>
    public IReadOnlyDictionary<string, T> Named<T>(YamlNode node, Func<YamlNode, T> value)
    {
        var named = new Dictionary<string, T>(StringComparer.Ordinal);
        if (node is YamlScalarNode { Value: null or "" }) return named;
        if (node is not YamlMappingNode mapping) return Fail(node, "a mapping of names to values is expected here", named);
        foreach (var (key, item) in mapping.Children) named[Text(key)] = value(item);
        return named;
    }

    /// <summary>A list of mappings with known keys.</summary>
    public IEnumerable<Dictionary<string, YamlNode>> Items(YamlNode node, params string[] keys)
    {
        if (node is YamlScalarNode { Value: null or "" }) yield break;
        if (node is not YamlSequenceNode list)
        {
            Fail(node, "a list is expected here", 0);
            yield break;
        }
        foreach (var child in list.Children)
        {
            if (child is not YamlMappingNode mapping)
            {
                Fail(child, "a mapping of keys to values is expected here", 0);
                continue;
            }
            var item = new Dictionary<string, YamlNode>(StringComparer.Ordinal);
            foreach (var (key, value) in mapping.Children)
            {
                if (key is YamlScalarNode { Value: { } name } && keys.Contains(name, StringComparer.Ordinal)) item[name] = value;
                else findings.Add(Diagnostic.Error(At(key), $"unknown key \"{key}\"", $"known here: {string.Join(", ", keys)}"));
            }
            yield return item;
        }
    }

    public T Fail<T>(YamlNode node, string message, T instead)
    {
        findings.Add(Diagnostic.Error(At(node), message));
        return instead;
    }

    private static string Scalar(YamlNode node) => (node as YamlScalarNode)?.Value ?? "";
}
