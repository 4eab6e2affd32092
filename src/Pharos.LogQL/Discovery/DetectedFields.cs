using System.Globalization;
using System.Text.Json;
using Pharos.Core;
using Pharos.LogQL.Pipeline;
using Pharos.LogQL.Pipeline.Parsers;
using Pharos.LogQL.Syntax;

namespace Pharos.LogQL.Discovery;

/// <summary>A field that was seen in lines or their metadata.</summary>
/// <param name="Type">int, float, boolean, duration, bytes or string.</param>
/// <param name="Parsers">Which stages find it: json, logfmt; empty for metadata, and for labels of the query that no such stage gives.</param>
/// <param name="JsonPath">The names that lead to it in the first JSON line that has it; empty where none does.</param>
public sealed record DetectedField(string Name, string Type, IReadOnlyList<string> Parsers, IReadOnlyList<string> JsonPath, IReadOnlyCollection<string> Values);

/// <summary>Finds out which fields lines have. Not safe for several threads.</summary>
public sealed class DetectedFields
{
    private readonly SortedDictionary<string, Seen> fields = new(StringComparer.Ordinal);
    private readonly LabelState labels = new();
    private readonly JsonStage json = new(NeededLabels.All);
    private readonly LogfmtStage logfmt = new(new LogfmtSyntax(0, false, false, []), NeededLabels.All);

    private sealed class Seen
    {
        public HashSet<string> Values { get; } = new(StringComparer.Ordinal);
        public SortedSet<string> Parsers { get; } = new(StringComparer.Ordinal);
        public string? Type { get; set; }
        public IReadOnlyList<string> JsonPath { get; set; } = [];
    }

    /// <summary>Most values that are kept per field.</summary>
    public int ValuesMax { get; init; } = 1000;

    public void Add(LogQlEntry entry)
    {
        Note(entry.Metadata, null);
        Note(entry.Parsed, null);
        var (parser, stage) = entry.Line.AsSpan().TrimStart(" \t"u8) is [(byte)'{', ..] ? ("json", (Stage)json) : ("logfmt", logfmt);
        labels.Reset(entry.Stream, entry.Metadata.Encoded);
        var line = new LogLine { Bytes = entry.Line, TimestampNs = entry.TimestampNs, Labels = labels };
        stage.Process(ref line);
        if (labels.HasError) return;
        bool newPaths = false;
        foreach (var (name, value) in labels.Parsed)
        {
            // What the query made of a field is its own.
            if (entry.Parsed.TryGetValue(name, out string? parsed) && parsed != value) continue;
            Note(name, value, parser);
            newPaths |= parser == "json" && fields[name].JsonPath.Count == 0;
        }
        if (newPaths) NotePaths(entry.Line);
    }

    /// <summary>All fields, sorted by name.</summary>
    public IReadOnlyList<DetectedField> Fields =>
        [.. fields.Select(f => new DetectedField(f.Key, f.Value.Type ?? "string", [.. f.Value.Parsers], f.Value.JsonPath, f.Value.Values))];

    private void NotePaths(byte[] line)
    {
        using var document = JsonDocument.Parse(line);
        var path = new List<string>();
        Walk(document.RootElement, "");

        void Walk(JsonElement at, string name)
        {
            if (at.ValueKind == JsonValueKind.Object)
            {
                foreach (var property in at.EnumerateObject())
                {
                    string part = LabelNames.FromField(property.Name, leading: path.Count == 0);
                    path.Add(property.Name);
                    Walk(property.Value, name.Length == 0 ? part : part.Length == 0 ? name : $"{name}_{part}");
                    path.RemoveAt(path.Count - 1);
                }
                return;
            }
            // Of a name that the stream has as well, the field's label carries a suffix.
            foreach (string label in (string[])[name, name + "_extracted"])
            {
                if (fields.TryGetValue(label, out var seen) && seen.JsonPath.Count == 0 && seen.Parsers.Contains("json")) seen.JsonPath = [.. path];
            }
        }
    }

    private void Note(Labels set, string? parser)
    {
        foreach (var (name, value) in set)
        {
            if (!name.StartsWith("__error", StringComparison.Ordinal)) Note(name, value, parser);
        }
    }

    private void Note(string name, string value, string? parser)
    {
        if (!fields.TryGetValue(name, out var seen)) fields[name] = seen = new Seen();
        if (parser is not null) seen.Parsers.Add(parser);
        if (value.Length == 0) return;
        seen.Type ??= TypeOf(value);
        if (seen.Values.Count < ValuesMax) seen.Values.Add(value);
    }

    private static string TypeOf(string value)
    {
        if (long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _)) return "int";
        if (Numbers.TryFloat(value, out _)) return "float";
        if (value is "true" or "false") return "boolean";
        if (Numbers.TryGoDuration(value, out _, out _)) return "duration";
        return char.IsAsciiDigit(value[0]) && Numbers.TrySize(value, out _, out _) ? "bytes" : "string";
    }
}
