using System.Text.Json;
using Pharos.Core;

namespace Pharos.Collector.Processing.Stages;

/// <summary>Takes values out of a JSON line by paths.</summary>
internal sealed class JsonExtractor : SimpleStage
{
    private readonly JsonStage options;
    private readonly InstrumentCell dropped;
    private readonly (string Name, JsonPath Path)[] paths;

    public JsonExtractor(JsonStage options, IStage next, InstrumentCell dropped)
        : base(next)
    {
        this.options = options;
        this.dropped = dropped;
        paths = [.. options.Expressions.Select(e => (e.Key, JsonPath.Parse(e.Value.Length > 0 ? e.Value : JsonPath.Quote(e.Key))))];
    }

    protected override bool Apply(LogEntry entry)
    {
        string? text = entry.Source(options.Source);
        if (text is null) return true;
        try
        {
            using var json = JsonDocument.Parse(text);
            if (json.RootElement.ValueKind != JsonValueKind.Object) return Malformed();
            foreach (var (name, path) in paths)
            {
                if (path.Find(json.RootElement) is not { } found) continue;
                entry.Extracted[name] = found.ValueKind switch
                {
                    JsonValueKind.String => found.GetString(),
                    JsonValueKind.Number => found.TryGetInt64(out long whole) && Math.Abs(whole) > (1L << 53) ? found.GetRawText() : found.GetDouble(),
                    JsonValueKind.True => true,
                    JsonValueKind.False => false,
                    JsonValueKind.Null => null,
                    _ => found.GetRawText(),
                };
            }
            return true;
        }
        catch (JsonException)
        {
            return Malformed();
        }
    }

    private bool Malformed()
    {
        if (!options.DropMalformed) return true;
        dropped.Add(1);
        return false;
    }
}

/// <summary>
/// The part of JMESPath that log pipelines use: names, quoted names, <c>.</c> between them and indexes in brackets.
/// Anything else is refused with its place.
/// </summary>
internal sealed class JsonPath
{
    private readonly (string? Name, int Index)[] steps;

    private JsonPath((string?, int)[] steps) => this.steps = steps;

    public static string Quote(string name) => GoString.Quote(name);

    /// <exception cref="FormatException">The expression is outside the supported part.</exception>
    public static JsonPath Parse(string text)
    {
        var steps = new List<(string?, int)>();
        int at = 0;
        while (at < text.Length)
        {
            if (text[at] == '[')
            {
                int end = text.IndexOf(']', at);
                if (end < 0 || !int.TryParse(text[(at + 1)..end], out int index)) throw Unsupported(text, at);
                steps.Add((null, index));
                at = end + 1;
            }
            else if (text[at] == '"')
            {
                int end = at + 1;
                while (end < text.Length && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
                if (end >= text.Length || !GoString.TryUnquote(text.AsSpan(at, end + 1 - at), out string? name, out _, out _)) throw Unsupported(text, at);
                steps.Add((name, 0));
                at = end + 1;
            }
            else
            {
                int end = at;
                while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] == '_')) end++;
                if (end == at || char.IsAsciiDigit(text[at])) throw Unsupported(text, at);
                steps.Add((text[at..end], 0));
                at = end;
            }
            if (at >= text.Length || text[at] == '[') continue;
            if (text[at] != '.' || at + 1 >= text.Length) throw Unsupported(text, at);
            at++;
        }
        return steps.Count > 0 ? new JsonPath([.. steps]) : throw new FormatException("the JMESPath expression is empty");
    }

    public JsonElement? Find(JsonElement from)
    {
        foreach (var (name, index) in steps)
        {
            if (name is not null)
            {
                if (from.ValueKind != JsonValueKind.Object || !from.TryGetProperty(name, out from)) return null;
            }
            else
            {
                if (from.ValueKind != JsonValueKind.Array) return null;
                int at = index < 0 ? from.GetArrayLength() + index : index;
                if (at < 0 || at >= from.GetArrayLength()) return null;
                from = from[at];
            }
        }
        return from;
    }

    private static FormatException Unsupported(string text, int at) =>
        new($"JMESPath expression \"{text}\", character {at + 1}: only names, quoted names, dots and indexes are supported; quote names that hold other characters");
}
