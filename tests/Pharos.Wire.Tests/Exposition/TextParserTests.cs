using System.Buffers;
using System.Text;
using Pharos.Core;
using Pharos.Wire.Exposition;

namespace Pharos.Wire.Tests.Exposition;

public sealed class TextParserTests
{
    [Fact]
    public void Prometheus_text_is_read_as_written()
    {
        var read = Recorded.Text("""
            # just a comment
            # HELP http_requests_total Requests,\nby code.
            # TYPE http_requests_total counter
            http_requests_total{code="200",path="C:\\x \"y\"\nz"} 1027 1395066363000
            http_requests_total { code="400", } 3
            	bare   NaN  
            # TYPE latency summary
            latency{quantile="1"} 1e3
            # TYPE size histogram
            size_bucket{le="+Inf"} 4
            size_bucket{le="10"} +Inf
            {"http.status","service.name"="shop"} -0.5
            """);
        Assert.Equal(
        [
            "help http_requests_total Requests,\nby code.",
            "type http_requests_total Counter",
            "{__name__=\"http_requests_total\", code=\"200\", path=\"C:\\\\x \\\"y\\\"\\nz\"} 40900c0000000000 1027 @1395066363000",
            "{__name__=\"http_requests_total\", code=\"400\"} 4008000000000000 3 @",
            "{__name__=\"bare\"} 7ff8000000000001 NaN @",
            "type latency Summary",
            "{__name__=\"latency\", quantile=\"1.0\"} 408f400000000000 1000 @",
            "type size Histogram",
            "{__name__=\"size_bucket\", le=\"+Inf\"} 4010000000000000 4 @",
            "{__name__=\"size_bucket\", le=\"10.0\"} 7ff0000000000000 +Inf @",
            "{__name__=\"http.status\", \"service.name\"=\"shop\"} bfe0000000000000 -0.5 @",
        ], read.Lines);
    }

    [Fact]
    public void OpenMetrics_has_seconds_units_and_exemplars()
    {
        var read = Recorded.Text(
            "# TYPE request_seconds histogram\n# UNIT request_seconds seconds\n# HELP request_seconds How \\\"long\\\".\n" +
            "request_seconds_bucket{le=\"1\"} 5 1520879607.789 # {trace_id=\"KOO5\"} 0.67 1520879607.5\nrequest_seconds_count 5\n# EOF\n",
            ExpositionFormat.OpenMetrics);
        Assert.Equal(
        [
            "type request_seconds Histogram",
            "unit request_seconds seconds",
            "help request_seconds How \"long\".",
            "{__name__=\"request_seconds_bucket\", le=\"1.0\"} 4014000000000000 5 @1520879607789",
            "exemplar {trace_id=\"KOO5\"} 0.67 @1520879607500",
            "{__name__=\"request_seconds_count\"} 4014000000000000 5 @",
        ], read.Lines);
    }

    [Fact]
    public void An_error_names_line_and_column()
    {
        var error = Assert.Throws<WireFormatException>(() => Recorded.Text("a 1\nb{x=\"1\"} 2\nc{x=1} 3\n"));
        Assert.Equal("line 3, column 5: expected label value", error.Message);
    }

    [Theory]
    [InlineData("a{x=\"1\",x=\"2\"} 1\n", "line 1, column 1: a label name is given twice")]
    [InlineData("a 12abc\n", "line 1, column 3: invalid number \"12abc\"")]
    [InlineData("a 1 12.5\n", "line 1, column 7: expected the end of the line after the timestamp")]
    [InlineData("# TYPE a nonsense\n", "line 1, column 1: invalid metric type \"nonsense\"")]
    public void Mistakes_are_told_apart(string text, string message) =>
        Assert.Equal(message, Assert.Throws<WireFormatException>(() => Recorded.Text(text)).Message);

    [Fact]
    public void Any_bytes_parse_or_fail_cleanly()
    {
        byte[] good = Encoding.UTF8.GetBytes("# HELP a b\n# TYPE a counter\na{b=\"c\\\"d\",e=\"f\"} 1.5 123\n{\"q.x\",y=\"z\"} NaN # {t=\"1\"} 2 3\n# UNIT a_s s\n# EOF\n");
        for (int seed = 1; seed <= 30_000; seed++)
        {
            var random = new Random(seed);
            byte[] damaged = good.AsSpan(0, random.Next(good.Length + 1)).ToArray();
            for (int flips = random.Next(5); flips > 0 && damaged.Length > 0; flips--) damaged[random.Next(damaged.Length)] = random.Next(8) == 0 ? (byte)random.Next(256) : good[random.Next(good.Length)];
            foreach (var format in new[] { ExpositionFormat.Text, ExpositionFormat.OpenMetrics })
            {
                try
                {
                    Recorded.Text(damaged, format);
                }
                catch (WireFormatException e)
                {
                    Assert.True(e.Message.StartsWith("line ", StringComparison.Ordinal), $"{format}, seed {seed}: {e.Message}");
                }
                catch (Exception e)
                {
                    Assert.Fail($"{format}, seed {seed}: {e}");
                }
            }
        }
    }

