using System.Buffers;
using System.IO.Compression;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Pharos.Core;
using Pharos.Wire.Loki;

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
