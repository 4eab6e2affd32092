using System.Text;
using System.Text.Json;

namespace Pharos.LogQL.Pipeline.Parsers;

/// <summary><c>| unpack</c>: undoes the pack stage. Labels are set only where the line holds a packed entry, <c>_entry</c>.</summary>
internal sealed class UnpackStage : Stage
{
    private readonly LabelNameCache names = new();
    private readonly List<(string Name, string Value)> labels = [];

    public override bool ChangesLabels => true;

    public override bool ChangesLine => true;

    public override bool Process(ref LogLine line)
    {
        var json = line.Bytes.TrimStart(" \t\r\n"u8);
        if (json.IsEmpty) return true;
        if (json[0] != '{')
        {
            line.Labels.Fail(JsonText.Error, "expecting json object(6), but it is not");
            return true;
        }
        labels.Clear();
        byte[]? entry = null;
        var reader = new Utf8JsonReader(json, JsonText.Options);
        try
        {
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                bool isEntry = reader.ValueTextEquals("_entry"u8);
                string name = isEntry ? "" : names.Of(reader.ValueIsEscaped ? Encoding.UTF8.GetBytes(reader.GetString()!) : reader.ValueSpan);
                reader.Read();
                if (reader.TokenType != JsonTokenType.String) reader.Skip();
                else if (isEntry) entry = reader.ValueIsEscaped ? Encoding.UTF8.GetBytes(reader.GetString()!) : reader.ValueSpan.ToArray();
                else if (name.Length > 0) labels.Add((name, JsonText.Value(ref reader)));
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            line.Labels.Fail(JsonText.Error, e.Message);
            return true;
        }
        if (entry is null) return true;
        foreach (var (name, value) in labels) line.Labels.Extract(name, value);
        line.Bytes = entry;
        return true;
    }
}
