using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Server.Prometheus;
using Pharos.Server.Tests.Support;
using Pharos.Wire.Protobuf;
using Pharos.Wire.RemoteWrite;

namespace Pharos.Server.Tests.Prometheus;

public sealed class RemoteWriteRoutesTests : IAsyncLifetime
{
    private readonly RecordingSink sink = new();
    private readonly HttpClient http = new();
    private WebApplication app = null!;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        app = builder.Build();
        RemoteWriteRoutes.Map(app, sink, new Instruments(), new RemoteWriteReceiverOptions { DecodedBytesMax = 1 << 20, StartTimestamps = _ => true });
        await app.StartAsync();
        http.BaseAddress = new Uri(app.Urls.Single());
    }

    public async ValueTask DisposeAsync()
    {
        await app.DisposeAsync();
        http.Dispose();
    }

    [Theory]
    [InlineData(RemoteWriteVersion.V1, "/api/v1/push")]
    [InlineData(RemoteWriteVersion.V2, "/api/v1/write")]
    public async Task Stored_samples_are_answered_204(RemoteWriteVersion version, string path)
    {
        using var response = await PushAsync(version, path, Body(version, ("up", 1000, 1)));
        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        Assert.Equal(["{__name__=\"up\"} 1000 1"], sink.Seen);
        Assert.Equal(version == RemoteWriteVersion.V2, response.Headers.Contains(RemoteWriteHeaders.SamplesWritten));
        if (version == RemoteWriteVersion.V2)
            Assert.Equal(["1", "0", "0"], new[] { RemoteWriteHeaders.SamplesWritten, RemoteWriteHeaders.HistogramsWritten, RemoteWriteHeaders.ExemplarsWritten }.Select(h => response.Headers.GetValues(h).Single()));
    }

    [Fact]
    public async Task A_broken_message_is_answered_400_with_the_place()
    {
        using var response = await PushAsync(RemoteWriteVersion.V1, "/api/v1/push", Packed([0x0a, 0x7f, 0x00]));
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("at byte 2", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_that_is_no_snappy_is_answered_400()
    {
        using var response = await PushAsync(RemoteWriteVersion.V1, "/api/v1/push", [0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    [Fact]
    public async Task A_body_too_large_once_decompressed_is_refused_before_that()
    {
        using var response = await PushAsync(RemoteWriteVersion.V1, "/api/v1/push", Packed(new byte[2 << 20]));
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("2097152 bytes", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("application/json", "snappy")]
    [InlineData("application/x-protobuf", "gzip")]
    [InlineData("application/x-protobuf;proto=some.Other", "snappy")]
    public async Task Another_format_is_answered_415(string contentType, string encoding)
    {
        using var content = new ByteArrayContent([0]);
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        content.Headers.ContentEncoding.Add(encoding);
        using var response = await http.PostAsync("/api/v1/push", content);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
    }

    [Theory]
    [InlineData(AppendErrorKind.BadData, 400, false)]
    [InlineData(AppendErrorKind.Limit, 429, true)]
    [InlineData(AppendErrorKind.Unavailable, 503, true)]
    public async Task What_the_store_refuses_reaches_the_sender(AppendErrorKind kind, int status, bool retry)
    {
        sink.Answer = new AppendResult(0, 0, 0, [new AppendError(kind, "some-code", "the reason")]);
        using var response = await PushAsync(RemoteWriteVersion.V1, "/api/v1/push", Body(RemoteWriteVersion.V1, ("up", 1, 1)));
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal("the reason\n", await response.Content.ReadAsStringAsync());
        Assert.Equal(retry, response.Headers.RetryAfter is not null);
    }

    [Fact]
    public async Task A_store_that_cannot_write_is_answered_503()
    {
        sink.Fails = new StoreUnavailableException("disk full");
        using var response = await PushAsync(RemoteWriteVersion.V2, "/api/v1/write", Body(RemoteWriteVersion.V2, ("up", 1, 1)));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(5), response.Headers.RetryAfter?.Delta);
        Assert.Equal("0", response.Headers.GetValues(RemoteWriteHeaders.SamplesWritten).Single());
    }

    [Fact]
    public async Task Every_answer_to_version_2_says_how_much_was_written()
    {
        byte[] bomb = [0xff, 0xff, 0xff, 0x7f, 0];
        foreach (byte[] body in (byte[][])[[0xff, 0xff], bomb, Packed([0x2a, 0x7f])])
        {
            using var response = await PushAsync(RemoteWriteVersion.V2, "/api/v1/write", body);
            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
            Assert.Equal(["0", "0", "0"], Written(response));
        }
        sink.Answer = new AppendResult(3, 2, 1, [new AppendError(AppendErrorKind.BadData, "some-code", "the reason")]);
        using var partly = await PushAsync(RemoteWriteVersion.V2, "/api/v1/write", Body(RemoteWriteVersion.V2, ("up", 1, 1)));
        Assert.Equal(HttpStatusCode.BadRequest, partly.StatusCode);
        Assert.Equal(["3", "2", "1"], Written(partly));

        static string[] Written(HttpResponseMessage response) =>
            [.. new[] { RemoteWriteHeaders.SamplesWritten, RemoteWriteHeaders.HistogramsWritten, RemoteWriteHeaders.ExemplarsWritten }.Select(h => response.Headers.GetValues(h).Single())];
    }

    [Fact]
    public async Task A_start_timestamp_goes_to_the_store_in_one_batch_with_its_sample()
    {
        foreach (long at in (long[])[2000, 3000])
        {
            using var request = new ProtoBuffer();
            foreach (string symbol in (string[])["", "__name__", "c_total"]) request.Field(4, symbol);
            int series = request.Begin(5);
            request.Field(1, [(byte)1, 2]);
            int sample = request.Begin(2);
            request.Field(1, 5.0);
            request.Field(2, at);
            request.Field(3, 1000L);
            request.End(sample);
            request.End(series);
            using var response = await PushAsync(RemoteWriteVersion.V2, "/api/v1/write", Packed(request.Written));
            Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        }
        Assert.Equal(["{__name__=\"c_total\"} 2000 5 since 1000", "{__name__=\"c_total\"} 3000 5 since 1000"], sink.Seen);
        Assert.Equal(2, sink.Batches);
    }

    [Fact]
    public async Task A_real_vmagent_writes_into_it()
    {
        string program = Places.Program("vmagent");
        using var folder = Places.NewFolder();
        int port = Peers.FreePort();
        string config = Path.Combine(folder, "scrape.yml");
        await File.WriteAllTextAsync(config, $"scrape_configs: [{{job_name: self, scrape_interval: 1s, static_configs: [{{targets: [\"127.0.0.1:{port}\"]}}]}}]\n");
        using var vmagent = Process.Start(new ProcessStartInfo(program)
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            ArgumentList =
            {
                $"-promscrape.config={config}", $"-httpListenAddr=127.0.0.1:{port}", $"-remoteWrite.url={http.BaseAddress}api/v1/write", $"-remoteWrite.tmpDataPath={Path.Combine(folder, "data")}",
                "-remoteWrite.flushInterval=200ms", "-loggerLevel=ERROR",
            },
        })!;
        await SeesAsync(vmagent, "__name__=\"vm_app_version\"");
    }

    [Theory]
    [InlineData("prometheus.WriteRequest")]
    [InlineData("io.prometheus.write.v2.Request")]
    public async Task A_real_prometheus_writes_into_it(string message)
    {
        string program = Places.Program("prometheus");
        using var folder = Places.NewFolder();
        int port = Peers.FreePort();
        string config = Path.Combine(folder, "prometheus.yml");
        await File.WriteAllTextAsync(config, $"""
            global: {"{"}scrape_interval: 1s, external_labels: {"{"}edge: here{"}"}{"}"}
            scrape_configs:
              - job_name: self
                static_configs: [{"{"}targets: ["127.0.0.1:{port}"]{"}"}]
            remote_write:
              - url: {http.BaseAddress}api/v1/write
                protobuf_message: {message}
                queue_config: {"{"}batch_send_deadline: 200ms{"}"}
            """);
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            ArgumentList =
            {
                $"--config.file={config}", $"--storage.tsdb.path={Path.Combine(folder, "data")}", $"--web.listen-address=127.0.0.1:{port}", "--log.level=warn",
                "--enable-feature=metadata-wal-records",
            },
        };
        using var prometheus = Process.Start(start)!;
        await SeesAsync(prometheus, "__name__=\"prometheus_build_info\"");
        Assert.Contains(sink.Seen, s => s.StartsWith($"{{__name__=\"up\", edge=\"here\", instance=\"127.0.0.1:{port}\", job=\"self\"}}", StringComparison.Ordinal));
    }

    /// <summary>Waits for a series from a sender, then ends it.</summary>
    private async Task SeesAsync(Process sender, string series)
    {
        try
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            while (!sink.Seen.Any(s => s.Contains(series, StringComparison.Ordinal)))
            {
                Assert.False(sender.HasExited, "the sender ended early");
                await sink.Changed.WaitAsync(patience.Token);
            }
        }
        finally
        {
            sender.Kill();
            await sender.WaitForExitAsync(CancellationToken.None);
        }
    }

    private static byte[] Packed(ReadOnlySpan<byte> message)
    {
        var compressed = new System.Buffers.ArrayBufferWriter<byte>();
        Wire.Compression.SnappyBlock.Encode(message, compressed);
        return compressed.WrittenSpan.ToArray();
    }

    private async Task<HttpResponseMessage> PushAsync(RemoteWriteVersion version, string path, byte[] body)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(RemoteWriteHeaders.ContentType(version));
        content.Headers.ContentEncoding.Add("snappy");
        content.Headers.Add(RemoteWriteHeaders.Version, RemoteWriteHeaders.VersionValue(version));
        return await http.PostAsync(path, content);
    }

    private static byte[] Body(RemoteWriteVersion version, params (string Name, long At, double Value)[] samples)
    {
        using var batch = new MetricBatch();
        foreach (var (name, at, value) in samples) batch.AddSample(batch.AddSeries(Labels.Of(("__name__", name))), at, value);
        using var encoder = new RemoteWriteEncoder();
        return encoder.Encode(batch, version).ToArray();
    }
}
