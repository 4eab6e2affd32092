using System.Buffers;
using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Collector;
using Pharos.Core;
using Pharos.Server.Configuration;
using Pharos.Server.Rules;
using Pharos.Server.Tests.Support;
using Pharos.Wire.Compression;
using Pharos.Wire.RemoteWrite;

namespace Pharos.Server.Tests.Rules;

/// <summary>Where records of rules over logs go, on a simulated clock and without sockets.</summary>
public sealed class RemoteRecordingTests : IAsyncDisposable
{
    private const string Remote = "ruler: {remote_write: {enabled: true, clients: {a: {url: http://a/push, queue_config: {max_samples_per_send: 1, capacity: 10}}}}, wal_cleaner: {period: 1m, min_age: 1h}}\n";

    private static readonly TenantId Shop = TenantId.Parse("shop"), Lab = TenantId.Parse("lab");

    private readonly TemporaryFolder folder = Places.NewFolder();
    private readonly ManualTimeProvider time = new();
    private readonly Instruments instruments = new();
    private readonly RecordingSink own = new();
    private readonly Receivers receivers = new();
    private readonly ConfiguredLimits limits = new();
    private RemoteRecording? recording;

    public async ValueTask DisposeAsync()
    {
        if (recording is not null) await recording.DisposeAsync();
        folder.Dispose();
    }

    [Fact]
    public async Task Records_go_to_the_clients_alone_with_the_tenant_in_a_header()
    {
        Start(Remote);
        await RecordAsync(Shop, 1);
        await receivers.HasAsync("a", 1);
        Assert.Equal("shop errors 1", Assert.Single(receivers.Of("a")));
        Assert.Equal(0, own.Batches);
        Assert.Equal(1, Metric("loki_ruler_wal_samples_appended_total", "shop"));
        Assert.Equal(1, Metric("loki_ruler_wal_appender_ready", "shop"));
    }

    [Fact]
    public async Task Without_remote_write_and_for_a_tenant_that_has_it_off_records_stay_here()
    {
        Start("{}");
        await RecordAsync(Shop, 1);
        Use(Remote + "overrides: {lab: {ruler_remote_write_disabled: true}}\n");
        await RecordAsync(Lab, 2);
        Assert.Equal(2, own.Batches);
        await RecordAsync(Shop, 3);
        await receivers.HasAsync("a", 1);
        Assert.Equal(["shop errors 3"], receivers.Of("a"));
        Assert.Equal(2, own.Batches);
    }

    [Fact]
    public async Task A_receiver_that_never_answers_delays_neither_rules_nor_other_tenants_and_gets_all_in_order()
    {
        Start(Remote + "overrides: {lab: {ruler_remote_write_config: {a: {url: http://lab/push}}}}\n");
        var away = receivers.Hold("lab");
        for (int i = 1; i <= 2_000; i++) await RecordAsync(Lab, i);
        await RecordAsync(Shop, 1);
        await receivers.HasAsync("a", 1);
        Assert.Empty(receivers.Of("lab"));
        away.SetResult();
        await receivers.HasAsync("lab", 2_000);
        Assert.Equal(Enumerable.Range(1, 2_000).Select(i => $"lab errors {i}"), receivers.Of("lab"));
    }

    [Fact]
    public async Task What_waits_is_sent_after_a_restart_though_nothing_is_recorded()
    {
        receivers.Status = HttpStatusCode.ServiceUnavailable;
        Start(Remote);
        for (int i = 1; i <= 3; i++) await RecordAsync(Shop, i);
        await receivers.AskedAsync(1);
        await PassAsync(recording!.DisposeAsync().AsTask());
        receivers.Status = HttpStatusCode.NoContent;
        Begin();
        await receivers.HasAsync("a", 3);
        Assert.Equal(["shop errors 1", "shop errors 2", "shop errors 3"], receivers.Of("a"));
    }

