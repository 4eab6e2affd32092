using System.Buffers;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Pharos.Core;
using Pharos.Wire.Loki;

namespace Pharos.Server.Tests.Loki;

public sealed class LokiRouteTests
{
    private static readonly string End = $"&start={LokiApi.NowNs - 60_000_000_000}&end={LokiApi.NowNs + 1}";

    [Fact]
    public async Task Lines_come_with_all_labels_merged_into_their_stream()
    {
        await using var api = await LokiApi.StartAsync();
        await api.FillAsync();
        using var answer = JsonDocument.Parse(await api.GetAsync($"/loki/api/v1/query_range?query={{app=\"shop\"}}{End}"));
        var data = answer.RootElement.GetProperty("data");
        Assert.Equal("streams", data.GetProperty("resultType").GetString());
        Assert.Equal(
            """
            [{"stream":{"app":"shop","detected_level":"error","pod":"a","service_name":"shop","trace_id":"7f"},"values":[["1767225600000000000","level=error took=70ms"]]},
            {"stream":{"app":"shop","detected_level":"warn","pod":"b","service_name":"shop"},"values":[["1767225599000000000","{\"level\":\"warn\",\"n\":1.5}"]]},
            {"stream":{"app":"shop","detected_level":"info","pod":"a","service_name":"shop"},"values":[["1767225598000000000","level=info took=5ms"]]}]
            """.ReplaceLineEndings(""), data.GetProperty("result").GetRawText());
        var stats = data.GetProperty("stats");
        Assert.Equal((3, 3), (stats.GetProperty("summary").GetProperty("totalLinesProcessed").GetInt32(), stats.GetProperty("summary").GetProperty("totalEntriesReturned").GetInt32()));
        Assert.Equal(0, stats.GetProperty("cache").GetProperty("taskResult").GetProperty("queryLengthServed").GetInt32());
    }

