using System.Buffers.Binary;
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

    /// <summary>All samples of these series that stand before this are in blocks.</summary>
    void Left(IReadOnlyList<int> ids);
}

/// <summary>The metric store's records in the write log. Layout: docs/formats/metric-records.md.</summary>
internal static class MetricRecord
{
    /// <summary>Two numbers and a value.</summary>
    private const int SampleBytesMax = 28;

    private const byte Batch = 1;
    private const byte Deletions = 2;
    private const byte SharedBatch = 3;
    private const byte Departures = 4;

    public static void WriteBatch(
        ByteBuffer into,
        LabelPairs pairs,
        IReadOnlyCollection<MemSeries> definitions,
        ReadOnlySpan<PreparedSample> samples,
        IReadOnlyCollection<PreparedHistogram> histograms,
        IReadOnlyCollection<PreparedExemplar> exemplars,
        IReadOnlyCollection<MetricMetadata> metadata)
    {
        into.Byte(SharedBatch);
        DefinitionCodec.Write(into, pairs, definitions);
        into.Uvarint((ulong)samples.Length);
        var room = into.Reserve(SampleBytesMax * samples.Length);
        long id = 0, t = 0;
        int at = 0;
        foreach (ref readonly var sample in samples)
        {
            int number = sample.Series.Id;
            at += ByteBuffer.WriteVarint(room[at..], number - id);
            at += ByteBuffer.WriteVarint(room[at..], sample.TimestampMs - t);
            BinaryPrimitives.WriteDoubleLittleEndian(room[at..], sample.Value);
            at += sizeof(double);
            (id, t) = (number, sample.TimestampMs);
        }
        into.Advance(at);
        into.Uvarint((ulong)histograms.Count);
        foreach (var sample in histograms)
        {
            into.Uvarint((ulong)sample.Series.Id);
            into.Varint(sample.TimestampMs);
            HistogramCodec.Write(into, sample.Histogram);
        }
        into.Uvarint((ulong)exemplars.Count);
        foreach (var sample in exemplars)
        {
            into.Uvarint((ulong)sample.Series.Id);
            WriteExemplar(into, sample.Exemplar);
        }
        WriteMetadata(into, metadata);
    }

    /// <summary>A batch of definitions and metadata alone.</summary>
    public static void WriteDefinitions(ByteBuffer into, IReadOnlyCollection<LoggedSeries> definitions, IReadOnlyCollection<MetricMetadata> metadata)
    {
        into.Byte(Batch);
        into.Uvarint((ulong)definitions.Count);
        foreach (var series in definitions)
        {
            into.Uvarint((ulong)series.Id);
            into.Text(series.Labels.Encoded);
        }
        // No samples, histograms, exemplars.
        into.Bytes([0, 0, 0]);
        WriteMetadata(into, metadata);
    }

    public static void WriteExemplar(ByteBuffer into, Exemplar exemplar)
    {
        into.Varint(exemplar.TimestampMs);
        into.Double(exemplar.Value);
        into.Text(exemplar.Labels.Encoded);
    }

    public static Exemplar ReadExemplar(ref ByteReader bytes) => new(bytes.Varint(), bytes.Double(), Labels.FromEncoded(bytes.Text()));

    public static void WriteMetadata(ByteBuffer into, IReadOnlyCollection<MetricMetadata> metadata)
    {
        into.Uvarint((ulong)metadata.Count);
        foreach (var about in metadata)
        {
            into.Byte((byte)about.Type);
            into.Text(about.Family);
            into.Text(about.Help);
            into.Text(about.Unit);
        }
    }

    public static MetricMetadata ReadMetadata(ref ByteReader bytes)
    {
        var type = (MetricType)bytes.Byte();
        return new MetricMetadata(bytes.String(), type, bytes.String(), bytes.String());
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

    public static void WriteDepartures(ByteBuffer into, IReadOnlyCollection<MemSeries> gone)
    {
        into.Byte(Departures);
        into.Uvarint((ulong)gone.Count);
        foreach (var series in gone) into.Uvarint((ulong)series.Id);
    }

    /// <exception cref="InvalidDataException">The record is of a newer release, or not as written.</exception>
    public static void Read(ReadOnlySpan<byte> record, IRecordReader reader)
    {
        var bytes = new ByteReader(record);
        byte type = bytes.Byte();
        switch (type)
        {
            case Batch:
                for (int left = bytes.Count(); left > 0; left--) reader.Definition((int)bytes.Uvarint(), bytes.Text());
                ReadBatch(ref bytes, reader);
                break;
            case SharedBatch:
                DefinitionCodec.Read(ref bytes, record, reader);
                ReadBatch(ref bytes, reader);
                break;
            case Deletions:
                for (int left = bytes.Count(); left > 0; left--) reader.Deleted((int)bytes.Uvarint(), new TimeRange(bytes.Varint(), bytes.Varint()));
                break;
            case Departures:
                int[] gone = new int[bytes.Count()];
                for (int i = 0; i < gone.Length; i++) gone[i] = (int)bytes.Uvarint();
                reader.Left(gone);
                break;
            default:
                throw new InvalidDataException($"metric record of type {type} is not known to this release");
        }
    }

    /// <summary>What follows the definitions.</summary>
    private static void ReadBatch(ref ByteReader bytes, IRecordReader reader)
    {
        long id = 0, t = 0;
        for (int left = bytes.Count(); left > 0; left--)
        {
            id += bytes.Varint();
            t += bytes.Varint();
            reader.Sample((int)id, t, bytes.Double());
        }
        for (int left = bytes.Count(); left > 0; left--) reader.Histogram((int)bytes.Uvarint(), bytes.Varint(), HistogramCodec.Read(ref bytes));
        for (int left = bytes.Count(); left > 0; left--)
        {
            reader.Exemplar((int)bytes.Uvarint(), ReadExemplar(ref bytes));
        }
        for (int left = bytes.Count(); left > 0; left--) reader.Metadata(ReadMetadata(ref bytes));
    }
}
