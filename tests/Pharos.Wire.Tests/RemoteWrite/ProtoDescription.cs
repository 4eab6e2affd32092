using System.Buffers.Binary;
using System.Collections;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Pharos.Wire.Protobuf;

namespace Pharos.Wire.Tests.RemoteWrite;

/// <summary>A message's fields by name, in the order in which they are to be written.</summary>
internal sealed record Message(params (string Field, object Value)[] Fields);

/// <summary>
/// A .proto file, read when the test runs: writes and reads messages by its field names, and remembers which fields were used.
/// Knows as much of the language as the files need.
/// </summary>
internal sealed class ProtoDescription
{
    private static readonly Regex Token = new(@"""[^""]*""|[\w.]+|\S");

    private readonly Dictionary<string, Dictionary<string, Field>> messages = new(StringComparer.Ordinal);
    private readonly HashSet<string> enums = new(StringComparer.Ordinal);
    private readonly List<string> tokens;
    private int at;

    public ProtoDescription(string text)
    {
        text = Regex.Replace(text, @"/\*.*?\*/|//[^\n]*", " ", RegexOptions.Singleline);
        tokens = [.. Token.Matches(text).Select(m => m.Value)];
        while (at < tokens.Count) Statement(null);
        // The one message that the files import.
        if (!messages.ContainsKey("google.protobuf.Timestamp"))
            messages["google.protobuf.Timestamp"] = new(StringComparer.Ordinal) { ["seconds"] = new("int64", 1), ["nanos"] = new("int32", 2) };
    }

    private sealed record Field(string Type, int Number)
    {
        public bool Used { get; set; }
    }

    /// <summary>Names of the messages that the file defines.</summary>
    public IEnumerable<string> Messages => messages.Keys.Where(m => !m.StartsWith("google.", StringComparison.Ordinal));

    /// <summary>Fields of a message that were neither written nor read so far.</summary>
    public IEnumerable<string> Unused(string message) => messages[message].Where(f => !f.Value.Used).Select(f => f.Key);

    public byte[] Encode(string message, Message value)
    {
        using var to = new ProtoBuffer();
        Encode(to, message, value);
        return to.Written.ToArray();
    }

    /// <summary>A message as text, <c>name=value</c> in the order of the wire; a number that the file does not define fails.</summary>
    public string Decode(string message, ReadOnlySpan<byte> bytes)
    {
        var text = new List<string>();
        var reader = new ProtoReader(bytes);
        while (reader.Next())
        {
            int number = reader.Field;
            var (name, field) = messages[message].FirstOrDefault(f => f.Value.Number == number);
            if (field is null) throw new InvalidOperationException($"{message} has no field {number}");
            field.Used = true;
            text.Add($"{name}={Value(field.Type, ref reader)}");
        }
        return string.Join(' ', text);
    }

    private string Value(string type, ref ProtoReader reader)
    {
        if (messages.ContainsKey(type)) return $"{{{Decode(type, reader.Bytes())}}}";
        if (type == "string") return Encoding.UTF8.GetString(reader.Bytes());
        if (type == "bytes") return Convert.ToHexString(reader.Bytes());
        if (reader.Type != ProtoType.Bytes) return Number(type, ref reader);
        var packed = reader.Message();
        var numbers = new List<string>();
        while (!packed.AtEnd) numbers.Add(Number(type, ref packed));
        return $"[{string.Join(' ', numbers)}]";
    }

    private static string Number(string type, ref ProtoReader reader) => type switch
    {
        "double" => reader.Double().ToString(CultureInfo.InvariantCulture),
        "sint32" or "sint64" => reader.SInt64().ToString(CultureInfo.InvariantCulture),
        _ => reader.Int64().ToString(CultureInfo.InvariantCulture),
    };

    private void Encode(ProtoBuffer to, string message, Message value)
    {
        foreach (var (name, content) in value.Fields)
        {
            var field = messages[message][name];
            field.Used = true;
            uint number = (uint)field.Number;
            switch (content)
            {
                case Message inner:
                    int open = to.Begin(number);
                    Encode(to, field.Type, inner);
                    to.End(open);
                    break;
                case string text: to.Field(number, text); break;
                case byte[] bytes: to.Field(number, bytes); break;
                case IEnumerable list:
                    int packed = to.Begin(number);
                    foreach (object item in list) Scalar(to, field.Type, item);
                    to.End(packed);
                    break;
                default:
                    to.Varint((ulong)((number << 3) | (field.Type == "double" ? 1u : 0u)));
                    Scalar(to, field.Type, content);
                    break;
            }
        }
    }

    private void Scalar(ProtoBuffer to, string type, object value)
    {
        switch (type)
        {
            case "double":
                Span<byte> bytes = stackalloc byte[8];
                BinaryPrimitives.WriteDoubleLittleEndian(bytes, Convert.ToDouble(value, CultureInfo.InvariantCulture));
                to.Raw(bytes);
                break;
            case "sint32" or "sint64": to.Varint(ProtoBuffer.ZigZag(Convert.ToInt64(value, CultureInfo.InvariantCulture))); break;
            case "int32" or "int64" or "uint32" or "uint64" or "bool": to.Varint((ulong)Convert.ToInt64(value, CultureInfo.InvariantCulture)); break;
            default:
                if (!enums.Contains(type)) throw new InvalidOperationException($"{type} is no scalar");
                to.Varint((ulong)Convert.ToInt64(value, CultureInfo.InvariantCulture));
                break;
        }
    }

    private void Statement(string? message)
    {
        string word = tokens[at++];
        switch (word)
        {
            case "message":
                string name = tokens[at++];
                messages[name] = new(StringComparer.Ordinal);
                at++;
                while (tokens[at] != "}") Statement(name);
                at++;
                break;
            case "enum":
                enums.Add(tokens[at++]);
                Skip();
                break;
            case "oneof":
                at += 2;
                while (tokens[at] != "}") Statement(message);
                at++;
                break;
            case "service" or "extend": Skip(); break;
            case ";": break;
            default:
                if (message is null || word is "reserved" or "option" or "extensions")
                {
                    while (tokens[at++] != ";") { }
                    break;
                }
                FieldOf(message, word);
                break;
        }
    }

    private void FieldOf(string message, string word)
    {
        string type = word is "repeated" or "optional" ? tokens[at++] : word;
        if (type == "map")
        {
            while (tokens[at] != ">") at++;
            at++;
        }
        // Types of the same package may come with its name; only Google's are of another.
        if (!type.StartsWith("google.", StringComparison.Ordinal)) type = type[(type.LastIndexOf('.') + 1)..];
        string name = tokens[at++];
        if (tokens[at] != "=") throw new InvalidOperationException($"{message}.{name} has no number");
        messages[message][name] = new Field(type, int.Parse(tokens[at + 1], CultureInfo.InvariantCulture));
        while (tokens[at++] != ";") { }
    }

    /// <summary>Passes over a block in braces.</summary>
    private void Skip()
    {
        while (tokens[at] != "{") at++;
        int depth = 0;
        do
        {
            if (tokens[at] == "{") depth++;
            if (tokens[at] == "}") depth--;
            at++;
        }
        while (depth > 0);
    }
}
