using System.Text;
using Pharos.Core;
using Pharos.Wire.Otlp;
using Pharos.Wire.Protobuf;

namespace Pharos.Wire.Tests.Otlp;

public sealed class OtlpMetricsTests : IDisposable
{
    private readonly SimulatedTimeProvider time = new(DateTimeOffset.FromUnixTimeSeconds(1_700_000_000));
    private readonly OtlpMetricsDecoder decoder = new();
    private readonly MetricBatch batch = new();
    private readonly OtlpStreams streams;

    public OtlpMetricsTests() => streams = new OtlpStreams(time);

    public void Dispose()
    {
        batch.Dispose();
    }

    [Theory]
    [InlineData("http.server.duration", "s", "histogram", "http_server_duration_seconds")]
    [InlineData("http.server.duration_seconds", "s", "histogram", "http_server_duration_seconds")]
    [InlineData("disk..io", "By/s", "gauge", "disk_io_bytes_per_second")]
    [InlineData("requests", "{request}", "sum", "requests_total")]
    [InlineData("requests_total.by", "1", "sum", "requests_by_total")]
    [InlineData("load", "1", "gauge", "load_ratio")]
    [InlineData("1st", "m/s", "gauge", "_1st_meters_per_second")]
    [InlineData("speed", "m/m", "gauge", "speed_meters_per_minute")]
    [InlineData("temp", "Cel", "gauge", "temp_celsius")]
    [InlineData("odd", "foo/bar baz", "gauge", "odd_foo_per_bar_baz")]
    [InlineData("a:b", "%", "gauge", "a:b_percent")]
    public void Names_get_unit_and_type(string name, string unit, string kind, string expected)
    {
        Push(Metric(name, kind, "{\"timeUnixNano\":\"1000000\",\"asDouble\":1,\"count\":1}", unit), OtlpSettings.Default);
        Assert.StartsWith(expected, Labels.FromEncoded(batch.LabelsOf(0)).Name.Replace("_count", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Equal(expected, batch.Metadata.Single().Family);
    }

    [Theory]
    [InlineData(OtlpTranslation.UnderscoreEscapingWithSuffixes, "{__name__=\"rq_bytes_total\", a_b=\"1\"}")]
    [InlineData(OtlpTranslation.UnderscoreEscapingWithoutSuffixes, "{__name__=\"_rq\", a_b=\"1\"}")]
    [InlineData(OtlpTranslation.NoUTF8EscapingWithSuffixes, "{__name__=\"_rq_bytes_total\", \"a.b\"=\"1\"}")]
    [InlineData(OtlpTranslation.NoTranslation, "{__name__=\"_rq\", \"a.b\"=\"1\"}")]
    public void Each_strategy_names_in_its_own_way(OtlpTranslation translation, string expected)
    {
        Push(Metric("_rq", "sum", "{\"timeUnixNano\":\"1000000\",\"asInt\":\"1\",\"attributes\":[{\"key\":\"a.b\",\"value\":{\"intValue\":\"1\"}}]}", "By"), OtlpSettings.Default with { Translation = translation });
        Assert.Equal(expected, Labels.FromEncoded(batch.LabelsOf(0)).ToString());
    }

    [Fact]
    public void Labels_come_from_attributes_resource_and_scope()
    {
        Push(
            """
            {"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}},{"key":"service.namespace","value":{"stringValue":"eu"}},{"key":"service.instance.id","value":{"stringValue":"i1"}},{"key":"k8s.pod.name","value":{"stringValue":"p"}}]},
             "scopeMetrics":[{"scope":{"name":"lib","version":"2","attributes":[{"key":"x.y","value":{"boolValue":true}}]},"schemaUrl":"http://s",
              "metrics":[{"name":"g","gauge":{"dataPoints":[{"timeUnixNano":"60000000000","asDouble":1.5,"attributes":[{"key":"a.b","value":{"stringValue":"2"}},{"key":"a_b","value":{"stringValue":"1"}},{"key":"_c","value":{"stringValue":"3"}},{"key":"9","value":{"stringValue":"4"}}]}]}}]}]}]}
            """,
            OtlpSettings.Default with { PromoteScopeMetadata = true, PromoteResourceAttributes = new HashSet<string> { "k8s.pod.name" } });
        Assert.Equal(
            "{__name__=\"g\", a_b=\"2;1\", instance=\"i1\", job=\"eu/shop\", k8s_pod_name=\"p\", key_9=\"4\", key_c=\"3\", otel_scope_name=\"lib\", otel_scope_schema_url=\"http://s\", otel_scope_version=\"2\", otel_scope_x_y=\"true\"} 60000 1.5\n"
            + "{__name__=\"target_info\", instance=\"i1\", job=\"eu/shop\", k8s_pod_name=\"p\"} 60000 1", Show());
    }

    [Fact]
    public void An_explicit_histogram_becomes_classic_series_or_custom_buckets()
    {
        string point = """{"startTimeUnixNano":"1000000","timeUnixNano":"60000000000","count":"6","sum":12.5,"bucketCounts":["1","2","3"],"explicitBounds":[0.5,10],"exemplars":[{"timeUnixNano":"59000000000","asDouble":7,"traceId":"AB","spanId":"cd","filteredAttributes":[{"key":"u","value":{"stringValue":"v"}}]}]}""";
        Push(Metric("h", "histogram", point), OtlpSettings.Default with { StartTimestampsAsZeros = true });
        Assert.Equal(
            """
            {__name__="h_sum"} 60000 12.5
            {__name__="h_count"} 60000 6
            {__name__="h_bucket", le="0.5"} 60000 1
            {__name__="h_bucket", le="10"} 60000 3
            {__name__="h_bucket", le="+Inf"} 60000 6
            """.ReplaceLineEndings("\n"), Show());
        var exemplar = batch.Exemplars.Single();
        Assert.Equal(("{__name__=\"h_bucket\", le=\"10\"}", 59000, 7.0, "{span_id=\"cd\", trace_id=\"ab\", u=\"v\"}"), (Labels.FromEncoded(batch.LabelsOf(exemplar.Series)).ToString(), exemplar.TimestampMs, exemplar.Value, exemplar.Labels.ToString()));
        Assert.Equal(Enumerable.Range(0, 5).Select(i => new BatchStart(i, 1)), batch.Starts);

        Push(Metric("h", "histogram", point), OtlpSettings.Default with { ConvertHistogramsToCustomBuckets = true });
        var histogram = batch.Histograms.Single().Histogram;
        Assert.Equal([0.5, 10], histogram.CustomValues);
        Assert.Equal([1, 2, 3], histogram.PositiveBuckets);
        Assert.Equal((6, 12.5, -53), (histogram.Count, histogram.Sum, histogram.Schema));
    }

    [Fact]
    public void An_exponential_histogram_keeps_its_buckets_at_a_resolution_that_the_store_has()
    {
        // Scale 10 has four buckets for each of scale 8: indexes 0..7 become 0 and 1, which the store counts from 1.
        Push(Metric("e", "exponentialHistogram", """{"timeUnixNano":"1000000","count":"10","sum":3,"scale":10,"zeroCount":"1","positive":{"offset":0,"bucketCounts":["1","1","1","1","0","0","0","2"]},"negative":{"offset":-1,"bucketCounts":["3"]}}"""), OtlpSettings.Default);
        var histogram = batch.Histograms.Single().Histogram;
        Assert.Equal(8, histogram.Schema);
        Assert.Equal(1e-128, histogram.ZeroThreshold);
        Assert.Equal([new BucketSpan(1, 2)], histogram.PositiveSpans);
        Assert.Equal([4, 2], histogram.PositiveBuckets);
        Assert.Equal([new BucketSpan(0, 1)], histogram.NegativeSpans);
        Assert.Equal([3], histogram.NegativeBuckets);
        Push(Metric("e", "exponentialHistogram", """{"timeUnixNano":"1000000","count":"1","scale":-5}"""), OtlpSettings.Default);
        Assert.Contains("scale must be >= -4, was -5", Assert.Single(decoder.Rejected).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Summaries_stale_points_and_types()
    {
        Push(Metric("s", "summary", """{"timeUnixNano":"1000000","count":"3","sum":5,"quantileValues":[{"quantile":0.5,"value":2},{"quantile":1,"value":"NaN"}]}"""), OtlpSettings.Default);
        Assert.Equal("{__name__=\"s_sum\"} 1 5\n{__name__=\"s_count\"} 1 3\n{__name__=\"s\", quantile=\"0.5\"} 1 2\n{__name__=\"s\", quantile=\"1\"} 1 NaN", Show());
        Assert.Equal(MetricType.Summary, batch.Metadata.Single().Type);
        Push(Metric("g", "gauge", """{"timeUnixNano":"1000000","flags":1}"""), OtlpSettings.Default);
        Assert.True(SampleValue.IsStale(batch.Samples[0].Value));
        Push(Metric("e", "exponentialHistogram", """{"timeUnixNano":"1000000","flags":1}"""), OtlpSettings.Default);
        Assert.True(batch.Histograms.Single().Histogram.IsStale);
    }

    [Fact]
    public void A_bad_point_costs_only_itself()
    {
        Push(
            """
            {"resourceMetrics":[{"scopeMetrics":[{"metrics":[
              {"name":"good","gauge":{"dataPoints":[{"timeUnixNano":"1000000","asDouble":1},{"timeUnixNano":"x","asDouble":2},{"timeUnixNano":"3000000","asInt":"3"},{"timeUnixNano":"4000000"}]}},
              {"name":"odd","sum":{"aggregationTemporality":0,"dataPoints":[{"timeUnixNano":"1000000","asInt":"1"}]}},
              {"name":"short","histogram":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"1000000","count":"2","bucketCounts":["1","1"],"explicitBounds":[1,2]}]}},
              {"name":"","gauge":{"dataPoints":[{"timeUnixNano":"1000000","asDouble":1}]}},
              {"name":"none"}
            ]}]}]}
            """, OtlpSettings.Default);
        Assert.Equal("{__name__=\"good\"} 1 1\n{__name__=\"good\"} 3 3", Show());
        Assert.Equal(7, decoder.Points);
        Assert.Equal(["otlp-point-invalid 3", "otlp-temporality-invalid 1", "metric-name-invalid 1"], decoder.Rejected.Select(e => $"{e.Code} {e.Samples}"));
        Assert.Contains("metric \"good\"", decoder.Rejected[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Delta_points_are_summed_up()
    {
        Assert.Equal("{__name__=\"d_total\"} 1000 5", Delta(1, 5));
        Assert.Equal("{__name__=\"d_total\"} 2000 8", Delta(2, 3));
        // Sent again, since the answer was lost: the same sum, not a larger one.
        Assert.Equal("{__name__=\"d_total\"} 2000 8", Delta(2, 3));
        Assert.Equal("", Delta(1, 3));
        Assert.Contains("older", Assert.Single(decoder.Rejected).Message, StringComparison.Ordinal);
        // Not stored, so the addition is taken back.
        Assert.Equal("{__name__=\"d_total\"} 3000 9", Delta(3, 1));
        decoder.Undo();
        Assert.Equal("{__name__=\"d_total\"} 4000 10", Delta(4, 2));
        // Silent for too long: it begins again.
        time.Advance(TimeSpan.FromMinutes(7));
        Assert.Equal("{__name__=\"d_total\"} 500000 4", Delta(500, 4));

        string Delta(int second, int value, OtlpSettings? settings = null)
        {
            Push(Metric("d", "sum", $"{{\"timeUnixNano\":\"{second}000000000\",\"asInt\":\"{value}\"}}", temporality: 1), settings ?? OtlpSettings.Default);
            return Show();
        }
    }

    [Fact]
    public void Delta_histograms_are_summed_up_bucket_by_bucket()
    {
        Push(Metric("h", "histogram", """{"timeUnixNano":"1000000","count":"3","sum":1,"bucketCounts":["1","2"],"explicitBounds":[1]}""", temporality: 1), OtlpSettings.Default);
        Push(Metric("h", "histogram", """{"timeUnixNano":"2000000","count":"4","sum":2,"bucketCounts":["4","0"],"explicitBounds":[1]}""", temporality: 1), OtlpSettings.Default);
        Assert.Equal("{__name__=\"h_sum\"} 2 3\n{__name__=\"h_count\"} 2 7\n{__name__=\"h_bucket\", le=\"1\"} 2 5\n{__name__=\"h_bucket\", le=\"+Inf\"} 2 7", Show());
        // Scale 1 halves to scale 0: index 2 becomes 1.
        Push(Metric("e", "exponentialHistogram", """{"timeUnixNano":"1000000","count":"1","scale":0,"positive":{"offset":1,"bucketCounts":["1"]}}""", temporality: 1), OtlpSettings.Default);
        Push(Metric("e", "exponentialHistogram", """{"timeUnixNano":"2000000","count":"2","scale":1,"positive":{"offset":2,"bucketCounts":["2"]}}""", temporality: 1), OtlpSettings.Default);
        var histogram = batch.Histograms.Single().Histogram;
        Assert.Equal((0, 3.0), (histogram.Schema, histogram.Count));
        Assert.Equal([3], histogram.PositiveBuckets);
        Assert.Equal([new BucketSpan(2, 1)], histogram.PositiveSpans);
    }

    [Fact]
    public void Delta_streams_are_bounded_and_may_be_refused_or_stored_as_they_are()
    {
        var two = OtlpSettings.Default with { DeltaStreamsMax = 2 };
        foreach (string name in (string[])["a", "b", "c"]) Push(Metric(name, "sum", """{"timeUnixNano":"1000000","asInt":"1"}""", temporality: 1), two);
        Assert.Contains("2 delta streams", Assert.Single(decoder.Rejected).Message, StringComparison.Ordinal);
        Push(Metric("a", "sum", """{"timeUnixNano":"2000000","asInt":"1"}""", temporality: 1), OtlpSettings.Default with { Delta = OtlpDelta.Reject });
        Assert.Equal("otlp-temporality-invalid", Assert.Single(decoder.Rejected).Code);
        Push(Metric("a", "sum", """{"timeUnixNano":"2000000","asInt":"1"}""", temporality: 1), OtlpSettings.Default with { Delta = OtlpDelta.Native });
        Assert.Equal("{__name__=\"a_total\"} 2 1", Show());
        Assert.Equal(MetricType.Unknown, batch.Metadata.Single().Type);
    }

    [Fact]
    public void Target_info_is_there_every_half_lookback_and_never_goes_back()
    {
        string body = """{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"s"}},{"key":"v","value":{"stringValue":"1"}}]},"scopeMetrics":[{"metrics":[{"name":"g","gauge":{"dataPoints":[{"timeUnixNano":"FROM000000000","asDouble":1},{"timeUnixNano":"TO000000000","asDouble":1}]}}]}]}]}""";
        Assert.Equal([0L + 1000, 151_000, 301_000, 400_000], Times("1", "400"));
        Assert.Equal([400_001L, 410_000], Times("390", "410"));

        long[] Times(string from, string to)
        {
            Push(body.Replace("FROM", from, StringComparison.Ordinal).Replace("TO", to, StringComparison.Ordinal), OtlpSettings.Default);
            return [.. batch.Samples.ToArray().Where(s => Labels.FromEncoded(batch.LabelsOf(s.Series)).Name == "target_info").Select(s => s.TimestampMs)];
        }
    }

    [Fact]
    public void Protobuf_says_the_same_as_json()
    {
        Push(Metric("h", "histogram", """{"timeUnixNano":"60000000000","count":"6","sum":12.5,"bucketCounts":["1","2","3"],"explicitBounds":[0.5,10]}"""), OtlpSettings.Default);
        string json = Show();
        batch.Clear();
        decoder.Decode(Protobuf(), json: false, null, 1 << 20, OtlpSettings.Default, TimeSpan.FromMinutes(5), streams, batch);
        Assert.Equal(json + "\n{__name__=\"g\"} 60000 -3", Show());
        Assert.Equal(8, batch.Histograms.Single().Histogram.Schema);
        Assert.Equal([4, 2], batch.Histograms.Single().Histogram.PositiveBuckets);
        Assert.Empty(decoder.Rejected);
    }

    [Fact]
    public void Any_damage_is_an_error_and_no_crash()
    {
        byte[] json = Encoding.UTF8.GetBytes(Metric("e", "exponentialHistogram", """{"timeUnixNano":"1000000","count":"10","sum":3,"scale":10,"positive":{"offset":0,"bucketCounts":["1","9"]},"exemplars":[{"asInt":"1"}]}""", temporality: 1));
        for (int seed = 1; seed <= 4000; seed++)
        {
            var random = new Random(seed);
            bool isJson = random.Next(2) == 0;
            byte[] body = isJson ? [.. json] : Protobuf();
            for (int i = random.Next(5); i >= 0; i--) body[random.Next(body.Length)] = (byte)random.Next(256);
            var settings = OtlpSettings.Default with { ConvertHistogramsToCustomBuckets = random.Next(2) == 0, Translation = (OtlpTranslation)random.Next(4) };
            try
            {
                batch.Clear();
                decoder.Decode(body.AsMemory(0, random.Next(body.Length + 1)), isJson, null, 1 << 20, settings, TimeSpan.FromMinutes(5), streams, batch);
            }
            catch (WireFormatException)
            {
                // Refused: what a damaged body deserves.
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}: {e}");
            }
        }
    }

    private void Push(string json, OtlpSettings settings)
    {
        batch.Clear();
        decoder.Decode(Encoding.UTF8.GetBytes(json), json: true, null, 1 << 20, settings, TimeSpan.FromMinutes(5), streams, batch);
    }

    private static string Metric(string name, string kind, string point, string unit = "", int temporality = 2) =>
        $$$"""{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"{{{name}}}","unit":"{{{unit}}}","{{{kind}}}":{"aggregationTemporality":{{{temporality}}},"isMonotonic":true,"dataPoints":[{{{point}}}]}}]}]}]}""";

    /// <summary>A histogram h, a gauge g and an exponential histogram e, by field numbers of opentelemetry-proto.</summary>
    private static byte[] Protobuf()
    {
        using var to = new ProtoBuffer();
        int resource = to.Begin(1), scope = to.Begin(2);
        int metric = Begin("h", 9, out int data);
        int point = to.Begin(1);
        Fixed(3, 60_000_000_000);
        Fixed(4, 6);
        to.Field(5, 12.5);
        to.Field(6, (ReadOnlySpan<byte>)[1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]);
        to.Field(7, 0.5);
        to.Field(7, 10.0);
        End(point, metric, data, temporality: true);
        metric = Begin("g", 5, out data);
        point = to.Begin(1);
        Fixed(3, 60_000_000_000);
        Fixed(6, unchecked((ulong)-3));
        End(point, metric, data, temporality: false);
        metric = Begin("e", 10, out data);
        point = to.Begin(1);
        Fixed(3, 60_000_000_000);
        Fixed(4, 6);
        to.ZigZagField(6, 10);
        int positive = to.Begin(8);
        to.ZigZagField(1, 0);
        to.Field(2, (ReadOnlySpan<byte>)[1, 1, 1, 1, 0, 0, 0, 2]);
        to.End(positive);
        End(point, metric, data, temporality: true);
        to.End(scope);
        to.End(resource);
        return to.Written.ToArray();

        int Begin(string name, uint kind, out int data)
        {
            int at = to.Begin(2);
            to.Field(1, name);
            data = to.Begin(kind);
            return at;
        }

        void End(int point, int metric, int data, bool temporality)
        {
            to.End(point);
            if (temporality) to.Field(2, 2UL);
            to.End(data);
            to.End(metric);
        }

        void Fixed(uint field, ulong value) => to.Field(field, BitConverter.UInt64BitsToDouble(value));
    }

    private string Show()
    {
        var lines = new List<string>();
        foreach (var sample in batch.Samples) lines.Add(FormattableString.Invariant($"{Labels.FromEncoded(batch.LabelsOf(sample.Series))} {sample.TimestampMs} {sample.Value}"));
        return string.Join('\n', lines);
    }
}
