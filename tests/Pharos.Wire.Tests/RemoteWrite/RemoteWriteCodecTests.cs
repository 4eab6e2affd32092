using System.Text;
using Pharos.Core;
using Pharos.Wire.Protobuf;
using Pharos.Wire.RemoteWrite;

namespace Pharos.Wire.Tests.RemoteWrite;

public sealed class RemoteWriteCodecTests
{
    [Theory]
    [InlineData(RemoteWriteVersion.V1)]
    [InlineData(RemoteWriteVersion.V2)]
    public void A_batch_survives_the_wire(RemoteWriteVersion version)
    {
        using var batch = new MetricBatch();
        int up = batch.AddSeries(Labels.Of(("__name__", "up"), ("job", "shop"), ("zone", "ü")));
        int requests = batch.AddSeries(Labels.Of(("__name__", "requests_total"), ("job", "shop")));
        int latency = batch.AddSeries(Labels.Of(("__name__", "latency_seconds")));
        int bounds = batch.AddSeries(Labels.Of(("__name__", "size_bytes")));
        batch.AddSample(up, 1000, 1);
        batch.AddSample(requests, 1000, 17.5);
        batch.AddSample(up, 2000, SampleValue.Stale);
        batch.AddSample(requests, -5, double.NegativeInfinity);
        batch.AddHistogram(latency, 1000, IntegerHistogram());
        batch.AddHistogram(latency, 2000, FloatHistogram());
        batch.AddHistogram(bounds, 2000, CustomHistogram());
        batch.Exemplars.Add(new BatchExemplar(requests, 999, 3, Labels.Of(("trace_id", "abc"))));
        batch.Metadata.Add(new MetricMetadata("requests_total", MetricType.Counter, "Requests.", "requests"));

        using var encoder = new RemoteWriteEncoder();
        using var back = new MetricBatch();
        Decode(encoder.EncodePlain(batch, version).Span, version, back, out var rejected);

        Assert.Empty(rejected);
        Assert.Equal(["{__name__=\"up\", job=\"shop\", zone=\"ü\"}", "{__name__=\"requests_total\", job=\"shop\"}", "{__name__=\"latency_seconds\"}", "{__name__=\"size_bytes\"}"],
            Enumerable.Range(0, back.SeriesCount).Select(i => Labels.FromEncoded(back.LabelsOf(i)).ToString()));
        Assert.Equal(
            [(0, 1000, Bits(1)), (0, 2000, SampleValue.StaleBits), (1, 1000, Bits(17.5)), (1, -5, Bits(double.NegativeInfinity))],
            back.Samples.ToArray().Select(s => (s.Series, s.TimestampMs, Bits(s.Value))));
        Assert.Equal([(2, 1000L), (2, 2000L), (3, 2000L)], back.Histograms.Select(h => (h.Series, h.TimestampMs)));
        AssertSame(IntegerHistogram(), back.Histograms[0].Histogram);
        AssertSame(FloatHistogram(), back.Histograms[1].Histogram);
        AssertSame(CustomHistogram(), back.Histograms[2].Histogram);
        Assert.Equal([new BatchExemplar(1, 999, 3, Labels.Of(("trace_id", "abc")))], back.Exemplars);
        Assert.Equal(batch.Metadata, back.Metadata);
    }

    [Fact]
    public void Labels_that_come_unsorted_are_sorted_and_empty_ones_left_out()
    {
        var body = V1(("zone", "b"), ("__name__", "up"), ("empty", ""), ("a", "1"));
        using var batch = new MetricBatch();
        Decode(body, RemoteWriteVersion.V1, batch, out var rejected);
        Assert.Empty(rejected);
        Assert.Equal(Labels.Of(("__name__", "up"), ("a", "1"), ("zone", "b")), Labels.FromEncoded(batch.LabelsOf(0)));
    }

    [Fact]
    public void Many_unsorted_labels_are_sorted()
    {
        var random = new Random(3);
        var pairs = Enumerable.Range(0, 500).Select(i => ($"label_{i}", $"{i}")).Append(("__name__", "up")).OrderBy(_ => random.Next()).ToArray();
        using var batch = new MetricBatch();
        Decode(V1(pairs), RemoteWriteVersion.V1, batch, out var rejected);
        Assert.Empty(rejected);
        Assert.Equal(Labels.Of(pairs), Labels.FromEncoded(batch.LabelsOf(0)));
    }

