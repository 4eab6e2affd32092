using System.Buffers.Binary;
using Pharos.Core;

namespace Pharos.Metrics.Chunks;

/// <summary>
/// Chunks of native histograms, with whole-number or float counts. A chunk is written in one go from samples that
/// <see cref="Fits"/> says belong together; all share one bucket layout, the union of theirs.
/// </summary>
internal static class HistogramChunk
{
    private const int HeaderBytes = 3;

    /// <summary>
    /// Whether a sample may join a chunk behind <paramref name="before"/>. Chunks break where the kind, the schema, the zero threshold,
    /// the custom bounds or gauge against counter changes, at a counter reset, and behind a stale marker.
    /// </summary>
    public static bool Fits(Histogram before, Histogram next, out bool reset)
    {
        reset = false;
        if (before.IsStale) return next.IsStale;
        if (next.IsStale) return true;
        if (before.IsFloat != next.IsFloat || before.Schema != next.Schema || !before.ZeroThreshold.Equals(next.ZeroThreshold)) return false;
        if (!before.CustomValues.AsSpan().SequenceEqual(next.CustomValues)) return false;
        bool gauge = next.ResetHint == CounterResetHint.Gauge;
        if (gauge != (before.ResetHint == CounterResetHint.Gauge)) return false;
        reset = !gauge && IsReset(before, next);
        return !reset;
    }

    /// <summary>Writes a chunk of 1 to 65535 samples.</summary>
    /// <param name="hint">What the first sample is against the one before it.</param>
    public static byte[] Write(IReadOnlyList<(long TimestampMs, Histogram Histogram)> samples, CounterResetHint hint, out ChunkEncoding encoding)
    {
        Histogram? first = null;
        var positive = new SortedSet<int>();
        var negative = new SortedSet<int>();
        foreach (var (_, histogram) in samples)
        {
            if (histogram.IsStale) continue;
            first ??= histogram;
            AddIndexes(histogram.PositiveSpans, positive);
            AddIndexes(histogram.NegativeSpans, negative);
        }
        int[] positives = [.. positive], negatives = [.. negative];
        bool isFloat = first?.IsFloat ?? false;
        encoding = isFloat ? ChunkEncoding.FloatHistogram : ChunkEncoding.Histogram;

        var stream = new BitBuffer(256) { Bits = 16 };
        stream.Write((ulong)Flags(hint) << 6, 8);
        WriteLayout(ref stream, first ?? new Histogram(), positives, negatives);
        if (isFloat) WriteFloats(ref stream, samples, positives, negatives);
        else WriteIntegers(ref stream, samples, positives, negatives);
        var chunk = stream.Bytes.AsSpan(0, stream.Length).ToArray();
        BinaryPrimitives.WriteUInt16BigEndian(chunk, (ushort)samples.Count);
        return chunk;
    }

    public static void Read(ReadOnlySpan<byte> chunk, bool isFloat, TimeRange range, SampleColumns into)
    {
        if (chunk.Length < HeaderBytes) throw new CorruptChunkException("the chunk is shorter than its header");
        int count = BinaryPrimitives.ReadUInt16BigEndian(chunk);
        if (count == 0) return;
        var hint = (chunk[2] >> 6) switch { 2 => CounterResetHint.Reset, 1 => CounterResetHint.NotReset, 3 => CounterResetHint.Gauge, _ => CounterResetHint.Unknown };
        var bits = new BitReader(chunk[HeaderBytes..]);
        var layout = ReadLayout(ref bits);
        if (isFloat) ReadFloats(ref bits, layout, count, hint, range, into);
        else ReadIntegers(ref bits, layout, count, hint, range, into);
    }

    /// <summary>Absolute bucket indexes that some spans cover, rising.</summary>
    public static void AddIndexes(BucketSpan[] spans, ICollection<int> into)
    {
        int index = 0;
        foreach (var span in spans)
        {
            index += span.Offset;
            for (uint i = 0; i < span.Length; i++) into.Add(index++);
        }
    }

