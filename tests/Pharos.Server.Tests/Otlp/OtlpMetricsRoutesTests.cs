using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Server.Hosting;
using Pharos.Server.Otlp;
using Pharos.Server.Tests.Support;

namespace Pharos.Server.Tests.Otlp;

public sealed class OtlpMetricsRoutesTests : IAsyncLifetime
{
    private const string TwoPoints =
        """{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"g","gauge":{"dataPoints":[{"timeUnixNano":"1000000","asDouble":1},{"timeUnixNano":"2000000"}]}}]}]}]}""";

    private readonly RecordingSink sink = new();
    private readonly HttpClient http = new();
    private HttpHost host = null!;

    public async ValueTask InitializeAsync()
    {
        host = await HttpHost.StartAsync(
            "127.0.0.1", 0, NullLoggerFactory.Instance,
            app => OtlpMetricsRoutes.Map(app, sink, _ => OtlpSettings.Default, TimeSpan.FromMinutes(5), TimeProvider.System, new Instruments(), "/otlp/v1/metrics"),
            CancellationToken.None);
        http.BaseAddress = host.Address;
    }

    public async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        http.Dispose();
    }

    [Theory, InlineData(null), InlineData("gzip")]
    public async Task A_partly_good_request_is_answered_200_with_what_was_left_out(string? encoding)
    {
        using var response = await PostAsync(Encoding.UTF8.GetBytes(TwoPoints), "application/json", encoding);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        using var answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        var partial = answer.RootElement.GetProperty("partialSuccess");
        Assert.Equal("1", partial.GetProperty("rejectedDataPoints").GetString());
        Assert.Equal("metric \"g\": it has no value", partial.GetProperty("errorMessage").GetString());
        Assert.Equal(["{__name__=\"g\"} 1 1"], sink.Seen);
    }

    [Fact]
    public async Task All_good_is_an_empty_answer_in_the_requests_encoding()
    {
        using var json = await PostAsync("{}"u8.ToArray(), "application/json");
        Assert.Equal("{}", await json.Content.ReadAsStringAsync());
        using var protobuf = await PostAsync([], "application/x-protobuf");
        Assert.Equal("application/x-protobuf", protobuf.Content.Headers.ContentType?.MediaType);
        Assert.Equal((HttpStatusCode.OK, 0), (protobuf.StatusCode, (await protobuf.Content.ReadAsByteArrayAsync()).Length));
    }

    [Fact]
    public async Task What_cannot_be_read_is_400_or_415()
    {
        using var broken = await PostAsync([0x0a, 0x7f], "application/x-protobuf");
        Assert.Equal(HttpStatusCode.BadRequest, broken.StatusCode);
        Assert.Contains("at byte 2", await broken.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using var other = await PostAsync("{}"u8.ToArray(), "text/plain");
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, other.StatusCode);
        using var packed = await PostAsync("{}"u8.ToArray(), "application/json", "br");
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, packed.StatusCode);
    }

    [Theory]
    [InlineData(AppendErrorKind.Limit, 429)]
    [InlineData(AppendErrorKind.Unavailable, 503)]
    public async Task What_may_be_sent_again_is_answered_so(AppendErrorKind kind, int status)
    {
        sink.Answer = new AppendResult(0, 0, 0, [new AppendError(kind, "some-code", "the reason")]);
        using var response = await PostAsync(Encoding.UTF8.GetBytes(TwoPoints), "application/json");
        Assert.Equal(status, (int)response.StatusCode);
        Assert.NotNull(response.Headers.RetryAfter);
        Assert.Contains("the reason", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_kind_of_point_can_be_queried_from_pharos_prometheus()
    {
        using var folder = Places.NewFolder();
        string config = Path.Combine(folder, "prometheus.yml");
        await File.WriteAllTextAsync(config, "otlp: {promote_resource_attributes: [k8s.pod.name], promote_scope_metadata: true}\n");
        await using var prometheus = await PrometheusHost.StartAsync(
            new PrometheusHostOptions { ConfigFile = config, StoragePath = Path.Combine(folder, "data"), Port = 0, OtlpReceiver = true, OtlpDelta = OtlpDelta.ToCumulative },
            TimeProvider.System, NullLoggerFactory.Instance, CancellationToken.None);
        string body = Body(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() - 60);
        const string target = "instance=i-1,job=eu/shop,k8s_pod_name=p-1", scope = "otel_scope_lang=c#,otel_scope_name=lib,otel_scope_schema_url=http://schema,otel_scope_version=1.0";
        const string full = $"a_b=1;true,http_method=GET,{target},key_9x=1.5";
        string[] expected =
        [
            $"__name__=io_bytes_per_second_total,{target},{scope} 11",
            $"__name__=latency_seconds_bucket,{full},le=+Inf,{scope} 6",
            $"__name__=latency_seconds_bucket,{full},le=0.005,{scope} 1",
            $"__name__=latency_seconds_bucket,{full},le=1,{scope} 3",
            $"__name__=latency_seconds_bucket,{full},le=1000000,{scope} 3",
            $"__name__=latency_seconds_count,{full},{scope} 6",
            $"__name__=latency_seconds_sum,{full},{scope} 12.5",
            $"__name__=load_ratio,{target},{scope} 0.25",
            $"__name__=memory_usage_bytes,{full},{scope} 5",
            $"__name__=queue_length,{target},{scope} -3",
            $"__name__=requests_total,{full},{scope} 7",
            $"__name__=rpc_seconds,{target},{scope},quantile=0.5 2",
            $"__name__=rpc_seconds,{target},{scope},quantile=1 4",
            $"__name__=rpc_seconds_count,{target},{scope} 3",
            $"__name__=rpc_seconds_sum,{target},{scope} 5",
            $"__name__=sizes_kibibytes,{target},{scope} 17 of sum 3: 5 1 2 2 2 5",
            $"__name__=target_info,host_name=h,{target} 1",
            $"__name__=waits_milliseconds_bucket,{target},le=+Inf,{scope} 4",
            $"__name__=waits_milliseconds_bucket,{target},le=1,{scope} 2",
            $"__name__=waits_milliseconds_count,{target},{scope} 4",
            $"__name__=waits_milliseconds_sum,{target},{scope} 3",
        ];
        Assert.Equal(expected, await PostAndQueryAsync(prometheus.Address, body));
    }

    private async Task<string[]> PostAndQueryAsync(Uri address, string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var posted = await http.PostAsync(new Uri(address, "api/v1/otlp/v1/metrics"), content);
        Assert.True(posted.IsSuccessStatusCode, $"{address}: {(int)posted.StatusCode} {await posted.Content.ReadAsStringAsync()}");
        using var answer = JsonDocument.Parse(await http.GetStringAsync(new Uri(address, "api/v1/query?query={__name__=~\".%2B\"}")));
        var series = answer.RootElement.GetProperty("data").GetProperty("result").EnumerateArray().Select(s =>
        {
            string labels = string.Join(',', s.GetProperty("metric").EnumerateObject().OrderBy(l => l.Name, StringComparer.Ordinal).Select(l => $"{l.Name}={l.Value.GetString()}"));
            return labels + " " + (s.TryGetProperty("value", out var value) ? value[1].GetString() : Buckets(s.GetProperty("histogram")[1]));
        });
        return [.. series.Order(StringComparer.Ordinal)];
    }

    private static string Buckets(JsonElement histogram) =>
        $"{histogram.GetProperty("count").GetString()} of sum {histogram.GetProperty("sum").GetString()}: {string.Join(' ', histogram.GetProperty("buckets").EnumerateArray().Select(b => b[3].GetString()))}";

    private static string Body(long second)
    {
        string at = $"\"startTimeUnixNano\":\"{second - 60}000000000\",\"timeUnixNano\":\"{second}000000000\"";
        string later = $"\"startTimeUnixNano\":\"{second}000000000\",\"timeUnixNano\":\"{second + 5}000000000\"";
        string attributes = "\"attributes\":[{\"key\":\"http.method\",\"value\":{\"stringValue\":\"GET\"}},{\"key\":\"a.b\",\"value\":{\"intValue\":\"1\"}},{\"key\":\"a_b\",\"value\":{\"boolValue\":true}},{\"key\":\"9x\",\"value\":{\"doubleValue\":1.5}}]";
        return $$$$"""
            {"resourceMetrics":[{"resource":{"attributes":[
                {"key":"service.name","value":{"stringValue":"shop"}},{"key":"service.namespace","value":{"stringValue":"eu"}},{"key":"service.instance.id","value":{"stringValue":"i-1"}},
                {"key":"k8s.pod.name","value":{"stringValue":"p-1"}},{"key":"host.name","value":{"stringValue":"h"}}]},
             "scopeMetrics":[{"scope":{"name":"lib","version":"1.0","attributes":[{"key":"lang","value":{"stringValue":"c#"}}]},"schemaUrl":"http://schema","metrics":[
              {"name":"memory.usage","unit":"By","gauge":{"dataPoints":[{ {{{{at}}}},{{{{attributes}}}},"asInt":"5"}]} },
              {"name":"load","unit":"1","gauge":{"dataPoints":[{ {{{{at}}}},"asDouble":0.25}]} },
              {"name":"requests","unit":"{request}","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{ {{{{at}}}},{{{{attributes}}}},"asInt":"7"}]} },
              {"name":"queue.length","sum":{"aggregationTemporality":2,"dataPoints":[{ {{{{at}}}},"asInt":"-3"}]} },
              {"name":"io","unit":"By/s","sum":{"aggregationTemporality":1,"isMonotonic":true,"dataPoints":[{ {{{{at}}}},"asInt":"5"},{ {{{{later}}}},"asInt":"6"}]} },
              {"name":"latency","unit":"s","histogram":{"aggregationTemporality":2,"dataPoints":[{ {{{{at}}}},{{{{attributes}}}},"count":"6","sum":12.5,"bucketCounts":["1","2","0","3"],"explicitBounds":[0.005,1,1000000] }]} },
              {"name":"waits","unit":"ms","histogram":{"aggregationTemporality":1,"dataPoints":[{ {{{{at}}}},"count":"3","sum":2,"bucketCounts":["1","2"],"explicitBounds":[1]},{ {{{{later}}}},"count":"1","sum":1,"bucketCounts":["1","0"],"explicitBounds":[1]}]} },
              {"name":"sizes","unit":"KiBy","exponentialHistogram":{"aggregationTemporality":2,"dataPoints":[{ {{{{at}}}},"count":"17","sum":3,"scale":10,"zeroCount":"1",
                 "positive":{"offset":-3,"bucketCounts":["0","1","1","1","1","0","0","2","0","0","0","0","0","0","0","0","0","0","0","0","0","0","0","0","0","0","0","0","5"]},"negative":{"offset":4,"bucketCounts":["3","2"]} }]} },
              {"name":"rpc","unit":"s","summary":{"dataPoints":[{ {{{{at}}}},"count":"3","sum":5,"quantileValues":[{"quantile":0.5,"value":2},{"quantile":1,"value":4}]}]} }
             ]}]}]}
            """;
    }

    private async Task<HttpResponseMessage> PostAsync(byte[] body, string type, string? encoding = null)
    {
        if (encoding == "gzip")
        {
            var packed = new MemoryStream();
            await using (var gzip = new System.IO.Compression.GZipStream(packed, System.IO.Compression.CompressionLevel.Fastest)) await gzip.WriteAsync(body);
            body = packed.ToArray();
        }
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        if (encoding is not null) content.Headers.ContentEncoding.Add(encoding);
        return await http.PostAsync("/otlp/v1/metrics", content);
    }
}
