using System.Text;
using Pharos.Core;
using Pharos.Wire.RemoteWrite;

namespace Pharos.Wire.Otlp;

/// <summary>
/// Turns OTLP metrics into series as Prometheus does: names, labels, <c>target_info</c>, histograms classic or native. Every fault
/// costs one point, or one metric where the metric itself is wrong.
/// </summary>
internal sealed class OtlpMetricsMapper(
    OtlpSettings settings, TimeSpan lookback, OtlpStreams streams, MetricBatch batch, RejectTally rejected, List<DeltaUndo> additions)
    : IOtlpMetricVisitor, IDisposable
{
    private const string ServiceName = "service.name", ServiceNamespace = "service.namespace", ServiceInstance = "service.instance.id";

    /// <summary>Samples of target_info that one request may ask for: a day and a half at the default lookback.</summary>
    private const int TargetInfoSamplesMax = 1000;

    private readonly OtlpNames names = new(settings);
    private readonly OtlpLabels labels = new();
    private readonly OtlpSeriesWriter writer = new(batch, settings.StartTimestampsAsZeros);
    private readonly List<(string Name, string Value)> promoted = [];
    private readonly List<(string Name, string Value)> ofScope = [];
    private List<OtlpAttribute> resource = [];
    private string job = "", instance = "";
    private long earliestNs, latestNs;
    private OtlpMetric metric = new();
    private string family = "";
    private byte[] familyUtf8 = [];
    private (string Code, string Reason)? wrong;
    private bool described;

    public int Points { get; private set; }

    public void Resource(List<OtlpAttribute> attributes)
    {
        resource = attributes;
        (earliestNs, latestNs) = (long.MaxValue, 0);
        string service = Of(ServiceName), space = Of(ServiceNamespace);
        job = attributes.Exists(a => a.Key == ServiceNamespace) && service.Length > 0 ? $"{space}/{service}" : service;
        instance = Of(ServiceInstance);
        promoted.Clear();
        foreach (var attribute in attributes.OrderBy(a => a.Key, StringComparer.Ordinal))
        {
            bool wanted = settings.PromoteAllResourceAttributes ? !settings.IgnoreResourceAttributes.Contains(attribute.Key) : settings.PromoteResourceAttributes.Contains(attribute.Key);
            if (wanted && names.Label(attribute.Key) is { Length: > 0 } name) promoted.Add((name, OtlpText.Of(attribute.Value)));
        }

        string Of(string key) => OtlpText.Of(attributes.Find(a => a.Key == key).Value);
    }

    public void Scope(OtlpScope scope)
    {
        ofScope.Clear();
        if (!settings.PromoteScopeMetadata || scope.Name.Length == 0) return;
        foreach (var attribute in scope.Attributes)
        {
            if (names.Label("otel_scope_" + attribute.Key) is { Length: > 0 } name) ofScope.Add((name, OtlpText.Of(attribute.Value)));
        }
        ofScope.Add(("otel_scope_name", scope.Name));
        ofScope.Add(("otel_scope_version", scope.Version));
        ofScope.Add(("otel_scope_schema_url", scope.SchemaUrl));
    }

    public void Metric(OtlpMetric next)
    {
        metric = next;
        family = names.Metric(next);
        familyUtf8 = Encoding.UTF8.GetBytes(family);
        described = false;
        bool cumulates = next.Kind is OtlpMetricKind.Sum or OtlpMetricKind.Histogram or OtlpMetricKind.ExponentialHistogram;
        bool delta = next.Temporality == OtlpTemporality.Delta && settings.Delta != OtlpDelta.Reject;
        wrong = next.Kind == OtlpMetricKind.None ? ("otlp-metric-invalid", "it has no data, or data of an unknown kind")
            : family.Length == 0 ? ("metric-name-invalid", "no legal name is left of it")
            : cumulates && next.Temporality != OtlpTemporality.Cumulative && !delta
                ? ("otlp-temporality-invalid", next.Temporality == OtlpTemporality.Delta ? "delta temporality is not taken; send cumulative points" : "its temporality is neither cumulative nor delta")
            : null;
    }

    public void Point(OtlpPoint point)
    {
        Points++;
        string code = "otlp-point-invalid";
        string? fault = null;
        if (wrong is { } reason) (code, fault) = reason;
        else if (point.TimeNs == 0) fault = "it has no time";
        else fault = Take(point);
        if (fault is not null) Reject(code, fault);
    }

    public void BadPoint(string reason)
    {
        Points++;
        Reject("otlp-point-invalid", reason);
    }

    public void EndResource()
    {
        if (latestNs == 0) return;
        bool identifying = settings.KeepIdentifyingResourceAttributes;
        if (!resource.Exists(a => !IsIdentifying(a.Key))) return;
        labels.Clear();
        foreach (var attribute in resource.OrderBy(a => a.Key, StringComparer.Ordinal))
        {
            if ((identifying || !IsIdentifying(attribute.Key)) && names.Label(attribute.Key) is { Length: > 0 } name) labels.Join(name, OtlpText.Of(attribute.Value));
        }
        SetTarget();
        if (!labels.Has("job") && !labels.Has("instance")) return;
        labels.Encode();
        var encoded = labels.Series("target_info"u8);
        long latestMs = latestNs / 1_000_000, stepMs = Math.Max(1, (long)lookback.TotalMilliseconds / 2);
        long fromMs = Math.Max(streams.TargetInfoFrom(encoded, earliestNs / 1_000_000, latestMs), latestMs - (stepMs * TargetInfoSamplesMax));
        if (fromMs > latestMs) return;
        int series = batch.AddSeries(encoded);
        for (long at = fromMs; at < latestMs; at += stepMs) batch.AddSample(series, at, 1);
        batch.AddSample(series, latestMs, 1);
    }

    public void Dispose() => labels.Dispose();

    private static bool IsIdentifying(string key) => key is ServiceName or ServiceNamespace or ServiceInstance;

    /// <summary>The reason why a point cannot be taken, or null.</summary>
    private string? Take(OtlpPoint point)
    {
        if (metric.Kind == OtlpMetricKind.ExponentialHistogram && !point.IsStale && point.Scale is < -4 or > 64) return $"cannot convert exponential to native histogram: scale must be >= -4, was {point.Scale}";
        if (!TryLabels(point, out string? fault)) return fault;
        int added = additions.Count;
        var exemplars = point.Exemplars;
        if (metric.Temporality == OtlpTemporality.Delta && settings.Delta == OtlpDelta.ToCumulative && metric.Kind is not (OtlpMetricKind.Gauge or OtlpMetricKind.Summary))
        {
            var stream = Labels.FromEncoded(labels.Series(familyUtf8));
            if (point.IsStale)
            {
                streams.Deltas.End(stream);
            }
            else
            {
                var sum = streams.Deltas.Add(stream, point, settings.DeltaStreamsMax, additions, out fault);
                if (sum is null) return fault;
                point = sum;
            }
        }
        bool raw = metric.Temporality == OtlpTemporality.Delta && settings.Delta == OtlpDelta.Native;
        bool counts = !raw && (metric.Kind != OtlpMetricKind.Sum || metric.Monotonic);
        fault = writer.Write(
            metric.Kind, familyUtf8, labels, point, exemplars, raw ? CounterResetHint.Gauge : CounterResetHint.Unknown, settings.ConvertHistogramsToCustomBuckets, counts);
        if (fault is not null)
        {
            streams.Deltas.Undo(additions, added);
            return fault;
        }
        earliestNs = Math.Min(earliestNs, point.TimeNs);
        latestNs = Math.Max(latestNs, point.TimeNs);
        if (!described) Describe(raw);
        return null;
    }

    private bool TryLabels(OtlpPoint point, out string? fault)
    {
        labels.Clear();
        // Sorted, so that values whose names become equal join in one order.
        point.Attributes.Sort(static (a, b) => string.CompareOrdinal(a.Key, b.Key));
        foreach (var attribute in point.Attributes)
        {
            string name = names.Label(attribute.Key);
            if (name.Length == 0)
            {
                fault = $"no legal label name is left of the attribute {GoString.Quote(attribute.Key)}";
                return false;
            }
            labels.Join(name, OtlpText.Of(attribute.Value));
        }
        foreach (var (name, value) in promoted)
        {
            if (!labels.Has(name)) labels.Set(name, value);
        }
        foreach (var (name, value) in ofScope) labels.Set(name, value);
        SetTarget();
        labels.Encode();
        fault = null;
        return true;
    }

    private void SetTarget()
    {
        if (job.Length > 0) labels.Set("job", job);
        if (instance.Length > 0) labels.Set("instance", instance);
    }

    private void Describe(bool raw)
    {
        described = true;
        var type = metric.Kind switch
        {
            OtlpMetricKind.Summary => MetricType.Summary,
            _ when raw => MetricType.Unknown,
            OtlpMetricKind.Sum when metric.Monotonic => MetricType.Counter,
            OtlpMetricKind.Histogram or OtlpMetricKind.ExponentialHistogram => MetricType.Histogram,
            _ => MetricType.Gauge,
        };
        batch.Metadata.Add(new MetricMetadata(family, type, metric.Description, names.Unit(metric.Unit)));
    }

    private void Reject(string code, string reason) =>
        rejected.Add(code, 1, rejected.Knows(code) ? "" : $"metric {GoString.Quote(metric.Name.Length > 200 ? metric.Name[..200] : metric.Name)}: {reason}");
}
