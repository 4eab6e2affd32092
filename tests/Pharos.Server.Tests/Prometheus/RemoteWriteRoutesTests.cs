using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Server.Prometheus;
using Pharos.Server.Tests.Support;
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
        RemoteWriteRoutes.Map(app, sink, new Instruments(), new RemoteWriteReceiverOptions { DecodedBytesMax = 1 << 20 });
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
        byte[] broken = [0x0a, 0x7f, 0x00];
        var compressed = new System.Buffers.ArrayBufferWriter<byte>();
        Wire.Compression.SnappyBlock.Encode(broken, compressed);
        using var response = await PushAsync(RemoteWriteVersion.V1, "/api/v1/push", compressed.WrittenSpan.ToArray());
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
        var large = new byte[2 << 20];
        var compressed = new System.Buffers.ArrayBufferWriter<byte>();
        Wire.Compression.SnappyBlock.Encode(large, compressed);
        using var response = await PushAsync(RemoteWriteVersion.V1, "/api/v1/push", compressed.WrittenSpan.ToArray());
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
        try
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            while (!sink.Seen.Any(s => s.Contains("__name__=\"prometheus_build_info\"", StringComparison.Ordinal)))
            {
                Assert.False(prometheus.HasExited, "prometheus ended early");
                await sink.Changed.WaitAsync(patience.Token);
            }
        }
        finally
        {
            prometheus.Kill();
            await prometheus.WaitForExitAsync(CancellationToken.None);
        }
        Assert.Contains(sink.Seen, s => s.StartsWith($"{{__name__=\"up\", edge=\"here\", instance=\"127.0.0.1:{port}\", job=\"self\"}}", StringComparison.Ordinal));
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
