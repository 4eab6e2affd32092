using Pharos.Wire.Protobuf;
using Pharos.Wire.RemoteWrite;

namespace Pharos.Wire.Otlp;

/// <summary>Reads <c>opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest</c>. A damaged point costs only itself.</summary>
internal static class OtlpMetricsProtobuf
{
    public static void Read(ReadOnlySpan<byte> message, IOtlpMetricVisitor visitor)
    {
        var request = new ProtoReader(message);
        var point = new OtlpPoint();
        while (request.Next())
        {
            if (request.Is(1, ProtoType.Bytes)) ResourceMetrics(request.Message(), visitor, point);
            else request.Skip();
        }
    }

    private static void ResourceMetrics(ProtoReader fields, IOtlpMetricVisitor visitor, OtlpPoint point)
    {
        visitor.Resource(OtlpProtobuf.ResourceOf(fields.Rest));
        while (fields.Next())
        {
            if (fields.Is(2, ProtoType.Bytes)) ScopeMetrics(fields.Message(), visitor, point);
            else fields.Skip();
        }
        visitor.EndResource();
    }

    private static void ScopeMetrics(ProtoReader fields, IOtlpMetricVisitor visitor, OtlpPoint point)
    {
        visitor.Scope(OtlpProtobuf.ScopeOf(fields.Rest));
        while (fields.Next())
        {
            if (fields.Is(2, ProtoType.Bytes)) Metric(fields.Message(), visitor, point);
            else fields.Skip();
        }
    }

    private static void Metric(ProtoReader fields, IOtlpMetricVisitor visitor, OtlpPoint point)
    {
        var metric = new OtlpMetric();
        var data = default(ProtoReader);
        while (fields.Next())
        {
            var kind = fields.Field switch
            {
                5 => OtlpMetricKind.Gauge,
                7 => OtlpMetricKind.Sum,
                9 => OtlpMetricKind.Histogram,
                10 => OtlpMetricKind.ExponentialHistogram,
                11 => OtlpMetricKind.Summary,
                _ => OtlpMetricKind.None,
            };
            if (kind != OtlpMetricKind.None)
            {
                fields.Expect(ProtoType.Bytes);
                metric.Kind = kind;
                data = fields.Message();
            }
            else if (fields.Is(1, ProtoType.Bytes)) metric.Name = OtlpProtobuf.Text(fields.Bytes());
            else if (fields.Is(2, ProtoType.Bytes)) metric.Description = OtlpProtobuf.Text(fields.Bytes());
            else if (fields.Is(3, ProtoType.Bytes)) metric.Unit = OtlpProtobuf.Text(fields.Bytes());
            else fields.Skip();
        }
        // Temporality may stand behind the points.
        var look = data;
        while (look.Next())
        {
            if (metric.Kind is not (OtlpMetricKind.Gauge or OtlpMetricKind.Summary) && look.Is(2, ProtoType.Varint)) metric.Temporality = (OtlpTemporality)look.Int32();
            else if (metric.Kind == OtlpMetricKind.Sum && look.Is(3, ProtoType.Varint)) metric.Monotonic = look.Varint() != 0;
            else look.Skip();
        }
        visitor.Metric(metric);
        while (data.Next())
        {
            if (data.Is(1, ProtoType.Bytes)) Point(metric.Kind, data.Message(), visitor, point);
            else data.Skip();
        }
    }

    private static void Point(OtlpMetricKind kind, ProtoReader fields, IOtlpMetricVisitor visitor, OtlpPoint point)
    {
        point.Clear();
        try
        {
            switch (kind)
            {
                case OtlpMetricKind.Histogram: Histogram(fields, point); break;
                case OtlpMetricKind.ExponentialHistogram: Exponential(fields, point); break;
                case OtlpMetricKind.Summary: Summary(fields, point); break;
                default: Number(fields, point); break;
            }
        }
        catch (WireFormatException e)
        {
            visitor.BadPoint(e.Message);
            return;
        }
        visitor.Point(point);
    }

    private static void Number(ProtoReader fields, OtlpPoint point)
    {
        while (fields.Next())
        {
            if (Times(ref fields, point)) continue;
            if (fields.Is(4, ProtoType.Fixed64)) point.Value = fields.Double();
            else if (fields.Is(5, ProtoType.Bytes)) point.Exemplars.Add(Exemplar(fields.Message()));
            else if (fields.Is(6, ProtoType.Fixed64)) point.Value = (long)fields.Fixed64();
            else if (fields.Is(7, ProtoType.Bytes)) point.Attributes.Add(OtlpProtobuf.Attribute(fields.Bytes(), 0));
            else if (fields.Is(8, ProtoType.Varint)) point.Flags = (uint)fields.Varint();
            else fields.Skip();
        }
    }

