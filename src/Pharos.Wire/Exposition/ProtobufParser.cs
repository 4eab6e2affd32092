using Pharos.Core;
using Pharos.Wire.Histograms;
using Pharos.Wire.Protobuf;

namespace Pharos.Wire.Exposition;

/// <summary>
/// Parses the protobuf exposition: metric families, each preceded by its length. A native histogram becomes one histogram sample;
/// its classic buckets come too where asked for, or where it has no native ones.
/// Reuse one per scrape loop; not safe for several threads. Source: io/prometheus/client/metrics.proto.
/// </summary>
public sealed class ProtobufParser
{
    private readonly LabelParts labels = new();
    private byte[] raw = new byte[1024];
    private int rawLength;

    /// <param name="classicToo">Also the classic buckets of a histogram that has native ones (<c>always_scrape_classic_histograms</c>).</param>
    /// <param name="nativeToo">False: native buckets are passed over.</param>
    /// <exception cref="WireFormatException">The body is malformed; names the byte.</exception>
    public void Parse<THandler>(ReadOnlySpan<byte> body, bool classicToo, bool nativeToo, ref THandler handler)
        where THandler : struct, IExpositionHandler
    {
        var families = new ProtoReader(body);
        while (!families.AtEnd) Family(families.Message(), classicToo, nativeToo, ref handler);
    }

    private void Family<THandler>(ProtoReader family, bool classicToo, bool nativeToo, ref THandler handler)
        where THandler : struct, IExpositionHandler
    {
        ReadOnlySpan<byte> name = default, help = default, unit = default;
        ulong kind = 0;
        var head = family;
        while (head.Next())
        {
            switch (head.Field)
            {
                case 1: head.Expect(ProtoType.Bytes); name = head.Bytes(); break;
                case 2: head.Expect(ProtoType.Bytes); help = head.Bytes(); break;
                case 3: head.Expect(ProtoType.Varint); kind = head.Varint(); break;
                case 5: head.Expect(ProtoType.Bytes); unit = head.Bytes(); break;
                default: head.Skip(); break;
            }
        }
        if (name.IsEmpty) throw new WireFormatException("a metric family has no name", family.Position);
        if (!help.IsEmpty) handler.Help(name, help);
        handler.Type(name, kind switch
        {
            0 => MetricType.Counter,
            1 => MetricType.Gauge,
            2 => MetricType.Summary,
            4 => MetricType.Histogram,
            5 => MetricType.GaugeHistogram,
            _ => MetricType.Unknown,
        });
        if (!unit.IsEmpty) handler.Unit(name, unit);
        while (family.Next())
        {
            if (family.Is(4, ProtoType.Bytes)) Metric(name, family.Message(), kind == 5, classicToo, nativeToo, ref handler);
            else family.Skip();
        }
    }

    private void Metric<THandler>(
        ReadOnlySpan<byte> family, ProtoReader metric, bool gauge, bool classicToo, bool nativeToo, ref THandler handler)
        where THandler : struct, IExpositionHandler
    {
        var head = metric;
        long? timestampMs = null;
        while (head.Next())
        {
            if (head.Is(6, ProtoType.Varint))
            {
                long ms = head.Int64();
                if (ms != 0) timestampMs = ms;
            }
            else
            {
                head.Skip();
            }
        }
        var all = metric;
        while (metric.Next())
        {
            switch (metric.Field)
            {
                case 2 or 3 or 5:
                {
                    metric.Expect(ProtoType.Bytes);
                    var number = metric.Message();
                    var exemplar = number;
                    double value = 0;
                    while (number.Next())
                    {
                        if (number.Is(1, ProtoType.Fixed64)) value = number.Double();
                        else number.Skip();
                    }
                    Series(family, default, all, default, 0, ref handler);
                    if (metric.Field == 3) Tell(StartOf(exemplar, 3, ref handler), ref handler);
                    handler.Sample(value, timestampMs);
                    if (metric.Field != 3) break;
                    while (exemplar.Next())
                    {
                        if (exemplar.Is(2, ProtoType.Bytes)) Exemplar(exemplar.Message(), ref handler);
                        else exemplar.Skip();
                    }
                    break;
                }
                case 4:
                    metric.Expect(ProtoType.Bytes);
                    Summary(family, all, metric.Message(), timestampMs, ref handler);
                    break;
                case 7:
                    metric.Expect(ProtoType.Bytes);
                    HistogramMetric(family, all, metric.Message(), gauge, classicToo, nativeToo, timestampMs, ref handler);
                    break;
                default:
                    metric.Skip();
                    break;
            }
        }
    }

