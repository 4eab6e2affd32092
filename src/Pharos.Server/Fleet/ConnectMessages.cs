using System.Globalization;
using System.Text;
using System.Text.Json;
using Pharos.Wire;
using Pharos.Wire.Protobuf;

namespace Pharos.Server.Fleet;

internal enum FieldKind
{
    Text,
    Flag,
    Enum,
    Message,

    /// <summary><c>google.protobuf.Timestamp</c>; RFC 3339 in JSON.</summary>
    Time,

    /// <summary><c>google.protobuf.Struct</c>; held as the text of a JSON object.</summary>
    Struct,

    /// <summary><c>map&lt;string, string&gt;</c></summary>
    TextMap,

    /// <summary><c>map&lt;string, message&gt;</c></summary>
    MessageMap,
}

/// <param name="Name">The name in the definition, in snake case; JSON writes it in camel case and reads both.</param>
/// <param name="Values">Names of an enum's values, by number.</param>
internal sealed record Field(uint Number, string Name, FieldKind Kind, Shape? Message = null, bool Repeated = false, IReadOnlyList<string>? Values = null)
{
    public string JsonName { get; } = Camel(Name);

    private static string Camel(string name)
    {
        var parts = name.Split('_');
        return parts[0] + string.Concat(parts.Skip(1).Select(p => char.ToUpperInvariant(p[0]) + p[1..]));
    }
}

/// <summary>The fields of one message type: one definition for JSON and protobuf.</summary>
internal sealed record Shape(string Name, params IReadOnlyList<Field> Fields);

/// <summary>A message of the fleet's services, fields by their names in the definition. Absent and default are the same, as in proto3.</summary>
internal sealed class Message(Shape shape)
{
    private readonly Dictionary<string, object> values = new(StringComparer.Ordinal);

    public Shape Shape => shape;

    public object? this[string name]
    {
        get => values.GetValueOrDefault(name);
        set
        {
            if (value is null) values.Remove(name);
            else values[name] = value;
        }
    }

    public bool Has(string name) => values.ContainsKey(name);

    public string Text(string name) => this[name] as string ?? "";

    public bool Flag(string name, bool otherwise = false) => this[name] as bool? ?? otherwise;

    public int Enum(string name) => this[name] as int? ?? 0;

    public Message? Nested(string name) => this[name] as Message;

    public IReadOnlyList<string> Texts(string name) => this[name] is List<object> list ? [.. list.Cast<string>()] : [];

    public IReadOnlyList<Message> Messages(string name) => this[name] is List<object> list ? [.. list.Cast<Message>()] : [];

    public IReadOnlyDictionary<string, string> Map(string name) =>
        this[name] is Dictionary<string, object> map ? map.ToDictionary(p => p.Key, p => (string)p.Value, StringComparer.Ordinal) : new Dictionary<string, string>();

    internal List<object> ListOf(string name)
    {
        if (this[name] is not List<object> list) this[name] = list = [];
        return list;
    }

    internal Dictionary<string, object> MapOf(string name)
    {
        if (this[name] is not Dictionary<string, object> map) this[name] = map = new Dictionary<string, object>(StringComparer.Ordinal);
        return map;
    }
}

/// <summary>Messages as JSON, the way protobuf's JSON mapping and Connect write them.</summary>
internal static class JsonMessages
{
    /// <exception cref="FormatException">The JSON does not fit the message; names the field.</exception>
    public static Message Read(Shape shape, ReadOnlyMemory<byte> json)
    {
        if (json.IsEmpty) return new Message(shape);
        try
        {
            using var document = JsonDocument.Parse(json);
            return Read(shape, document.RootElement);
        }
        catch (JsonException bad)
        {
            throw new FormatException($"the body is not valid JSON: {bad.Message}", bad);
        }
    }

