using System.Text;
using Pharos.Core;
using Pharos.Wire.Influx;

namespace Pharos.Wire.Tests.Influx;

public sealed class InfluxDecoderTests : IDisposable
{
    private readonly InfluxDecoder decoder = new();
    private readonly MetricBatch batch = new();

    public void Dispose()
    {
        decoder.Dispose();
        batch.Dispose();
    }

    [Theory]
    [InlineData("cpu,host=a,zone=b usage=1.5,value=2i 1700000000000000000", "{__name__=\"cpu_usage\", host=\"a\", zone=\"b\"} 1700000000000 1.5|{__name__=\"cpu\", host=\"a\", zone=\"b\"} 1700000000000 2")]
    [InlineData("m f=-7u,t=T,f2=false,s=\"x, y=1\" 5000000", "")]
    [InlineData("m u=7u,t=T,f2=false,s=\"x, y=1 \\\" z\",e=1e3 5000000", "{__name__=\"m_u\"} 5 7|{__name__=\"m_t\"} 5 1|{__name__=\"m_f2\"} 5 0|{__name__=\"m_e\"} 5 1000")]
    [InlineData("my\\ m\\,x,t\\=a\\ g=v\\,\\ \\=w va\\=lue=1", "{__name__=\"my_m_x_va_lue\", t_a_g=\"v, =w\"} 42 1")]
    [InlineData("back\\slash,t=C:\\dir value=1", "{__name__=\"back_slash\", t=\"C:\\\\dir\"} 42 1")]
    [InlineData("9m,1t=x value=1 -1000000", "{_1t=\"x\", __name__=\"_9m\"} -1 1")]
    [InlineData("ä,ü=ö value=1", "{_=\"ö\", __name__=\"_\"} 42 1")]
    [InlineData("# a comment \" with a quote\n\n  m value=1\r\nm value=2", "{__name__=\"m\"} 42 1|{__name__=\"m\"} 42 2")]
    [InlineData("m s=\"two\nlines\",value=1\nm value=2", "{__name__=\"m\"} 42 1|{__name__=\"m\"} 42 2")]
    public void Lines_become_series(string text, string expected)
    {
        decoder.Decode(Encoding.UTF8.GetBytes(text), InfluxDecoder.PrecisionOf(null)!.Value, 42, batch);
        Assert.Equal(expected, Show());
        Assert.Equal(expected.Length == 0, decoder.Rejected.Count > 0);
    }

    [Theory]
    [InlineData("ns", 1_000_000, 1), InlineData("us", 1000, 1), InlineData("u", 1000, 1), InlineData("ms", 1, 1), InlineData("s", 1, 1000), InlineData("m", 1, 60_000), InlineData("h", 1, 3_600_000)]
    public void Time_stamps_have_the_precision_that_was_asked_for(string precision, long stamp, long ms)
    {
        decoder.Decode(Encoding.UTF8.GetBytes($"m value=1 {stamp}"), InfluxDecoder.PrecisionOf(precision)!.Value, 42, batch);
        Assert.Equal(ms, batch.Samples[0].TimestampMs);
        Assert.Null(InfluxDecoder.PrecisionOf("days"));
    }

    [Theory]
    [InlineData(",a=b value=1", "missing measurement")]
    [InlineData("m", "missing fields")]
    [InlineData("m,=b value=1", "missing tag key")]
    [InlineData("m,a value=1", "missing tag value")]
    [InlineData("m,a= value=1", "missing tag value")]
    [InlineData("m,a=b=c value=1", "invalid tag format: an = in a value must be escaped")]
    [InlineData("m,a=1,a=2 value=1", "the tag \"a\" comes twice")]
    [InlineData("m =1", "missing field key")]
    [InlineData("m value", "missing field value")]
    [InlineData("m value=", "missing field value")]
    [InlineData("m value=1x", "invalid field value \"1x\"")]
    [InlineData("m value=NaN", "invalid field value \"NaN\"")]
    [InlineData("m value=9223372036854775808i", "invalid field value \"9223372036854775808i\"")]
    [InlineData("m value=\"open", "unbalanced quotes")]
    [InlineData("m value=\"a\"b", "invalid text behind a string")]
    [InlineData("m value=1 noon", "bad timestamp")]
    public void A_wrong_line_is_told_with_its_number_and_costs_only_itself(string wrong, string reason)
    {
        decoder.Decode(Encoding.UTF8.GetBytes($"a value=1\n\n{wrong}"), InfluxDecoder.PrecisionOf("ms")!.Value, 42, batch);
        Assert.Equal("{__name__=\"a\"} 42 1", Show());
        Assert.Equal($"line 3: {reason}", Assert.Single(decoder.Rejected).Message);
    }

    [Fact]
    public void Many_wrong_lines_are_counted()
    {
        decoder.Decode(Encoding.UTF8.GetBytes(string.Join('\n', Enumerable.Repeat("m", 50)) + "\nm value=1"), InfluxDecoder.PrecisionOf("ms")!.Value, 42, batch);
        Assert.Equal((50, 21, 50), (decoder.RejectedLines, decoder.Rejected.Count, decoder.Rejected.Sum(e => e.Samples)));
        Assert.Equal(1, batch.Samples.Length);
    }

    [Fact]
    public void Any_damage_is_an_error_and_no_crash()
    {
        byte[] good = "my\\ m,t\\=a=v\\,w,u=x u=7u,t=T,s=\"x, y \\\" z\",e=1e3 5000000\n# c\ncpu,host=a value=2i 1700000000000000000\n"u8.ToArray();
        for (int seed = 1; seed <= 4000; seed++)
        {
            var random = new Random(seed);
            byte[] body = [.. good];
            byte[] odd = [(byte)'\\', (byte)'"', (byte)',', (byte)'=', (byte)' ', (byte)'\n', 0, 0xff];
            for (int i = random.Next(6); i >= 0; i--) body[random.Next(body.Length)] = random.Next(2) == 0 ? odd[random.Next(odd.Length)] : (byte)random.Next(256);
            try
            {
                batch.Clear();
                decoder.Decode(body.AsSpan(0, random.Next(body.Length + 1)), InfluxDecoder.PrecisionOf("h")!.Value, 42, batch);
                foreach (var sample in batch.Samples) Assert.NotEqual("", Labels.FromEncoded(batch.LabelsOf(sample.Series)).Name);
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}: {e}");
            }
        }
    }

    private string Show()
    {
        var lines = new List<string>();
        foreach (var sample in batch.Samples) lines.Add(FormattableString.Invariant($"{Labels.FromEncoded(batch.LabelsOf(sample.Series))} {sample.TimestampMs} {sample.Value}"));
        return string.Join('|', lines);
    }
}
