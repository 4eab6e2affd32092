using System.Text;
using System.Text.Json;
using Pharos.Core;
using Pharos.Templates;

namespace Pharos.Collector.Evaluation;

/// <summary>The functions of the standard library, and their deprecated names.</summary>
internal static class StandardFunctions
{
    public static IReadOnlyList<StandardFunction> All { get; } =
    [
        Stable("sys.env", Environment),
        Stable("coalesce", Coalesce),
        Stable("json_path", JsonPathOf),
        Stable("convert.nonsensitive", NonSensitive),
        Stable("array.concat", Concat),
        Experimental("array.combine_maps", ArrayFunctions.CombineMaps),
        Experimental("array.group_by", ArrayFunctions.GroupBy),
        Stable("encoding.from_json", (_, a) => Structured.FromJson(Text(a, 0, 1))),
        Stable("encoding.from_yaml", (_, a) => Structured.FromYaml(Text(a, 0, 1))),
        Stable("encoding.from_base64", (_, a) => Base64(Text(a, 0, 1), url: false)),
        Stable("encoding.from_URLbase64", (_, a) => Base64(Text(a, 0, 1), url: true)),
        Stable("encoding.to_json", ToJson),
        Stable("encoding.to_base64", (_, a) => Value.Of(Convert.ToBase64String(Encoding.UTF8.GetBytes(Text(a, 0, 1))))),
        Stable("encoding.to_URLbase64", (_, a) => Value.Of(Convert.ToBase64String(Encoding.UTF8.GetBytes(Text(a, 0, 1))).Replace('+', '-').Replace('/', '_'))),
        Stable("encoding.url_encode", (_, a) => Value.Of(GoText.UrlQueryEscape(Text(a, 0, 1)))),
        Stable("encoding.url_decode", (_, a) => Value.Of(UrlText.Decode(Text(a, 0, 1)))),
        Stable("string.format", (_, a) => Value.Of(GoFormat.Format(Text(a, 0, -1), a.AsSpan(1)))),
        Stable("string.join", Join),
        Stable("string.replace", (_, a) => Value.Of(Replace(Text(a, 0, 3), Text(a, 1, 3), Text(a, 2, 3)))),
        Stable("string.split", (_, a) => Split(Text(a, 0, 2), Text(a, 1, 2))),
        Stable("string.to_lower", (_, a) => Value.Of(Text(a, 0, 1).ToLowerInvariant())),
        Stable("string.to_upper", (_, a) => Value.Of(Text(a, 0, 1).ToUpperInvariant())),
        Stable("string.trim", (_, a) => Value.Of(Trim(Text(a, 0, 2), Text(a, 1, 2)))),
        Stable("string.trim_prefix", (_, a) => Value.Of(TrimPrefix(Text(a, 0, 2), Text(a, 1, 2)))),
        Stable("string.trim_suffix", (_, a) => Value.Of(TrimSuffix(Text(a, 0, 2), Text(a, 1, 2)))),
        Stable("string.trim_space", (_, a) => Value.Of(Text(a, 0, 1).Trim())),
        Stable("file.path_join", (_, a) => Value.Of(PathJoin(a))),
        Deprecated("env", "sys.env", Environment),
        Deprecated("nonsensitive", "convert.nonsensitive", NonSensitive),
        Deprecated("concat", "array.concat", Concat),
        Deprecated("json_decode", "encoding.from_json", (_, a) => Structured.FromJson(Text(a, 0, 1))),
        Deprecated("yaml_decode", "encoding.from_yaml", (_, a) => Structured.FromYaml(Text(a, 0, 1))),
        Deprecated("base64_decode", "encoding.from_base64", (_, a) => Base64(Text(a, 0, 1), url: false)),
        Deprecated("format", "string.format", (_, a) => Value.Of(GoFormat.Format(Text(a, 0, -1), a.AsSpan(1)))),
        Deprecated("join", "string.join", Join),
        Deprecated("replace", "string.replace", (_, a) => Value.Of(Replace(Text(a, 0, 3), Text(a, 1, 3), Text(a, 2, 3)))),
        Deprecated("split", "string.split", (_, a) => Split(Text(a, 0, 2), Text(a, 1, 2))),
        Deprecated("to_lower", "string.to_lower", (_, a) => Value.Of(Text(a, 0, 1).ToLowerInvariant())),
        Deprecated("to_upper", "string.to_upper", (_, a) => Value.Of(Text(a, 0, 1).ToUpperInvariant())),
        Deprecated("trim", "string.trim", (_, a) => Value.Of(Trim(Text(a, 0, 2), Text(a, 1, 2)))),
        Deprecated("trim_prefix", "string.trim_prefix", (_, a) => Value.Of(TrimPrefix(Text(a, 0, 2), Text(a, 1, 2)))),
        Deprecated("trim_suffix", "string.trim_suffix", (_, a) => Value.Of(TrimSuffix(Text(a, 0, 2), Text(a, 1, 2)))),
        Deprecated("trim_space", "string.trim_space", (_, a) => Value.Of(Text(a, 0, 1).Trim())),
    ];

    /// <summary>A text argument; numbers become text, as everywhere where text is expected.</summary>
    /// <param name="count">How many arguments the function takes; -1 for any number.</param>
    internal static string Text(Value[] arguments, int index, int count)
    {
        if (count >= 0 && arguments.Length != count) throw new FunctionException(-1, $"expected {count} arguments, got {arguments.Length}");
        if (index >= arguments.Length) throw new FunctionException(-1, $"expected at least {index + 1} arguments, got {arguments.Length}");
        return arguments[index] switch
        {
            StringValue s => s.Text,
            NumberValue n => n.ToString(),
            var other => throw Wrong(index, other, "string"),
        };
    }

