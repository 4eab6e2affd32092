using System.Buffers;
using System.Text;
using Pharos.Core;
using Pharos.Wire.Protobuf;
using Pharos.Wire.RemoteWrite;

namespace Pharos.Wire.Exposition;

/// <summary>
/// Writes delimited <c>io.prometheus.client.MetricFamily</c> messages: floats as untyped metrics, native histograms as such.
/// A family ends where the next begins; <see cref="End"/> ends the last. Source: prometheus/client_model metrics.proto.
/// </summary>
public sealed class ProtobufWriter(IBufferWriter<byte> output) : IDisposable
{
    public const string ContentType = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

    private const ulong Untyped = 3, HistogramType = 4, GaugeHistogramType = 5;

    private readonly ProtoBuffer family = new();
    private string name = "";
    private ulong type;

    public void Sample(string metric, ReadOnlySpan<byte> labels, double value, long timestampMs)
    {
        BeginFamily(metric, Untyped);
        int message = BeginMetric(labels);
        int untyped = family.Begin(5);
        family.Field(1, value);
        family.End(untyped);
        EndMetric(message, timestampMs);
    }

    /// <param name="histogram">Without custom buckets, which the message does not have.</param>
    public void Sample(string metric, ReadOnlySpan<byte> labels, Histogram histogram, long timestampMs)
    {
        BeginFamily(metric, histogram.ResetHint == CounterResetHint.Gauge ? GaugeHistogramType : HistogramType);
        int message = BeginMetric(labels);
        int field = family.Begin(7);
        if (histogram.IsFloat) family.Field(4, histogram.Count);
        else family.Field(1, (ulong)histogram.Count);
        family.Field(2, histogram.Sum);
        family.ZigZagField(5, histogram.Schema);
        family.Field(6, histogram.ZeroThreshold);
        if (histogram.IsFloat) family.Field(8, histogram.ZeroCount);
        else family.Field(7, (ulong)histogram.ZeroCount);
        HistogramCodec.WriteSide(family, 9, histogram.NegativeSpans, histogram.NegativeBuckets, histogram.IsFloat);
        HistogramCodec.WriteSide(family, 12, histogram.PositiveSpans, histogram.PositiveBuckets, histogram.IsFloat);
        // Without a span, and with an empty zero bucket, readers would take it for a classic histogram.
        if (histogram.PositiveSpans.Length == 0 && histogram.NegativeSpans.Length == 0) family.End(family.Begin(12));
        family.End(field);
        EndMetric(message, timestampMs);
    }

    public void End()
    {
        if (family.Length == 0) return;
        var head = output.GetSpan(10);
        int at = 0;
        uint length = (uint)family.Length;
        for (; length >= 0x80; length >>= 7) head[at++] = (byte)(length | 0x80);
        head[at++] = (byte)length;
        output.Advance(at);
        output.Write(family.Written);
        family.Clear();
    }

    public void Dispose() => family.Dispose();

    private void BeginFamily(string metric, ulong ofType)
    {
        if (family.Length > 0 && metric == name && ofType == type) return;
        End();
        (name, type) = (metric, ofType);
        family.Field(1, Encoding.UTF8.GetBytes(metric));
        family.Field(3, ofType);
    }

    private int BeginMetric(ReadOnlySpan<byte> labels)
    {
        int message = family.Begin(4);
        var each = new Labels.Enumerator(labels);
        while (each.MoveNext())
        {
            if (!each.Current.NameUtf8.SequenceEqual("__name__"u8)) family.Pair(1, each.Current.NameUtf8, each.Current.ValueUtf8);
        }
        return message;
    }

    private void EndMetric(int message, long timestampMs)
    {
        family.Field(6, timestampMs);
        family.End(message);
    }
}