    [Fact]
    public async Task Categorised_labels_keep_metadata_and_parsed_labels_apart()
    {
        await using var api = await LokiApi.StartAsync();
        await api.FillAsync();
        using var answer = JsonDocument.Parse(await api.GetAsync(
            $"/loki/api/v1/query_range?direction=forward&limit=2&query={Uri.EscapeDataString("{app=\"shop\", pod=\"a\"} | logfmt")}{End}", 200, ("X-Loki-Response-Encoding-Flags", "categorize-labels")));
        var data = answer.RootElement.GetProperty("data");
        Assert.Equal("""["categorize-labels"]""", data.GetProperty("encodingFlags").GetRawText());
        Assert.Equal(
            """
            [{"stream":{"app":"shop","pod":"a","service_name":"shop"},"values":[
            ["1767225598000000000","level=info took=5ms",{"structuredMetadata":{"detected_level":"info"},"parsed":{"level":"info","took":"5ms"}}],
            ["1767225600000000000","level=error took=70ms",{"structuredMetadata":{"detected_level":"error","trace_id":"7f"},"parsed":{"level":"error","took":"70ms"}}]]}]
            """.ReplaceLineEndings(""), data.GetProperty("result").GetRawText());
    }

    [Fact]
    public async Task Metric_queries_give_vectors_and_aligned_matrices()
    {
        await using var api = await LokiApi.StartAsync();
        await api.FillAsync();
        Assert.StartsWith(
            """{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1767225600,"2"]}],"stats":{"summary":""",
            await api.GetAsync("/loki/api/v1/query?query=vector(1)%2Bvector(1)"));
        Assert.StartsWith(
            """{"status":"success","data":{"resultType":"scalar","result":[1767225600,"0.5"],""", await api.GetAsync("/loki/api/v1/query?query=1/2"));
        Assert.StartsWith(
            """{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"pod":"a"},"values":[[1767225600,"2"]]},{"metric":{"pod":"b"},"values":[[1767225600,"1"]]}],""",
            await api.GetAsync($"/loki/api/v1/query_range?query={Uri.EscapeDataString("sum by (pod) (count_over_time({app=\"shop\"}[1m]))")}&start={(LokiApi.NowNs / 1_000_000_000) - 59}&end={(LokiApi.NowNs / 1_000_000_000) - 1}&step=60000ms"));
        using var form = new FormUrlEncodedContent(new Dictionary<string, string> { ["query"] = "sum(rate({app=\"shop\"}[1m]))", ["time"] = "2026-01-01T00:00:00Z" });
        using var posted = await api.Client.PostAsync("/loki/api/v1/query", form);
        Assert.Contains("""{"metric":{},"value":[1767225600,"0.05"]}""", await posted.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("/loki/api/v1/query?query={app=\"shop\"}", 400, "log queries are not supported as an instant query type, please change your query to a range query type\n")]
    [InlineData("/loki/api/v1/query_range?query={app=~\".*\"}", 400, "parse error at line 1, col 1: queries require at least one regexp or equality matcher")]
    [InlineData("/loki/api/v1/query_range?query={app=\"shop\"}&direction=up", 400, "invalid direction 'up': use forward or backward\n")]
    [InlineData("/loki/api/v1/query_range?query={app=\"shop\"}&start=x", 400, "could not parse 'start' parameter")]
    [InlineData("/loki/api/v1/query_range", 400, "missing query parameter\n")]
    [InlineData("/loki/api/v1/tail?query={app=\"shop\"}", 400, "tail is a WebSocket: connect with ws:// or wss://\n")]
    public async Task Errors_are_plain_text(string path, int status, string text)
    {
        await using var api = await LokiApi.StartAsync();
        Assert.StartsWith(text, await api.GetAsync(path, status));
    }

    [Fact]
    public async Task Labels_values_and_series_come_from_streams()
    {
        await using var api = await LokiApi.StartAsync();
        Assert.Equal("""{"status":"success"}""", await api.GetAsync("/loki/api/v1/labels"));
        await api.FillAsync();
        Assert.Equal("""{"status":"success","data":["app","pod","service_name"]}""", await api.GetAsync("/loki/api/v1/labels"));
        Assert.Equal("""{"status":"success","data":["a","b"]}""", await api.GetAsync("/loki/api/v1/label/pod/values"));
        Assert.Equal("""{"status":"success","data":["b"]}""", await api.GetAsync("/loki/api/v1/label/pod/values?query={pod!=\"a\"}"));
        Assert.Equal(
            """{"status":"success","data":[{"app":"shop","pod":"a","service_name":"shop"}]}""",
            await api.GetAsync("/loki/api/v1/series?match[]={pod=\"a\"}"));
        Assert.Equal("""{"detectedLabels":[{"label":"app","cardinality":1},{"label":"pod","cardinality":2},{"label":"service_name","cardinality":1}]}""", await api.GetAsync("/loki/api/v1/detected_labels"));
    }

    [Fact]
    public async Task Sizes_are_answered_by_stream_and_by_label()
    {
        await using var api = await LokiApi.StartAsync();
        await api.FillAsync();
        using var stats = JsonDocument.Parse(await api.GetAsync($"/loki/api/v1/index/stats?query={{app=\"shop\"}}{End}"));
        Assert.Equal((2, 2, 3), (stats.RootElement.GetProperty("streams").GetInt32(), stats.RootElement.GetProperty("chunks").GetInt32(), stats.RootElement.GetProperty("entries").GetInt32()));
        Assert.True(stats.RootElement.GetProperty("bytes").GetInt32() > 60);
        using var volume = JsonDocument.Parse(await api.GetAsync($"/loki/api/v1/index/volume?query={{app=\"shop\"}}&targetLabels=pod{End}"));
        Assert.Equal(["""{"pod":"a"}""", """{"pod":"b"}"""], volume.RootElement.GetProperty("data").GetProperty("result").EnumerateArray().Select(r => r.GetProperty("metric").GetRawText()));
        var index = volume.RootElement.GetProperty("data").GetProperty("stats").GetProperty("index");
        Assert.Equal((2, 2), (index.GetProperty("totalStreams").GetInt32(), index.GetProperty("totalChunks").GetInt32()));
        using var byLabel = JsonDocument.Parse(await api.GetAsync($"/loki/api/v1/index/volume?query={{app=\"shop\"}}&aggregateBy=labels{End}"));
        Assert.Equal(["""{"app":""}""", """{"pod":""}""", """{"service_name":""}"""], byLabel.RootElement.GetProperty("data").GetProperty("result").EnumerateArray().Select(r => r.GetProperty("metric").GetRawText()));
        using var range = JsonDocument.Parse(await api.GetAsync($"/loki/api/v1/index/volume_range?query={{app=\"shop\"}}&step=30{End}"));
        Assert.Single(range.RootElement.GetProperty("data").GetProperty("result").EnumerateArray());
    }

    [Fact]
    public async Task Fields_and_patterns_are_detected()
    {
        await using var api = await LokiApi.StartAsync();
        await api.FillAsync();
        Assert.Equal(
            """
            {"fields":[{"label":"detected_level","type":"string","cardinality":3,"parsers":null},
            {"label":"level","type":"string","cardinality":3,"parsers":["json","logfmt"],"jsonPath":["level"]},
            {"label":"n","type":"float","cardinality":1,"parsers":["json"],"jsonPath":["n"]},
            {"label":"took","type":"duration","cardinality":2,"parsers":["logfmt"]},
            {"label":"trace_id","type":"string","cardinality":1,"parsers":null}],"limit":1000}
            """.ReplaceLineEndings(""), await api.GetAsync($"/loki/api/v1/detected_fields?query={{app=\"shop\"}}{End}"));
        Assert.Equal("""{"values":["5ms","70ms"],"limit":1000}""", await api.GetAsync($"/loki/api/v1/detected_field/took/values?query={{app=\"shop\"}}{End}"));
        string values = string.Join(",", Enumerable.Range(0, 20).Select(i => $"[\"{LokiApi.NowNs - i}\",\"user {i} logged in from 10.0.0.{i}\"]"));
        Assert.Equal(204, (await api.PushAsync($$"""{"streams":[{"stream":{"app":"auth"},"values":[{{values}}]}]}""")).Status);
        Assert.Equal(
            """{"status":"success","data":[{"pattern":"user <_> logged in from <_>","level":"unknown","samples":[[1767225590,19],[1767225600,1]]}]}""",
            await api.GetAsync($"/loki/api/v1/patterns?query={{app=\"auth\"}}&step=10s{End}"));
    }

    [Fact]
    public async Task Pushes_are_answered_as_their_parts_deserve()
    {
        await using var api = await LokiApi.StartAsync(new TenantLimits { LogLineBytesMax = 20 });
        using var batch = new LogBatch();
        batch.AddEntry(batch.AddStream(Labels.Of(("app", "bin"))), LokiApi.NowNs, "from protobuf"u8);
        var body = new ArrayBufferWriter<byte>();
        LokiPushEncoder.Encode(batch, body);
        Assert.Equal((204, ""), await api.PushAsync(body.WrittenSpan.ToArray(), "application/x-protobuf", "snappy"));
        var (status, text) = await api.PushAsync($$"""{"streams":[{"stream":{"app":"j"},"values":[["{{LokiApi.NowNs}}","good"],["{{LokiApi.NowNs}}","{{new string('x', 21)}}"]]}]}""");
        Assert.Equal((400, "max entry size '20' bytes exceeded for stream '{app=\"j\", service_name=\"j\"}' while adding an entry with length '21' bytes\n"), (status, text));
        Assert.Equal("""{"status":"success","data":["bin","j"]}""", await api.GetAsync("/loki/api/v1/label/app/values"));
        Assert.Equal(422, (await api.PushAsync("""{"streams":[]}""")).Status);
        Assert.Equal(400, (await api.PushAsync("""{"streams":""")).Status);
        Assert.Equal(400, (await api.PushAsync([1, 2, 3], "application/x-protobuf", "br")).Status);
        Assert.Equal(400, (await api.PushAsync([0xff, 0xff], "application/x-protobuf", null)).Status);
    }

    [Fact]
    public async Task Otlp_logs_are_taken_and_refused_in_their_own_encoding()
    {
        await using var api = await LokiApi.StartAsync();
        string body = $$$"""{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"otel"}}]},"scopeLogs":[{"logRecords":[{"timeUnixNano":"{{{LokiApi.NowNs}}}","severityNumber":9,"body":{"stringValue":"hi"}}]}]}]}""";
        using (var content = new StringContent(body, Encoding.UTF8, "application/json"))
        using (var response = await api.Client.PostAsync("/otlp/v1/logs", content))
            Assert.Equal(System.Net.HttpStatusCode.NoContent, response.StatusCode);
        Assert.Contains(
            """{"stream":{"detected_level":"info","service_name":"otel","severity_number":"9"},"values":[["1767225600000000000","hi"]]}""",
            await api.GetAsync($"/loki/api/v1/query_range?query={{service_name=\"otel\"}}{End}"));
        using var broken = new ByteArrayContent([0x0a, 0x7f]);
        using var refused = await api.Client.PostAsync("/otlp/v1/logs", broken);
        byte[] status = await refused.Content.ReadAsByteArrayAsync();
        Assert.Equal((400, "application/x-protobuf"), ((int)refused.StatusCode, refused.Content.Headers.ContentType?.MediaType));
        Assert.Equal([0x08, 3, 0x12], status.AsSpan(0, 3).ToArray());
    }

    [Fact]
    public async Task Queries_are_formatted_or_refused()
    {
        await using var api = await LokiApi.StartAsync();
        Assert.Equal("""{"status":"success","data":"{app=\"a\"} |= \"x\""}""", await api.GetAsync("/loki/api/v1/format_query?query={app=%60a%60}|=%60x%60"));
        Assert.StartsWith("""{"status":"invalid-query","error":"parse error at line 1, col 2""", await api.GetAsync("/loki/api/v1/format_query?query={", 400));
        Assert.Contains("\"version\":\"3.", await api.GetAsync("/loki/api/v1/status/buildinfo"));
    }

    [Fact]
    public async Task A_tail_gets_what_was_and_what_comes()
    {
        await using var api = await LokiApi.StartAsync();
        await api.FillAsync();
        using var socket = new ClientWebSocket();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30), TimeProvider.System);
        string query = Uri.EscapeDataString("{app=\"shop\"} |= \"level=\"");
        await socket.ConnectAsync(new Uri($"ws://{api.Address.Host}:{api.Address.Port}/loki/api/v1/tail?query={query}&limit=10"), patience.Token);
        using (var history = await FrameAsync()) Assert.Equal(["level=info took=5ms", "level=error took=70ms"], Lines(history));
        await api.PushAsync($$"""{"streams":[{"stream":{"app":"shop","pod":"c"},"values":[["{{LokiApi.NowNs + 5}}","no match"],["{{LokiApi.NowNs + 6}}","level=debug new"]]}]}""");
        using (var live = await FrameAsync())
        {
            Assert.Equal(["level=debug new"], Lines(live));
            Assert.Equal("c", live.RootElement.GetProperty("streams")[0].GetProperty("stream").GetProperty("pod").GetString());
        }
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, patience.Token);

        async Task<JsonDocument> FrameAsync()
        {
            var buffer = new byte[64 * 1024];
            var received = await socket.ReceiveAsync(buffer.AsMemory(), patience.Token);
            return JsonDocument.Parse(Encoding.UTF8.GetString(buffer, 0, received.Count));
        }

        static List<string> Lines(JsonDocument frame) =>
            [.. frame.RootElement.GetProperty("streams").EnumerateArray().SelectMany(s => s.GetProperty("values").EnumerateArray())
                .OrderBy(v => v[0].GetString(), StringComparer.Ordinal).Select(v => v[1].GetString()!)];
    }
}
