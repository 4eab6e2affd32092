using System.Globalization;
using System.Text.Json;
using Pharos.Core;

namespace Pharos.Wire.Otlp;

/// <summary>Reads OTLP metrics in JSON: field names in camel case, 64-bit numbers as text or numbers, ids in hexadecimal. A wrong point costs only itself.</summary>
internal static class OtlpMetricsJson
{
    private static readonly (string Name, OtlpMetricKind Kind)[] Kinds =
    [
        ("gauge", OtlpMetricKind.Gauge), ("sum", OtlpMetricKind.Sum), ("histogram", OtlpMetricKind.Histogram),
        ("exponentialHistogram", OtlpMetricKind.ExponentialHistogram), ("summary", OtlpMetricKind.Summary),
    ];

    public static void Read(ReadOnlyMemory<byte> json, IOtlpMetricVisitor visitor)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 64 });
            var point = new OtlpPoint();
            foreach (var resourceMetrics in OtlpJson.List(document.RootElement, "resourceMetrics"))
            {
                visitor.Resource(OtlpJson.ResourceOf(resourceMetrics));
                foreach (var scopeMetrics in OtlpJson.List(resourceMetrics, "scopeMetrics"))
                {
                    visitor.Scope(OtlpJson.ScopeOf(scopeMetrics));
                    foreach (var metric in OtlpJson.List(scopeMetrics, "metrics")) Metric(metric, visitor, point);
                }
                visitor.EndResource();
            }
        }
        catch (Exception e) when (IsFault(e))
        {
            throw new WireFormatException(WireErrorKind.Malformed, $"the body is no OTLP metrics request in JSON: {e.Message}", e);
        }
    }

    private static bool IsFault(Exception e) => e is JsonException or InvalidOperationException or FormatException or OverflowException;

    private static void Metric(JsonElement json, IOtlpMetricVisitor visitor, OtlpPoint point)
    {
        var metric = new OtlpMetric
        {
            Name = OtlpJson.Text(json, "name"),
            Description = OtlpJson.Text(json, "description"),
            Unit = OtlpJson.Text(json, "unit"),
        };
        JsonElement data = default;
        foreach (var (name, kind) in Kinds)
        {
            if (!json.TryGetProperty(name, out var found)) continue;
            data = found;
            metric.Kind = kind;
            metric.Temporality = Temporality(found);
            metric.Monotonic = found.TryGetProperty("isMonotonic", out var monotonic) && monotonic.ValueKind == JsonValueKind.True;
        }
        visitor.Metric(metric);
        if (metric.Kind == OtlpMetricKind.None) return;
        foreach (var item in OtlpJson.List(data, "dataPoints"))
        {
            try
            {
                Point(item, point);
            }
            catch (Exception e) when (IsFault(e))
            {
                visitor.BadPoint(e.Message);
                continue;
            }
            visitor.Point(point);
        }
    }

    private static OtlpTemporality Temporality(JsonElement data)
    {
        if (!data.TryGetProperty("aggregationTemporality", out var value)) return OtlpTemporality.Unspecified;
        // The wire has numbers; some writers give the names of the enumeration.
        if (value.ValueKind != JsonValueKind.String) return (OtlpTemporality)OtlpJson.Whole(value);
        return value.GetString() switch
        {
            "AGGREGATION_TEMPORALITY_DELTA" or "1" => OtlpTemporality.Delta,
            "AGGREGATION_TEMPORALITY_CUMULATIVE" or "2" => OtlpTemporality.Cumulative,
            _ => OtlpTemporality.Unspecified,
        };
    }

    private static void Point(JsonElement json, OtlpPoint point)
    {
        point.Clear();
        point.StartNs = (long)Count(json, "startTimeUnixNano");
        point.TimeNs = (long)Count(json, "timeUnixNano");
        point.Flags = (uint)OtlpJson.Whole(json, "flags");
        point.Value = Number(json);
        point.Count = Count(json, "count");
        point.Sum = Real(json, "sum");
        point.Scale = (int)OtlpJson.Whole(json, "scale");
        point.ZeroCount = Count(json, "zeroCount");
        point.ZeroThreshold = Real(json, "zeroThreshold") ?? 0;
        point.Attributes.AddRange(OtlpJson.Attributes(json));
        point.BucketCounts.AddRange(OtlpJson.List(json, "bucketCounts").Select(Count));
        point.Bounds.AddRange(OtlpJson.List(json, "explicitBounds").Select(Real));
        Buckets(json, "positive", point.Positive);
        Buckets(json, "negative", point.Negative);
        foreach (var quantile in OtlpJson.List(json, "quantileValues"))
            point.Quantiles.Add((Real(quantile, "quantile") ?? 0, Real(quantile, "value") ?? 0));
        foreach (var exemplar in OtlpJson.List(json, "exemplars")) point.Exemplars.Add(Exemplar(exemplar));
    }

    private static void Buckets(JsonElement point, string name, OtlpBuckets into)
    {
        if (!point.TryGetProperty(name, out var side) || side.ValueKind == JsonValueKind.Null) return;
        into.Offset = (int)OtlpJson.Whole(side, "offset");
        into.Counts.AddRange(OtlpJson.List(side, "bucketCounts").Select(Count));
    }

    private static OtlpExemplar Exemplar(JsonElement json)
    {
        var exemplar = new OtlpExemplar
        {
            TimeNs = (long)Count(json, "timeUnixNano"),
            Value = Number(json) ?? 0,
            TraceId = OtlpJson.Text(json, "traceId").ToLowerInvariant(),
            SpanId = OtlpJson.Text(json, "spanId").ToLowerInvariant(),
        };
        exemplar.Attributes.AddRange(OtlpJson.Pairs(json, "filteredAttributes"));
        return exemplar;
    }

    private static double? Number(JsonElement json)
    {
        if (Real(json, "asDouble") is { } real) return real;
        return json.TryGetProperty("asInt", out var whole) && whole.ValueKind != JsonValueKind.Null ? OtlpJson.Whole(whole) : null;
    }

    private static ulong Count(JsonElement of, string name) => of.TryGetProperty(name, out var number) ? Count(number) : 0;

    private static ulong Count(JsonElement number) => number.ValueKind switch
    {
        JsonValueKind.String => ulong.Parse(number.GetString()!, NumberStyles.None, CultureInfo.InvariantCulture),
        JsonValueKind.Null => 0,
        _ => number.GetUInt64(),
    };

    private static double? Real(JsonElement of, string name) =>
        of.TryGetProperty(name, out var number) && number.ValueKind != JsonValueKind.Null ? Real(number) : null;

    /// <summary>A number, or one of the texts that JSON has no number for: NaN, Infinity, -Infinity.</summary>
    private static double Real(JsonElement number)
    {
        if (number.ValueKind != JsonValueKind.String) return number.GetDouble();
        double value = double.Parse(number.GetString()!, NumberStyles.Float, CultureInfo.InvariantCulture);
        return double.IsNaN(value) ? SampleValue.NormalNaN : value;
    }
}
