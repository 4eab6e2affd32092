using Pharos.Core;

namespace Pharos.Metrics.Append;

/// <summary>A native histogram in the store's own records, counts absolute. Layout: docs/formats/metric-records.md.</summary>
internal static class HistogramCodec
{
    public static void Write(ByteBuffer into, Histogram histogram)
    {
        into.Byte((byte)((int)histogram.ResetHint | (histogram.IsFloat ? 4 : 0)));
        into.Varint(histogram.Schema);
        into.Double(histogram.ZeroThreshold);
        into.Double(histogram.ZeroCount);
        into.Double(histogram.Count);
        into.Double(histogram.Sum);
        Spans(histogram.PositiveSpans);
        Spans(histogram.NegativeSpans);
        Doubles(histogram.PositiveBuckets);
        Doubles(histogram.NegativeBuckets);
        Doubles(histogram.CustomValues);

        void Spans(BucketSpan[] spans)
        {
            into.Uvarint((ulong)spans.Length);
            foreach (var span in spans)
            {
                into.Varint(span.Offset);
                into.Uvarint(span.Length);
            }
        }

        void Doubles(double[] numbers)
        {
            into.Uvarint((ulong)numbers.Length);
            foreach (double number in numbers) into.Double(number);
        }
    }

    public static Histogram Read(ref ByteReader bytes)
    {
        byte flags = bytes.Byte();
        return new Histogram
        {
            ResetHint = (CounterResetHint)(flags & 3),
            IsFloat = (flags & 4) != 0,
            Schema = (int)bytes.Varint(),
            ZeroThreshold = bytes.Double(),
            ZeroCount = bytes.Double(),
            Count = bytes.Double(),
            Sum = bytes.Double(),
            PositiveSpans = Spans(ref bytes),
            NegativeSpans = Spans(ref bytes),
            PositiveBuckets = Doubles(ref bytes),
            NegativeBuckets = Doubles(ref bytes),
            CustomValues = Doubles(ref bytes),
        };

        static BucketSpan[] Spans(ref ByteReader bytes)
        {
            var spans = new BucketSpan[bytes.Count()];
            for (int i = 0; i < spans.Length; i++) spans[i] = new BucketSpan((int)bytes.Varint(), (uint)bytes.Uvarint());
            return spans;
        }

        static double[] Doubles(ref ByteReader bytes)
        {
            var numbers = new double[bytes.Count()];
            for (int i = 0; i < numbers.Length; i++) numbers[i] = bytes.Double();
            return numbers;
        }
    }
}