    internal static FunctionException Wrong(int index, Value value, string expected) => new(index, $"{value} should be {expected}, got {value.Type}");

    private static StandardFunction Stable(string name, Func<HostFacts, Value[], Value> invoke) => new(name, invoke, Stability.GenerallyAvailable);

    private static StandardFunction Experimental(string name, Func<HostFacts, Value[], Value> invoke) => new(name, invoke, Stability.Experimental);

    private static StandardFunction Deprecated(string name, string successor, Func<HostFacts, Value[], Value> invoke) =>
        new(name, invoke, Stability.GenerallyAvailable, successor);

    private static Value Environment(HostFacts facts, Value[] arguments) => Value.Of(facts.Environment(Text(arguments, 0, 1)) ?? "");

    private static Value Coalesce(HostFacts facts, Value[] arguments)
    {
        foreach (var value in arguments)
        {
            bool empty = value switch
            {
                NullValue => true,
                BoolValue b => !b.Flag,
                NumberValue n => n.AsDouble == 0,
                StringValue s => s.Text.Length == 0,
                SecretValue s => s.Text.Length == 0,
                ArrayValue a => a.Items.Count == 0,
                ObjectValue o => o.Names.Count == 0,
                _ => false,
            };
            if (!empty) return value;
        }
        return arguments.Length == 0 ? NullValue.Instance : arguments[^1];
    }

    private static Value JsonPathOf(HostFacts facts, Value[] arguments)
    {
        string json = Text(arguments, 0, 2), path = Text(arguments, 1, 2);
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(json);
        }
        catch (JsonException bad)
        {
            throw new FunctionException(0, $"not valid JSON: {bad.Message}");
        }
        using (document) return new ArrayValue([.. JsonPath.Select(document.RootElement, path).Select(Structured.FromJson)]);
    }

    private static Value NonSensitive(HostFacts facts, Value[] arguments)
    {
        if (arguments is [SecretValue secret]) return Value.Of(secret.Text);
        return Value.Of(Text(arguments, 0, 1));
    }

    private static Value Concat(HostFacts facts, Value[] arguments)
    {
        var items = new List<Value>();
        for (int i = 0; i < arguments.Length; i++)
        {
            if (arguments[i] is not ArrayValue array) throw Wrong(i, arguments[i], "array");
            items.AddRange(array.Items);
        }
        return new ArrayValue(items);
    }

    private static Value ToJson(HostFacts facts, Value[] arguments)
    {
        if (arguments.Length != 1) throw new FunctionException(-1, $"expected 1 arguments, got {arguments.Length}");
        if (arguments[0] is not (ObjectValue or ArrayValue)) throw new FunctionException(0, $"encoding.to_json only supports objects and arrays, got {arguments[0].Type}");
        return Value.Of(Structured.ToJson(arguments[0]));
    }

    private static Value Base64(string text, bool url)
    {
        try
        {
            if (url) text = text.Replace('-', '+').Replace('_', '/');
            return Value.Of(Encoding.UTF8.GetString(Convert.FromBase64String(text)));
        }
        catch (FormatException)
        {
            throw new FunctionException(0, "not valid base64");
        }
    }

    private static Value Join(HostFacts facts, Value[] arguments)
    {
        string separator = Text(arguments, 1, 2);
        if (arguments[0] is not ArrayValue array) throw Wrong(0, arguments[0], "array");
        return Value.Of(string.Join(separator, array.Items.Select(i => i switch
        {
            StringValue s => s.Text,
            BoolValue or NumberValue => i.ToString(),
            _ => throw Wrong(0, i, "string"),
        })));
    }

    private static string Replace(string text, string old, string with)
    {
        if (old.Length > 0) return text.Replace(old, with, StringComparison.Ordinal);
        var spread = new StringBuilder(with);
        foreach (var rune in text.EnumerateRunes()) spread.Append(rune).Append(with);
        return spread.ToString();
    }

    private static ArrayValue Split(string text, string separator) => new(separator.Length == 0
        ? [.. text.EnumerateRunes().Select(r => Value.Of(r.ToString()))]
        : [.. text.Split(separator).Select(Value.Of)]);

    private static string Trim(string text, string set) => text.Trim(set.ToCharArray());

    private static string TrimPrefix(string text, string prefix) => text.StartsWith(prefix, StringComparison.Ordinal) ? text[prefix.Length..] : text;

    private static string TrimSuffix(string text, string suffix) => text.EndsWith(suffix, StringComparison.Ordinal) ? text[..^suffix.Length] : text;

    /// <summary>Joins and cleans as Go's filepath.Join: empty parts do not count, <c>.</c> and <c>..</c> are resolved.</summary>
    private static string PathJoin(Value[] arguments)
    {
        var parts = new List<string>();
        for (int i = 0; i < arguments.Length; i++)
        {
            string part = Text(arguments, i, -1);
            if (part.Length > 0) parts.Add(part);
        }
        if (parts.Count == 0) return "";
        string joined = string.Join('/', parts);
        bool rooted = joined.StartsWith('/');
        var clean = new List<string>();
        foreach (string step in joined.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (step == ".") continue;
            if (step != "..") clean.Add(step);
            else if (clean.Count > 0 && clean[^1] != "..") clean.RemoveAt(clean.Count - 1);
            else if (!rooted) clean.Add("..");
        }
        string path = (rooted ? "/" : "") + string.Join('/', clean);
        return path.Length == 0 ? "." : path;
    }
}