    private static void Histogram(ProtoReader fields, OtlpPoint point)
    {
        while (fields.Next())
        {
            if (Times(ref fields, point)) continue;
            if (fields.Is(4, ProtoType.Fixed64)) point.Count = fields.Fixed64();
            else if (fields.Is(5, ProtoType.Fixed64)) point.Sum = fields.Double();
            else if (fields.Field == 6) Fixed(ref fields, point.BucketCounts);
            else if (fields.Field == 7) HistogramCodec.ReadDoubles(ref fields, point.Bounds);
            else if (fields.Is(8, ProtoType.Bytes)) point.Exemplars.Add(Exemplar(fields.Message()));
            else if (fields.Is(9, ProtoType.Bytes)) point.Attributes.Add(OtlpProtobuf.Attribute(fields.Bytes(), 0));
            else if (fields.Is(10, ProtoType.Varint)) point.Flags = (uint)fields.Varint();
            else fields.Skip();
        }
    }

    private static void Exponential(ProtoReader fields, OtlpPoint point)
    {
        while (fields.Next())
        {
            if (Times(ref fields, point)) continue;
            if (fields.Is(1, ProtoType.Bytes)) point.Attributes.Add(OtlpProtobuf.Attribute(fields.Bytes(), 0));
            else if (fields.Is(4, ProtoType.Fixed64)) point.Count = fields.Fixed64();
            else if (fields.Is(5, ProtoType.Fixed64)) point.Sum = fields.Double();
            else if (fields.Is(6, ProtoType.Varint)) point.Scale = fields.SInt32();
            else if (fields.Is(7, ProtoType.Fixed64)) point.ZeroCount = fields.Fixed64();
            else if (fields.Is(8, ProtoType.Bytes)) Buckets(fields.Message(), point.Positive);
            else if (fields.Is(9, ProtoType.Bytes)) Buckets(fields.Message(), point.Negative);
            else if (fields.Is(10, ProtoType.Varint)) point.Flags = (uint)fields.Varint();
            else if (fields.Is(11, ProtoType.Bytes)) point.Exemplars.Add(Exemplar(fields.Message()));
            else if (fields.Is(14, ProtoType.Fixed64)) point.ZeroThreshold = fields.Double();
            else fields.Skip();
        }
    }

    private static void Summary(ProtoReader fields, OtlpPoint point)
    {
        while (fields.Next())
        {
            if (Times(ref fields, point)) continue;
            if (fields.Is(4, ProtoType.Fixed64)) point.Count = fields.Fixed64();
            else if (fields.Is(5, ProtoType.Fixed64)) point.Sum = fields.Double();
            else if (fields.Is(6, ProtoType.Bytes)) point.Quantiles.Add(Quantile(fields.Message()));
            else if (fields.Is(7, ProtoType.Bytes)) point.Attributes.Add(OtlpProtobuf.Attribute(fields.Bytes(), 0));
            else if (fields.Is(8, ProtoType.Varint)) point.Flags = (uint)fields.Varint();
            else fields.Skip();
        }
    }

    private static bool Times(ref ProtoReader fields, OtlpPoint point)
    {
        if (fields.Is(2, ProtoType.Fixed64)) point.StartNs = (long)fields.Fixed64();
        else if (fields.Is(3, ProtoType.Fixed64)) point.TimeNs = (long)fields.Fixed64();
        else return false;
        return true;
    }

    private static (double Quantile, double Value) Quantile(ProtoReader fields)
    {
        double quantile = 0, value = 0;
        while (fields.Next())
        {
            if (fields.Is(1, ProtoType.Fixed64)) quantile = fields.Double();
            else if (fields.Is(2, ProtoType.Fixed64)) value = fields.Double();
            else fields.Skip();
        }
        return (quantile, value);
    }

    private static void Buckets(ProtoReader fields, OtlpBuckets into)
    {
        while (fields.Next())
        {
            if (fields.Is(1, ProtoType.Varint)) into.Offset = fields.SInt32();
            else if (fields.Field == 2 && fields.Type == ProtoType.Varint) into.Counts.Add(fields.Varint());
            else if (fields.Is(2, ProtoType.Bytes))
            {
                var packed = fields.Message();
                while (!packed.AtEnd) into.Counts.Add(packed.Varint());
            }
            else fields.Skip();
        }
    }

    private static OtlpExemplar Exemplar(ProtoReader fields)
    {
        var exemplar = new OtlpExemplar();
        while (fields.Next())
        {
            if (fields.Is(2, ProtoType.Fixed64)) exemplar.TimeNs = (long)fields.Fixed64();
            else if (fields.Is(3, ProtoType.Fixed64)) exemplar.Value = fields.Double();
            else if (fields.Is(4, ProtoType.Bytes)) exemplar.SpanId = Convert.ToHexStringLower(fields.Bytes());
            else if (fields.Is(5, ProtoType.Bytes)) exemplar.TraceId = Convert.ToHexStringLower(fields.Bytes());
            else if (fields.Is(6, ProtoType.Fixed64)) exemplar.Value = (long)fields.Fixed64();
            else if (fields.Is(7, ProtoType.Bytes)) exemplar.Attributes.Add(OtlpProtobuf.Attribute(fields.Bytes(), 0));
            else fields.Skip();
        }
        return exemplar;
    }

    private static void Fixed(ref ProtoReader fields, List<ulong> into)
    {
        if (fields.Type == ProtoType.Fixed64)
        {
            into.Add(fields.Fixed64());
            return;
        }
        fields.Expect(ProtoType.Bytes);
        var packed = fields.Message();
        while (!packed.AtEnd) into.Add(packed.Fixed64());
    }
}
