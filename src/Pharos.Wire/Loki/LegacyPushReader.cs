using System.Text;
using System.Text.Json;
using Pharos.Core;

namespace Pharos.Wire.Loki;

/// <summary>The JSON of <c>POST /api/prom/push</c>: <c>{"streams":[{"labels":"{…}","entries":[{"ts":"RFC 3339","line":"…"}]}]}</c></summary>
internal sealed class LegacyPushReader(LokiPushOptions options, LogBatch batch) : IDisposable
{
    private readonly LabelScratch scratch = new();
    private readonly PushCollector collector = new(options, batch);

    public LokiPushResult Read(ReadOnlyMemory<byte> json)
    {
        batch.Clear();
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 16 });
            foreach (var stream in List(document.RootElement, "streams")) Stream(stream);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new WireFormatException(WireErrorKind.Malformed, $"couldn't parse push request: {e.Message}", e);
        }
        return collector.Result();
    }

    public void Dispose() => scratch.Dispose();

    private void Stream(JsonElement json)
    {
        int stream = collector.AddStream(Encoding.UTF8.GetBytes(Text(json, "labels")), scratch, out var error);
        int entries = 0;
        foreach (var entry in List(json, "entries"))
        {
            entries++;
            string ts = Text(entry, "ts");
            if (!UnixTime.TryRfc3339Ns(ts, out long timestampNs))
                throw new WireFormatException(WireErrorKind.Malformed, $"couldn't parse push request: \"{ts}\" is no RFC 3339 time");
            if (stream >= 0) batch.AddEntry(stream, timestampNs, Encoding.UTF8.GetBytes(Text(entry, "line")));
        }
        if (error is not null) collector.LeftOut(error, entries);
    }

    private static IEnumerable<JsonElement> List(JsonElement json, string name)
    {
        if (json.ValueKind != JsonValueKind.Object) throw new JsonException($"expected an object with \"{name}\"");
        if (!json.TryGetProperty(name, out var list) || list.ValueKind == JsonValueKind.Null) return [];
        return list.ValueKind == JsonValueKind.Array ? list.EnumerateArray() : throw new JsonException($"\"{name}\" must be an array");
    }

    private static string Text(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var text) && text.ValueKind == JsonValueKind.String
            ? text.GetString()!
            : throw new JsonException($"\"{name}\" must be a string");
}
