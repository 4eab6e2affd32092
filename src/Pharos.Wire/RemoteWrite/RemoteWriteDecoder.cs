using System.Text;
using Pharos.Core;
using Pharos.Wire.Protobuf;

namespace Pharos.Wire.RemoteWrite;

/// <summary>
/// Decodes the body of a remote write request, already decompressed, straight into a <see cref="MetricBatch"/>.
/// Labels become canonical bytes without a string in between; float samples cost no allocation.
/// Reuse one per worker; not safe for several threads.
/// </summary>
/// <remarks>
/// A body that is no protobuf message throws, and the batch must then be thrown away. A series that cannot be taken
/// (no name, a label twice, a wrong symbol, a histogram that makes no sense) is left out and reported in <see cref="Rejected"/>; the others stay.
/// Sources: prometheus/prompb remote.proto and types.proto, io/prometheus/write/v2/types.proto.
/// </remarks>
public sealed class RemoteWriteDecoder
{
    private readonly LabelAssembler labels = new();
    private readonly RejectTally rejected = new();
    private readonly HashSet<string> families = new(StringComparer.Ordinal);
    private (int At, int Length)[] symbols = new (int, int)[256];
    private int symbolCount;
    private bool keepStarts;

    /// <summary>What the last body held that could not be taken: one error per code, <see cref="AppendError.Samples"/> counts all its cases.</summary>
    public IReadOnlyList<AppendError> Rejected => rejected.Errors;

    /// <summary>Forgets what was <see cref="Rejected"/>, for a body that is not decoded.</summary>
    public void Forget() => rejected.Clear();

    /// <summary>Decodes a <c>prometheus.WriteRequest</c> (remote write 1), adding to the batch.</summary>
    /// <param name="starts">Whether the batch gets start timestamps, which only <see cref="RemoteWriteEncoder"/> writes into version 1.</param>
    /// <exception cref="WireFormatException">Not a valid message; names the byte.</exception>
    public void DecodeV1(ReadOnlySpan<byte> body, MetricBatch into, bool starts = false)
    {
        keepStarts = starts;
        rejected.Clear();
        var reader = new ProtoReader(body);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    reader.Expect(ProtoType.Bytes);
                    SeriesV1(body, reader.Message(), into);
                    break;
                case 3:
                    reader.Expect(ProtoType.Bytes);
                    into.Metadata.Add(MetadataV1(reader.Message()));
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
    }

    /// <summary>Decodes an <c>io.prometheus.write.v2.Request</c> (remote write 2), adding to the batch.</summary>
    /// <param name="starts">Whether the batch gets the samples' start timestamps.</param>
    /// <exception cref="WireFormatException">Not a valid message; names the byte.</exception>
    public void DecodeV2(ReadOnlySpan<byte> body, MetricBatch into, bool starts = false)
    {
        keepStarts = starts;
        rejected.Clear();
        families.Clear();
        symbolCount = 0;
        // The table may stand after the series that use it, so it is collected first.
        var table = new ProtoReader(body);
        while (table.Next())
        {
            if (table.Field == 4)
            {
                table.Expect(ProtoType.Bytes);
                var symbol = table.Bytes(out int at);
                if (symbolCount == symbols.Length) Array.Resize(ref symbols, symbolCount * 2);
                symbols[symbolCount++] = (at, symbol.Length);
            }
            else
            {
                table.Skip();
            }
        }
        if (symbolCount > 0 && symbols[0].Length != 0) throw new WireFormatException("the first symbol of a remote write 2 request must be empty", symbols[0].At);
        var reader = new ProtoReader(body);
        while (reader.Next())
        {
            if (reader.Field == 5)
            {
                reader.Expect(ProtoType.Bytes);
                SeriesV2(body, reader.Message(), into);
            }
            else
            {
                reader.Skip();
            }
        }
    }

