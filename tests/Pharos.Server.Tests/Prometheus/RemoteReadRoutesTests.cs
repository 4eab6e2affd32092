using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Server.Hosting;
using Pharos.Server.Prometheus;
using Pharos.Server.Tests.Support;
using Pharos.Wire.Compression;
using Pharos.Wire.Protobuf;

namespace Pharos.Server.Tests.Prometheus;

public sealed class RemoteReadRoutesTests : IAsyncLifetime
{
    private readonly MemoryMetrics store = new();
    private readonly HttpClient http = new();
    private Labels external = Labels.Empty;
    private HttpHost host = null!;

    public async ValueTask InitializeAsync()
    {
        host = await HttpHost.StartAsync(
            "127.0.0.1", 0, NullLoggerFactory.Instance,
            app => RemoteReadRoutes.Map(app, store, new FixedTenantLimits(new TenantLimits { QuerySamplesMax = 1000 }), () => external), CancellationToken.None);
        http.BaseAddress = host.Address;
    }

    public async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        http.Dispose();
    }

    [Fact]
    public async Task Samples_come_in_one_message()
    {
        external = Labels.Of(("zone", "z"));
        store.Add(Labels.Of(("__name__", "up"), ("job", "a")), 1000, 1);
        store.Add(Labels.Of(("__name__", "up"), ("job", "a")), 2000, 0);
        store.Add(Labels.Of(("__name__", "up"), ("job", "b")), 9000, 1);
        // The matcher for our own external label asks for series without it.
        using var response = await ReadAsync(type: null, (0, "__name__", "up"), (0, "zone", "z"));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("snappy", response.Content.Headers.ContentEncoding.Single());
        byte[] message = SnappyBlock.Decode(await response.Content.ReadAsByteArrayAsync(), 1 << 20, out int length);
        Assert.Equal(["{__name__=\"up\", job=\"a\", zone=\"z\"}: 2 samples"], Series(message.AsSpan(0, length)));
    }

    [Fact]
    public async Task Chunks_come_in_frames_with_checksums()
    {
        var labels = Labels.Of(("__name__", "up"), ("job", "a"));
        for (int i = 0; i < 300; i++) store.Add(labels, 1000 + (i * 10), i);
        using var response = await ReadAsync(type: 1, (0, "__name__", "up"));
        Assert.Equal("application/x-streamed-protobuf", response.Content.Headers.ContentType?.MediaType);
        byte[] body = await response.Content.ReadAsByteArrayAsync();
        int frames = 0, chunks = 0;
        for (int at = 0; at < body.Length; frames++)
        {
            int length = 0;
            for (int shift = 0; ; shift += 7)
            {
                length |= (body[at] & 0x7f) << shift;
                if (body[at++] < 0x80) break;
            }
            var message = body.AsSpan(at + 4, length);
            Assert.Equal(Crc32C.Of(message), BinaryPrimitives.ReadUInt32BigEndian(body.AsSpan(at)));
            at += 4 + length;
            var fields = new ProtoReader(message);
            Assert.True(fields.Next());
            var series = fields.Message();
            while (series.Next())
            {
                if (series.Field == 2) chunks++;
                series.Skip();
            }
        }
        Assert.Equal((1, 3), (frames, chunks));
    }

    [Fact]
    public async Task Too_many_samples_other_types_and_broken_bodies_are_400()
    {
        var labels = Labels.Of(("__name__", "up"));
        for (int i = 0; i < 1001; i++) store.Add(labels, i, i);
        using var many = await ReadAsync(type: 0, (0, "__name__", "up"));
        Assert.Equal((HttpStatusCode.BadRequest, "exceeded sample limit (1000); read a shorter range, or ask for streamed chunks\n"), (many.StatusCode, await many.Content.ReadAsStringAsync()));
        using var other = await ReadAsync(type: 7, (0, "__name__", "up"));
        Assert.Equal(HttpStatusCode.BadRequest, other.StatusCode);
        using var expression = await ReadAsync(type: 0, (2, "__name__", "("));
        Assert.Contains("__name__", await expression.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using var broken = await http.PostAsync("/api/v1/read", new ByteArrayContent([0xff, 0xff]));
        Assert.Equal(HttpStatusCode.BadRequest, broken.StatusCode);
    }

    [Fact]
    public async Task A_real_prometheus_reads_from_it()
    {
        string program = Places.Program("prometheus");
        long now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() / 1000 * 1000;
        for (int i = 0; i <= 240; i++)
        {
            store.Add(Labels.Of(("__name__", "requests_total"), ("path", "/a")), now - 3_600_000 + (i * 15_000L), i * 3);
            store.Add(Labels.Of(("__name__", "latency")), now - 3_600_000 + (i * 15_000L), new Histogram
            {
                Schema = 1, Count = 2 * i, Sum = i, PositiveSpans = [new BucketSpan(1, 2)], PositiveBuckets = [i, i], ZeroThreshold = 1e-128,
            });
        }
        using var folder = Places.NewFolder();
        int port = Peers.FreePort();
        string config = Path.Combine(folder, "prometheus.yml");
        await File.WriteAllTextAsync(config, $"remote_read: [{{url: \"{http.BaseAddress}api/v1/read\", read_recent: true}}]\n");
        using var prometheus = Process.Start(new ProcessStartInfo(program)
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            ArgumentList = { $"--config.file={config}", $"--storage.tsdb.path={Path.Combine(folder, "data")}", $"--web.listen-address=127.0.0.1:{port}", "--log.level=warn" },
        })!;
        try
        {
            var theirs = new Uri($"http://127.0.0.1:{port}/");
            await Peers.ReadyAsync(prometheus, theirs);
            Assert.Equal("720", await ValueAsync(theirs, "requests_total", now));
            Assert.Equal("12", await ValueAsync(theirs, "increase(requests_total[1m])", now));
            Assert.Equal("241", await ValueAsync(theirs, "count_over_time(latency[61m])", now));
            Assert.Equal("480", await ValueAsync(theirs, "histogram_count(latency)", now));
        }
        finally
        {
            prometheus.Kill();
            await prometheus.WaitForExitAsync(CancellationToken.None);
        }
    }

    private async Task<string?> ValueAsync(Uri prometheus, string query, long atMs)
    {
        using var answer = JsonDocument.Parse(await http.GetStringAsync(new Uri(prometheus, $"api/v1/query?query={Uri.EscapeDataString(query)}&time={atMs / 1000}")));
        return answer.RootElement.GetProperty("data").GetProperty("result")[0].GetProperty("value")[1].GetString();
    }

    private static List<string> Series(ReadOnlySpan<byte> message)
    {
        var found = new List<string>();
        var response = new ProtoReader(message);
        while (response.Next())
        {
            var result = response.Message();
            while (result.Next())
            {
                var series = result.Message();
                var labels = new LabelsBuilder();
                int samples = 0;
                while (series.Next())
                {
                    if (series.Field != 1)
                    {
                        samples++;
                        series.Skip();
                        continue;
                    }
                    var label = series.Message();
                    label.Next();
                    string name = System.Text.Encoding.UTF8.GetString(label.Bytes());
                    label.Next();
                    labels.Set(name, System.Text.Encoding.UTF8.GetString(label.Bytes()));
                }
                found.Add($"{labels.ToLabels()}: {samples} samples");
            }
        }
        return found;
    }

    private async Task<HttpResponseMessage> ReadAsync(int? type, params (int Op, string Name, string Value)[] matchers)
    {
        using var request = new ProtoBuffer();
        int query = request.Begin(1);
        request.Field(1, 0L);
        request.Field(2, 5000L);
        foreach (var (op, name, value) in matchers)
        {
            int matcher = request.Begin(3);
            request.Field(1, (ulong)op);
            request.Field(2, name);
            request.Field(3, value);
            request.End(matcher);
        }
        request.End(query);
        if (type is { } asked) request.Field(2, (ulong)asked);
        var packed = new ArrayBufferWriter<byte>();
        SnappyBlock.Encode(request.Written, packed);
        using var content = new ByteArrayContent(packed.WrittenSpan.ToArray());
        return await http.PostAsync("/api/v1/read", content);
    }
}