    private static bool IsReset(Histogram before, Histogram next)
    {
        if (next.ResetHint == CounterResetHint.Reset) return true;
        if (next.Count < before.Count || next.ZeroCount < before.ZeroCount) return true;
        return AnyFell(before.PositiveSpans, before.PositiveBuckets, next.PositiveSpans, next.PositiveBuckets)
            || AnyFell(before.NegativeSpans, before.NegativeBuckets, next.NegativeSpans, next.NegativeBuckets);
    }

    private static bool AnyFell(BucketSpan[] beforeSpans, double[] before, BucketSpan[] nextSpans, double[] next)
    {
        if (beforeSpans.AsSpan().SequenceEqual(nextSpans))
        {
            for (int i = 0; i < before.Length; i++)
            {
                if (next[i] < before[i]) return true;
            }
            return false;
        }
        var now = new Dictionary<int, double>();
        var indexes = new List<int>();
        AddIndexes(nextSpans, indexes);
        for (int i = 0; i < indexes.Count; i++) now[indexes[i]] = next[i];
        indexes.Clear();
        AddIndexes(beforeSpans, indexes);
        for (int i = 0; i < indexes.Count; i++)
        {
            if (now.GetValueOrDefault(indexes[i]) < before[i]) return true;
        }
        return false;
    }

    private static int Flags(CounterResetHint hint) => hint switch
    {
        CounterResetHint.Reset => 2,
        CounterResetHint.NotReset => 1,
        CounterResetHint.Gauge => 3,
        _ => 0,
    };

    private static void WriteLayout(ref BitBuffer stream, Histogram first, int[] positives, int[] negatives)
    {
        WriteZeroThreshold(ref stream, first.ZeroThreshold);
        stream.WriteVarbit(first.Schema);
        WriteSpans(ref stream, positives);
        WriteSpans(ref stream, negatives);
        if (!first.UsesCustomBuckets) return;
        stream.WriteVarbitUnsigned((ulong)first.CustomValues.Length);
        foreach (double bound in first.CustomValues)
        {
            double thousandths = bound * 1000;
            if (thousandths is >= 0 and <= 33554430 && Math.Truncate(thousandths).Equals(thousandths))
            {
                stream.WriteVarbitUnsigned((ulong)thousandths + 1);
            }
            else
            {
                stream.Write(0, 1);
                stream.WriteDouble(bound);
            }
        }
    }

    private static void WriteZeroThreshold(ref BitBuffer stream, double threshold)
    {
        if (threshold == 0)
        {
            stream.Write(0, 8);
            return;
        }
        // A power of two p is written as 0.5·2^exponent, the way frexp splits numbers.
        ulong bits = BitConverter.DoubleToUInt64Bits(threshold);
        int exponent = (int)((bits >> 52) & 0x7ff) - 1022;
        bool power = threshold > 0 && (bits & 0xfffffffffffff) == 0 && (bits >> 52) != 0;
        if (power && exponent is >= -242 and <= 11)
        {
            stream.Write((ulong)(exponent + 243), 8);
            return;
        }
        stream.Write(255, 8);
        stream.WriteDouble(threshold);
    }

    private static void WriteSpans(ref BitBuffer stream, int[] indexes)
    {
        var spans = ToSpans(indexes);
        stream.WriteVarbitUnsigned((ulong)spans.Length);
        foreach (var span in spans)
        {
            stream.WriteVarbitUnsigned(span.Length);
            stream.WriteVarbit(span.Offset);
        }
    }

    private static BucketSpan[] ToSpans(int[] indexes)
    {
        var spans = new List<BucketSpan>();
        int end = 0;
        for (int i = 0; i < indexes.Length;)
        {
            int run = 1;
            while (i + run < indexes.Length && indexes[i + run] == indexes[i] + run) run++;
            spans.Add(new BucketSpan(indexes[i] - end, (uint)run));
            end = indexes[i] + run;
            i += run;
        }
        return [.. spans];
    }

