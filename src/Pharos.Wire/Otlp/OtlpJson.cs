using System.Globalization;
using System.Text.Json;

namespace Pharos.Wire.Otlp;

/// <summary>What the JSON of all OTLP signals shares: resource, scope, attributes and their values; 64-bit numbers as text or numbers.</summary>
internal static class OtlpJson
{
    /// <summary>The attributes of the resource of an item of <c>resourceLogs</c> or <c>resourceMetrics</c>.</summary>
    public static List<OtlpAttribute> ResourceOf(JsonElement item) => item.TryGetProperty("resource", out var resource) ? Attributes(resource) : [];

    /// <summary>The scope of an item of <c>scopeLogs</c> or <c>scopeMetrics</c>.</summary>
    public static OtlpScope ScopeOf(JsonElement item)
    {
        var read = new OtlpScope { SchemaUrl = Text(item, "schemaUrl") };
        if (!item.TryGetProperty("scope", out var scope)) return read;
        read.Name = Text(scope, "name");
        read.Version = Text(scope, "version");
        read.Attributes.AddRange(Attributes(scope));
        read.DroppedAttributes = Whole(scope, "droppedAttributesCount");
        return read;
    }

    public static List<OtlpAttribute> Attributes(JsonElement of) => Pairs(of, "attributes");

    public static List<OtlpAttribute> Pairs(JsonElement of, string name) =>
        [.. List(of, name).Select(a => new OtlpAttribute(Text(a, "key"), a.TryGetProperty("value", out var value) ? Value(value) : null))];

    public static object? Value(JsonElement any)
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

    public static IEnumerable<JsonElement> List(JsonElement of, string name) =>
        of.TryGetProperty(name, out var list) && list.ValueKind != JsonValueKind.Null ? list.EnumerateArray() : [];

    public static string Text(JsonElement of, string name) => of.TryGetProperty(name, out var text) ? text.GetString() ?? "" : "";

    public static long Whole(JsonElement of, string name) => of.TryGetProperty(name, out var number) ? Whole(number) : 0;

    public static long Whole(JsonElement number) => number.ValueKind switch
    {
        JsonValueKind.String => long.Parse(number.GetString()!, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture),
        JsonValueKind.Null => 0,
        _ => number.GetInt64(),
    };
}
