using System.Globalization;
using Pharos.Core;
using Pharos.Yaml;

namespace Pharos.Server.Configuration;

/// <summary>Reads values of limits; what is wrong becomes a finding with its place.</summary>
/// <param name="folder">Of the file; paths in it are relative to that.</param>
internal sealed class LimitReader(YamlReading reading, string folder)
{
    public YamlReading Reading => reading;

    public string Folder => folder;

    public long Whole(YamlNode node, long max) =>
        long.TryParse(node.Value, NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number <= max
            ? number
            : Fail(node, $"\"{node.Value}\" is not a whole number from 0 to {max}", 0L);

    public double Number(YamlNode node) =>
        double.TryParse(node.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && number >= 0 && double.IsFinite(number)
            ? number
            : Fail(node, $"\"{node.Value}\" is not a number from 0", 0.0);

    public double SignedNumber(YamlNode node) =>
        double.TryParse(node.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number)
            ? number
            : Fail(node, $"\"{node.Value}\" is not a number", 0.0);

    public TimeSpan Duration(YamlNode node) =>
        PromDuration.TryParse(node.Value, out var duration, out string? error) ? duration : Fail(node, error!, TimeSpan.Zero);

    public long Size(YamlNode node) =>
        ByteSize.TryParse(node.Value, out long bytes) ? bytes : Fail(node, $"\"{node.Value}\" is not a size with a unit, for example 50GB", 0L);

    /// <summary>A size as Loki reads it: a unit in any case, or none for bytes.</summary>
    public long LokiSize(YamlNode node, long max = long.MaxValue)
    {
        string text = node.Value.Trim().ToUpperInvariant().Replace("IB", "B", StringComparison.Ordinal);
        if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long bytes) && !ByteSize.TryParse(text, out bytes))
            return Fail(node, $"\"{node.Value}\" is not a size: write bytes, or a whole number with a unit, for example 256KB", 0L);
        return bytes <= max ? bytes : Fail(node, $"\"{node.Value}\" is over {max} bytes", 0L);
    }

    public string Text(YamlNode node) => node.Kind == YamlKind.Scalar ? node.Value : Fail(node, "a text is expected here", "");

    public T Choice<T>(YamlNode node, params ReadOnlySpan<(string Word, T Value)> words)
    {
        string text = node.Value;
        var known = new List<string>();
        foreach (var (word, value) in words)
        {
            if (text == word) return value;
            known.Add(word);
        }
        return Fail(node, $"\"{text}\" is none of {string.Join(", ", known)}", words[0].Value);
    }

    /// <summary>A list of texts; also one text with commas, as on Mimir's command line.</summary>
    public IReadOnlyList<string> Texts(YamlNode node) => node.Kind switch
    {
        YamlKind.Sequence => [.. node.Items.Select(Text)],
        YamlKind.Scalar => node.Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries),
        _ => Fail<IReadOnlyList<string>>(node, "a list of texts is expected here", []),
    };

    /// <summary>A mapping of names to values.</summary>
    public IReadOnlyDictionary<string, T> Named<T>(YamlNode node, Func<YamlNode, T> value)
    {
        var named = new Dictionary<string, T>(StringComparer.Ordinal);
        if (IsEmpty(node)) return named;
        if (node.Kind != YamlKind.Mapping) return Fail(node, "a mapping of names to values is expected here", named);
        foreach (var (key, item) in node.Pairs) named[Text(key)] = value(item);
        return named;
    }

    /// <summary>A list of mappings with known keys.</summary>
    public IEnumerable<Dictionary<string, YamlNode>> Items(YamlNode node, params string[] keys)
    {
        if (IsEmpty(node)) yield break;
        if (node.Kind != YamlKind.Sequence)
        {
            Fail(node, "a list is expected here", 0);
            yield break;
        }
        foreach (var child in node.Items)
        {
            if (child.Kind != YamlKind.Mapping)
            {
                Fail(child, "a mapping of keys to values is expected here", 0);
                continue;
            }
            var item = new Dictionary<string, YamlNode>(StringComparer.Ordinal);
            foreach (var (key, value) in child.Pairs)
            {
                if (keys.Contains(key.Value, StringComparer.Ordinal)) item[key.Value] = value;
                else reading.Error(key, $"field {key.Value} not found", $"known fields: {string.Join(", ", keys)}");
            }
            yield return item;
        }
    }

    public static bool IsEmpty(YamlNode node) => node is { Kind: YamlKind.Scalar, Value: "" } or { Kind: YamlKind.Mapping, Pairs.Count: 0 } or { IsNull: true };

    public T Fail<T>(YamlNode node, string message, T instead)
    {
        reading.Error(node, message);
        return instead;
    }
}
