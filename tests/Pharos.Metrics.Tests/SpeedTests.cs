using System.Diagnostics;
using Pharos.Core;
using Pharos.Storage.WriteLog;

namespace Pharos.Metrics.Tests;

/// <summary>Bounds wide enough for a slow machine; what they guard against is a wrong order of growth.</summary>
public sealed class SpeedTests
{
    [Fact]
    public async Task Known_series_cost_no_allocation_per_sample()
    {
        await using var at = new StoreFixture();
        var store = new MetricStore(
            new MetricStoreOptions { Folder = Path.Combine(at.Folder, "other") }, new NoLog(), new FixedTenantLimits(), at.Time, new Instruments(),
            Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        store.Start();
        const int series = 5000, rounds = 20;
        using var batch = Batch(series, at.Now);
        await store.AppendAsync(StoreFixture.Tenant, batch, default);
        long before = 0;
        for (int round = 1; round < rounds; round++)
        {
            if (round == 2) before = GC.GetAllocatedBytesForCurrentThread();
            Fill(batch, series, at.Now + round);
            // Everything runs on this thread: the log answers at once.
            var appending = store.AppendAsync(StoreFixture.Tenant, batch, default).AsTask();
            Assert.True(appending.IsCompletedSuccessfully);
        }
        double perSample = (GC.GetAllocatedBytesForCurrentThread() - before) / (double)(series * (rounds - 2));
        // Chunks grow by doubling: a few bytes per sample are the data itself.
        Assert.InRange(perSample, 0, 12);
        await store.DisposeAsync();
    }

    [Fact]
    public async Task A_series_takes_little_memory_and_replays_fast()
    {
        await using var at = new StoreFixture();
        const int series = 50_000;
        using var batch = Batch(series, at.Now);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        for (int i = 0; i < 4; i++)
        {
            Fill(batch, series, at.Now + (i * 15_000));
            Assert.Empty((await at.Store.AppendAsync(StoreFixture.Tenant, batch, default)).Errors);
        }
        long perSeries = (GC.GetTotalMemory(forceFullCollection: true) - before) / series;
        TestContext.Current.SendDiagnosticMessage($"{perSeries} bytes per series");
        Assert.InRange(perSeries, 1, 1500);
        long started = Stopwatch.GetTimestamp();
        await at.RestartAsync();
        Assert.Equal(series, at.Store.SeriesCount(StoreFixture.Tenant));
        Assert.InRange(Stopwatch.GetElapsedTime(started).TotalSeconds, 0, 20);
    }

    [Theory]
    [InlineData(50, 400)]
    [InlineData(1000, 100)]
    public async Task Queries_beside_ingestion_see_whole_requests_in_order(int series, int rounds)
    {
        await using var at = new StoreFixture(new TenantLimits { CreationGracePeriod = TimeSpan.Zero });
        using var batch = Batch(series, at.Now);
        using var stop = new CancellationTokenSource();
        var reading = Task.Run(() =>
        {
            using var columns = new SampleColumns();
            int reads = 0;
            while (!stop.IsCancellationRequested || reads == 0)
            {
                int count = -1;
                foreach (var one in at.Select(TimeRange.All))
                {
                    columns.Clear();
                    one.Read(TimeRange.All, columns);
                    if (count < 0) count = columns.Count;
                    Assert.Equal(count, columns.Count);
                    for (int i = 0; i < columns.Count; i++) Assert.Equal(columns.Timestamps[i] - at.Now, (long)columns.Values[i]);
                }
                reads++;
            }
        }, CancellationToken.None);
        for (int i = 0; i < rounds; i++)
        {
            batch.Clear();
            for (int s = 0; s < series; s++) batch.AddSample(batch.AddSeries(Series(s)), at.Now + (i * 160_000L * 100 / rounds), i * 160_000L * 100 / rounds);
            Assert.Empty((await at.Store.AppendAsync(StoreFixture.Tenant, batch, default)).Errors);
            if (i % 50 == 49) await at.Store.MaintainAsync(default);
        }
        await stop.CancelAsync();
        await reading;
        Assert.NotEmpty(at.Store.BlockList(StoreFixture.Tenant));
    }

    [Fact]
    public async Task Many_senders_at_once_lose_nothing()
    {
        await using var at = new StoreFixture();
        const int senders = 8, each = 200;
        await Task.WhenAll(Enumerable.Range(0, senders).Select(s => Task.Run(async () =>
        {
            var labels = Series(s);
            for (int i = 0; i < each; i++) Assert.Empty((await at.AppendAsync(labels, at.Now + i, i)).Errors);
        })));
        for (int s = 0; s < senders; s++) Assert.Equal(each, at.Read(Series(s)).Count);
        await at.RestartAsync();
        for (int s = 0; s < senders; s++) Assert.Equal(each, at.Read(Series(s)).Count);
    }

    [Fact]
    public async Task Senders_side_by_side_lose_nothing_while_series_leave_the_head_and_come_back()
    {
        await using var at = new StoreFixture(new TenantLimits { OutOfOrderWindow = TimeSpan.FromHours(2) }, maintains: false);
        const int senders = 4, each = 150, series = 300;
        var sending = Task.WhenAll(Enumerable.Range(0, senders).Select(sender => Task.Run(async () =>
        {
            using var batch = new MetricBatch();
            for (int i = 0; i < each; i++)
            {
                batch.Clear();
                // Each sender has samples of its own for series that all of them have, and series that come anew.
                for (int s = 0; s < series; s++) batch.AddSample(batch.AddSeries(Encoded[s]), at.Now + (i * senders) + sender, (i * senders) + sender);
                batch.AddSample(batch.AddSeries(Series((sender * 1000) + 1000 + i)), at.Now + i, i);
                Assert.Empty((await at.Store.AppendAsync(StoreFixture.Tenant, batch, default)).Errors);
            }
        })));
        while (!sending.IsCompleted) await at.Store.FlushAsync(default);
        await sending;
        for (int restart = 0; restart < 2; restart++)
        {
            for (int s = 0; s < series; s += 37)
                Assert.Equal(Enumerable.Range(0, each * senders).Select(v => (at.Now + v, (double)v)), at.Read(Series(s)));
            for (int sender = 0; sender < senders; sender++)
            {
                for (int i = 0; i < each; i += 13) Assert.Equal([(at.Now + i, (double)i)], at.Read(Series((sender * 1000) + 1000 + i)));
            }
            await at.RestartAsync();
        }
    }

    private static MetricBatch Batch(int series, long ms)
    {
        var batch = new MetricBatch();
        Fill(batch, series, ms);
        return batch;
    }

    private static readonly byte[][] Encoded = [.. Enumerable.Range(0, 50_000).Select(s => Series(s).Encoded.ToArray())];

    private static void Fill(MetricBatch batch, int series, long ms)
    {
        batch.Clear();
        for (int s = 0; s < series; s++) batch.AddSample(batch.AddSeries(Encoded[s]), ms, s + (ms % 7));
    }

    private static Labels Series(int s) => Labels.Of(
        ("__name__", $"http_requests_{s % 100}_total"), ("job", "checkout"), ("namespace", "shop"), ("cluster", "eu-west-1"),
        ("instance", $"10.0.{s / 250 % 250}.{s % 250}:9100"), ("pod", $"checkout-{s / 100:x}"), ("method", "GET"), ("status", "200"));

    private sealed class NoLog : IWriteLog
    {
        public WriteLogPosition End => new(1, 16);

        public ValueTask<WriteLogPosition> AppendAsync(RecordKind kind, TenantId tenant, ReadOnlyMemory<byte> payload, CancellationToken cancel) => new(End);

        public void Replay(RecordKind kind, ReplayHandler handler, WriteLogPosition from = default) { }

        public void StartBehind(WriteLogPosition place) { }

        public void Release(RecordKind kind, WriteLogPosition before) { }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
