using System.Globalization;
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
            foreach (var resourceLogs in List(document.RootElement, "resourceLogs"))
            {
                visitor.Resource(resourceLogs.TryGetProperty("resource", out var resource) ? Attributes(resource) : []);
                foreach (var scopeLogs in List(resourceLogs, "scopeLogs"))
                {
                    visitor.Scope(Scope(scopeLogs));
                    foreach (var record in List(scopeLogs, "logRecords")) visitor.Record(Record(record));
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or OverflowException)
        {
            throw new WireFormatException(WireErrorKind.Malformed, $"the body is no OTLP logs request in JSON: {e.Message}", e);
        }
    }

    private static OtlpScope Scope(JsonElement scopeLogs)
    {
        var read = new OtlpScope();
        if (!scopeLogs.TryGetProperty("scope", out var scope)) return read;
        read.Name = Text(scope, "name");
        read.Version = Text(scope, "version");
        read.Attributes.AddRange(Attributes(scope));
        read.DroppedAttributes = Whole(scope, "droppedAttributesCount");
        return read;
    }

    private static OtlpLogRecord Record(JsonElement json)
    {
        var record = new OtlpLogRecord
        {
            TimeNs = Whole(json, "timeUnixNano"),
            ObservedTimeNs = Whole(json, "observedTimeUnixNano"),
            SeverityNumber = (int)Whole(json, "severityNumber"),
            SeverityText = Text(json, "severityText"),
            Body = json.TryGetProperty("body", out var body) ? Value(body) : null,
            DroppedAttributes = Whole(json, "droppedAttributesCount"),
            Flags = Whole(json, "flags"),
            TraceId = Text(json, "traceId").ToLowerInvariant(),
            SpanId = Text(json, "spanId").ToLowerInvariant(),
            EventName = Text(json, "eventName"),
        };
        record.Attributes.AddRange(Attributes(json));
        return record;
    }

    private static List<OtlpAttribute> Attributes(JsonElement of) => Pairs(of, "attributes");

    private static List<OtlpAttribute> Pairs(JsonElement of, string name) =>
        [.. List(of, name).Select(a => new OtlpAttribute(Text(a, "key"), a.TryGetProperty("value", out var value) ? Value(value) : null))];

    private static object? Value(JsonElement any)
    {
        foreach (var field in any.EnumerateObject())
        {
            switch (field.Name)
            {
                case "stringValue": return field.Value.GetString();
                case "boolValue": return field.Value.GetBoolean();
                case "intValue": return Whole(field.Value);
                case "doubleValue": return field.Value.ValueKind == JsonValueKind.String ? double.Parse(field.Value.GetString()!, CultureInfo.InvariantCulture) : field.Value.GetDouble();
                case "arrayValue": return List(field.Value, "values").Select(Value).ToList();
                case "kvlistValue": return Pairs(field.Value, "values");
                case "bytesValue": return field.Value.GetBytesFromBase64();
            }
        }
        return null;
    }

    private static IEnumerable<JsonElement> List(JsonElement of, string name) =>
        of.TryGetProperty(name, out var list) && list.ValueKind != JsonValueKind.Null ? list.EnumerateArray() : [];

    private static string Text(JsonElement of, string name) => of.TryGetProperty(name, out var text) ? text.GetString() ?? "" : "";

    private static long Whole(JsonElement of, string name) => of.TryGetProperty(name, out var number) ? Whole(number) : 0;

    private static long Whole(JsonElement number) => number.ValueKind switch
    {
        JsonValueKind.String => long.Parse(number.GetString()!, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture),
        JsonValueKind.Null => 0,
        _ => number.GetInt64(),
    };
}
