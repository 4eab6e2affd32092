namespace Pharos.Wire.Otlp;

/// <summary>An attribute; the value is a string, bool, long, double, byte[], <c>List&lt;object?&gt;</c>, <c>List&lt;OtlpAttribute&gt;</c> (a map) or null.</summary>
internal readonly record struct OtlpAttribute(string Key, object? Value);

/// <summary>A log record of OTLP; times in Unix nanoseconds, 0 where not set; ids in hexadecimal, empty where not set.</summary>
internal sealed class OtlpLogRecord
{
    public long TimeNs { get; set; }
    public long ObservedTimeNs { get; set; }
    public int SeverityNumber { get; set; }
    public string SeverityText { get; set; } = "";
    public object? Body { get; set; }
    public List<OtlpAttribute> Attributes { get; } = [];
    public long DroppedAttributes { get; set; }
    public long Flags { get; set; }
    public string TraceId { get; set; } = "";
    public string SpanId { get; set; } = "";
    public string EventName { get; set; } = "";
}

/// <summary>Where records come from inside a resource.</summary>
internal sealed class OtlpScope
{
    public string Name { get; set; } = "";
    public string Version { get; set; } = "";
    public string SchemaUrl { get; set; } = "";
    public List<OtlpAttribute> Attributes { get; } = [];
    public long DroppedAttributes { get; set; }
}

/// <summary>Takes log records as a decoder finds them. A resource's attributes come before its scopes, a scope before its records.</summary>
internal interface IOtlpLogVisitor
{
    void Resource(List<OtlpAttribute> attributes);

    void Scope(OtlpScope scope);

    void Record(OtlpLogRecord record);
}
