using System.Text;
using Pharos.Wire.Protobuf;

namespace Pharos.Wire.Otlp;

/// <summary>What the messages of all OTLP signals share: resource, scope, attributes and their values.</summary>
internal static class OtlpProtobuf
{
    private const int DepthMax = 32;

    /// <summary>The attributes of the resource (field 1) of a <c>ResourceLogs</c> or <c>ResourceMetrics</c>. It may stand behind its scopes on the wire.</summary>
    public static List<OtlpAttribute> ResourceOf(ReadOnlySpan<byte> message)
    {
        var attributes = new List<OtlpAttribute>();
        var look = new ProtoReader(message);
        while (look.Next())
        {
            if (!look.Is(1, ProtoType.Bytes))
            {
                look.Skip();
                continue;
            }
            var resource = new ProtoReader(look.Bytes());
            while (resource.Next())
            {
                if (resource.Is(1, ProtoType.Bytes)) attributes.Add(Attribute(resource.Bytes(), 0));
                else resource.Skip();
            }
        }
        return attributes;
    }

    /// <summary>The scope (field 1) and its schema (field 3) of a <c>ScopeLogs</c> or <c>ScopeMetrics</c>.</summary>
    public static OtlpScope ScopeOf(ReadOnlySpan<byte> message)
    {
        var scope = new OtlpScope();
        var look = new ProtoReader(message);
        while (look.Next())
        {
            if (look.Is(1, ProtoType.Bytes)) Scope(look.Bytes(), scope);
            else if (look.Is(3, ProtoType.Bytes)) scope.SchemaUrl = Text(look.Bytes());
            else look.Skip();
        }
        return scope;
    }

    private static void Scope(ReadOnlySpan<byte> message, OtlpScope scope)
    {
        var fields = new ProtoReader(message);
        while (fields.Next())
        {
            if (fields.Is(1, ProtoType.Bytes)) scope.Name = Text(fields.Bytes());
            else if (fields.Is(2, ProtoType.Bytes)) scope.Version = Text(fields.Bytes());
            else if (fields.Is(3, ProtoType.Bytes)) scope.Attributes.Add(Attribute(fields.Bytes(), 0));
            else if (fields.Is(4, ProtoType.Varint)) scope.DroppedAttributes = (long)fields.Varint();
            else fields.Skip();
        }
    }

    public static OtlpAttribute Attribute(ReadOnlySpan<byte> message, int depth)
    {
        string key = "";
        object? value = null;
        var fields = new ProtoReader(message);
        while (fields.Next())
        {
            if (fields.Is(1, ProtoType.Bytes)) key = Text(fields.Bytes());
            else if (fields.Is(2, ProtoType.Bytes)) value = Value(fields.Bytes(), depth);
            else fields.Skip();
        }
        return new OtlpAttribute(key, value);
    }

    public static object? Value(ReadOnlySpan<byte> message, int depth)
    {
        if (depth > DepthMax) throw new WireFormatException(WireErrorKind.Malformed, $"an attribute's value is nested deeper than {DepthMax}");
        object? value = null;
        var fields = new ProtoReader(message);
        while (fields.Next())
        {
            if (fields.Is(1, ProtoType.Bytes)) value = Text(fields.Bytes());
            else if (fields.Is(2, ProtoType.Varint)) value = fields.Varint() != 0;
            else if (fields.Is(3, ProtoType.Varint)) value = (long)fields.Varint();
            else if (fields.Is(4, ProtoType.Fixed64)) value = BitConverter.UInt64BitsToDouble(fields.Fixed64());
            else if (fields.Is(5, ProtoType.Bytes)) value = Array(fields.Bytes(), depth + 1);
            else if (fields.Is(6, ProtoType.Bytes)) value = Map(fields.Bytes(), depth + 1);
            else if (fields.Is(7, ProtoType.Bytes)) value = fields.Bytes().ToArray();
            else fields.Skip();
        }
        return value;
    }

    private static List<object?> Array(ReadOnlySpan<byte> message, int depth)
    {
        var values = new List<object?>();
        var fields = new ProtoReader(message);
        while (fields.Next())
        {
            if (fields.Is(1, ProtoType.Bytes)) values.Add(Value(fields.Bytes(), depth));
            else fields.Skip();
        }
        return values;
    }

    private static List<OtlpAttribute> Map(ReadOnlySpan<byte> message, int depth)
    {
        var values = new List<OtlpAttribute>();
        var fields = new ProtoReader(message);
        while (fields.Next())
        {
            if (fields.Is(1, ProtoType.Bytes)) values.Add(Attribute(fields.Bytes(), depth));
            else fields.Skip();
        }
        return values;
    }

    public static string Text(ReadOnlySpan<byte> utf8) => Encoding.UTF8.GetString(utf8);
}