    private void SeriesV1(ReadOnlySpan<byte> body, ProtoReader series, MetricBatch into)
    {
        if (PlainSeries.TryAdd(series.Rest, into)) return;
        labels.Clear();
        var first = series;
        int samples = 0, exemplars = 0;
        // Where labels end; −1 where one stands behind a sample, which no sender does.
        int labelsEnd = series.Position;
        while (first.Next())
        {
            if (first.Field == 1)
            {
                first.Expect(ProtoType.Bytes);
                var label = first.Bytes(out int at);
                if (!TryPlainLabel(label, at)) AddLabelV1(new ProtoReader(label, at));
                labelsEnd = samples + exemplars == 0 ? first.Position : -1;
            }
            else
            {
                if (first.Field is 2 or 4) samples++;
                else if (first.Field == 3) exemplars++;
                first.Skip();
            }
        }
        var fault = labels.Assemble(body, metricNameNeeded: true, out var canonical);
        if (fault != LabelFault.None)
        {
            Reject(fault, body, samples);
            return;
        }
        if (samples == 0 && exemplars == 0) return;
        int index = into.AddSeries(canonical);
        if (labelsEnd >= 0) series = new ProtoReader(body[labelsEnd..first.Position], labelsEnd);
        while (series.Next())
        {
            switch (series.Field)
            {
                case 2: series.Expect(ProtoType.Bytes); AddSample(series.Message(), index, into); break;
                case 3: series.Expect(ProtoType.Bytes); AddExemplarV1(body, series.Message(), index, into); break;
                case 4: series.Expect(ProtoType.Bytes); AddHistogram(series.Message(), index, into); break;
                default: series.Skip(); break;
            }
        }
    }

    /// <summary>The layout that every sender writes: name, then value, each shorter than 128 bytes.</summary>
    private bool TryPlainLabel(ReadOnlySpan<byte> label, int at)
    {
        if (label.Length < 4 || label[0] != 0x0a || label[1] >= 0x80) return false;
        int valueTag = 2 + label[1];
        if (valueTag + 2 > label.Length || label[valueTag] != 0x12 || valueTag + 2 + label[valueTag + 1] != label.Length || label[valueTag + 1] >= 0x80) return false;
        labels.Add(at + 2, label[1], at + valueTag + 2, label[valueTag + 1]);
        return true;
    }

    private void AddLabelV1(ProtoReader label)
    {
        int nameAt = 0, nameLength = 0, valueAt = 0, valueLength = 0;
        while (label.Next())
        {
            switch (label.Field)
            {
                case 1: label.Expect(ProtoType.Bytes); nameLength = label.Bytes(out nameAt).Length; break;
                case 2: label.Expect(ProtoType.Bytes); valueLength = label.Bytes(out valueAt).Length; break;
                default: label.Skip(); break;
            }
        }
        labels.Add(nameAt, nameLength, valueAt, valueLength);
    }

    private void AddSample(ProtoReader sample, int series, MetricBatch into)
    {
        double value = 0;
        long timestampMs = 0, startMs = 0;
        while (sample.Next())
        {
            switch (sample.Field)
            {
                case 1: sample.Expect(ProtoType.Fixed64); value = sample.Double(); break;
                case 2: sample.Expect(ProtoType.Varint); timestampMs = sample.Int64(); break;
                case 3: sample.Expect(ProtoType.Varint); startMs = sample.Int64(); break;
                default: sample.Skip(); break;
            }
        }
        into.AddSample(series, timestampMs, value);
        if (keepStarts) into.AddSampleStart(startMs);
    }

    private void AddHistogram(ProtoReader message, int series, MetricBatch into)
    {
        string? fault = HistogramCodec.Read(message, out var histogram, out long timestampMs, out long startMs);
        if (fault is null)
        {
            into.AddHistogram(series, timestampMs, histogram);
            if (keepStarts) into.AddHistogramStart(startMs);
            return;
        }
        const string code = "native-histogram-invalid";
        rejected.Add(code, 1, rejected.Knows(code) ? "" : $"invalid native histogram: {fault}; series {Labels.FromEncoded(into.LabelsOf(series))}");
    }

