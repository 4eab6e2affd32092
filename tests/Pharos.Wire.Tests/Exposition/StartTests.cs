using System.Text;
using Pharos.Wire.Exposition;
using Pharos.Wire.Protobuf;

namespace Pharos.Wire.Tests.Exposition;

/// <summary>Start timestamps of the formats that have them.</summary>
public sealed class StartTests
{
    private const string Text = """
        # TYPE c counter
        c_total{a="b",x="}{"} 17.0 # {trace_id="t"} 1
        c_created{a="b",x="}{"} 1520872607.123
        c_total{a="c"} 4
        # TYPE h histogram
        h_bucket{le="1",k="v"} 1
        h_bucket{k="v",le="+Inf"} 2
        h_count{k="v"} 2
        h_sum{k="v"} 3
        h_created{k="v"} 10.5
        # TYPE s summary
        s{quantile="0.5"} 1
        s_count 2
        s_created 20
        # TYPE g gauge
        g_created 30
        # EOF

        """;

    [Fact]
    public void Created_lines_of_openmetrics_give_starts_and_are_no_series_where_starts_are_wanted()
    {
        byte[] text = Encoding.UTF8.GetBytes(Text.ReplaceLineEndings("\n"));
        var lines = Recorded.Text(text, ExpositionFormat.OpenMetrics, starts: true).Lines.Where(l => !l.StartsWith("type", StringComparison.Ordinal)).Select(Short);
        Assert.Equal(
        [
            "start 1520872607123", "{__name__=\"c_total\", a=\"b\", x=\"}{\"}", "exemplar", "{__name__=\"c_total\", a=\"c\"}",
            "start 10500", "{__name__=\"h_bucket\", k=\"v\", le=\"1.0\"}", "start 10500", "{__name__=\"h_bucket\", k=\"v\", le=\"+Inf\"}",
            "start 10500", "{__name__=\"h_count\", k=\"v\"}", "start 10500", "{__name__=\"h_sum\", k=\"v\"}",
            "{__name__=\"s\", quantile=\"0.5\"}", "start 20000", "{__name__=\"s_count\"}", "{__name__=\"g_created\"}",
        ], lines);
        var without = Recorded.Text(text, ExpositionFormat.OpenMetrics).Lines;
        Assert.DoesNotContain(without, l => l.StartsWith("start", StringComparison.Ordinal));
        Assert.Equal(4, without.Count(l => l.Contains("_created", StringComparison.Ordinal)));

        static string Short(string line) => line.StartsWith('{') ? line[..(line.LastIndexOf('}') + 1)] : line.StartsWith("exemplar", StringComparison.Ordinal) ? "exemplar" : line;
    }

    [Fact]
    public void Openmetrics_cut_anywhere_fails_the_same_with_and_without_starts()
    {
        byte[] text = Encoding.UTF8.GetBytes(Text.ReplaceLineEndings("\n"));
        for (int seed = 1; seed <= 5_000; seed++)
        {
            var random = new Random(seed);
            byte[] damaged = text.AsSpan(0, random.Next(text.Length + 1)).ToArray();
            for (int flips = random.Next(4); flips > 0 && damaged.Length > 0; flips--) damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            try
            {
                Recorded.Text(damaged, ExpositionFormat.OpenMetrics, starts: true);
            }
            catch (WireFormatException)
            {
                // Named with its place.
            }
            catch (Exception wrong)
            {
                Assert.Fail($"seed {seed}: {wrong}");
            }
        }
    }

    [Fact]
    public void Created_timestamps_of_protobuf_give_starts()
    {
        Assert.Equal(["start 5500", "{__name__=\"f\"}"], Of(0, 3, message =>
        {
            message.Field(1, 1.0);
            Created(message, 3);
        }));
        Assert.Equal(["start 5500", "{__name__=\"f_count\"}", "start 5500", "{__name__=\"f_sum\"}"], Of(2, 4, message =>
        {
            message.Field(1, 1UL);
            Created(message, 4);
        }));
        Assert.Equal(["start 5500", "{__name__=\"f_bucket\", le=\"+Inf\"}", "start 5500", "{__name__=\"f_count\"}", "start 5500", "{__name__=\"f_sum\"}"], Of(4, 7, message =>
        {
            message.Field(1, 1UL);
            Created(message, 15);
        }));
        Assert.Equal(["start 5500", "{__name__=\"f\"}"], Of(4, 7, message =>
        {
            message.Field(1, 1UL);
            message.ZigZagField(5, 3);
            message.Field(7, 1UL);
            Created(message, 15);
        }));
    }

    private static IEnumerable<string> Of(ulong type, uint field, Action<ProtoBuffer> value)
    {
        using var family = new ProtoBuffer();
        family.Field(1, "f");
        if (type != 0) family.Field(3, type);
        int metric = family.Begin(4), inner = family.Begin(field);
        value(family);
        family.End(inner);
        family.End(metric);
        using var delimited = new ProtoBuffer();
        delimited.Varint((ulong)family.Length);
        delimited.Raw(family.Written);
        return Recorded.Protobuf(delimited.Written.ToArray(), starts: true).Lines.Skip(1).Select(l => l.StartsWith('{') ? l[..(l.IndexOf('}') + 1)] : l);
    }

    private static void Created(ProtoBuffer message, uint field)
    {
        int time = message.Begin(field);
        message.Field(1, 5L);
        message.Field(2, 500_000_000L);
        message.End(time);
    }
}