    [Fact]
    public void Known_series_cost_no_allocation()
    {
        var text = new StringBuilder();
        for (int i = 0; i < 1000; i++) text.Append("node_cpu_seconds_total{cpu=\"").Append(i).Append("\",mode=\"idle\"} ").Append(i * 1.25).Append('\n');
        byte[] bytes = Encoding.UTF8.GetBytes(text.ToString());
        var parser = new TextParser();
        var handler = new Counting();
        parser.Parse(bytes, ExpositionFormat.Text, ref handler);
        handler = new Counting { Known = true };
        long before = GC.GetAllocatedBytesForCurrentThread();
        parser.Parse(bytes, ExpositionFormat.Text, ref handler);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(1000, handler.Samples);
        Assert.Equal(1.25 * 999 * 1000 / 2, handler.Sum);
    }

    [Theory]
    [InlineData("a 1\na{} 2\na {b=\"c\"} 3\n", ExpositionFormat.Text)]
    [InlineData("a{b=\"}\",c=\"{\"} 1\na{b=\"\\\"}\"} 2 5\n{\"x.y\",b=\"} 9\"} 3\n{\"x.y\",b=\"\"} 3", ExpositionFormat.Text)]
    [InlineData("a{b=\"}\"} 1\na{b=\"x # {y\"} 1 # {t=\"1\"} 2\na{b=\"} # {\"} 1\na{b=\"c\"} 1 # {t=\"} # {\"} 2\na{b=\"c\"} 1 # {t=\"} # {\"} 2\na 1 # {} 3\n# EOF\n", ExpositionFormat.OpenMetrics)]
    public void A_series_that_is_known_by_its_text_is_the_one_that_parsing_finds(string text, ExpositionFormat format)
    {
        var memory = new Remembering { Series = [], Found = [] };
        var parser = new TextParser();
        parser.Parse(Encoding.UTF8.GetBytes(text), format, ref memory);
        string[] parsed = [.. memory.Found];
        memory.Found.Clear();
        parser.Parse(Encoding.UTF8.GetBytes(text), format, ref memory);
        Assert.Equal(parsed, memory.Found);
    }

    [Theory]
    [InlineData(0.005, "0.005"), InlineData(1, "1"), InlineData(1e21, "1000000000000000000000"), InlineData(-2.5e-7, "-0.00000025"), InlineData(double.PositiveInfinity, "+Inf")]
    public void Bounds_are_written_without_an_exponent(double value, string text)
    {
        Span<byte> buffer = stackalloc byte[GoFloat.FixedBytesMax];
        Assert.Equal(text, Encoding.ASCII.GetString(buffer[..GoFloat.FormatFixed(value, buffer)]));
        Assert.InRange(GoFloat.FormatFixed(-5e-324, buffer), 300, GoFloat.FixedBytesMax);
    }

    [Theory]
    [InlineData(0, "0")]
    [InlineData(-0.0, "-0")]
    [InlineData(1, "1")]
    [InlineData(-17, "-17")]
    [InlineData(123456, "123456")]
    [InlineData(1e6, "1e+06")]
    [InlineData(1234567, "1.234567e+06")]
    [InlineData(0.0001, "0.0001")]
    [InlineData(0.00001234, "1.234e-05")]
    [InlineData(0.1, "0.1")]
    [InlineData(1.726839813016397e+09, "1.726839813016397e+09")]
    [InlineData(5e-324, "5e-324")]
    [InlineData(1.7976931348623157e308, "1.7976931348623157e+308")]
    [InlineData(123.456, "123.456")]
    [InlineData(99999.5, "99999.5")]
    public void Numbers_are_written_as_Go_writes_them(double value, string text)
    {
        Assert.Equal(text, GoFloat.Format(value));
        Assert.True(GoFloat.TryParse(Encoding.ASCII.GetBytes(text), out double back));
        Assert.Equal(BitConverter.DoubleToInt64Bits(value), BitConverter.DoubleToInt64Bits(back));
    }

    [Fact]
    public void Numbers_come_back_bit_for_bit()
    {
        var random = new Random(1);
        Span<byte> buffer = stackalloc byte[GoFloat.BytesMax];
        for (int i = 0; i < 100_000; i++)
        {
            double value = BitConverter.Int64BitsToDouble(random.NextInt64());
            if (!double.IsFinite(value)) continue;
            int length = GoFloat.Format(value, buffer);
            Assert.True(GoFloat.TryParse(buffer[..length], out double back));
            Assert.Equal(BitConverter.DoubleToInt64Bits(value), BitConverter.DoubleToInt64Bits(back));
        }
    }