    private void Summary<THandler>(ReadOnlySpan<byte> family, ProtoReader metric, ProtoReader summary, long? timestampMs, ref THandler handler)
        where THandler : struct, IExpositionHandler
    {
        ulong count = 0;
        double sum = 0;
        var head = summary;
        while (head.Next())
        {
            if (head.Is(1, ProtoType.Varint)) count = head.Varint();
            else if (head.Is(2, ProtoType.Fixed64)) sum = head.Double();
            else head.Skip();
        }
        long startMs = StartOf(summary, 4, ref handler);
        Series(family, "_count"u8, metric, default, 0, ref handler);
        Tell(startMs, ref handler);
        handler.Sample(count, timestampMs);
        Series(family, "_sum"u8, metric, default, 0, ref handler);
        Tell(startMs, ref handler);
        handler.Sample(sum, timestampMs);
        while (summary.Next())
        {
            if (!summary.Is(3, ProtoType.Bytes))
            {
                summary.Skip();
                continue;
            }
            var quantile = summary.Message();
            double rank = 0, value = 0;
            while (quantile.Next())
            {
                if (quantile.Is(1, ProtoType.Fixed64)) rank = quantile.Double();
                else if (quantile.Is(2, ProtoType.Fixed64)) value = quantile.Double();
                else quantile.Skip();
            }
            Series(family, default, metric, "quantile"u8, rank, ref handler);
            handler.Sample(value, timestampMs);
        }
    }

    private void HistogramMetric<THandler>(
        ReadOnlySpan<byte> family, ProtoReader metric, ProtoReader message, bool gauge, bool classicToo, bool nativeToo, long? timestampMs, ref THandler handler)
        where THandler : struct, IExpositionHandler
    {
        var native = NativeHistogram.Read(message, gauge, out double count, out double sum);
        long startMs = gauge ? 0 : StartOf(message, 15, ref handler);
        if (native is not null && nativeToo)
        {
            if (HistogramRules.Fault(native) is { } fault) throw new WireFormatException($"invalid native histogram: {fault}", message.Position);
            Series(family, default, metric, default, 0, ref handler);
            Tell(startMs, ref handler);
            handler.Histogram(native, timestampMs);
            var exemplars = message;
            while (exemplars.Next())
            {
                if (exemplars.Is(16, ProtoType.Bytes)) Exemplar(exemplars.Message(), ref handler);
                else exemplars.Skip();
            }
            if (!classicToo) return;
        }
        bool bucketsSeen = false, infinitySeen = false;
        var buckets = message;
        while (buckets.Next())
        {
            if (!buckets.Is(3, ProtoType.Bytes))
            {
                buckets.Skip();
                continue;
            }
            var bucket = buckets.Message();
            var exemplar = bucket;
            double cumulative = 0, bound = 0;
            while (bucket.Next())
            {
                switch (bucket.Field)
                {
                    case 1: bucket.Expect(ProtoType.Varint); if (cumulative == 0) cumulative = bucket.Varint(); else bucket.Skip(); break;
                    case 2: bucket.Expect(ProtoType.Fixed64); bound = bucket.Double(); break;
                    case 4: bucket.Expect(ProtoType.Fixed64); cumulative = bucket.Double(); break;
                    default: bucket.Skip(); break;
                }
            }
            bucketsSeen = true;
            infinitySeen |= double.IsPositiveInfinity(bound);
            Series(family, "_bucket"u8, metric, "le"u8, bound, ref handler);
            Tell(startMs, ref handler);
            handler.Sample(cumulative, timestampMs);
            while (exemplar.Next())
            {
                if (exemplar.Is(3, ProtoType.Bytes)) Exemplar(exemplar.Message(), ref handler);
                else exemplar.Skip();
            }
        }
        if (native is not null && !bucketsSeen) return;
        if (!infinitySeen)
        {
            Series(family, "_bucket"u8, metric, "le"u8, double.PositiveInfinity, ref handler);
            Tell(startMs, ref handler);
            handler.Sample(count, timestampMs);
        }
        Series(family, "_count"u8, metric, default, 0, ref handler);
        Tell(startMs, ref handler);
        handler.Sample(count, timestampMs);
        Series(family, "_sum"u8, metric, default, 0, ref handler);
        Tell(startMs, ref handler);
        handler.Sample(sum, timestampMs);
    }

