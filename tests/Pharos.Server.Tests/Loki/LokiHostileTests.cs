using System.Buffers;
using System.IO.Compression;
using System.Net.Http.Headers;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Pharos.Core;
using Pharos.LogQL;
using Pharos.Logs.Tools;
using Pharos.Wire.Loki;
using Pharos.Wire.Protobuf;

namespace Pharos.Server.Tests.Loki;

/// <summary>Lines and bodies that nobody means well: stored or refused, and never an answer that a client cannot read.</summary>
public sealed class LokiHostileTests
{
    private const long Now = LokiApi.NowNs;

    private static readonly byte[][] Lines =
    [
        [0xff, 0xfe, (byte)'x', 0x80],
        [(byte)'a', 0, (byte)'b', 0],
        Encoding.UTF8.GetBytes("\u001b[31mred\u001b[0m \u001b]0;title\u0007 \r\n\t\b\u007f \u2028\u2029"),
        Encoding.UTF8.GetBytes("{{.app}} {{ range . }} ${env} %s %n </script><b>\"'\\ \\u0000"),
        Encoding.UTF8.GetBytes("{\"a\":{\"b\":\"\\ud800\",\"\\u0000\":1},\"a\":2,\"__error__\":\"x\",\"app\":\"evil\""),
        [0xed, 0xa0, 0x80, 0xf4, 0x90, 0x80, 0x80, 0xc0, 0xaf],
        [],
        Encoding.UTF8.GetBytes("a=\"\u0000\" b==c =d \"=\" \u00e9=\u00e8"),
    ];

