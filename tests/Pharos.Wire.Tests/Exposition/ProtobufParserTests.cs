using Pharos.Wire.Exposition;
using Pharos.Wire.Protobuf;

namespace Pharos.Wire.Tests.Exposition;

public sealed class ProtobufParserTests
{
    [Fact]
    public void A_counter_comes_with_metadata_and_exemplar()
    {
        var read = Recorded.Protobuf(Family("requests_total", 0, message =>
        {
            Pair(message, "code", "200");
            int counter = message.Begin(3);
            message.Field(1, 17.0);
            int exemplar = message.Begin(2);
            Pair(message, "trace_id", "abc");
            message.Field(2, 1.5);
            int time = message.Begin(3);
            message.Field(1, 1000L);
            message.Field(2, 500_000_000L);
            message.End(time);
            message.End(exemplar);
            message.End(counter);
            message.Field(6, 4242L);
        }));
        Assert.Equal(
        [
            "help requests_total Help.",
            "type requests_total Counter",
            "{__name__=\"requests_total\", code=\"200\"} 4031000000000000 17 @4242",
            "exemplar {trace_id=\"abc\"} 1.5 @1000500",
        ], read.Lines);
    }

    [Fact]
    public void A_classic_histogram_gets_its_infinite_bucket()
    {
        var read = Recorded.Protobuf(Family("size", 4, message =>
        {
            int histogram = message.Begin(7);
            message.Field(1, 3UL);
            message.Field(2, 4.5);
            int bucket = message.Begin(3);
            message.Field(1, 2UL);
            message.Field(2, 1.0);
            message.End(bucket);
            message.End(histogram);
        }));
        Assert.Equal(
        [
            "help size Help.",
            "type size Histogram",
            "{__name__=\"size_bucket\", le=\"1.0\"} 4000000000000000 2 @",
            "{__name__=\"size_bucket\", le=\"+Inf\"} 4008000000000000 3 @",
            "{__name__=\"size_count\"} 4008000000000000 3 @",
            "{__name__=\"size_sum\"} 4012000000000000 4.5 @",
        ], read.Lines);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_native_histogram_is_one_sample_and_its_classic_side_only_on_demand(bool classicToo)
    {
        var read = Recorded.Protobuf(Family("size", 4, message =>
        {
            int histogram = message.Begin(7);
            Native(message);
            message.End(histogram);
        }), classicToo);
        Assert.Equal("{__name__=\"size\"} histogram schema=3 count=6 sum=9 zero=1 +[2 3] -[] @", read.Lines[2]);
        Assert.Equal(classicToo ? 7 : 3, read.Lines.Count);
    }

    [Fact]
    public void A_summary_has_quantiles_count_and_sum()
    {
        var read = Recorded.Protobuf(Family("latency", 2, message =>
        {
            int summary = message.Begin(4);
            message.Field(1, 10UL);
            message.Field(2, 2.5);
            int quantile = message.Begin(3);
            message.Field(1, 0.5);
            message.Field(2, 0.2);
            message.End(quantile);
            message.End(summary);
        }));
        Assert.Equal(
            ["{__name__=\"latency_count\"} 4024000000000000 10 @", "{__name__=\"latency_sum\"} 4004000000000000 2.5 @", "{__name__=\"latency\", quantile=\"0.5\"} 3fc999999999999a 0.2 @"],
            read.Lines.Skip(2));
    }

    [Fact]
    public void A_cut_body_fails_with_its_place()
    {
        byte[] body = Family("a", 1, message =>
        {
            int gauge = message.Begin(2);
            message.Field(1, 1.0);
            message.End(gauge);
        });
        for (int length = 1; length < body.Length; length++)
            Assert.Throws<WireFormatException>(() => Recorded.Protobuf(body[..length]));
    }

    [Fact]
    public void Any_bytes_parse_or_fail_with_their_place()
    {
        byte[] good = Family("size", 4, message =>
        {
            Pair(message, "code", "200");
            int histogram = message.Begin(7);
            Native(message);
            int exemplar = message.Begin(16);
            Pair(message, "trace_id", "abc");
            message.End(exemplar);
            message.End(histogram);
        });
        for (int seed = 1; seed <= 20_000; seed++)
        {
            var random = new Random(seed);
            byte[] damaged = good.AsSpan(0, random.Next(good.Length + 1)).ToArray();
            for (int flips = random.Next(4); flips > 0 && damaged.Length > 0; flips--) damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            try
            {
                Recorded.Protobuf(damaged, classicToo: true);
            }
            catch (WireFormatException e)
            {
                Assert.True(e.Offset >= 0 && e.Offset <= damaged.Length, $"seed {seed}: {e.Message}");
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}: {e}");
            }
        }
    }

    private static byte[] Family(string name, ulong type, Action<ProtoBuffer> metric)
    {
        using var family = new ProtoBuffer();
        family.Field(1, name);
        family.Field(2, "Help.");
        if (type != 0) family.Field(3, type);
        int inner = family.Begin(4);
        metric(family);
        family.End(inner);
        using var delimited = new ProtoBuffer();
        delimited.Varint((ulong)family.Length);
        delimited.Raw(family.Written);
        return delimited.Written.ToArray();
    }

    /// <summary>A histogram with a classic bucket and native ones.</summary>
    private static void Native(ProtoBuffer message)
    {
        message.Field(1, 6UL);
        message.Field(2, 9.0);
        int bucket = message.Begin(3);
        message.Field(1, 2UL);
        message.Field(2, 1.0);
        message.End(bucket);
        message.ZigZagField(5, 3);
        message.Field(6, 0.001);
        message.Field(7, 1UL);
        int span = message.Begin(12);
        message.ZigZagField(1, -1);
        message.Field(2, 2UL);
        message.End(span);
        message.ZigZagField(13, 2);
        message.ZigZagField(13, 1);
    }

    private static void Pair(ProtoBuffer message, string name, string value)
    {
        int pair = message.Begin(1);
        message.Field(1, name);
        message.Field(2, value);
        message.End(pair);
    }
}