    public static byte[] Write(Message message)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer)) Write(writer, message);
        return buffer.ToArray();
    }

    private static Message Read(Shape shape, JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object) throw new FormatException($"{shape.Name} must be an object");
        var message = new Message(shape);
        foreach (var property in json.EnumerateObject())
        {
            var field = shape.Fields.FirstOrDefault(f => f.JsonName == property.Name || f.Name == property.Name);
            // Newer clients may send what this server does not know.
            if (field is null || property.Value.ValueKind == JsonValueKind.Null) continue;
            if (field.Repeated)
            {
                if (property.Value.ValueKind != JsonValueKind.Array) throw Wrong(field, "a list");
                var list = message.ListOf(field.Name);
                foreach (var item in property.Value.EnumerateArray()) list.Add(One(field, item));
            }
            else if (field.Kind is FieldKind.TextMap or FieldKind.MessageMap)
            {
                if (property.Value.ValueKind != JsonValueKind.Object) throw Wrong(field, "an object");
                var map = message.MapOf(field.Name);
                foreach (var entry in property.Value.EnumerateObject())
                    map[entry.Name] = field.Kind == FieldKind.MessageMap ? Read(field.Message!, entry.Value) : Text(field, entry.Value);
            }
            else
            {
                message[field.Name] = One(field, property.Value);
            }
        }
        return message;
    }

    private static object One(Field field, JsonElement value) => field.Kind switch
    {
        FieldKind.Text => Text(field, value),
        FieldKind.Flag => value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Wrong(field, "true or false"),
        FieldKind.Enum when value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) => number,
        FieldKind.Enum when value.ValueKind == JsonValueKind.String => EnumOf(field, value.GetString()!),
        FieldKind.Message => Read(field.Message!, value),
        FieldKind.Time when value.ValueKind == JsonValueKind.String && value.TryGetDateTimeOffset(out var time) => time,
        FieldKind.Struct when value.ValueKind == JsonValueKind.Object => value.GetRawText(),
        _ => throw Wrong(field, field.Kind.ToString().ToLowerInvariant()),
    };

    /// <summary>The whole name, or its end after the type's own prefix.</summary>
    private static object EnumOf(Field field, string name)
    {
        for (int i = 0; i < field.Values!.Count; i++)
        {
            string known = field.Values[i];
            if (known == name || known.EndsWith("_" + name, StringComparison.Ordinal) || name.EndsWith("_" + known, StringComparison.Ordinal)) return i;
        }
        throw Wrong(field, $"one of {string.Join(", ", field.Values)}");
    }

    private static string Text(Field field, JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Wrong(field, "a string");

    private static FormatException Wrong(Field field, string expected) => new($"field {field.JsonName} must be {expected}");

    private static void Write(Utf8JsonWriter writer, Message message)
    {
        writer.WriteStartObject();
        foreach (var field in message.Shape.Fields)
        {
            if (message[field.Name] is not { } value) continue;
            writer.WritePropertyName(field.JsonName);
            switch (value)
            {
                case List<object> list:
                    writer.WriteStartArray();
                    foreach (object item in list) One(writer, field, item);
                    writer.WriteEndArray();
                    break;
                case Dictionary<string, object> map:
                    writer.WriteStartObject();
                    foreach (var (key, item) in map.OrderBy(p => p.Key, StringComparer.Ordinal))
                    {
                        writer.WritePropertyName(key);
                        if (item is Message nested) Write(writer, nested);
                        else writer.WriteStringValue((string)item);
                    }
                    writer.WriteEndObject();
                    break;
                default:
                    One(writer, field, value);
                    break;
            }
        }
        writer.WriteEndObject();
    }

    private static void One(Utf8JsonWriter writer, Field field, object value)
    {
        switch (value)
        {
            case Message nested: Write(writer, nested); break;
            case bool flag: writer.WriteBooleanValue(flag); break;
            case int number when number >= 0 && number < field.Values!.Count: writer.WriteStringValue(field.Values[number]); break;
            case int number: writer.WriteNumberValue(number); break;
            case DateTimeOffset time: writer.WriteStringValue(time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.FFFFFFFZ", CultureInfo.InvariantCulture)); break;
            case string text when field.Kind == FieldKind.Struct: writer.WriteRawValue(text); break;
            case string text: writer.WriteStringValue(text); break;
        }
    }
}

/// <summary>Messages as protobuf.</summary>
internal static class ProtoMessages
{
    /// <exception cref="WireFormatException">The bytes are no such message.</exception>
    public static Message Read(Shape shape, ReadOnlySpan<byte> bytes) => Read(shape, new ProtoReader(bytes), 0);

    public static byte[] Write(Message message)
    {
        using var buffer = new ProtoBuffer();
        Write(buffer, message);
        return buffer.Written.ToArray();
    }

    private static Message Read(Shape shape, ProtoReader reader, int depth)
    {
        if (depth > 32) throw new WireFormatException("messages are nested too deeply", reader.Position);
        var message = new Message(shape);
        while (reader.Next())
        {
            int number = reader.Field;
            var field = shape.Fields.FirstOrDefault(f => f.Number == number);
            if (field is null)
            {
                reader.Skip();
                continue;
            }
            reader.Expect(field.Kind is FieldKind.Flag or FieldKind.Enum ? ProtoType.Varint : ProtoType.Bytes);
            switch (field.Kind)
            {
                case FieldKind.TextMap or FieldKind.MessageMap:
                    Entry(message.MapOf(field.Name), field, reader.Message(), depth);
                    continue;
            }
            object value = field.Kind switch
            {
                FieldKind.Text => Encoding.UTF8.GetString(reader.Bytes()),
                FieldKind.Flag => reader.Varint() != 0,
                FieldKind.Enum => reader.Int32(),
                FieldKind.Time => Time(reader.Message()),
                FieldKind.Struct => ProtoStruct.ToJson(reader.Message()),
                _ => Read(field.Message!, reader.Message(), depth + 1),
            };
            if (field.Repeated) message.ListOf(field.Name).Add(value);
            else message[field.Name] = value;
        }
        return message;
    }

    private static void Entry(Dictionary<string, object> map, Field field, ProtoReader entry, int depth)
    {
        string key = "";
        object value = field.Kind == FieldKind.MessageMap ? new Message(field.Message!) : "";
        while (entry.Next())
        {
            if (entry.Is(1, ProtoType.Bytes)) key = Encoding.UTF8.GetString(entry.Bytes());
            else if (entry.Is(2, ProtoType.Bytes)) value = field.Kind == FieldKind.MessageMap ? Read(field.Message!, entry.Message(), depth + 1) : Encoding.UTF8.GetString(entry.Bytes());
            else entry.Skip();
        }
        map[key] = value;
    }

    private static object Time(ProtoReader time)
    {
        long seconds = 0;
        long nanos = 0;
        while (time.Next())
        {
            if (time.Is(1, ProtoType.Varint)) seconds = time.Int64();
            else if (time.Is(2, ProtoType.Varint)) nanos = time.Int64();
            else time.Skip();
        }
        if (seconds is < -62135596800 or > 253402300799) throw new WireFormatException("timestamp is out of range", time.Position);
        return DateTimeOffset.FromUnixTimeSeconds(seconds).AddTicks(nanos / 100);
    }

    private static void Write(ProtoBuffer buffer, Message message)
    {
        foreach (var field in message.Shape.Fields)
        {
            switch (message[field.Name])
            {
                case null:
                    break;
                case List<object> list:
                    foreach (object item in list) One(buffer, field, item);
                    break;
                case Dictionary<string, object> map:
                    foreach (var (key, item) in map.OrderBy(p => p.Key, StringComparer.Ordinal))
                    {
                        int entry = buffer.Begin(field.Number);
                        buffer.Field(1, key);
                        if (item is Message nested)
                        {
                            int inner = buffer.Begin(2);
                            Write(buffer, nested);
                            buffer.End(inner);
                        }
                        else
                        {
                            buffer.Field(2, (string)item);
                        }
                        buffer.End(entry);
                    }
                    break;
                case { } value:
                    One(buffer, field, value);
                    break;
            }
        }
    }

    private static void One(ProtoBuffer buffer, Field field, object value)
    {
        switch (value)
        {
            case Message nested:
                int start = buffer.Begin(field.Number);
                Write(buffer, nested);
                buffer.End(start);
                break;
            case bool flag:
                buffer.Field(field.Number, flag ? 1UL : 0UL);
                break;
            case int number:
                buffer.Field(field.Number, (long)number);
                break;
            case DateTimeOffset time:
                int at = buffer.Begin(field.Number);
                long ticks = (time - DateTimeOffset.UnixEpoch).Ticks;
                long seconds = Math.DivRem(ticks, TimeSpan.TicksPerSecond, out long rest);
                if (seconds != 0) buffer.Field(1, seconds);
                if (rest != 0) buffer.Field(2, rest * 100);
                buffer.End(at);
                break;
            case string json when field.Kind == FieldKind.Struct:
                int fields = buffer.Begin(field.Number);
                ProtoStruct.Write(buffer, json);
                buffer.End(fields);
                break;
            case string text:
                buffer.Field(field.Number, text);
                break;
        }
    }
}
