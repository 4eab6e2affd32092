using System.Buffers;
using System.Runtime.InteropServices;
using Pharos.Core;
using Pharos.Wire.Protobuf;
using Pharos.Wire.Compression;

namespace Pharos.Wire.RemoteWrite;

/// <summary>
/// Encodes a <see cref="MetricBatch"/> as the body of a remote write request. All samples of a series come together,
/// in the order in which the batch holds them. Start timestamps go with version 2, and with version 1 where asked for. Reuse one per worker; not safe for several threads.
/// </summary>
public sealed class RemoteWriteEncoder : IDisposable
{
    private readonly ProtoBuffer message = new();
    private readonly SymbolTable symbols = new();
    private readonly Dictionary<string, MetricMetadata> families = new(StringComparer.Ordinal);
    private readonly SeriesGroups samples = new();
    private readonly SeriesGroups histograms = new();
    private readonly SeriesGroups exemplars = new();
    private readonly SampleStarts sampleStarts = new();
    private readonly SampleStarts histogramStarts = new();
    private readonly ArrayBufferWriter<byte> compressed = new(64 * 1024);

    /// <summary>The body, compressed with Snappy. The memory holds until the next call.</summary>
    /// <param name="starts">Whether version 1 carries start timestamps too, in the fields of version 2: for those who read it back themselves.</param>
    public ReadOnlyMemory<byte> Encode(MetricBatch batch, RemoteWriteVersion version, bool starts = false)
    {
        compressed.ResetWrittenCount();
        SnappyBlock.Encode(EncodePlain(batch, version, starts).Span, compressed);
        return compressed.WrittenMemory;
    }

    /// <summary>The message before compression. The memory holds until the next call.</summary>
    public ReadOnlyMemory<byte> EncodePlain(MetricBatch batch, RemoteWriteVersion version, bool starts = false)
    {
        message.Clear();
        Group(batch);
        starts |= version == RemoteWriteVersion.V2;
        sampleStarts.Take(starts ? batch.Starts : [], batch.Samples.Length);
        histogramStarts.Take(starts ? batch.HistogramStarts : [], batch.Histograms.Count);
        if (version == RemoteWriteVersion.V1) WriteV1(batch);
        else WriteV2(batch);
        return message.WrittenMemory;
    }

    public void Dispose() => message.Dispose();

    private void Group(MetricBatch batch)
    {
        int series = batch.SeriesCount;
        samples.Start(series, batch.Samples.Length);
        foreach (ref readonly var sample in batch.Samples) samples.Count(sample.Series);
        samples.Place();
        for (int i = 0; i < batch.Samples.Length; i++) samples.Put(batch.Samples[i].Series, i);

        histograms.Start(series, batch.Histograms.Count);
        foreach (ref readonly var histogram in CollectionsMarshal.AsSpan(batch.Histograms)) histograms.Count(histogram.Series);
        histograms.Place();
        for (int i = 0; i < batch.Histograms.Count; i++) histograms.Put(batch.Histograms[i].Series, i);

        exemplars.Start(series, batch.Exemplars.Count);
        foreach (ref readonly var exemplar in CollectionsMarshal.AsSpan(batch.Exemplars)) exemplars.Count(exemplar.Series);
        exemplars.Place();
        for (int i = 0; i < batch.Exemplars.Count; i++) exemplars.Put(batch.Exemplars[i].Series, i);
    }

    private void WriteV1(MetricBatch batch)
    {
        for (int series = 0; series < batch.SeriesCount; series++)
        {
            if (samples.Of(series).IsEmpty && histograms.Of(series).IsEmpty && exemplars.Of(series).IsEmpty) continue;
            int message1 = message.Begin(1);
            WriteLabels(batch.LabelsOf(series));
            foreach (int i in samples.Of(series)) WriteSample(2, batch.Samples[i], sampleStarts.Of(i));
            foreach (int i in exemplars.Of(series))
            {
                var exemplar = batch.Exemplars[i];
                int inner = message.Begin(3);
                WriteLabels(exemplar.Labels.Encoded);
                message.Field(2, exemplar.Value);
                if (exemplar.TimestampMs != 0) message.Field(3, exemplar.TimestampMs);
                message.End(inner);
            }
            foreach (int i in histograms.Of(series)) HistogramCodec.Write(message, 4, batch.Histograms[i].Histogram, batch.Histograms[i].TimestampMs, histogramStarts.Of(i));
            message.End(message1);
        }
        foreach (var metadata in batch.Metadata)
        {
            int inner = message.Begin(3);
            if (metadata.Type != MetricType.Unknown) message.Field(1, (ulong)metadata.Type);
            message.Field(2, metadata.Family);
            if (metadata.Help.Length > 0) message.Field(4, metadata.Help);
            if (metadata.Unit.Length > 0) message.Field(5, metadata.Unit);
            message.End(inner);
        }
    }

