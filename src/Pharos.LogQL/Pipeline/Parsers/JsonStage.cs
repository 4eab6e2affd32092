using System.Text;
using System.Text.Json;
using Pharos.Core;

namespace Pharos.LogQL.Pipeline.Parsers;

/// <summary><c>| json</c>: every scalar of the line's object becomes a label, nested names joined by <c>_</c>.</summary>
internal sealed class JsonStage(NeededLabels needed) : Stage
{
    private readonly KnownFields known = new(needed, LogFieldFormat.Json);
    private readonly LabelNameCache names = new();
    private readonly List<string> prefixes = [];

    public override bool ChangesLabels => true;

    public override bool Process(ref LogLine line)
    {
        if (needed.None || known.TryExtract(ref line)) return true;
        var json = line.Bytes.TrimStart(" \t\r\n"u8);
        if (json.IsEmpty) return true;
        if (json[0] != '{')
        {
            line.Labels.Fail(JsonText.Error, "expecting json object(6), but it is not");
            return true;
        }
        var reader = new Utf8JsonReader(json, JsonText.Options);
        try
        {
            Read(ref reader, line.Labels);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            line.Labels.Fail(JsonText.Error, e.Message);
        }
        return true;
    }

    private void Read(ref Utf8JsonReader reader, LabelState labels)
    {
        prefixes.Clear();
        reader.Read();
        prefixes.Add("");
        string name = "";
        while (prefixes.Count > 0 && reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.PropertyName:
                    name = Join(prefixes[^1], reader.ValueIsEscaped ? Encoding.UTF8.GetBytes(reader.GetString()!) : reader.ValueSpan);
                    break;
                case JsonTokenType.StartObject:
                    prefixes.Add(name);
                    break;
                case JsonTokenType.EndObject:
                    prefixes.RemoveAt(prefixes.Count - 1);
                    break;
                case JsonTokenType.StartArray:
                    reader.Skip();
                    break;
                case JsonTokenType.Null:
                    break;
                default:
                    if (name.Length > 0 && needed.Needs(name)) labels.Extract(name, JsonText.Value(ref reader));
                    break;
            }
        }
    }

    private string Join(string prefix, ReadOnlySpan<byte> field)
    {
        if (prefix.Length == 0) return names.Of(field);
        string part = LabelNames.FromField(Encoding.UTF8.GetString(field), leading: false);
        return part.Length == 0 ? prefix : $"{prefix}_{part}";
    }
}