    [Theory]
    [InlineData("duplicate-label-names", "__name__=up a=1 a=2")]
    [InlineData("missing-metric-name", "a=1")]
    [InlineData("label-invalid", "__name__=up =1")]
    public void A_bad_series_is_named_and_the_others_stay(string code, string pairs)
    {
        var bad = pairs.Split(' ').Select(p => (p.Split('=')[0], p.Split('=')[1])).ToArray();
        byte[] body = [.. V1(("__name__", "good")), .. V1(bad), .. V1(bad)];
        using var batch = new MetricBatch();
        Decode(body, RemoteWriteVersion.V1, batch, out var rejected);
        Assert.Equal("{__name__=\"good\"}", Labels.FromEncoded(batch.LabelsOf(0)).ToString());
        Assert.Equal(1, batch.SeriesCount);
        var error = Assert.Single(rejected);
        Assert.Equal((AppendErrorKind.BadData, code, 2), (error.Kind, error.Code, error.Samples));
        Assert.Contains(bad[0].Item1, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Invalid_utf8_is_refused()
    {
        using var message = new ProtoBuffer();
        int series = message.Begin(1);
        int label = message.Begin(1);
        message.Field(1, "__name__"u8);
        message.Field(2, new byte[] { 0xff, 0xfe });
        message.End(label);
        message.End(series);
        using var batch = new MetricBatch();
        Decode(message.Written, RemoteWriteVersion.V1, batch, out var rejected);
        Assert.Equal("label-invalid", Assert.Single(rejected).Code);
    }

    [Fact]
    public void A_histogram_whose_buckets_do_not_fit_its_spans_is_refused()
    {
        using var batch = new MetricBatch();
        int series = batch.AddSeries(Labels.Of(("__name__", "h")));
        batch.AddHistogram(series, 1, new Histogram { Count = 5, PositiveSpans = [new BucketSpan(0, 3)], PositiveBuckets = [5] });
        using var encoder = new RemoteWriteEncoder();
        using var back = new MetricBatch();
        Decode(encoder.EncodePlain(batch, RemoteWriteVersion.V1).Span, RemoteWriteVersion.V1, back, out var rejected);
        Assert.Equal("native-histogram-invalid", Assert.Single(rejected).Code);
        Assert.Empty(back.Histograms);
    }

    [Fact]
    public void Higher_schemas_are_reduced_to_eight()
    {
        using var batch = new MetricBatch();
        int series = batch.AddSeries(Labels.Of(("__name__", "h")));
        batch.AddHistogram(series, 1, new Histogram { Schema = 9, Count = 10, PositiveSpans = [new BucketSpan(1, 4)], PositiveBuckets = [1, 2, 3, 4] });
        using var encoder = new RemoteWriteEncoder();
        using var back = new MetricBatch();
        Decode(encoder.EncodePlain(batch, RemoteWriteVersion.V1).Span, RemoteWriteVersion.V1, back, out _);
        var reduced = Assert.Single(back.Histograms).Histogram;
        Assert.Equal(8, reduced.Schema);
        Assert.Equal([new BucketSpan(1, 2)], reduced.PositiveSpans);
        Assert.Equal([3.0, 7.0], reduced.PositiveBuckets);
    }

    [Fact]
    public void A_symbol_outside_the_table_costs_only_its_series()
    {
        using var message = new ProtoBuffer();
        foreach (string symbol in new[] { "", "__name__", "up" }) message.Field(4, symbol);
        AddSeriesV2(message, 1, 2);
        AddSeriesV2(message, 1, 9);
        AddSeriesV2(message, 1);
        using var batch = new MetricBatch();
        Decode(message.Written, RemoteWriteVersion.V2, batch, out var rejected);
        Assert.Equal(1, batch.SeriesCount);
        var error = Assert.Single(rejected);
        Assert.Equal(("invalid-symbol-reference", 2), (error.Code, error.Samples));
    }

    [Fact]
    public void A_broken_body_names_the_byte()
    {
        byte[] body = [.. V1(("__name__", "up")), 0x0a, 0x7f];
        using var batch = new MetricBatch();
        var error = Assert.Throws<WireFormatException>(() => new RemoteWriteDecoder().DecodeV1(body, batch));
        Assert.Equal(body.Length, error.Offset);
        Assert.Contains($"at byte {body.Length}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Damaged_bodies_never_do_more_than_fail()
    {
        using var source = new MetricBatch();
        int series = source.AddSeries(Labels.Of(("__name__", "h"), ("job", "x")));
        source.AddSample(series, 1, 2);
        source.AddHistogram(series, 1, IntegerHistogram());
        source.Exemplars.Add(new BatchExemplar(series, 1, 2, Labels.Of(("a", "b"))));
        using var encoder = new RemoteWriteEncoder();
        foreach (var version in Enum.GetValues<RemoteWriteVersion>())
        {
            var good = encoder.EncodePlain(source, version).ToArray();
            using var batch = new MetricBatch();
            for (int seed = 1; seed <= 20_000; seed++)
            {
                var random = new Random(seed);
                var damaged = good.AsSpan(0, random.Next(good.Length + 1)).ToArray();
                for (int flips = random.Next(3); flips > 0 && damaged.Length > 0; flips--) damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
                batch.Clear();
                try
                {
                    Decode(damaged, version, batch, out _);
                }
                catch (WireFormatException e)
                {
                    Assert.True(e.Offset >= 0 && e.Offset <= damaged.Length, $"{version}, seed {seed}: {e.Message}");
                }
                catch (Exception e)
                {
                    Assert.Fail($"{version}, seed {seed}: {e}");
                }
            }
        }
    }

    [Fact]
    public void Float_samples_cost_no_allocation_once_warm()
    {
        using var source = new MetricBatch();
        for (int i = 0; i < 500; i++)
        {
            int series = source.AddSeries(Labels.Of(("__name__", "node_cpu_seconds_total"), ("cpu", $"{i}"), ("mode", "idle")));
            source.AddSample(series, 1000 + i, i);
        }
        using var encoder = new RemoteWriteEncoder();
        var body = encoder.EncodePlain(source, RemoteWriteVersion.V1).ToArray();
        var decoder = new RemoteWriteDecoder();
        using var batch = new MetricBatch();
        for (int i = 0; i < 3; i++)
        {
            batch.Clear();
            decoder.DecodeV1(body, batch);
        }
        long before = GC.GetAllocatedBytesForCurrentThread();
        batch.Clear();
        decoder.DecodeV1(body, batch);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(500, batch.Samples.Length);
    }

    private static void Decode(ReadOnlySpan<byte> body, RemoteWriteVersion version, MetricBatch into, out IReadOnlyList<AppendError> rejected)
    {
        var decoder = new RemoteWriteDecoder();
        if (version == RemoteWriteVersion.V1) decoder.DecodeV1(body, into);
        else decoder.DecodeV2(body, into);
        rejected = decoder.Rejected;
    }

    private static byte[] V1(params (string Name, string Value)[] labels)
    {
        using var message = new ProtoBuffer();
        int series = message.Begin(1);
        foreach (var (name, value) in labels)
        {
            int label = message.Begin(1);
            message.Field(1, Encoding.UTF8.GetBytes(name));
            message.Field(2, Encoding.UTF8.GetBytes(value));
            message.End(label);
        }
        int sample = message.Begin(2);
        message.Field(1, 1.0);
        message.Field(2, 1000L);
        message.End(sample);
        message.End(series);
        return message.Written.ToArray();
    }

    private static void AddSeriesV2(ProtoBuffer message, params ulong[] references)
    {
        int series = message.Begin(5);
        int packed = message.Begin(1);
        foreach (ulong reference in references) message.Varint(reference);
        message.End(packed);
        int sample = message.Begin(2);
        message.Field(1, 1.0);
        message.End(sample);
        message.End(series);
    }

    private static Histogram IntegerHistogram() => new()
    {
        Schema = 3, ZeroThreshold = 0.001, ZeroCount = 2, Count = 12, Sum = 40.5, ResetHint = CounterResetHint.NotReset,
        PositiveSpans = [new BucketSpan(-2, 2), new BucketSpan(3, 1)], PositiveBuckets = [1, 4, 2],
        NegativeSpans = [new BucketSpan(0, 1)], NegativeBuckets = [3],
    };

    private static Histogram FloatHistogram() => new()
    {
        Schema = -1, ZeroThreshold = 0.5, ZeroCount = 0.25, Count = 3.5, Sum = -1, ResetHint = CounterResetHint.Gauge, IsFloat = true,
        PositiveSpans = [new BucketSpan(1, 2)], PositiveBuckets = [1.25, 2],
    };

    private static Histogram CustomHistogram() => new()
    {
        Schema = Histogram.CustomBucketsSchema, Count = 6, Sum = 9, PositiveSpans = [new BucketSpan(0, 3)], PositiveBuckets = [1, 2, 3], CustomValues = [0.5, 1],
    };

    private static long Bits(double value) => BitConverter.DoubleToInt64Bits(value);

    private static void AssertSame(Histogram expected, Histogram actual)
    {
        Assert.Equal(
            (expected.Schema, expected.ZeroThreshold, expected.ZeroCount, expected.Count, expected.Sum, expected.ResetHint, expected.IsFloat),
            (actual.Schema, actual.ZeroThreshold, actual.ZeroCount, actual.Count, actual.Sum, actual.ResetHint, actual.IsFloat));
        Assert.Equal(expected.PositiveSpans, actual.PositiveSpans);
        Assert.Equal(expected.NegativeSpans, actual.NegativeSpans);
        Assert.Equal(expected.PositiveBuckets, actual.PositiveBuckets);
        Assert.Equal(expected.NegativeBuckets, actual.NegativeBuckets);
        Assert.Equal(expected.CustomValues, actual.CustomValues);
    }
}
