using Pharos.Core;
using Pharos.Wire.RemoteWrite;

namespace Pharos.Wire.Tests.RemoteWrite;

/// <summary>What is counted before decoding is what decoding finds, or is not counted.</summary>
public sealed class RemoteWriteCountTests
{
    [Fact]
    public void The_samples_of_a_usual_request_are_counted()
    {
        using var batch = new MetricBatch();
        int up = batch.AddSeries(Labels.Of(("__name__", "up"), ("job", "shop")));
        batch.AddSample(up, 1000, 1);
        batch.AddSample(up, 2000, 1);
        batch.AddSample(batch.AddSeries(Labels.Of(("__name__", "down"))), 1000, 1);
        using var encoder = new RemoteWriteEncoder();
        Assert.True(RemoteWriteCount.TryFloats(encoder.EncodePlain(batch, RemoteWriteVersion.V1).Span, out int samples));
        Assert.Equal(3, samples);
    }

    [Fact]
    public void What_only_decoding_can_count_is_not_counted()
    {
        using var encoder = new RemoteWriteEncoder();
        using var batch = new MetricBatch();
        int series = batch.AddSeries(Labels.Of(("__name__", "up")));
        batch.AddSample(series, 1000, 1);
        batch.Metadata.Add(new MetricMetadata("up", MetricType.Gauge, "", ""));
        Assert.False(RemoteWriteCount.TryFloats(encoder.EncodePlain(batch, RemoteWriteVersion.V1).Span, out _));
        batch.Metadata.Clear();
        batch.Exemplars.Add(new BatchExemplar(series, 999, 3, Labels.Of(("trace_id", "abc"))));
        Assert.False(RemoteWriteCount.TryFloats(encoder.EncodePlain(batch, RemoteWriteVersion.V1).Span, out _));
        batch.Clear();
        batch.AddHistogram(batch.AddSeries(Labels.Of(("__name__", "h"))), 1000, new Histogram());
        Assert.False(RemoteWriteCount.TryFloats(encoder.EncodePlain(batch, RemoteWriteVersion.V1).Span, out _));
    }

    [Fact]
    public void A_count_is_that_of_the_decoder_whatever_the_bytes_are()
    {
        string[] names = ["__name__", "a", "b", "", "é", new('n', 130)];
        string[] values = ["x", "y", "", "ü", new('v', 200)];
        int counted = 0;
        for (int seed = 0; seed < 3000; seed++)
        {
            var random = new Random(seed);
            var body = new List<byte>();
            for (int series = random.Next(1, 4); series > 0; series--)
            {
                var inner = new List<byte>();
                if (random.Next(8) > 0) ProtoBytes.Message(inner, 1, ProtoBytes.Label("__name__", "up"));
                // Mostly what a sender writes: sorted, plain.
                for (int label = random.Next(4), at = 0; label > 0; label--)
                {
                    at = random.Next(20) == 0 ? random.Next(names.Length) : Math.Min(at + 1, 2);
                    ProtoBytes.Message(inner, 1, ProtoBytes.Label(names[at], values[random.Next(10) == 0 ? random.Next(values.Length) : random.Next(2)]));
                }
                for (int sample = random.Next(3); sample > 0; sample--) ProtoBytes.Message(inner, 2, [0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0x10, 0xe8, 0x07]);
                ProtoBytes.Message(body, 1, inner);
            }
            byte[] bytes = [.. body];
            if (random.Next(5) == 0) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            if (!RemoteWriteCount.TryFloats(bytes, out int samples)) continue;
            counted++;
            Assert.True(Decode(bytes) == samples, $"seed {seed}: {samples} counted, {Decode(bytes)} decoded");
        }
        Assert.InRange(counted, 300, 2700);
    }

    /// <summary>Float samples; null where the body is no message, −1 where anything else was found or refused.</summary>
    private static int? Decode(byte[] body)
    {
        using var batch = new MetricBatch();
        var decoder = new RemoteWriteDecoder();
        try
        {
            decoder.DecodeV1(body, batch);
        }
        catch (WireFormatException)
        {
            return null;
        }
        return decoder.Rejected.Count + batch.Histograms.Count + batch.Exemplars.Count + batch.Metadata.Count > 0 ? -1 : batch.Samples.Length;
    }
}