    private void AddExemplarV1(ReadOnlySpan<byte> body, ProtoReader exemplar, int series, MetricBatch into)
    {
        labels.Clear();
        double value = 0;
        long timestampMs = 0;
        while (exemplar.Next())
        {
            switch (exemplar.Field)
            {
                case 1: exemplar.Expect(ProtoType.Bytes); AddLabelV1(exemplar.Message()); break;
                case 2: exemplar.Expect(ProtoType.Fixed64); value = exemplar.Double(); break;
                case 3: exemplar.Expect(ProtoType.Varint); timestampMs = exemplar.Int64(); break;
                default: exemplar.Skip(); break;
            }
        }
        AddExemplar(body, series, value, timestampMs, into);
    }

    private void AddExemplar(ReadOnlySpan<byte> body, int series, double value, long timestampMs, MetricBatch into)
    {
        var fault = labels.Assemble(body, metricNameNeeded: false, out var canonical);
        if (fault == LabelFault.None) into.Exemplars.Add(new BatchExemplar(series, timestampMs, value, Labels.FromEncoded(canonical)));
        else Reject(fault, body, 0);
    }

    private static MetricMetadata MetadataV1(ProtoReader reader)
    {
        string family = "", help = "", unit = "";
        ulong kind = 0;
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1: reader.Expect(ProtoType.Varint); kind = reader.Varint(); break;
                case 2: reader.Expect(ProtoType.Bytes); family = Encoding.UTF8.GetString(reader.Bytes()); break;
                case 4: reader.Expect(ProtoType.Bytes); help = Encoding.UTF8.GetString(reader.Bytes()); break;
                case 5: reader.Expect(ProtoType.Bytes); unit = Encoding.UTF8.GetString(reader.Bytes()); break;
                default: reader.Skip(); break;
            }
        }
        return new MetricMetadata(family, Type(kind), help, unit);
    }

    private void SeriesV2(ReadOnlySpan<byte> body, ProtoReader series, MetricBatch into)
    {
        labels.Clear();
        var first = series;
        int samples = 0;
        bool symbolsRight = true;
        while (first.Next())
        {
            if (first.Field == 1)
            {
                symbolsRight &= AddLabelsV2(ref first);
            }
            else
            {
                if (first.Field is 2 or 3) samples++;
                first.Skip();
            }
        }
        if (!symbolsRight)
        {
            rejected.Add("invalid-symbol-reference", samples,
                $"a series refers to a symbol that the request does not hold (it has {symbolCount}), or to a label name without a value, at byte {series.Position}");
            return;
        }
        var fault = labels.Assemble(body, metricNameNeeded: true, out var canonical);
        if (fault != LabelFault.None)
        {
            Reject(fault, body, samples);
            return;
        }
        if (samples == 0)
        {
            const string code = "series-without-samples";
            rejected.Add(code, 0, rejected.Knows(code) ? "" : $"the series {labels.Describe(body)} has neither samples nor histograms");
            return;
        }
        int index = into.AddSeries(canonical);
        while (series.Next())
        {
            switch (series.Field)
            {
                case 2: series.Expect(ProtoType.Bytes); AddSample(series.Message(), index, into); break;
                case 3: series.Expect(ProtoType.Bytes); AddHistogram(series.Message(), index, into); break;
                case 4: series.Expect(ProtoType.Bytes); AddExemplarV2(body, series.Message(), index, into); break;
                case 5: series.Expect(ProtoType.Bytes); AddMetadataV2(body, series.Message(), index, into); break;
                default: series.Skip(); break;
            }
        }
    }

    /// <summary>False where a reference points outside the table or stands alone.</summary>
    private bool AddLabelsV2(ref ProtoReader reader)
    {
        if (reader.Type != ProtoType.Bytes)
        {
            // References written one by one would come as single fields; no sender does that, and a pair could not be told.
            reader.Skip();
            return false;
        }
        var references = reader.Message();
        bool right = true;
        while (!references.AtEnd)
        {
            ulong name = references.Varint();
            if (references.AtEnd) return false;
            ulong value = references.Varint();
            if (name >= (ulong)symbolCount || value >= (ulong)symbolCount)
            {
                right = false;
                continue;
            }
            var (nameAt, nameLength) = symbols[(int)name];
            var (valueAt, valueLength) = symbols[(int)value];
            labels.Add(nameAt, nameLength, valueAt, valueLength);
        }
        return right;
    }

    private void AddExemplarV2(ReadOnlySpan<byte> body, ProtoReader exemplar, int series, MetricBatch into)
    {
        labels.Clear();
        double value = 0;
        long timestampMs = 0;
        bool right = true;
        while (exemplar.Next())
        {
            switch (exemplar.Field)
            {
                case 1: right &= AddLabelsV2(ref exemplar); break;
                case 2: exemplar.Expect(ProtoType.Fixed64); value = exemplar.Double(); break;
                case 3: exemplar.Expect(ProtoType.Varint); timestampMs = exemplar.Int64(); break;
                default: exemplar.Skip(); break;
            }
        }
        if (right) AddExemplar(body, series, value, timestampMs, into);
        else rejected.Add("invalid-symbol-reference", 0, "an exemplar refers to a symbol that the request does not hold");
    }

    private void AddMetadataV2(ReadOnlySpan<byte> body, ProtoReader reader, int series, MetricBatch into)
    {
        ulong kind = 0, help = 0, unit = 0;
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1: reader.Expect(ProtoType.Varint); kind = reader.Varint(); break;
                case 3: reader.Expect(ProtoType.Varint); help = reader.Varint(); break;
                case 4: reader.Expect(ProtoType.Varint); unit = reader.Varint(); break;
                default: reader.Skip(); break;
            }
        }
        if (kind == 0 && help == 0 && unit == 0) return;
        if (help >= (ulong)symbolCount || unit >= (ulong)symbolCount)
        {
            rejected.Add("invalid-symbol-reference", 0, "metadata refers to a symbol that the request does not hold");
            return;
        }
        // Every series of a family repeats its metadata; one entry is enough.
        var name = ReadOnlySpan<byte>.Empty;
        var each = new Labels.Enumerator(into.LabelsOf(series));
        while (each.MoveNext())
        {
            if (each.Current.NameUtf8.SequenceEqual("__name__"u8)) name = each.Current.ValueUtf8;
        }
        Span<char> chars = stackalloc char[256];
        if (name.Length <= chars.Length)
        {
            int length = Encoding.UTF8.GetChars(name, chars);
            if (families.GetAlternateLookup<ReadOnlySpan<char>>().Contains(chars[..length])) return;
        }
        string family = Encoding.UTF8.GetString(name);
        if (!families.Add(family)) return;
        var (helpAt, helpLength) = symbols[(int)help];
        var (unitAt, unitLength) = symbols[(int)unit];
        into.Metadata.Add(new MetricMetadata(
            family, Type(kind), Encoding.UTF8.GetString(body.Slice(helpAt, helpLength)), Encoding.UTF8.GetString(body.Slice(unitAt, unitLength))));
    }

    private static MetricType Type(ulong kind) => kind <= (ulong)MetricType.StateSet ? (MetricType)kind : MetricType.Unknown;

    private void Reject(LabelFault fault, ReadOnlySpan<byte> body, int samples)
    {
        var (code, what) = fault switch
        {
            LabelFault.EmptyName => ("label-invalid", "received a series with an empty label name"),
            LabelFault.Duplicate => ("duplicate-label-names", "received a series with a duplicate label name"),
            LabelFault.NotUtf8 => ("label-invalid", "received a series whose labels are not valid UTF-8"),
            LabelFault.NoMetricName => ("missing-metric-name", "received a series without a metric name"),
            _ => ("max-label-names-per-series", "received a series with more than 4096 labels"),
        };
        rejected.Add(code, samples, rejected.Knows(code) ? "" : $"{what}: {labels.Describe(body)}");
    }
}
