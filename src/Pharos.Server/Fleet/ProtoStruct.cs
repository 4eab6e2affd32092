using System.Text;
using System.Text.Json;
using Pharos.Wire;
using Pharos.Wire.Protobuf;

namespace Pharos.Server.Fleet;

/// <summary><c>google.protobuf.Struct</c> from and to the text of a JSON object.</summary>
internal static class ProtoStruct
{
    private const int DepthMax = 32;

    public static string ToJson(ProtoReader message)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer)) Object(writer, message, 0);
        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    public static void Write(ProtoBuffer buffer, string json)
    {
        using var document = JsonDocument.Parse(json);
        Fields(buffer, document.RootElement);
    }

    private static void Object(Utf8JsonWriter writer, ProtoReader message, int depth)
    {
        if (depth > DepthMax) throw new WireFormatException("the struct is nested too deeply", message.Position);
        writer.WriteStartObject();
        while (message.Next())
        {
            if (!message.Is(1, ProtoType.Bytes))
            {
                message.Skip();
                continue;
            }
            var entry = message.Message();
            string key = "";
            bool written = false;
            while (entry.Next())
            {
                if (entry.Is(1, ProtoType.Bytes))
                {
                    key = Encoding.UTF8.GetString(entry.Bytes());
                }
                else if (entry.Is(2, ProtoType.Bytes) && !written)
                {
                    writer.WritePropertyName(key);
                    Value(writer, entry.Message(), depth);
                    written = true;
                }
                else
                {
                    entry.Skip();
                }
            }
        }
        writer.WriteEndObject();
    }

    private static void Value(Utf8JsonWriter writer, ProtoReader value, int depth)
    {
        bool written = false;
        while (value.Next())
        {
            if (written)
            {
                value.Skip();
                continue;
            }
            written = true;
            switch (value.Field)
            {
                case 2: writer.WriteNumberValue(value.Double()); break;
                case 3: writer.WriteStringValue(value.Bytes()); break;
                case 4: writer.WriteBooleanValue(value.Varint() != 0); break;
                case 5: Object(writer, value.Message(), depth + 1); break;
                case 6:
                    if (depth > DepthMax) throw new WireFormatException("the struct is nested too deeply", value.Position);
                    var list = value.Message();
                    writer.WriteStartArray();
                    while (list.Next())
                    {
                        if (list.Is(1, ProtoType.Bytes)) Value(writer, list.Message(), depth + 1);
                        else list.Skip();
                    }
                    writer.WriteEndArray();
                    break;
                default:
                    value.Skip();
                    writer.WriteNullValue();
                    break;
            }
        }
        if (!written) writer.WriteNullValue();
    }

    private static void Fields(ProtoBuffer buffer, JsonElement map)
    {
        foreach (var property in map.EnumerateObject())
        {
            int entry = buffer.Begin(1);
            buffer.Field(1, property.Name);
            int value = buffer.Begin(2);
            Value(buffer, property.Value);
            buffer.End(value);
            buffer.End(entry);
        }
    }

    private static void Value(ProtoBuffer buffer, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Number: buffer.Field(2, value.GetDouble()); break;
            case JsonValueKind.String: buffer.Field(3, value.GetString()!); break;
            case JsonValueKind.True or JsonValueKind.False: buffer.Field(4, value.GetBoolean() ? 1UL : 0UL); break;
            case JsonValueKind.Object:
                int map = buffer.Begin(5);
                Fields(buffer, value);
                buffer.End(map);
                break;
            case JsonValueKind.Array:
                int list = buffer.Begin(6);
                foreach (var item in value.EnumerateArray())
                {
                    int one = buffer.Begin(1);
                    Value(buffer, item);
                    buffer.End(one);
                }
                buffer.End(list);
                break;
            default: buffer.Field(1, 0UL); break;
        }
    }
}
