using System.Text;
using Pharos.Core;
using Pharos.Wire.Loki;

namespace Pharos.Wire.Otlp;

/// <summary>
/// Turns OTLP log records into streams and entries as Loki does by default: a few resource attributes become index labels,
/// all other attributes structured metadata.
/// </summary>
internal sealed class OtlpLogsMapper(LogBatch batch, long nowNs) : IOtlpLogVisitor, IDisposable
{
    private static readonly HashSet<string> IndexAttributes = new(StringComparer.Ordinal)
    {
        "service.name", "service.namespace", "service.instance.id", "deployment.environment", "deployment.environment.name", "cloud.region",
        "cloud.availability_zone", "k8s.cluster.name", "k8s.namespace.name", "k8s.pod.name", "k8s.container.name", "container.name",
        "k8s.replicaset.name", "k8s.deployment.name", "k8s.statefulset.name", "k8s.daemonset.name", "k8s.cronjob.name", "k8s.job.name",
    };

    private readonly LabelScratch metadata = new();
    private readonly List<(string Name, string Value)> ofResource = [];
    private readonly List<(string Name, string Value)> ofScope = [];
    private int stream = -1;

    public void Resource(List<OtlpAttribute> attributes)
    {
        var labels = new LabelsBuilder();
        ofResource.Clear();
        foreach (var attribute in attributes)
        {
            if (IndexAttributes.Contains(attribute.Key)) labels.Set(attribute.Key.Replace('.', '_'), OtlpText.Of(attribute.Value));
            else Flatten(attribute.Key, attribute.Value, ofResource);
        }
        // A stream needs a label; Loki gives this one too.
        if (labels.Get("service_name").Length == 0) labels.Set("service_name", "unknown_service");
        stream = batch.AddStream(labels.ToLabels());
    }

    public void Scope(OtlpScope scope)
    {
        ofScope.Clear();
        foreach (var attribute in scope.Attributes) Flatten(attribute.Key, attribute.Value, ofScope);
        if (scope.Name.Length > 0) ofScope.Add(("scope_name", scope.Name));
        if (scope.Version.Length > 0) ofScope.Add(("scope_version", scope.Version));
        if (scope.DroppedAttributes > 0) ofScope.Add(("scope_dropped_attributes_count", OtlpText.Of(scope.DroppedAttributes)));
    }

    public void Record(OtlpLogRecord record)
    {
        var own = new List<(string Name, string Value)>(record.Attributes.Count + 8);
        foreach (var attribute in record.Attributes) Flatten(attribute.Key, attribute.Value, own);
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
        batch.AddEntry(stream, at, Encoding.UTF8.GetBytes(OtlpText.Of(record.Body)), metadata.ToCanonical(out _));
    }

    public void Dispose() => metadata.Dispose();

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
