using System.Buffers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Server.Hosting;
using Pharos.Server.Tests.Prometheus.Differential;
using Pharos.Wire.Compression;
using Pharos.Wire.Protobuf;
using Pharos.Wire.RemoteRead;
using Pharos.Wire.RemoteWrite;

namespace Pharos.Server.Tests.LocalPrometheus;

/// <summary><c>remote_read</c>: queries see what remotes hold, merged with what is here.</summary>
public sealed class RemoteReadTests : IAsyncDisposable
{
    private readonly TemporaryFolder folder = Places.NewFolder();
    private readonly long nowMs = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() / 1000 * 1000;
    private PrometheusHost? host;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        if (host is not null) await host.DisposeAsync();
        folder.Dispose();
    }

    [Fact]
    public async Task A_real_prometheus_is_read_through_and_merged_sample_by_sample()
    {
        await using var prometheus = await RealPrometheus.StartAsync();
        using var remote = new QueryPeer(prometheus.Address);
        var histogram = new Histogram { Schema = 0, Count = 3, Sum = 5, PositiveSpans = [new BucketSpan(0, 2)], PositiveBuckets = [1, 2] };
        // Enough for several chunks, in both stores at different times, and one series that only the remote has.
        await remote.WriteAsync(Body(batch =>
        {
            int both = batch.AddSeries(Labels.Of(("__name__", "both"), ("job", "a")));
            for (int i = 0; i < 300; i++) batch.AddSample(both, nowMs - 599_000 + (i * 1000), i);
            batch.AddSample(batch.AddSeries(Labels.Of(("__name__", "theirs"))), nowMs - 1000, 42);
            batch.AddHistogram(batch.AddSeries(Labels.Of(("__name__", "h"))), nowMs - 1000, histogram);
        }));
        using var local = await StartAsync($"{{url: \"{prometheus.Address}api/v1/read\", read_recent: true}}");
        await local.WriteAsync(Body(batch =>
        {
            int both = batch.AddSeries(Labels.Of(("__name__", "both"), ("job", "a")));
            for (int i = 200; i < 600; i++) batch.AddSample(both, nowMs - 599_000 + (i * 1000), i);
            batch.AddSample(batch.AddSeries(Labels.Of(("__name__", "ours"))), nowMs - 1000, 7);
        }));
        Assert.Equal([600], await ValueAsync(local, "count_over_time(both[10m])"));
        Assert.Equal([599d * 600 / 2], await ValueAsync(local, "sum_over_time(both[10m])"));
        Assert.Equal([42], await ValueAsync(local, "theirs"));
        Assert.Equal([7], await ValueAsync(local, "ours"));
        Assert.Equal([3], await ValueAsync(local, "histogram_count(h)"));
        Assert.Equal([5], await ValueAsync(local, "histogram_sum(h)"));
        Assert.Equal(["both", "h", "ours", "theirs"], (await local.InstantAsync("count by (__name__) ({__name__=~\"both|h|ours|theirs\"})", nowMs)).Series.Keys.Select(k => k.Split('"')[1]));
        using var http = new HttpClient { BaseAddress = host!.Address };
        string metrics = await http.GetStringAsync("/metrics", Cancel);
        Assert.Contains("prometheus_remote_storage_read_queries_total{code=\"200\",", metrics.Replace("remote_name=\"127.0.0.1\",", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains("theirs", await http.GetStringAsync("/api/v1/series?match[]=theirs", Cancel), StringComparison.Ordinal);
    }

    [Fact]
    public async Task External_labels_go_with_the_query_and_off_the_answer()
    {
        await using var prometheus = await RealPrometheus.StartAsync();
        using var remote = new QueryPeer(prometheus.Address);
        await remote.WriteAsync(Body(batch =>
        {
            foreach (string zone in (string[])["eu", "us"]) batch.AddSample(batch.AddSeries(Labels.Of(("__name__", "m"), ("zone", zone))), nowMs - 1000, zone == "eu" ? 1 : 2);
        }));
        using (var local = await StartAsync($"{{url: \"{prometheus.Address}api/v1/read\", read_recent: true}}", "external_labels: {zone: eu}"))
        {
            Assert.Equal("{__name__=\"m\"}", (await local.InstantAsync("m", nowMs)).Series.Keys.Single());
            Assert.Equal([1], await ValueAsync(local, "m"));
            // A query that names the label itself gets it.
            Assert.Equal([2], await ValueAsync(local, "m{zone=\"us\"}"));
        }
        await host!.DisposeAsync();
        using var whole = await StartAsync($"{{url: \"{prometheus.Address}api/v1/read\", read_recent: true, filter_external_labels: false}}", "external_labels: {zone: eu}");
        Assert.Equal(2, (await whole.InstantAsync("m", nowMs)).Series.Count);
    }

    [Fact]
    public async Task Only_queries_with_the_required_matchers_or_for_old_times_go_out()
    {
        var asked = new List<RemoteReadRequest>();
        await using var remote = await FakeAsync(request =>
        {
            lock (asked) asked.Add(request);
            return Samples(request);
        });
        string url = remote.Urls.First();
        using var local = await StartAsync($"{{url: \"{url}/recent\", read_recent: true, required_matchers: {{job: special}}, headers: {{X-Scope-OrgID: t}}}}, {{url: \"{url}/old\"}}");
        await local.InstantAsync("m", nowMs);
        Assert.Single(asked);
        Assert.Equal([9], await ValueAsync(local, "m{job=\"special\"}"));
        Assert.Equal(3, asked.Count);
        int before = asked.Count;
        // The local store is new: it should have everything from four hours after now on.
        await local.InstantAsync("other", nowMs + (long)TimeSpan.FromHours(6).TotalMilliseconds);
        Assert.Equal(before, asked.Count);
        await local.InstantAsync("other", nowMs);
        Assert.Equal(before + 1, asked.Count);
    }

    [Fact]
    public async Task A_remote_that_cannot_be_read_is_a_warning_and_the_local_answer_stays()
    {
        await using var remote = await FakeAsync(_ => null);
        using var local = await StartAsync($"{{url: \"{remote.Urls.First()}/r\", read_recent: true}}");
        await local.WriteAsync(Body(batch => batch.AddSample(batch.AddSeries(Labels.Of(("__name__", "m"))), nowMs - 1000, 5)));
        var answer = await local.InstantAsync("m", nowMs);
        Assert.Equal(5, answer.Series.Values.Single().Single().Numbers[0]);
        Assert.Contains("returned http status 500", Assert.Single(answer.Annotations), StringComparison.Ordinal);
    }

    [Fact]
    public void Damaged_answers_are_refused_and_never_crash()
    {
        const int seed = 20261128;
        var random = new Random(seed);
        using var message = new ProtoBuffer();
        using var samples = new SampleColumns();
        for (int i = 0; i < 20; i++) samples.Add(i, i);
        int result = message.Begin(1);
        RemoteReadWriter.Series(message, 1, Labels.Of(("__name__", "m")), samples);
        message.End(result);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] bytes = [.. message.Written[..random.Next(message.Length + 1)]];
            for (int flips = random.Next(4); flips > 0 && bytes.Length > 0; flips--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            try
            {
                RemoteReadReader.Samples(bytes, _ => new SampleColumns());
                RemoteReadReader.Chunks(bytes, _ => (_, _) => { });
                RemoteReadReader.TryFrame(bytes, out _, out _, out _);
            }
            catch (Wire.WireFormatException)
            {
                // What it is meant to say.
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}, round {i}, {Convert.ToHexString(bytes)}: {e}");
            }
        }
    }

    private async Task<QueryPeer> StartAsync(string remotes, string global = "scrape_interval: 1m")
    {
        string config = Path.Combine(folder, "prometheus.yml");
        await File.WriteAllTextAsync(config, $"global: {{{global}}}\nremote_read: [{remotes}]\n");
        host = await PrometheusHost.StartAsync(
            new PrometheusHostOptions { ConfigFile = config, StoragePath = Path.Combine(folder, $"data-{Guid.NewGuid():n}"), Port = 0, RemoteWriteReceiver = true },
            TimeProvider.System, NullLoggerFactory.Instance, Cancel);
        return new QueryPeer(host.Address);
    }

    private async Task<IEnumerable<double>> ValueAsync(QueryPeer peer, string query)
    {
        var answer = await peer.InstantAsync(query, nowMs);
        Assert.Null(answer.Error);
        return answer.Series.Values.Select(p => p[0].Numbers[0]);
    }

    private static byte[] Body(Action<MetricBatch> fill)
    {
        using var batch = new MetricBatch();
        fill(batch);
        using var encoder = new RemoteWriteEncoder();
        return encoder.Encode(batch, RemoteWriteVersion.V1).ToArray();
    }

    /// <summary>A remote that answers in samples, as those do that have no chunks; with 500 where the answer is null.</summary>
    private static async Task<WebApplication> FakeAsync(Func<RemoteReadRequest, byte[]?> answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0));
        var remote = builder.Build();
        remote.Run(async http =>
        {
            using var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body);
            Assert.Equal("0.1.0", http.Request.Headers["X-Prometheus-Remote-Read-Version"]);
            byte[] message = SnappyBlock.Decode(body.ToArray(), 1 << 20, out int length);
            if (answer(RemoteReadRequest.Decode(message.AsSpan(0, length))) is not { } reply)
            {
                http.Response.StatusCode = 500;
                await http.Response.WriteAsync("no disk");
                return;
            }
            http.Response.ContentType = "application/x-protobuf";
            http.Response.Headers.ContentEncoding = "snappy";
            await http.Response.Body.WriteAsync(reply);
        });
        await remote.StartAsync(Cancel);
        return remote;
    }

    private byte[] Samples(RemoteReadRequest request)
    {
        using var message = new ProtoBuffer();
        using var samples = new SampleColumns();
        samples.Add(nowMs - 1000, 9);
        int result = message.Begin(1);
        if (request.Queries[0].Matchers.Any(m => m.Value == "special")) RemoteReadWriter.Series(message, 1, Labels.Of(("__name__", "m"), ("job", "special")), samples);
        message.End(result);
        var packed = new ArrayBufferWriter<byte>();
        SnappyBlock.Encode(message.Written, packed);
        return packed.WrittenSpan.ToArray();
    }
}