    [Fact]
    public void Own_metrics_are_valid_in_both_formats()
    {
        var instruments = new Instruments();
        instruments.Counter("shop_orders_total", "Orders.", "country").With("D\"E\n").Add(3);
        instruments.Gauge("queue_length", "Length.").Set(7);
        var latency = instruments.Histogram("latency_seconds", "Latency.", [0.1, 1], "route");
        latency.Observe(0.05, "/a");
        latency.Observe(0.5, "/a");
        latency.Observe(5, "/a");
        ProcessMetrics.Register(instruments);
        var output = new ArrayBufferWriter<byte>();
        ExpositionWriter.Write(instruments.Read(), output);
        var text = Recorded.Text(output.WrittenSpan.ToArray(), ExpositionFormat.Text);
        Assert.Contains("{__name__=\"shop_orders_total\", country=\"D\\\"E\\n\"} 4008000000000000 3 @", text.Lines);
        Assert.Contains("{__name__=\"latency_seconds_bucket\", le=\"1.0\", route=\"/a\"} 4000000000000000 2 @", text.Lines);
        Assert.Contains("{__name__=\"latency_seconds_bucket\", le=\"+Inf\", route=\"/a\"} 4008000000000000 3 @", text.Lines);
        Assert.Contains("{__name__=\"latency_seconds_count\", route=\"/a\"} 4008000000000000 3 @", text.Lines);
        Assert.Contains(text.Lines, l => l.StartsWith("{__name__=\"process_resident_memory_bytes\"}", StringComparison.Ordinal));

        output = new ArrayBufferWriter<byte>();
        ExpositionWriter.Write(instruments.Read(), output, ExpositionFormat.OpenMetrics, Labels.Of(("component_id", "x")));
        var open = Recorded.Text(output.WrittenSpan.ToArray(), ExpositionFormat.OpenMetrics);
        Assert.Contains("type shop_orders Counter", open.Lines);
        Assert.Contains("{__name__=\"queue_length\", component_id=\"x\"} 401c000000000000 7 @", open.Lines);
    }

    [Theory]
    [InlineData(null, ExpositionFormat.Text)]
    [InlineData("text/html,*/*", ExpositionFormat.Text)]
    [InlineData("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1", ExpositionFormat.OpenMetrics)]
    [InlineData("application/openmetrics-text;q=0.1,text/plain;q=0.3", ExpositionFormat.Text)]
    public void The_reader_chooses_the_format(string? accept, ExpositionFormat format) => Assert.Equal(format, ExpositionWriter.Choose(accept));

    private struct Counting : IExpositionHandler
    {
        public bool Known { get; init; }
        public int Samples { get; private set; }
        public double Sum { get; private set; }

        public readonly void Help(ReadOnlySpan<byte> family, ReadOnlySpan<byte> help) { }
        public readonly void Type(ReadOnlySpan<byte> family, MetricType type) { }
        public readonly void Unit(ReadOnlySpan<byte> family, ReadOnlySpan<byte> unit) { }
        public readonly bool TryKnown(ReadOnlySpan<byte> raw) => Known;
        public readonly void New(ReadOnlySpan<byte> raw, ReadOnlySpan<byte> labels) { }
        public readonly bool WantsStarts => false;
        public readonly void Start(long startMs) { }

        public void Sample(double value, long? timestampMs)
        {
            Samples++;
            Sum += value;
        }

        public readonly void Histogram(Histogram histogram, long? timestampMs) { }
        public readonly void Exemplar(ReadOnlySpan<byte> labels, double value, long? timestampMs) { }
    }

    /// <summary>Knows a series by its text once it was parsed, as a scrape loop does.</summary>
    private struct Remembering : IExpositionHandler
    {
        private string current;

        public required Dictionary<string, string> Series { get; init; }

        public required List<string> Found { get; init; }

        public readonly void Help(ReadOnlySpan<byte> family, ReadOnlySpan<byte> help) { }

        public readonly void Type(ReadOnlySpan<byte> family, MetricType type) { }

        public readonly void Unit(ReadOnlySpan<byte> family, ReadOnlySpan<byte> unit) { }

        public bool TryKnown(ReadOnlySpan<byte> raw) => Series.TryGetValue(Encoding.UTF8.GetString(raw), out current!);

        public void New(ReadOnlySpan<byte> raw, ReadOnlySpan<byte> labels) => Series[Encoding.UTF8.GetString(raw)] = current = Labels.FromEncoded(labels).ToString();

        public readonly bool WantsStarts => false;

        public readonly void Start(long startMs) { }

        public readonly void Sample(double value, long? timestampMs) => Found.Add($"{current} {GoFloat.Format(value)} {timestampMs}");

        public readonly void Histogram(Histogram histogram, long? timestampMs) { }

        public readonly void Exemplar(ReadOnlySpan<byte> labels, double value, long? timestampMs) => Found.Add($"exemplar {Labels.FromEncoded(labels)} {GoFloat.Format(value)}");
    }
}
