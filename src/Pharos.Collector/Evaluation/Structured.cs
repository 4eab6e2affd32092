using System.Globalization;
using System.Text;
using System.Text.Json;
using Pharos.Yaml;

namespace Pharos.Collector.Evaluation;

/// <summary>JSON and YAML to values and back.</summary>
internal static class Structured
{
    public static Value FromJson(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return FromJson(document.RootElement);
        }
        catch (JsonException bad)
        {
            throw new FunctionException(0, $"not valid JSON: {bad.Message}");
        }
    }

    public static Value FromJson(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => Value.Of(element.GetString()!),
        JsonValueKind.True => BoolValue.True,
        JsonValueKind.False => BoolValue.False,
        JsonValueKind.Number when element.TryGetInt64(out long integer) => Value.Of(integer),
        JsonValueKind.Number => Value.Of(element.GetDouble()),
        JsonValueKind.Array => new ArrayValue([.. element.EnumerateArray().Select(FromJson)]),
        JsonValueKind.Object => new ObjectValue([.. element.EnumerateObject().Select(p => KeyValuePair.Create(p.Name, FromJson(p.Value)))]),
        _ => NullValue.Instance,
    };

    public static string ToJson(Value value)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            WriteJson(writer, value);
        }
        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    /// <summary>Writes a value; objects with sorted keys, secrets hidden.</summary>
    public static void WriteJson(Utf8JsonWriter writer, Value value)
    {
        switch (value)
        {
            case BoolValue b: writer.WriteBooleanValue(b.Flag); break;
            case NumberValue { Number: long l }: writer.WriteNumberValue(l); break;
            case NumberValue { Number: ulong u }: writer.WriteNumberValue(u); break;
            case NumberValue n when double.IsFinite(n.AsDouble): writer.WriteNumberValue(n.AsDouble); break;
            case StringValue s: writer.WriteStringValue(s.Text); break;
            case ArrayValue array:
                writer.WriteStartArray();
                foreach (var item in array.Items) WriteJson(writer, item);
                writer.WriteEndArray();
                break;
            case ObjectValue map:
                writer.WriteStartObject();
                foreach (string name in map.Names.Order(StringComparer.Ordinal))
                {
                    writer.WritePropertyName(name);
                    WriteJson(writer, map[name]!);
                }
                writer.WriteEndObject();
                break;
            case NullValue: writer.WriteNullValue(); break;
            default: writer.WriteStringValue(value.ToString()); break;
        }
    }

    public static Value FromYaml(string yaml)
    {
        var reading = new YamlReading(yaml, "");
        var value = reading.Root is null ? NullValue.Instance : FromYaml(reading.Root, reading);
        return reading.HasErrors ? throw new FunctionException(0, reading.Findings[0].ToString()) : value;
    }

    private static Value FromYaml(YamlNode node, YamlReading reading) => node.Kind switch
    {
        YamlKind.Sequence => new ArrayValue([.. node.Items.Select(i => FromYaml(i, reading))]),
        YamlKind.Mapping => new ObjectValue([.. new YamlSection(node, "a mapping", reading).Pairs.Select(p => KeyValuePair.Create(p.Key.Value, FromYaml(p.Value, reading)))]),
        _ => node.Style == YamlStyle.Plain ? Scalar(node.Value) : Value.Of(node.Value),
    };

    private static Value Scalar(string text)
    {
        switch (text)
        {
            case "" or "~" or "null" or "Null" or "NULL": return NullValue.Instance;
            case "true" or "True" or "TRUE": return BoolValue.True;
            case "false" or "False" or "FALSE": return BoolValue.False;
            case ".inf" or ".Inf" or ".INF" or "+.inf": return Value.Of(double.PositiveInfinity);
            case "-.inf" or "-.Inf" or "-.INF": return Value.Of(double.NegativeInfinity);
            case ".nan" or ".NaN" or ".NAN": return Value.Of(double.NaN);
        }
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long integer)) return Value.Of(integer);
        if (text.StartsWith("0x", StringComparison.Ordinal) && long.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out integer)) return Value.Of(integer);
        bool numeric = char.IsAsciiDigit(text[0]) || (text.Length > 1 && text[0] is '-' or '+' or '.' && text.AsSpan(1).ContainsAnyInRange('0', '9'));
        if (numeric && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double real)) return Value.Of(real);
        return Value.Of(text);
    }
}