    /// <summary>Tells the handler of the series: family name with a suffix, the metric's labels and perhaps one more with a number.</summary>
    private void Series<THandler>(
        ReadOnlySpan<byte> family, ReadOnlySpan<byte> suffix, ProtoReader metric, ReadOnlySpan<byte> extra, double extraValue, ref THandler handler)
        where THandler : struct, IExpositionHandler
    {
        Span<byte> number = stackalloc byte[GoFloat.BytesMax + 2];
        var extraText = extra.IsEmpty ? default : number[..GoFloat.FormatOpenMetrics(extraValue, number)];
        rawLength = 0;
        Append(family);
        Append(suffix);
        int nameLength = rawLength;
        var pairs = metric;
        while (pairs.Next())
        {
            if (!pairs.Is(1, ProtoType.Bytes))
            {
                pairs.Skip();
                continue;
            }
            // 0xff stands in no UTF-8 text, so it keeps the parts apart.
            Append([0xff]);
            Append(pairs.Bytes());
        }
        if (!extra.IsEmpty)
        {
            Append([0xff, 0xff]);
            Append(extraText);
        }
        if (handler.TryKnown(raw.AsSpan(0, rawLength))) return;
        labels.Clear();
        labels.Add("__name__"u8, raw.AsSpan(0, nameLength));
        while (metric.Next())
        {
            if (metric.Is(1, ProtoType.Bytes)) AddPair(metric.Message());
            else metric.Skip();
        }
        if (!extra.IsEmpty) labels.Add(extra, extraText);
        Assemble(metric.Position, metricNameNeeded: true, out var canonical);
        handler.New(raw.AsSpan(0, rawLength), canonical);
    }

    private void Exemplar<THandler>(ProtoReader exemplar, ref THandler handler)
        where THandler : struct, IExpositionHandler
    {
        labels.Clear();
        double value = 0;
        long? timestampMs = null;
        while (exemplar.Next())
        {
            switch (exemplar.Field)
            {
                case 1: exemplar.Expect(ProtoType.Bytes); AddPair(exemplar.Message()); break;
                case 2: exemplar.Expect(ProtoType.Fixed64); value = exemplar.Double(); break;
                case 3: exemplar.Expect(ProtoType.Bytes); timestampMs = Timestamp(exemplar.Message()); break;
                default: exemplar.Skip(); break;
            }
        }
        Assemble(exemplar.Position, metricNameNeeded: false, out var canonical);
        handler.Exemplar(canonical, value, timestampMs);
    }

    private void AddPair(ProtoReader pair)
    {
        ReadOnlySpan<byte> name = default, value = default;
        while (pair.Next())
        {
            if (pair.Is(1, ProtoType.Bytes)) name = pair.Bytes();
            else if (pair.Is(2, ProtoType.Bytes)) value = pair.Bytes();
            else pair.Skip();
        }
        labels.Add(name, value);
    }

    /// <summary>A message's <c>created_timestamp</c>, Unix milliseconds; 0 where it has none or nobody asks.</summary>
    private static long StartOf<THandler>(ProtoReader message, int field, ref THandler handler)
        where THandler : struct, IExpositionHandler
    {
        long startMs = 0;
        while (handler.WantsStarts && message.Next())
        {
            if (message.Is(field, ProtoType.Bytes)) startMs = Timestamp(message.Message());
            else message.Skip();
        }
        return startMs;
    }

    private static void Tell<THandler>(long startMs, ref THandler handler)
        where THandler : struct, IExpositionHandler
    {
        if (startMs != 0) handler.Start(startMs);
    }

    private static long Timestamp(ProtoReader reader)
    {
        long seconds = 0, nanos = 0;
        while (reader.Next())
        {
            if (reader.Is(1, ProtoType.Varint)) seconds = reader.Int64();
            else if (reader.Is(2, ProtoType.Varint)) nanos = reader.Int64();
            else reader.Skip();
        }
        if (Math.Abs(seconds) > long.MaxValue / 2000) throw new WireFormatException("timestamp is out of range", reader.Position);
        return (seconds * 1000) + (nanos / 1_000_000);
    }

    private void Assemble(int at, bool metricNameNeeded, out ReadOnlySpan<byte> canonical)
    {
        var fault = labels.Assemble(metricNameNeeded, out canonical);
        if (LabelParts.Describe(fault) is { } wrong) throw new WireFormatException(wrong, at);
    }

    private void Append(ReadOnlySpan<byte> part)
    {
        if (rawLength + part.Length > raw.Length) Array.Resize(ref raw, Math.Max(rawLength + part.Length, raw.Length * 2));
        part.CopyTo(raw.AsSpan(rawLength));
        rawLength += part.Length;
    }
}