    [Fact]
    public async Task Any_bytes_of_a_line_come_back_in_answers_that_parse()
    {
        await using var api = await LokiApi.StartAsync();
        Assert.Equal((204, ""), await PushAsync(api, Lines));
        foreach (string stages in (string[])["", "| json", "| logfmt", "| decolorize", "| line_format `{{.app}}{{__line__}}{{.a}}`", "| label_format x=`{{__line__}}`", "| regexp `(?P<r>.+)`", "| unpack", "|> `<_>`", "| pattern `<p>`"])
        {
            string query = $"/loki/api/v1/query_range?query={Uri.EscapeDataString("{app=\"h\"} " + stages)}&start={Now - 1000}&end={Now + 1000}&direction=forward";
            using var merged = JsonDocument.Parse(await api.GetAsync(query));
            using var apart = JsonDocument.Parse(await api.GetAsync(query, 200, ("X-Loki-Response-Encoding-Flags", "categorize-labels")));
            var streamed = (await api.GetAsync(query, 200, ("Accept", "application/x-ndjson"))).TrimEnd('\n').Split('\n').Select(l => JsonDocument.Parse(l).RootElement).ToList();
            // Of all these stages only the pattern leaves a line out: the empty one.
            int expected = stages.StartsWith("|>", StringComparison.Ordinal) ? Lines.Length - 1 : Lines.Length;
            Assert.Equal(expected, streamed.Count - 1);
            foreach (var answer in (JsonDocument[])[merged, apart])
                Assert.Equal(expected, answer.RootElement.GetProperty("data").GetProperty("result").EnumerateArray().Sum(s => s.GetProperty("values").GetArrayLength()));
            if (stages.Length > 0) continue;
            Assert.Equal(Lines.Select(l => Encoding.UTF8.GetString(l)), streamed.Take(Lines.Length).Select(l => l.GetProperty("line").GetString()));
        }
        foreach (string path in (string[])["detected_fields?query={app=\"h\"}", "patterns?query={app=\"h\"}", "series?match[]={app=\"h\"}", "detected_field/a/values?query={app=\"h\"}"])
            JsonDocument.Parse(await api.GetAsync($"/loki/api/v1/{path}&end={Now + 1000}")).Dispose();
    }

    [Fact]
    public async Task A_tail_goes_on_over_any_bytes()
    {
        await using var api = await LokiApi.StartAsync();
        using var socket = new ClientWebSocket();
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1), TimeProvider.System);
        await socket.ConnectAsync(new Uri($"ws://{api.Address.Host}:{api.Address.Port}/loki/api/v1/tail?query={Uri.EscapeDataString("{app=\"h\"}")}"), patience.Token);
        Assert.Equal((204, ""), await PushAsync(api, Lines));
        var lines = new List<string>();
        var buffer = new byte[256 * 1024];
        while (lines.Count < Lines.Length)
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory(), patience.Token);
            Assert.True(received.EndOfMessage);
            using var frame = JsonDocument.Parse(buffer.AsMemory(0, received.Count));
            lines.AddRange(frame.RootElement.GetProperty("streams").EnumerateArray().SelectMany(s => s.GetProperty("values").EnumerateArray()).Select(v => v[1].GetString()!));
        }
        Assert.Equal(Lines.Select(l => Encoding.UTF8.GetString(l)).Order(StringComparer.Ordinal), lines.Order(StringComparer.Ordinal));
    }

    /// <summary>Text comes in as it is by each way: line, metadata and label values.</summary>
    [Theory, InlineData("push"), InlineData("legacy"), InlineData("otlp"), InlineData("otlp-proto")]
    public async Task Any_text_comes_in_by_each_way_and_out_by_each(string way)
    {
        string[] texts = [.. Lines.Where(l => l.Length > 0 && Utf8.IsValid(l)).Select(Encoding.UTF8.GetString)];
        await using var api = await LokiApi.StartAsync();
        var (status, said) = way switch
        {
            "push" => await api.PushAsync(JsonSerializer.Serialize(new { streams = new[] { new { stream = new { app = "h", bad = texts[1] }, values = texts.Select((t, i) => new object[] { $"{Now + i}", t, new { meta = t } }) } } })),
            "legacy" => await PostAsync(api, "/api/prom/push", "application/json", JsonSerializer.SerializeToUtf8Bytes(new { streams = new[] { new { labels = $"{{app=\"h\", bad={GoString.Quote(texts[1])}}}", entries = texts.Select((t, i) => new { ts = $"2026-01-01T00:00:00.{i:000000000}Z", line = t }) } } })),
            "otlp" => await PostAsync(api, "/otlp/v1/logs", "application/json", JsonSerializer.SerializeToUtf8Bytes(new
            {
                resourceLogs = new[]
                {
                    new
                    {
                        resource = new { attributes = new[] { new { key = "service.name", value = new { stringValue = "h" } }, new { key = "k8s.pod.name", value = new { stringValue = texts[1] } } } },
                        scopeLogs = new[] { new { logRecords = texts.Select((t, i) => new { timeUnixNano = $"{Now + i}", body = new { stringValue = t }, attributes = new[] { new { key = "meta", value = new { stringValue = t } } } }) } },
                    },
                },
            })),
            _ => await PostAsync(api, "/otlp/v1/logs", "application/x-protobuf", OtlpLogs(texts.Select(Encoding.UTF8.GetBytes))),
        };
        Assert.True(status == 204, $"{status} {said}");
        string selector = way.StartsWith("otlp", StringComparison.Ordinal) ? "{service_name=\"h\"}" : "{app=\"h\"}";
        foreach (bool flushed in (bool[])[false, true])
        {
            if (flushed) Assert.True(await api.Store.FlushAsync(CancellationToken.None));
            string query = $"/loki/api/v1/query_range?query={Uri.EscapeDataString(selector)}&start={Now - 1000}&end={Now + 1000}&direction=forward";
            var streamed = (await api.GetAsync(query, 200, ("Accept", "application/x-ndjson"))).TrimEnd('\n').Split('\n').SkipLast(1).Select(l => JsonDocument.Parse(l).RootElement).ToList();
            Assert.Equal(texts, streamed.Select(l => l.GetProperty("line").GetString()));
            if (way != "legacy") Assert.Equal(texts, streamed.Select(l => l.GetProperty("structuredMetadata").GetProperty("meta").GetString()));
            if (way != "otlp-proto") Assert.Equal(texts[1], streamed[0].GetProperty("stream").GetProperty(way == "otlp" ? "k8s_pod_name" : "bad").GetString());
            using var merged = JsonDocument.Parse(await api.GetAsync(query));
            Assert.Equal(texts.Order(StringComparer.Ordinal), merged.RootElement.GetProperty("data").GetProperty("result").EnumerateArray().SelectMany(s => s.GetProperty("values").EnumerateArray()).Select(v => v[1].GetString()).Order(StringComparer.Ordinal));
        }
    }

    /// <summary>What JSON and protobuf must not hold is refused or becomes replacement characters; what was sent with it is there.</summary>
    [Fact]
    public async Task Text_that_is_none_breaks_no_answer()
    {
        await using var api = await LokiApi.StartAsync();
        byte[] surrogate = Encoding.UTF8.GetBytes($$"""{"streams":[{"stream":{"app":"h"},"values":[["{{Now}}","good"],["{{Now + 1}}","\ud800 lone"]]}]}""");
        byte[] raw = [.. Encoding.UTF8.GetBytes($$"""{"streams":[{"stream":{"app":"h"},"values":[["{{Now + 2}}","raw """), 0xff, 0xed, 0xa0, 0x80, .. "\"]]}]}"u8];
        byte[] escaped = [.. Encoding.UTF8.GetBytes($$"""{"streams":[{"values":[["{{Now + 3}}","\t\udc00\ud83d\ude00 """), 0xff, .. "\\n\",{\"meta\":\"\\ud800\\u0041\"}]],\"stream\":{\"app\":\"h\"}}]}"u8];
        foreach (byte[] body in (byte[][])[surrogate, raw, escaped]) Assert.Equal((204, ""), await PostAsync(api, "/loki/api/v1/push", "application/json", body));
        string pushed = await api.GetAsync($"/loki/api/v1/query_range?query={{app=\"h\"}}&start={Now - 1000}&end={Now + 1000}&direction=forward", 200, ("Accept", "application/x-ndjson"));
        var ends = pushed.TrimEnd('\n').Split('\n').SkipLast(1).Select(l => JsonDocument.Parse(l).RootElement).ToList();
        Assert.Equal(["good", "\ufffd lone", "raw \ufffd\ufffd\ufffd\ufffd", "\t\ufffd\U0001f600 \ufffd\n"], ends.Select(l => l.GetProperty("line").GetString()));
        Assert.Equal("\ufffdA", ends[3].GetProperty("structuredMetadata").GetProperty("meta").GetString());
        Assert.Equal(204, (await PostAsync(api, "/otlp/v1/logs", "application/x-protobuf", OtlpLogs(Lines))).Status);
        foreach (string selector in (string[])["{app=\"h\"}", "{service_name=\"h\"}"])
        {
            string query = $"/loki/api/v1/query_range?query={Uri.EscapeDataString(selector)}&start={Now - 1000}&end={Now + 1000}&direction=forward";
            JsonDocument.Parse(await api.GetAsync(query)).Dispose();
            foreach (string line in (await api.GetAsync(query, 200, ("Accept", "application/x-ndjson"))).TrimEnd('\n').Split('\n')) JsonDocument.Parse(line).Dispose();
        }
    }

    [Fact]
    public async Task Any_bytes_go_through_an_export_and_an_import()
    {
        await using var api = await LokiApi.StartAsync();
        Assert.Equal((204, ""), await PushAsync(api, Lines));
        Assert.True(await api.Store.FlushAsync(CancellationToken.None));
        var selection = new LogSelection { Matchers = [], StartNs = long.MinValue, EndNs = long.MaxValue };
        var shown = Lines.Select(l => Encoding.UTF8.GetString(l)).ToList();
        byte[] Export(LogExportForm form)
        {
            using var output = new MemoryStream();
            var done = LogExport.Write(LogArchive.Open(api.LogsFolder, null, default), TenantId.Anonymous, selection, form, new LogQlFilterLanguage(api.Time), output, null, default);
            Assert.Equal((Lines.Length, Lines.Count(l => !Utf8.IsValid(l))), (done.Entries, done.Altered));
            return output.ToArray();
        }
        string[] entries = Encoding.UTF8.GetString(Export(LogExportForm.Entries)).TrimEnd('\n').Split('\n');
        Assert.Equal(shown, entries.Select(e => JsonDocument.Parse(e).RootElement.GetProperty("line").GetString()));
        await using var other = await LokiApi.StartAsync();
        using var input = new MemoryStream(Export(LogExportForm.Push));
        var pushed = await new LogPush(other.Client, other.Address, other.Time).RunAsync(null, input, null, null, CancellationToken.None);
        Assert.Empty(pushed.Problems);
        string query = $"/loki/api/v1/query_range?query={{app=\"h\"}}&start={Now - 1000}&end={Now + 1000}&direction=forward";
        var lines = (await other.GetAsync(query, 200, ("Accept", "application/x-ndjson"))).TrimEnd('\n').Split('\n').SkipLast(1);
        Assert.Equal(shown, lines.Select(l => JsonDocument.Parse(l).RootElement.GetProperty("line").GetString()));
    }

    [Fact]
    public async Task A_line_of_ten_megabytes_is_refused_or_given_back_whole()
    {
        byte[] line = new byte[10_000_000];
        Array.Fill(line, (byte)'x');
        await using (var api = await LokiApi.StartAsync())
        {
            Assert.Equal(
                (400, "max entry size '262144' bytes exceeded for stream '{app=\"h\", service_name=\"h\"}' while adding an entry with length '10000000' bytes\n"),
                await PushAsync(api, [line]));
            Assert.Equal(10_000_000, api.Counted("loki_discarded_bytes_total", "line_too_long", "anonymous"));
            string text = Encoding.UTF8.GetString(line);
            var (json, why) = await api.PushAsync(JsonSerializer.Serialize(new { streams = new[] { new { stream = new { app = "h" }, values = new[] { new[] { $"{Now}", text } } } } }));
            Assert.Equal(400, json);
            Assert.StartsWith("max entry size '262144' bytes exceeded for stream '{app=\"h\", service_name=\"h\"}'", why);
            var otlp = await PostAsync(api, "/otlp/v1/logs", "application/x-protobuf", OtlpLogs([line]));
            Assert.Equal(400, otlp.Status);
            Assert.Contains("max entry size '262144' bytes exceeded", otlp.Text);
            Assert.Contains("\"result\":[]", await api.GetAsync($"/loki/api/v1/query_range?query={{service_name=\"h\"}}&end={Now + 1000}"));
        }
        await using (var api = await LokiApi.StartAsync(new TenantLimits { LogLineBytesMax = 0 }))
        {
            Assert.Equal((204, ""), await PushAsync(api, [line]));
            using var answer = JsonDocument.Parse(await api.GetAsync($"/loki/api/v1/query_range?query={{app=\"h\"}}|=\"xxx\"&end={Now + 1000}"));
            Assert.Equal(10_000_000, answer.RootElement.GetProperty("data").GetProperty("result")[0].GetProperty("values")[0][1].GetString()!.Length);
        }
    }

    [Fact]
    public async Task Bombs_are_refused()
    {
        await using var api = await LokiApi.StartAsync();
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            byte[] zeros = new byte[1 << 20];
            for (int i = 0; i < 257; i++) gzip.Write(zeros);
        }
        Assert.Equal(413, (await api.PushAsync(packed.ToArray(), "application/json", "gzip")).Status);
        // Snappy that claims four gigabytes.
        Assert.Equal(413, (await api.PushAsync([0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0], "application/x-protobuf", null)).Status);
        Assert.Equal(2, api.Counted("loki_discarded_samples_total", "request_body_too_large", "anonymous"));
        Assert.Equal(400, (await api.PushAsync(Encoding.UTF8.GetBytes("{\"streams\":" + new string('[', 100_000)), "application/json", null)).Status);
    }

    [Fact]
    public async Task On_a_full_disk_pushes_are_to_be_sent_again()
    {
        await using var api = await LokiApi.StartAsync(log: o => o with { FreeBytesMin = long.MaxValue / 2 });
        var (status, text) = await PushAsync(api, [[1]]);
        Assert.Equal(503, status);
        Assert.NotEmpty(text);
        using var otlp = new StringContent($$$"""{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"{{{Now}}}","body":{"stringValue":"x"}}]}]}]}""", Encoding.UTF8, "application/json");
        using var refused = await api.Client.PostAsync("/otlp/v1/logs", otlp);
        Assert.Equal(503, (int)refused.StatusCode);
        Assert.Equal("""{"status":"success"}""", await api.GetAsync("/loki/api/v1/labels"));
    }

    [Fact]
    public async Task Whatever_is_sent_is_answered_and_never_by_a_fault()
    {
        await using var api = await LokiApi.StartAsync();
        string[] types = ["application/json", "application/x-protobuf", "text/plain", "x"];
        string?[] encodings = [null, "gzip", "snappy", "deflate", "zstd", "lz4", "br"];
        string[] paths = ["/loki/api/v1/push", "/api/prom/push", "/otlp/v1/logs"];
        string[] parameters = ["query", "start", "end", "limit", "step", "time", "direction", "interval", "since", "cursor", "match[]", "targetLabels", "aggregateBy", "line_limit", "request_id", "max_interval", "targetBytesPerShard"];
        string[] values = ["", "0", "-1", "1e999", "NaN", "9223372036854775807", "-9223372036854775808", "{app=\"a\"}", "{", "rate({app=\"a\"}[1m])", "x\0y", "1h", "2026-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "99999999999999999999", "\ud800", "%ff"];
        string[] reads = ["query", "query_range", "labels", "label/a/values", "series", "index/stats", "index/volume", "index/volume_range", "index/shards", "patterns", "detected_labels", "detected_fields", "detected_field/a/values", "format_query", "delete", "tail"];
        for (int seed = 1; seed <= 600; seed++)
        {
            var random = new Random(seed);
            if (seed % 2 == 0)
            {
                byte[] body = new byte[random.Next(200)];
                random.NextBytes(body);
                if (random.Next(2) == 0) body = [.. """{"streams":[{"stream":{"a":"b"},"values":[["1767225600000000000","""u8, .. body];
                using var content = new ByteArrayContent(body);
                content.Headers.TryAddWithoutValidation("Content-Type", types[random.Next(types.Length)]);
                if (encodings[random.Next(encodings.Length)] is { } encoding) content.Headers.TryAddWithoutValidation("Content-Encoding", encoding);
                using var pushed = await api.Client.PostAsync(paths[random.Next(paths.Length)], content);
                Assert.True((int)pushed.StatusCode < 500, $"seed {seed}: {(int)pushed.StatusCode} {await pushed.Content.ReadAsStringAsync()}");
                continue;
            }
            string query = string.Join('&', Enumerable.Range(0, random.Next(1, 6)).Select(_ => $"{parameters[random.Next(parameters.Length)]}={Escape(values[random.Next(values.Length)])}"));
            string path = $"/loki/api/v1/{reads[random.Next(reads.Length)]}?{query}";
            using var response = await api.Client.GetAsync(path);
            Assert.True((int)response.StatusCode < 500, $"seed {seed}: {path}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
        }

        static string Escape(string value) => value is "%ff" ? value : Uri.EscapeDataString(value.Replace('\ud800', '\ufffd'));
    }

    private static async Task<(int Status, string Text)> PostAsync(LokiApi api, string path, string type, byte[] body)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue(type);
        using var response = await api.Client.PostAsync(path, content);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <summary>An OTLP request of the service <c>h</c>, each line a record's body and its attribute <c>meta</c>.</summary>
    private static byte[] OtlpLogs(IEnumerable<byte[]> lines)
    {
        using var proto = new ProtoBuffer();
        int resourceLogs = proto.Begin(1), resource = proto.Begin(1);
        Attribute(1, "service.name", "h"u8.ToArray());
        proto.End(resource);
        int scope = proto.Begin(2), number = 0;
        foreach (byte[] line in lines)
        {
            int record = proto.Begin(2);
            // A fixed64, as a double is.
            proto.Field(1, BitConverter.Int64BitsToDouble(Now + number++));
            int body = proto.Begin(5);
            proto.Field(1, line);
            proto.End(body);
            Attribute(6, "meta", line);
            proto.End(record);
        }
        proto.End(scope);
        proto.End(resourceLogs);
        return proto.Written.ToArray();

        void Attribute(uint field, string key, byte[] value)
        {
            int pair = proto.Begin(field);
            proto.Field(1, key);
            int any = proto.Begin(2);
            proto.Field(1, value);
            proto.End(any);
            proto.End(pair);
        }
    }

    private static async Task<(int Status, string Text)> PushAsync(LokiApi api, byte[][] lines)
    {
        using var batch = new LogBatch();
        int stream = batch.AddStream(Labels.Of(("app", "h")));
        for (int i = 0; i < lines.Length; i++) batch.AddEntry(stream, Now + i, lines[i]);
        var body = new ArrayBufferWriter<byte>();
        LokiPushEncoder.Encode(batch, body);
        return await api.PushAsync(body.WrittenSpan.ToArray(), LokiPushEncoder.ContentType, LokiPushEncoder.ContentEncoding);
    }
}