    /// <summary>A histogram's counts in the chunk's layout; buckets it does not have are zero.</summary>
    private static void Spread(BucketSpan[] spans, double[] buckets, int[] layout, double[] into)
    {
        Array.Clear(into);
        int at = 0, index = 0, bucket = 0;
        foreach (var span in spans)
        {
            index += span.Offset;
            for (uint i = 0; i < span.Length; i++, index++)
            {
                while (layout[at] != index) at++;
                into[at] = buckets[bucket++];
            }
        }
    }

    private static void WriteIntegers(
        ref BitBuffer stream, IReadOnlyList<(long TimestampMs, Histogram Histogram)> samples, int[] positives, int[] negatives)
    {
        int buckets = positives.Length + negatives.Length;
        var before = new long[buckets];
        var deltas = new long[buckets];
        var absolute = (Positive: new double[positives.Length], Negative: new double[negatives.Length]);
        long t = 0, tDelta = 0, cnt = 0, cntDelta = 0, zero = 0, zeroDelta = 0;
        ulong sum = 0;
        var window = XorWindow.Unset;
        for (int n = 0; n < samples.Count; n++)
        {
            var (timestamp, histogram) = samples[n];
            bool stale = histogram.IsStale;
            long count = stale ? cnt : (long)histogram.Count, zeros = stale ? zero : (long)histogram.ZeroCount;
            ulong newSum = BitConverter.DoubleToUInt64Bits(histogram.Sum);
            long newTDelta = timestamp - t, newCntDelta = count - cnt, newZeroDelta = zeros - zero;
            if (n == 0)
            {
                stream.WriteVarbit(timestamp);
                stream.WriteVarbitUnsigned((ulong)count);
                stream.WriteVarbitUnsigned((ulong)zeros);
                stream.Write(newSum, 64);
                newTDelta = newCntDelta = newZeroDelta = 0;
            }
            else
            {
                stream.WriteVarbit(newTDelta - tDelta);
                stream.WriteVarbit(newCntDelta - cntDelta);
                stream.WriteVarbit(newZeroDelta - zeroDelta);
                stream.WriteXor(sum, newSum, ref window);
            }
            (t, tDelta, cnt, cntDelta, zero, zeroDelta, sum) = (timestamp, newTDelta, count, newCntDelta, zeros, newZeroDelta, newSum);
            if (stale) continue;
            Spread(histogram.PositiveSpans, histogram.PositiveBuckets, positives, absolute.Positive);
            Spread(histogram.NegativeSpans, histogram.NegativeBuckets, negatives, absolute.Negative);
            WriteSide(ref stream, absolute.Positive, 0);
            WriteSide(ref stream, absolute.Negative, positives.Length);

            void WriteSide(ref BitBuffer to, double[] counts, int from)
            {
                long left = 0;
                for (int i = 0; i < counts.Length; i++)
                {
                    // Buckets are written as differences to their left neighbour, and those as deltas over time.
                    long bucket = (long)counts[i] - left;
                    left = (long)counts[i];
                    long delta = bucket - before[from + i];
                    to.WriteVarbit(n <= 1 ? delta : delta - deltas[from + i]);
                    deltas[from + i] = n == 0 ? 0 : delta;
                    before[from + i] = bucket;
                }
            }
        }
    }

