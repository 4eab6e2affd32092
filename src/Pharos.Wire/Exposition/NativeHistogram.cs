using Pharos.Core;
using Pharos.Wire.Histograms;
using Pharos.Wire.Protobuf;
using Pharos.Wire.RemoteWrite;

namespace Pharos.Wire.Exposition;

/// <summary>The native part of a histogram in the protobuf exposition.</summary>
internal static class NativeHistogram
{
    /// <summary>Null where the message has classic buckets only; count and sum are set in any case.</summary>
    public static Histogram? Read(ProtoReader reader, bool gauge, out double count, out double sum)
    {
        double whole = 0, countFloat = 0, zeroThreshold = 0, zeroFloat = 0, zeroWhole = 0;
        int schema = 0;
        List<BucketSpan> positiveSpans = [], negativeSpans = [];
        List<long> positiveDeltas = [], negativeDeltas = [];
        List<double> positiveCounts = [], negativeCounts = [];
        sum = 0;
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1: reader.Expect(ProtoType.Varint); whole = reader.Varint(); break;
                case 2: reader.Expect(ProtoType.Fixed64); sum = reader.Double(); break;
                case 4: reader.Expect(ProtoType.Fixed64); countFloat = reader.Double(); break;
                case 5: reader.Expect(ProtoType.Varint); schema = reader.SInt32(); break;
                case 6: reader.Expect(ProtoType.Fixed64); zeroThreshold = reader.Double(); break;
                case 7: reader.Expect(ProtoType.Varint); zeroWhole = reader.Varint(); break;
                case 8: reader.Expect(ProtoType.Fixed64); zeroFloat = reader.Double(); break;
                case 9: reader.Expect(ProtoType.Bytes); negativeSpans.Add(HistogramCodec.ReadSpan(reader.Message())); break;
                case 10: HistogramCodec.ReadDeltas(ref reader, negativeDeltas); break;
                case 11: HistogramCodec.ReadDoubles(ref reader, negativeCounts); break;
                case 12: reader.Expect(ProtoType.Bytes); positiveSpans.Add(HistogramCodec.ReadSpan(reader.Message())); break;
                case 13: HistogramCodec.ReadDeltas(ref reader, positiveDeltas); break;
                case 14: HistogramCodec.ReadDoubles(ref reader, positiveCounts); break;
                default: reader.Skip(); break;
            }
        }
        bool isFloat = countFloat > 0 || zeroFloat > 0 || positiveCounts.Count > 0 || negativeCounts.Count > 0;
        count = countFloat > 0 ? countFloat : whole;
        bool native = positiveSpans.Count > 0 || negativeSpans.Count > 0 || zeroThreshold > 0 || zeroWhole > 0 || zeroFloat > 0
            || positiveDeltas.Count > 0 || negativeDeltas.Count > 0;
        if (!native) return null;
        // A no-op span only says that the histogram is native.
        positiveSpans.RemoveAll(s => s is { Offset: 0, Length: 0 });
        var histogram = new Histogram
        {
            ResetHint = gauge ? CounterResetHint.Gauge : CounterResetHint.Unknown,
            Schema = schema,
            ZeroThreshold = zeroThreshold,
            ZeroCount = isFloat ? zeroFloat : zeroWhole,
            Count = count,
            Sum = sum,
            IsFloat = isFloat,
            PositiveSpans = [.. positiveSpans],
            NegativeSpans = [.. negativeSpans],
            PositiveBuckets = isFloat ? [.. positiveCounts] : HistogramCodec.Absolute(positiveDeltas),
            NegativeBuckets = isFloat ? [.. negativeCounts] : HistogramCodec.Absolute(negativeDeltas),
        };
        return schema is > HistogramRules.SchemaMax and <= 52 ? HistogramRules.ReduceTo(histogram, HistogramRules.SchemaMax) : histogram;
    }
}
