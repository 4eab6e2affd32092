using Pharos.Core;
using Pharos.Wire.Histograms;
using Pharos.Wire.Protobuf;

namespace Pharos.Wire.RemoteWrite;

/// <summary>
/// The histogram message that remote write 1 and 2 share: whole counts travel as deltas between neighbouring buckets, float counts as they are.
/// </summary>
internal static class HistogramCodec
{
    /// <summary>Reads one message. Malformed bytes throw; a histogram that makes no sense comes back with its fault.</summary>
    /// <param name="startMs">When counting began; 0 where the message does not say so, as in remote write 1.</param>
    public static string? Read(ProtoReader reader, out Histogram histogram, out long timestampMs, out long startMs)
    {
        double count = 0, sum = 0, zeroThreshold = 0, zeroCount = 0;
        int schema = 0;
        bool isFloat = false;
        ulong hint = 0;
        timestampMs = 0;
        startMs = 0;
        List<BucketSpan>? positiveSpans = null, negativeSpans = null;
        List<double>? positiveCounts = null, negativeCounts = null, custom = null;
        List<long>? positiveDeltas = null, negativeDeltas = null;
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1: reader.Expect(ProtoType.Varint); count = reader.Varint(); break;
                case 2: reader.Expect(ProtoType.Fixed64); count = reader.Double(); isFloat = true; break;
                case 3: reader.Expect(ProtoType.Fixed64); sum = reader.Double(); break;
                case 4: reader.Expect(ProtoType.Varint); schema = reader.SInt32(); break;
                case 5: reader.Expect(ProtoType.Fixed64); zeroThreshold = reader.Double(); break;
                case 6: reader.Expect(ProtoType.Varint); zeroCount = reader.Varint(); break;
                case 7: reader.Expect(ProtoType.Fixed64); zeroCount = reader.Double(); break;
                case 8: reader.Expect(ProtoType.Bytes); (negativeSpans ??= []).Add(ReadSpan(reader.Message())); break;
                case 9: ReadDeltas(ref reader, negativeDeltas ??= []); break;
                case 10: ReadDoubles(ref reader, negativeCounts ??= []); break;
                case 11: reader.Expect(ProtoType.Bytes); (positiveSpans ??= []).Add(ReadSpan(reader.Message())); break;
                case 12: ReadDeltas(ref reader, positiveDeltas ??= []); break;
                case 13: ReadDoubles(ref reader, positiveCounts ??= []); break;
                case 14: reader.Expect(ProtoType.Varint); hint = reader.Varint(); break;
                case 15: reader.Expect(ProtoType.Varint); timestampMs = reader.Int64(); break;
                case 16: ReadDoubles(ref reader, custom ??= []); break;
                case 17: reader.Expect(ProtoType.Varint); startMs = reader.Int64(); break;
                default: reader.Skip(); break;
            }
        }
        isFloat |= positiveCounts is { Count: > 0 } || negativeCounts is { Count: > 0 };
        histogram = new Histogram
        {
            ResetHint = hint <= 3 ? (CounterResetHint)hint : CounterResetHint.Unknown,
            Schema = schema,
            ZeroThreshold = zeroThreshold,
            ZeroCount = zeroCount,
            Count = count,
            Sum = sum,
            IsFloat = isFloat,
            PositiveSpans = positiveSpans?.ToArray() ?? [],
            NegativeSpans = negativeSpans?.ToArray() ?? [],
            PositiveBuckets = isFloat ? positiveCounts?.ToArray() ?? [] : Absolute(positiveDeltas),
            NegativeBuckets = isFloat ? negativeCounts?.ToArray() ?? [] : Absolute(negativeDeltas),
            CustomValues = custom?.ToArray() ?? [],
        };
        // The wire knows schemas up to 52; the store keeps 8.
        if (schema is > HistogramRules.SchemaMax and <= 52) histogram = HistogramRules.ReduceTo(histogram, HistogramRules.SchemaMax);
        return HistogramRules.Fault(histogram);
    }

    /// <param name="startMs">When counting began; 0 is left out, as remote write 1 has it.</param>
    public static void Write(ProtoBuffer to, uint field, Histogram histogram, long timestampMs, long startMs)
    {
        int message = to.Begin(field);
        if (histogram.IsFloat)
        {
            to.Field(2, histogram.Count);
        }
        else
        {
            to.Field(1, (ulong)histogram.Count);
        }
        to.Field(3, histogram.Sum);
        if (histogram.Schema != 0) to.ZigZagField(4, histogram.Schema);
        if (histogram.ZeroThreshold != 0) to.Field(5, histogram.ZeroThreshold);
        if (histogram.IsFloat) to.Field(7, histogram.ZeroCount);
        else to.Field(6, (ulong)histogram.ZeroCount);
        WriteSide(to, 8, histogram.NegativeSpans, histogram.NegativeBuckets, histogram.IsFloat);
        WriteSide(to, 11, histogram.PositiveSpans, histogram.PositiveBuckets, histogram.IsFloat);
        if (histogram.ResetHint != CounterResetHint.Unknown) to.Field(14, (ulong)histogram.ResetHint);
        if (timestampMs != 0) to.Field(15, timestampMs);
        if (histogram.CustomValues.Length > 0) WriteDoubles(to, 16, histogram.CustomValues);
        if (startMs != 0) to.Field(17, startMs);
        to.End(message);
    }

    public static void WriteSide(ProtoBuffer to, uint firstField, BucketSpan[] spans, double[] buckets, bool isFloat)
    {
        foreach (var span in spans)
        {
            int message = to.Begin(firstField);
            if (span.Offset != 0) to.ZigZagField(1, span.Offset);
            if (span.Length != 0) to.Field(2, (ulong)span.Length);
            to.End(message);
        }
        if (buckets.Length == 0) return;
        if (isFloat)
        {
            WriteDoubles(to, firstField + 2, buckets);
            return;
        }
        int packed = to.Begin(firstField + 1);
        long before = 0;
        foreach (double bucket in buckets)
        {
            long count = (long)bucket;
            to.Varint(ProtoBuffer.ZigZag(count - before));
            before = count;
        }
        to.End(packed);
    }

    private static void WriteDoubles(ProtoBuffer to, uint field, double[] values)
    {
        int packed = to.Begin(field);
        foreach (double value in values) to.Raw(value);
        to.End(packed);
    }

    public static BucketSpan ReadSpan(ProtoReader reader)
    {
        int offset = 0;
        uint length = 0;
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1: reader.Expect(ProtoType.Varint); offset = reader.SInt32(); break;
                case 2: reader.Expect(ProtoType.Varint); length = (uint)reader.Varint(); break;
                default: reader.Skip(); break;
            }
        }
        return new BucketSpan(offset, length);
    }

    public static void ReadDeltas(ref ProtoReader reader, List<long> into)
    {
        if (reader.Type == ProtoType.Varint)
        {
            into.Add(reader.SInt64());
            return;
        }
        reader.Expect(ProtoType.Bytes);
        var packed = reader.Message();
        while (!packed.AtEnd) into.Add(packed.SInt64());
    }

    public static void ReadDoubles(ref ProtoReader reader, List<double> into)
    {
        if (reader.Type == ProtoType.Fixed64)
        {
            into.Add(reader.Double());
            return;
        }
        reader.Expect(ProtoType.Bytes);
        var packed = reader.Message();
        while (!packed.AtEnd) into.Add(packed.Double());
    }

    public static double[] Absolute(List<long>? deltas)
    {
        if (deltas is null) return [];
        var counts = new double[deltas.Count];
        long running = 0;
        for (int i = 0; i < counts.Length; i++)
        {
            running += deltas[i];
            counts[i] = running;
        }
        return counts;
    }
}