    private static void WriteFloats(
        ref BitBuffer stream, IReadOnlyList<(long TimestampMs, Histogram Histogram)> samples, int[] positives, int[] negatives)
    {
        int buckets = positives.Length + negatives.Length;
        // Count, zero count and sum, then the buckets: each with its own window.
        var before = new ulong[3 + buckets];
        var windows = new XorWindow[3 + buckets];
        Array.Fill(windows, XorWindow.Unset);
        var absolute = (Positive: new double[positives.Length], Negative: new double[negatives.Length]);
        long t = 0, tDelta = 0;
        for (int n = 0; n < samples.Count; n++)
        {
            var (timestamp, histogram) = samples[n];
            bool stale = histogram.IsStale;
            long newTDelta = n == 0 ? 0 : timestamp - t;
            stream.WriteVarbit(n == 0 ? timestamp : newTDelta - tDelta);
            (t, tDelta) = (timestamp, newTDelta);
            Put(ref stream, 0, stale ? 0 : histogram.Count);
            Put(ref stream, 1, stale ? 0 : histogram.ZeroCount);
            Put(ref stream, 2, histogram.Sum);
            if (stale) continue;
            Spread(histogram.PositiveSpans, histogram.PositiveBuckets, positives, absolute.Positive);
            Spread(histogram.NegativeSpans, histogram.NegativeBuckets, negatives, absolute.Negative);
            for (int i = 0; i < positives.Length; i++) Put(ref stream, 3 + i, absolute.Positive[i]);
            for (int i = 0; i < negatives.Length; i++) Put(ref stream, 3 + positives.Length + i, absolute.Negative[i]);

            void Put(ref BitBuffer to, int slot, double number)
            {
                ulong bits = BitConverter.DoubleToUInt64Bits(number);
                if (n == 0) to.Write(bits, 64);
                else to.WriteXor(before[slot], bits, ref windows[slot]);
                before[slot] = bits;
            }
        }
    }

    private static Layout ReadLayout(ref BitReader bits)
    {
        byte zero = (byte)bits.Read(8);
        double threshold = zero switch { 0 => 0, 255 => bits.ReadDouble(), _ => Math.ScaleB(0.5, zero - 243) };
        int schema = (int)bits.ReadVarbit();
        var positive = ReadSpans(ref bits);
        var negative = ReadSpans(ref bits);
        double[] custom = [];
        if (schema == Histogram.CustomBucketsSchema)
        {
            custom = new double[Bounded(bits.ReadVarbitUnsigned())];
            for (int i = 0; i < custom.Length; i++)
            {
                ulong thousandths = bits.ReadVarbitUnsigned();
                custom[i] = thousandths == 0 ? bits.ReadDouble() : (thousandths - 1) / 1000.0;
            }
        }
        return new Layout(schema, threshold, positive, negative, custom, Buckets(positive), Buckets(negative));
    }

    private static BucketSpan[] ReadSpans(ref BitReader bits)
    {
        var spans = new BucketSpan[Bounded(bits.ReadVarbitUnsigned())];
        for (int i = 0; i < spans.Length; i++)
        {
            uint length = (uint)bits.ReadVarbitUnsigned();
            spans[i] = new BucketSpan((int)bits.ReadVarbit(), length);
        }
        return spans;
    }

    private static int Bounded(ulong count) =>
        count <= 1 << 20 ? (int)count : throw new CorruptChunkException($"a histogram with {count} parts");

    private static int Buckets(BucketSpan[] spans)
    {
        ulong buckets = 0;
        foreach (var span in spans) buckets += span.Length;
        return Bounded(buckets);
    }

    private static void ReadIntegers(ref BitReader bits, Layout layout, int count, CounterResetHint hint, TimeRange range, SampleColumns into)
    {
        int buckets = layout.Positives + layout.Negatives;
        var before = new long[buckets];
        var deltas = new long[buckets];
        long t = 0, tDelta = 0, cnt = 0, cntDelta = 0, zero = 0, zeroDelta = 0;
        ulong sum = 0;
        var window = XorWindow.Unset;
        for (int n = 0; n < count; n++)
        {
            if (n == 0)
            {
                t = bits.ReadVarbit();
                cnt = (long)bits.ReadVarbitUnsigned();
                zero = (long)bits.ReadVarbitUnsigned();
                sum = bits.Read(64);
            }
            else
            {
                t += tDelta += bits.ReadVarbit();
                cnt += cntDelta += bits.ReadVarbit();
                zero += zeroDelta += bits.ReadVarbit();
                sum = bits.ReadXor(sum, ref window);
            }
            if (t > range.MaxMs) return;
            double total = BitConverter.UInt64BitsToDouble(sum);
            if (SampleValue.IsStale(total))
            {
                if (t >= range.MinMs) into.Add(t, Histogram.StaleMarker);
                continue;
            }
            for (int i = 0; i < buckets; i++)
            {
                long read = bits.ReadVarbit();
                if (n == 0)
                {
                    before[i] = read;
                    continue;
                }
                deltas[i] = n == 1 ? read : deltas[i] + read;
                before[i] += deltas[i];
            }
            if (t < range.MinMs) continue;
            into.Add(t, layout.Build(isFloat: false, HintAt(hint, n), cnt, zero, total,
                Absolute(before.AsSpan(0, layout.Positives)), Absolute(before.AsSpan(layout.Positives))));
        }
    }