    private void WriteV2(MetricBatch batch)
    {
        symbols.Clear();
        families.Clear();
        foreach (var metadata in batch.Metadata) families[metadata.Family] = metadata;
        for (int series = 0; series < batch.SeriesCount; series++)
        {
            if (samples.Of(series).IsEmpty && histograms.Of(series).IsEmpty) continue;
            int outer = message.Begin(5);
            WriteReferences(batch.LabelsOf(series));
            foreach (int i in samples.Of(series)) WriteSample(2, batch.Samples[i], sampleStarts.Of(i));
            foreach (int i in histograms.Of(series)) HistogramCodec.Write(message, 3, batch.Histograms[i].Histogram, batch.Histograms[i].TimestampMs, histogramStarts.Of(i));
            foreach (int i in exemplars.Of(series))
            {
                var exemplar = batch.Exemplars[i];
                int inner = message.Begin(4);
                WriteReferences(exemplar.Labels.Encoded);
                message.Field(2, exemplar.Value);
                if (exemplar.TimestampMs != 0) message.Field(3, exemplar.TimestampMs);
                message.End(inner);
            }
            if (families.Count > 0 && MetadataOf(batch.LabelsOf(series)) is { } metadata)
            {
                int inner = message.Begin(5);
                if (metadata.Type != MetricType.Unknown) message.Field(1, (ulong)metadata.Type);
                if (metadata.Help.Length > 0) message.Field(3, (ulong)symbols.Reference(System.Text.Encoding.UTF8.GetBytes(metadata.Help)));
                if (metadata.Unit.Length > 0) message.Field(4, (ulong)symbols.Reference(System.Text.Encoding.UTF8.GetBytes(metadata.Unit)));
                message.End(inner);
            }
            message.End(outer);
        }
        for (int i = 0; i < symbols.Count; i++) message.Field(4, symbols[i]);
    }

    /// <summary>The metadata of a series' family; a histogram's or counter's series carry a suffix that the family has not.</summary>
    private MetricMetadata? MetadataOf(ReadOnlySpan<byte> labels)
    {
        var each = new Labels.Enumerator(labels);
        while (each.MoveNext())
        {
            if (!each.Current.NameUtf8.SequenceEqual("__name__"u8)) continue;
            string name = each.Current.Value;
            if (families.TryGetValue(name, out var exact)) return exact;
            foreach (string suffix in (ReadOnlySpan<string>)["_total", "_bucket", "_count", "_sum", "_created", "_info"])
            {
                if (name.EndsWith(suffix, StringComparison.Ordinal) && families.TryGetValue(name[..^suffix.Length], out var stem)) return stem;
            }
            return null;
        }
        return null;
    }

    private void WriteSample(uint field, in BatchSample sample, long startMs)
    {
        int inner = message.Begin(field);
        message.Field(1, sample.Value);
        if (sample.TimestampMs != 0) message.Field(2, sample.TimestampMs);
        if (startMs != 0) message.Field(3, startMs);
        message.End(inner);
    }

    private void WriteLabels(ReadOnlySpan<byte> canonical)
    {
        for (int offset = 0; offset < canonical.Length;)
        {
            var name = LabelCodec.ReadString(canonical, ref offset);
            message.Pair(1, name, LabelCodec.ReadString(canonical, ref offset));
        }
    }

    private void WriteReferences(ReadOnlySpan<byte> canonical)
    {
        if (canonical.IsEmpty) return;
        int packed = message.Begin(1);
        for (int offset = 0; offset < canonical.Length;) message.Varint((ulong)symbols.Reference(LabelCodec.ReadString(canonical, ref offset)));
        message.End(packed);
    }

    /// <summary>Starts by the index of their sample.</summary>
    private sealed class SampleStarts
    {
        private long[] all = [];
        private bool any;

        public void Take(List<BatchStart> starts, int samples)
        {
            any = starts.Count > 0;
            if (!any) return;
            if (all.Length < samples) all = new long[Math.Max(samples, all.Length * 2)];
            all.AsSpan(0, samples).Clear();
            foreach (var start in starts) all[start.Sample] = start.StartMs;
        }

        /// <summary>0 for none.</summary>
        public long Of(int sample) => any ? all[sample] : 0;
    }

    /// <summary>Indexes of items by series, by counting sort: keeps the order within a series, no allocation once warm.</summary>
    private sealed class SeriesGroups
    {
        private int[] starts = new int[64];
        private int[] items = new int[64];
        private int series;

        public void Start(int series, int count)
        {
            if (starts.Length < series + 2) starts = new int[Math.Max(series + 2, starts.Length * 2)];
            if (items.Length < count) items = new int[Math.Max(count, items.Length * 2)];
            starts.AsSpan(0, series + 2).Clear();
            this.series = series;
        }

        public void Count(int of) => starts[of + 2]++;

        public void Place()
        {
            for (int i = 2; i < series + 2; i++) starts[i] += starts[i - 1];
        }

        public void Put(int of, int item) => items[starts[of + 1]++] = item;

        public ReadOnlySpan<int> Of(int of) => items.AsSpan(starts[of], starts[of + 1] - starts[of]);
    }
}