    [Fact]
    public async Task Changed_limits_reach_the_clients_and_the_position_stays()
    {
        Start(Remote);
        await RecordAsync(Shop, 1);
        await receivers.HasAsync("a", 1);
        Use(Remote + "overrides: {shop: {ruler_remote_write_config: {a: {url: http://moved/push}, b: {url: http://b/push, queue_config: {max_samples_per_send: 1}}}}}\n");
        await recording!.RefreshAsync();
        await RecordAsync(Shop, 2);
        await receivers.HasAsync("moved", 1);
        await receivers.HasAsync("b", 1);
        Assert.Equal(["shop errors 2"], receivers.Of("moved"));
        Assert.Equal(["shop errors 2"], receivers.Of("b"));
        Assert.Equal(["shop errors 1"], receivers.Of("a"));
        Assert.DoesNotContain(Cells("loki_ruler_wal_prometheus_remote_storage_shards"), c => c.Contains("http://a/push", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_tenant_switched_off_and_on_again_goes_on_where_it_stopped()
    {
        receivers.Status = HttpStatusCode.ServiceUnavailable;
        Start(Remote);
        await RecordAsync(Shop, 1);
        await receivers.AskedAsync(1);
        Use(Remote + "overrides: {shop: {ruler_remote_write_disabled: true}}\n");
        var refreshing = recording!.RefreshAsync();
        await RecordAsync(Shop, 2);
        Assert.Equal(1, own.Batches);
        await PassAsync(refreshing);
        receivers.Status = HttpStatusCode.NoContent;
        Use(Remote);
        await RecordAsync(Shop, 3);
        await receivers.HasAsync("a", 2);
        Assert.Equal(["shop errors 1", "shop errors 3"], receivers.Of("a"));
    }

    [Fact]
    public async Task A_write_log_that_nothing_sends_from_is_deleted_after_its_age()
    {
        Start(Remote);
        await RecordAsync(Shop, 1);
        await receivers.HasAsync("a", 1);
        Use("ruler: {wal_cleaner: {period: 1m, min_age: 1h}}\n");
        await PassAsync(recording!.RefreshAsync());
        string log = Path.Combine(folder, "shop");
        foreach (string file in Directory.EnumerateFiles(log, "*", SearchOption.AllDirectories)) File.SetLastWriteTimeUtc(file, time.GetUtcNow().UtcDateTime.AddMinutes(-59));
        recording.Clean();
        Assert.True(Directory.Exists(log));
        foreach (string file in Directory.EnumerateFiles(log, "*", SearchOption.AllDirectories)) File.SetLastWriteTimeUtc(file, time.GetUtcNow().UtcDateTime.AddMinutes(-61));
        recording.Clean();
        Assert.False(Directory.Exists(log));
    }

    [Fact]
    public async Task A_folder_that_cannot_be_written_is_the_rules_error()
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "shop"), "in the way");
        Start(Remote);
        var error = await Assert.ThrowsAsync<StoreUnavailableException>(() => RecordAsync(Shop, 1));
        Assert.StartsWith("the write log of the ruler's remote write cannot be written: ", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, Metric("loki_ruler_wal_appender_ready", "shop"));
        await RecordAsync(Lab, 1);
        await receivers.HasAsync("a", 1);
    }

    private void Start(string config)
    {
        Use(config);
        Begin();
    }

    private void Begin()
    {
        recording = new RemoteRecording(own, limits, limits.Config.Ruler, folder, options => receivers.Handler(options), time, instruments, NullLogger.Instance);
        recording.Start();
    }

    private void Use(string config) => limits.Config = ServerConfig.Load(config, "/srv/pharos.yml");

    /// <summary>Lets time pass until something has ended that waits for a receiver in vain.</summary>
    private async Task PassAsync(Task task)
    {
        while (!task.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        await task;
    }

    private async Task RecordAsync(TenantId tenant, double value)
    {
        using var batch = new MetricBatch();
        batch.AddSample(batch.AddSeries(Labels.Of(("__name__", "errors"))), time.UnixMs() + (long)value, value);
        var result = await recording!.AppendAsync(tenant, batch, CancellationToken.None);
        Assert.Equal(1, result.Samples);
    }

    private double Metric(string name, string tenant) => instruments.Read().Single(f => f.Name == name).Cells.Single(c => c.LabelValues[0] == tenant).Value;

    private List<string> Cells(string name) => [.. instruments.Read().Single(f => f.Name == name).Cells.Select(c => string.Join(' ', c.LabelValues))];

    /// <summary>Receivers by host. What they took is <c>TENANT NAME VALUE</c>.</summary>
    private sealed class Receivers
    {
        private readonly Lock gate = new();
        private readonly List<(string Host, string Sample)> taken = [];
        private readonly Dictionary<string, TaskCompletionSource> held = [];
        private readonly Changes changes = new();
        private int asked;

        public HttpStatusCode Status { get; set; } = HttpStatusCode.NoContent;

        public TaskCompletionSource Hold(string host) => held[host] = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        public List<string> Of(string host)
        {
            lock (gate) return [.. taken.Where(t => t.Host == host).Select(t => t.Sample)];
        }

        public Task HasAsync(string host, int count) => changes.UntilAsync(() => Of(host).Count >= count, () => $"{count} samples at {host}");

        public Task AskedAsync(int times) => changes.UntilAsync(() => Volatile.Read(ref asked) >= times, () => $"{times} requests");

        public HttpMessageHandler Handler(HttpClientOptions options) => new Taking(this, options.Headers["X-Scope-OrgID"]);

        private async Task<HttpResponseMessage> TakeAsync(HttpRequestMessage request, string tenant, CancellationToken cancel)
        {
            Interlocked.Increment(ref asked);
            string host = request.RequestUri!.Host;
            if (held.TryGetValue(host, out var wait)) await wait.Task.WaitAsync(cancel);
            var status = Status;
            if ((int)status < 300)
            {
                byte[] plain = SnappyBlock.Decode(await request.Content!.ReadAsByteArrayAsync(cancel), 1 << 20, out int length);
                using var batch = new MetricBatch();
                new RemoteWriteDecoder().DecodeV1(plain.AsSpan(0, length), batch);
                ArrayPool<byte>.Shared.Return(plain);
                lock (gate)
                {
                    foreach (var sample in batch.Samples.ToArray()) taken.Add((host, $"{tenant} {Labels.FromEncoded(batch.LabelsOf(sample.Series)).Name} {sample.Value}"));
                }
            }
            changes.Signal();
            return new HttpResponseMessage(status) { Content = new StringContent("") };
        }

        private sealed class Taking(Receivers receivers, string tenant) : HttpMessageHandler
        {
            protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => receivers.TakeAsync(request, tenant, cancellationToken);
        }
    }
}