    private static double[] Absolute(ReadOnlySpan<long> differences)
    {
        var counts = new double[differences.Length];
        long count = 0;
        for (int i = 0; i < counts.Length; i++) counts[i] = count += differences[i];
        return counts;
    }

    private static void ReadFloats(ref BitReader bits, Layout layout, int count, CounterResetHint hint, TimeRange range, SampleColumns into)
    {
        int buckets = layout.Positives + layout.Negatives;
        var values = new ulong[3 + buckets];
        var windows = new XorWindow[3 + buckets];
        Array.Fill(windows, XorWindow.Unset);
        long t = 0, tDelta = 0;
        for (int n = 0; n < count; n++)
        {
            long read = bits.ReadVarbit();
            if (n == 0) t = read;
            else t += tDelta += read;
            for (int i = 0; i < 3; i++) values[i] = n == 0 ? bits.Read(64) : bits.ReadXor(values[i], ref windows[i]);
            if (t > range.MaxMs) return;
            double sum = BitConverter.UInt64BitsToDouble(values[2]);
            if (SampleValue.IsStale(sum))
            {
                if (t >= range.MinMs) into.Add(t, Histogram.StaleMarker);
                continue;
            }
            for (int i = 3; i < values.Length; i++) values[i] = n == 0 ? bits.Read(64) : bits.ReadXor(values[i], ref windows[i]);
            if (t < range.MinMs) continue;
            var positive = new double[layout.Positives];
            var negative = new double[layout.Negatives];
            for (int i = 0; i < positive.Length; i++) positive[i] = BitConverter.UInt64BitsToDouble(values[3 + i]);
            for (int i = 0; i < negative.Length; i++) negative[i] = BitConverter.UInt64BitsToDouble(values[3 + positive.Length + i]);
            into.Add(t, layout.Build(isFloat: true, HintAt(hint, n),
                BitConverter.UInt64BitsToDouble(values[0]), BitConverter.UInt64BitsToDouble(values[1]), sum, positive, negative));
        }
    }

    /// <summary>Inside a chunk of a counter nothing was reset; what the first sample is, the chunk's header says.</summary>
    private static CounterResetHint HintAt(CounterResetHint header, int sample) =>
        header == CounterResetHint.Gauge || sample == 0 ? header : CounterResetHint.NotReset;

    private sealed record Layout(
        int Schema, double ZeroThreshold, BucketSpan[] PositiveSpans, BucketSpan[] NegativeSpans, double[] CustomValues, int Positives, int Negatives)
    {
        public Histogram Build(bool isFloat, CounterResetHint hint, double count, double zeroCount, double sum, double[] positive, double[] negative) => new()
        {
            ResetHint = hint,
            Schema = Schema,
            ZeroThreshold = ZeroThreshold,
            ZeroCount = zeroCount,
            Count = count,
            Sum = sum,
            PositiveSpans = PositiveSpans,
            NegativeSpans = NegativeSpans,
            PositiveBuckets = positive,
            NegativeBuckets = negative,
            CustomValues = CustomValues,
            IsFloat = isFloat,
        };
    }
}
