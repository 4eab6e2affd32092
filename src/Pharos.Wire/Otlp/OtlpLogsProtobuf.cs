using System.Text;
using Pharos.Wire.Protobuf;

namespace Pharos.Wire.Otlp;

/// <summary>Reads <c>opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest</c>.</summary>
internal static class OtlpLogsProtobuf
{
    private const int DepthMax = 32;

    public static void Read(ReadOnlySpan<byte> message, IOtlpLogVisitor visitor)
    {
        var request = new ProtoReader(message);
        while (request.Next())
        {
            if (request.Is(1, ProtoType.Bytes)) ResourceLogs(request.Bytes(), visitor);
            else request.Skip();
        }
    }

    private static void ResourceLogs(ReadOnlySpan<byte> message, IOtlpLogVisitor visitor)
    {
        var attributes = new List<OtlpAttribute>();
        // The resource may stand behind its scopes on the wire.
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
        visitor.Resource(attributes);
        var fields = new ProtoReader(message);
        while (fields.Next())
        {
            if (fields.Is(2, ProtoType.Bytes)) ScopeLogs(fields.Bytes(), visitor);
            else fields.Skip();
        }
    }

    private static void ScopeLogs(ReadOnlySpan<byte> message, IOtlpLogVisitor visitor)
    {
        var scope = new OtlpScope();
        var look = new ProtoReader(message);
        while (look.Next())
        {
            if (look.Is(1, ProtoType.Bytes)) Scope(look.Bytes(), scope);
            else look.Skip();
        }
        visitor.Scope(scope);
        var fields = new ProtoReader(message);
        while (fields.Next())
        {
            if (fields.Is(2, ProtoType.Bytes)) visitor.Record(Record(fields.Bytes()));
            else fields.Skip();
        }
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

    private static OtlpLogRecord Record(ReadOnlySpan<byte> message)
    {
        var record = new OtlpLogRecord();
        var fields = new ProtoReader(message);
        while (fields.Next())
        {
            if (fields.Is(1, ProtoType.Fixed64)) record.TimeNs = (long)fields.Fixed64();
            else if (fields.Is(2, ProtoType.Varint)) record.SeverityNumber = (int)fields.Varint();
            else if (fields.Is(3, ProtoType.Bytes)) record.SeverityText = Text(fields.Bytes());
            else if (fields.Is(5, ProtoType.Bytes)) record.Body = Value(fields.Bytes(), 0);
            else if (fields.Is(6, ProtoType.Bytes)) record.Attributes.Add(Attribute(fields.Bytes(), 0));
            else if (fields.Is(7, ProtoType.Varint)) record.DroppedAttributes = (long)fields.Varint();
            else if (fields.Is(8, ProtoType.Fixed32)) record.Flags = fields.Fixed32();
            else if (fields.Is(9, ProtoType.Bytes)) record.TraceId = Convert.ToHexStringLower(fields.Bytes());
            else if (fields.Is(10, ProtoType.Bytes)) record.SpanId = Convert.ToHexStringLower(fields.Bytes());
            else if (fields.Is(11, ProtoType.Fixed64)) record.ObservedTimeNs = (long)fields.Fixed64();
            else if (fields.Is(12, ProtoType.Bytes)) record.EventName = Text(fields.Bytes());
            else fields.Skip();
        }
        return record;
    }

    private static OtlpAttribute Attribute(ReadOnlySpan<byte> message, int depth)
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

    private static object? Value(ReadOnlySpan<byte> message, int depth)
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

    private static string Text(ReadOnlySpan<byte> utf8) => Encoding.UTF8.GetString(utf8);
}
