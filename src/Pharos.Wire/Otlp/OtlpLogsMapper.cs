using System.Text;
using Pharos.Core;
using Pharos.Wire.Loki;

namespace Pharos.Wire.Otlp;

/// <summary>
/// Turns OTLP log records into streams and entries as Loki does: resource attributes become index labels where the mapping says so,
/// all other attributes structured metadata or nothing.
/// </summary>
internal sealed class OtlpLogsMapper(LogBatch batch, long nowNs, OtlpLogMapping mapping) : IOtlpLogVisitor, IDisposable
{
    private readonly LabelScratch metadata = new();
    private readonly LabelScratch names = new();
    private readonly List<(string Name, string Value)> ofResource = [];
    private readonly List<(string Name, string Value)> ofScope = [];
    private readonly Dictionary<string, int> streams = new(StringComparer.Ordinal);
    private Labels labels = Labels.Empty;

    public void Resource(List<OtlpAttribute> attributes)
    {
        var builder = new LabelsBuilder();
        ofResource.Clear();
        streams.Clear();
        var indexed = new List<(string Name, string Value)>();
        foreach (var attribute in attributes)
        {
            switch (mapping.OfResource(attribute.Key))
            {
                case OtlpLogAction.IndexLabel: Flatten(attribute.Key, attribute.Value, indexed); break;
                case OtlpLogAction.StructuredMetadata: Flatten(attribute.Key, attribute.Value, ofResource); break;
            }
        }
        foreach (var (name, value) in indexed) builder.Set(LabelName(name), value);
        // A stream needs a label; Loki gives this one too.
        if (builder.Get("service_name").Length == 0) builder.Set("service_name", "unknown_service");
        labels = builder.ToLabels();
    }

    public void Scope(OtlpScope scope)
    {
        ofScope.Clear();
        foreach (var attribute in scope.Attributes)
        {
            if (mapping.OfScope(attribute.Key) == OtlpLogAction.StructuredMetadata) Flatten(attribute.Key, attribute.Value, ofScope);
        }
        if (scope.Name.Length > 0) ofScope.Add(("scope_name", scope.Name));
        if (scope.Version.Length > 0) ofScope.Add(("scope_version", scope.Version));
        if (scope.DroppedAttributes > 0) ofScope.Add(("scope_dropped_attributes_count", OtlpText.Of(scope.DroppedAttributes)));
    }

    public void Record(OtlpLogRecord record)
    {
        var own = new List<(string Name, string Value)>(record.Attributes.Count + 8);
        foreach (var attribute in record.Attributes)
        {
            if (mapping.OfLog(attribute.Key) == OtlpLogAction.StructuredMetadata) Flatten(attribute.Key, attribute.Value, own);
        }
        if (record.TimeNs != 0 && record.ObservedTimeNs != 0) own.Add(("observed_timestamp", OtlpText.Of(record.ObservedTimeNs)));
        if (record.SeverityNumber != 0) own.Add(("severity_number", OtlpText.Of(record.SeverityNumber)));
        if (record.SeverityText.Length > 0) own.Add(("severity_text", record.SeverityText));
        if (record.TraceId.Length > 0) own.Add(("trace_id", record.TraceId));
        if (record.SpanId.Length > 0) own.Add(("span_id", record.SpanId));
        if (record.Flags != 0) own.Add(("flags", OtlpText.Of(record.Flags)));
        if (record.EventName.Length > 0) own.Add(("event_name", record.EventName));
        if (record.DroppedAttributes > 0) own.Add(("dropped_attributes_count", OtlpText.Of(record.DroppedAttributes)));
        metadata.Clear();
        // Of equal names the last wins: the record's own before the scope's before the resource's.
        foreach (var (name, value) in ofResource.Concat(ofScope).Concat(own)) metadata.Add(Encoding.UTF8.GetBytes(name), Encoding.UTF8.GetBytes(value));
        metadata.NormaliseNames();
        long at = record.TimeNs != 0 ? record.TimeNs : record.ObservedTimeNs != 0 ? record.ObservedTimeNs : nowNs;
        batch.AddEntry(StreamOf(record), at, Encoding.UTF8.GetBytes(OtlpText.Of(record.Body)), metadata.ToCanonical(out _));
    }

    /// <summary>The stream of the resource, or of the resource and the record's severity; added once it has a record.</summary>
    private int StreamOf(OtlpLogRecord record)
    {
        string severity = mapping.SeverityTextAsLabel ? record.SeverityText : "";
        if (streams.TryGetValue(severity, out int stream)) return stream;
        return streams[severity] = batch.AddStream(severity.Length == 0 ? labels : labels.With("severity_text", severity));
    }

    private string LabelName(string attribute)
    {
        names.Clear();
        names.Add(Encoding.UTF8.GetBytes(attribute), "v"u8);
        names.NormaliseNames();
        int at = 0;
        return Encoding.UTF8.GetString(LabelCodec.ReadString(names.ToCanonical(out _), ref at));
    }

    public void Dispose()
    {
        metadata.Dispose();
        names.Dispose();
    }

    private static void Flatten(string name, object? value, List<(string Name, string Value)> into)
    {
        if (value is not List<OtlpAttribute> map)
        {
            into.Add((name, OtlpText.Of(value)));
            return;
        }
        foreach (var inner in map) Flatten($"{name}_{inner.Key}", inner.Value, into);
    }
}
