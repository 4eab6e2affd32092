using System.Text.Json;

namespace Pharos.Wire.Otlp;

/// <summary>Reads OTLP logs in JSON: field names in camel case, 64-bit numbers as text or numbers, ids in hexadecimal.</summary>
internal static class OtlpLogsJson
{
    public static void Read(ReadOnlyMemory<byte> json, IOtlpLogVisitor visitor)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 64 });
            foreach (var resourceLogs in OtlpJson.List(document.RootElement, "resourceLogs"))
            {
                visitor.Resource(OtlpJson.ResourceOf(resourceLogs));
                foreach (var scopeLogs in OtlpJson.List(resourceLogs, "scopeLogs"))
                {
                    visitor.Scope(OtlpJson.ScopeOf(scopeLogs));
                    foreach (var record in OtlpJson.List(scopeLogs, "logRecords")) visitor.Record(Record(record));
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or OverflowException)
        {
            throw new WireFormatException(WireErrorKind.Malformed, $"the body is no OTLP logs request in JSON: {e.Message}", e);
        }
    }

    private static OtlpLogRecord Record(JsonElement json)
    {
        var record = new OtlpLogRecord
        {
            TimeNs = OtlpJson.Whole(json, "timeUnixNano"),
            ObservedTimeNs = OtlpJson.Whole(json, "observedTimeUnixNano"),
            SeverityNumber = (int)OtlpJson.Whole(json, "severityNumber"),
            SeverityText = OtlpJson.Text(json, "severityText"),
            Body = json.TryGetProperty("body", out var body) ? OtlpJson.Value(body) : null,
            DroppedAttributes = OtlpJson.Whole(json, "droppedAttributesCount"),
            Flags = OtlpJson.Whole(json, "flags"),
            TraceId = OtlpJson.Text(json, "traceId").ToLowerInvariant(),
            SpanId = OtlpJson.Text(json, "spanId").ToLowerInvariant(),
            EventName = OtlpJson.Text(json, "eventName"),
        };
        record.Attributes.AddRange(OtlpJson.Attributes(json));
        return record;
    }
}
