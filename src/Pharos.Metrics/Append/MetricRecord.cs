using Pharos.Core;
using Pharos.Metrics.Head;

namespace Pharos.Metrics.Append;

/// <summary>A sample that passed the checks and goes to the log, then to its series.</summary>
internal readonly record struct PreparedSample(MemSeries Series, long TimestampMs, double Value);

/// <inheritdoc cref="PreparedSample"/>
internal readonly record struct PreparedHistogram(MemSeries Series, long TimestampMs, Histogram Histogram);

/// <inheritdoc cref="PreparedSample"/>
internal readonly record struct PreparedExemplar(MemSeries Series, Exemplar Exemplar);

/// <summary>Receives the parts of replayed records.</summary>
internal interface IRecordReader
{
    void Definition(int id, ReadOnlySpan<byte> labels);

    void Sample(int id, long timestampMs, double value);

    void Histogram(int id, long timestampMs, Histogram histogram);

    void Exemplar(int id, Exemplar exemplar);

    void Metadata(MetricMetadata metadata);

    void Deleted(int id, TimeRange range);
}

/// <summary>The metric store's records in the write log. Layout: docs/formats/metric-records.md.</summary>
internal static class MetricRecord
{
    private const byte Batch = 1;
    private const byte Deletions = 2;

    public static void WriteBatch(
        ByteBuffer into,
        IReadOnlyCollection<MemSeries> definitions,
        ReadOnlySpan<PreparedSample> samples,
        IReadOnlyCollection<PreparedHistogram> histograms,
        IReadOnlyCollection<PreparedExemplar> exemplars,
        IReadOnlyCollection<MetricMetadata> metadata)
    {
        into.Byte(Batch);
        into.Uvarint((ulong)definitions.Count);
        foreach (var series in definitions)
        {
            into.Uvarint((ulong)series.Id);
            into.Text(series.Labels.Encoded);
        }
        into.Uvarint((ulong)samples.Length);
        long id = 0, t = 0;
        foreach (ref readonly var sample in samples)
        {
            into.Varint(sample.Series.Id - id);
            into.Varint(sample.TimestampMs - t);
            into.Double(sample.Value);
            (id, t) = (sample.Series.Id, sample.TimestampMs);
        }
        into.Uvarint((ulong)histograms.Count);
        foreach (var sample in histograms)
        {
            into.Uvarint((ulong)sample.Series.Id);
            into.Varint(sample.TimestampMs);
            WriteHistogram(into, sample.Histogram);
        }
        into.Uvarint((ulong)exemplars.Count);
        foreach (var sample in exemplars)
        {
            into.Uvarint((ulong)sample.Series.Id);
            into.Varint(sample.Exemplar.TimestampMs);
            into.Double(sample.Exemplar.Value);
            into.Text(sample.Exemplar.Labels.Encoded);
        }
        into.Uvarint((ulong)metadata.Count);
        foreach (var about in metadata)
        {
            into.Byte((byte)about.Type);
            into.Text(about.Family);
            into.Text(about.Help);
            into.Text(about.Unit);
        }
    }

    public static void WriteDeletions(ByteBuffer into, IReadOnlyCollection<(int Id, TimeRange Range)> deletions)
    {
        into.Byte(Deletions);
        into.Uvarint((ulong)deletions.Count);
        foreach (var (id, range) in deletions)
        {
            into.Uvarint((ulong)id);
            into.Varint(range.MinMs);
            into.Varint(range.MaxMs);
        }
    }

    /// <exception cref="InvalidDataException">The record is of a newer release, or not as written.</exception>
    public static void Read(ReadOnlySpan<byte> record, IRecordReader reader)
    {
        var bytes = new ByteReader(record);
        byte type = bytes.Byte();
        switch (type)
        {
            case Batch:
                ReadBatch(ref bytes, reader);
                break;
            case Deletions:
                for (int left = bytes.Count(); left > 0; left--) reader.Deleted((int)bytes.Uvarint(), new TimeRange(bytes.Varint(), bytes.Varint()));
                break;
            default:
                throw new InvalidDataException($"metric record of type {type} is not known to this release");
        }
    }

    private static void ReadBatch(ref ByteReader bytes, IRecordReader reader)
    {
        for (int left = bytes.Count(); left > 0; left--) reader.Definition((int)bytes.Uvarint(), bytes.Text());
        long id = 0, t = 0;
        for (int left = bytes.Count(); left > 0; left--)
        {
            id += bytes.Varint();
            t += bytes.Varint();
            reader.Sample((int)id, t, bytes.Double());
        }
        for (int left = bytes.Count(); left > 0; left--) reader.Histogram((int)bytes.Uvarint(), bytes.Varint(), ReadHistogram(ref bytes));
        for (int left = bytes.Count(); left > 0; left--)
        {
            reader.Exemplar((int)bytes.Uvarint(), new Exemplar(bytes.Varint(), bytes.Double(), Labels.FromEncoded(bytes.Text())));
        }
        for (int left = bytes.Count(); left > 0; left--)
        {
            var type = (MetricType)bytes.Byte();
            reader.Metadata(new MetricMetadata(bytes.String(), type, bytes.String(), bytes.String()));
        }
    }

    private static void WriteHistogram(ByteBuffer into, Histogram histogram)
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

    private static Histogram ReadHistogram(ref ByteReader bytes)
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
