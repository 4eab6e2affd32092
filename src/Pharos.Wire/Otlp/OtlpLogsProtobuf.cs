using Pharos.Wire.Protobuf;

namespace Pharos.Wire.Otlp;

/// <summary>Reads <c>opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest</c>.</summary>
internal static class OtlpLogsProtobuf
{
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
        visitor.Resource(OtlpProtobuf.ResourceOf(message));
        var fields = new ProtoReader(message);
        while (fields.Next())
        {
            if (fields.Is(2, ProtoType.Bytes)) ScopeLogs(fields.Bytes(), visitor);
            else fields.Skip();
        }
    }

    private static void ScopeLogs(ReadOnlySpan<byte> message, IOtlpLogVisitor visitor)
    {
        visitor.Scope(OtlpProtobuf.ScopeOf(message));
        var fields = new ProtoReader(message);
        while (fields.Next())
        {
            if (fields.Is(2, ProtoType.Bytes)) visitor.Record(Record(fields.Bytes()));
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
            else if (fields.Is(3, ProtoType.Bytes)) record.SeverityText = OtlpProtobuf.Text(fields.Bytes());
            else if (fields.Is(5, ProtoType.Bytes)) record.Body = OtlpProtobuf.Value(fields.Bytes(), 0);
            else if (fields.Is(6, ProtoType.Bytes)) record.Attributes.Add(OtlpProtobuf.Attribute(fields.Bytes(), 0));
            else if (fields.Is(7, ProtoType.Varint)) record.DroppedAttributes = (long)fields.Varint();
            else if (fields.Is(8, ProtoType.Fixed32)) record.Flags = fields.Fixed32();
            else if (fields.Is(9, ProtoType.Bytes)) record.TraceId = Convert.ToHexStringLower(fields.Bytes());
            else if (fields.Is(10, ProtoType.Bytes)) record.SpanId = Convert.ToHexStringLower(fields.Bytes());
            else if (fields.Is(11, ProtoType.Fixed64)) record.ObservedTimeNs = (long)fields.Fixed64();
            else if (fields.Is(12, ProtoType.Bytes)) record.EventName = OtlpProtobuf.Text(fields.Bytes());
            else fields.Skip();
        }
        return record;
    }
}
