using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Pharos.Wire.Otlp;

/// <summary>Attribute values as text, for labels and metadata.</summary>
internal static class OtlpText
{
    public static string Of(long value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>A value as text: lists and maps as JSON, bytes in base 64.</summary>
    public static string Of(object? value)
    {
        switch (value)
        {
            case null: return "";
            case string text: return text;
            case bool yes: return yes ? "true" : "false";
            case long number: return Of(number);
            case double number: return number.ToString("R", CultureInfo.InvariantCulture);
            case byte[] bytes: return Convert.ToBase64String(bytes);
        }
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping })) Json(json, value);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void Json(Utf8JsonWriter json, object? value)
    {
        switch (value)
        {
            case null: json.WriteNullValue(); break;
            case string text: json.WriteStringValue(text); break;
            case bool yes: json.WriteBooleanValue(yes); break;
            case long number: json.WriteNumberValue(number); break;
            case double number when double.IsFinite(number): json.WriteNumberValue(number); break;
            case List<object?> list:
                json.WriteStartArray();
                foreach (object? item in list) Json(json, item);
                json.WriteEndArray();
                break;
            case List<OtlpAttribute> map:
                json.WriteStartObject();
                foreach (var (key, inner) in map)
                {
                    json.WritePropertyName(key);
                    Json(json, inner);
                }
                json.WriteEndObject();
                break;
            default: json.WriteStringValue(Of(value)); break;
        }
    }
}
