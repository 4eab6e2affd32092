using System.Text.Json;
using Pharos.LogQL.Syntax;

namespace Pharos.LogQL.Pipeline.Parsers;

/// <summary><c>| json a="x.y[0]", b</c>: only the named paths become labels; a path that is not there gives an empty label.</summary>
internal sealed class JsonExpressionStage : Stage
{
    private readonly (string Label, JsonStep[] Path)[] wanted;
    private readonly string?[] found;
    private readonly NeededLabels needed;

    public JsonExpressionStage(IReadOnlyList<Extraction> extractions, NeededLabels needed)
    {
        this.needed = needed;
        wanted = [.. extractions.Select(e => (e.Label, JsonPath.Parse(e.Expression)))];
        found = new string?[wanted.Length];
    }

    public override bool ChangesLabels => true;

    public override bool Process(ref LogLine line)
    {
        if (needed.None) return true;
        var json = line.Bytes.TrimStart(" \t\r\n"u8);
        if (json.IsEmpty) return true;
        if (json[0] is not ((byte)'{' or (byte)'['))
        {
            line.Labels.Fail(JsonText.Error, "the line is no JSON");
            return true;
        }
        Array.Clear(found);
        var reader = new Utf8JsonReader(json, JsonText.Options);
        try
        {
            if (reader.Read())
            {
                Span<int> all = stackalloc int[wanted.Length];
                for (int i = 0; i < all.Length; i++) all[i] = i;
                Walk(ref reader, json, all, 0);
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // What was found before the damage counts; the rest is empty.
        }
        for (int i = 0; i < wanted.Length; i++)
        {
            if (needed.Needs(wanted[i].Label)) line.Labels.Extract(wanted[i].Label, found[i] ?? "");
        }
        return true;
    }

    /// <summary>The reader stands at the start of a value that the first <paramref name="depth"/> steps of the paths lead to.</summary>
    private void Walk(ref Utf8JsonReader reader, ReadOnlySpan<byte> json, scoped ReadOnlySpan<int> paths, int depth)
    {
        bool deeper = false;
        foreach (int path in paths)
        {
            if (wanted[path].Path.Length == depth)
            {
                var copy = reader;
                found[path] ??= JsonText.AnyValue(ref copy, json);
            }
            else
            {
                deeper = true;
            }
        }
        bool isObject = reader.TokenType == JsonTokenType.StartObject;
        if (!deeper || !(isObject || reader.TokenType == JsonTokenType.StartArray))
        {
            reader.Skip();
            return;
        }
        Span<int> next = stackalloc int[paths.Length];
        int index = 0;
        while (reader.Read() && reader.TokenType is not (JsonTokenType.EndObject or JsonTokenType.EndArray))
        {
            int count = 0;
            foreach (int path in paths)
            {
                if (wanted[path].Path.Length <= depth || found[path] is not null) continue;
                var step = wanted[path].Path[depth];
                if (isObject ? step.Field is not null && reader.ValueTextEquals(step.Field) : step.Field is null && step.Index == index) next[count++] = path;
            }
            if (isObject) reader.Read();
            if (count > 0) Walk(ref reader, json, next[..count], depth + 1);
            else reader.Skip();
            index++;
        }
    }
}
