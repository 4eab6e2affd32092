using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Metrics.Append;
using Pharos.Metrics.Head;
using Pharos.Storage.Files;
using Pharos.Storage.WriteLog;

namespace Pharos.Metrics.Tests;

/// <summary>Requests of one tenant run side by side where their series stand in different stripes.</summary>
public sealed class HeadLocksTests
{
    private const int Senders = 3;
    private const int SeriesEach = 1500;

    [Fact]
    public async Task A_request_waits_for_the_stripes_of_its_own_series_only()
    {
        await using var at = new StoreFixture();
        var instruments = new MetricInstruments(new Instruments());
        var head = new TenantHead(StoreFixture.Tenant, new MetricStoreOptions { Folder = at.Folder }, instruments, new HeadChunks(at.Folder, FileDisk.Instance, instruments, NullLogger.Instance));
        await SendAsync(head, at, 0, SeriesEach, at.Now);
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var free = new ManualResetEventSlim();
        var holding = Task.Run(() =>
        {
            using (head.Locks.Hold(HeadLocks.BitOf(1)))
            {
                held.SetResult();
                free.Wait();
            }
        });
        await held.Task;
        // On a thread of the pool, for it waits.
        var own = Task.Run(() => SendAsync(head, at, 0, 10, at.Now + 1));
        await SendAsync(head, at, 1000, SeriesEach, at.Now + 1);
        Assert.False(own.IsCompleted);
        free.Set();
        await holding;
        await own;
        Assert.Equal(at.Now + 1, head.Table.Get(1)!.MaxMs);
        Assert.Equal(at.Now, head.Table.Get(100)!.MaxMs);
        Assert.Equal(at.Now + 1, head.Table.Get(SeriesEach)!.MaxMs);
    }

    [Fact]
    public async Task New_series_of_a_full_head_are_refused_beside_other_requests_and_known_ones_go_on()
    {
        await using var at = new StoreFixture();
        var instruments = new MetricInstruments(new Instruments());
        var head = new TenantHead(StoreFixture.Tenant, new MetricStoreOptions { Folder = at.Folder }, instruments, new HeadChunks(at.Folder, FileDisk.Instance, instruments, NullLogger.Instance));
        await SendAsync(head, at, 0, SeriesEach, at.Now);
        var full = new TenantLimits { SeriesMax = SeriesEach };
        using var free = new ManualResetEventSlim();
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var holding = Task.Run(() =>
        {
            using (head.Locks.Hold(HeadLocks.BitOf(1)))
            {
                held.SetResult();
                free.Wait();
            }
        });
        await held.Task;
        var errors = await SendAsync(head, at, 1000, SeriesEach + 100, at.Now + 1, full);
        free.Set();
        await holding;
        Assert.Equal(100, errors.Sum(e => e.Samples));
        Assert.All(errors, e => Assert.Equal("max-series-per-user", e.Code));
        Assert.Equal(at.Now + 1, head.Table.Get(SeriesEach)!.MaxMs);
        Assert.Equal(SeriesEach, head.Table.Count);
        // Where there is room again, the same request is taken whole; one that has new series alone is refused whole.
        Assert.Empty(await SendAsync(head, at, 1000, SeriesEach + 100, at.Now + 2, full with { SeriesMax = SeriesEach + 100 }));
        Assert.Equal(50, (await SendAsync(head, at, SeriesEach + 100, SeriesEach + 150, at.Now + 2, full)).Sum(e => e.Samples));
        Assert.Equal(SeriesEach + 100, head.Table.Count);
    }

    [Fact]
    public async Task Senders_side_by_side_are_seen_whole_and_come_back_as_they_were()
    {
        await using var at = new StoreFixture(logOptions: new WriteLogOptions { Folder = "set by the fixture", Sync = SyncPolicy.Always }, maintains: false);
        var sending = Task.WhenAll(Enumerable.Range(0, Senders).Select(sender => Task.Run(async () =>
        {
            using var batch = new MetricBatch();
            for (int i = 0; i < 150; i++)
            {
                Fill(batch, sender * SeriesEach, (sender + 1) * SeriesEach, at.Now + i);
                Assert.False((await at.Store.AppendAsync(StoreFixture.Tenant, batch, default)).HasErrors);
            }
        })));
        var saving = Task.Run(async () =>
        {
            while (!sending.IsCompleted) await at.Store.SaveHeadsAsync(default);
        });
        while (!sending.IsCompleted) Counts(at);
        await sending;
        await saving;
        Assert.All(Counts(at), c => Assert.Equal(150, c));
        for (int restart = 0; restart < 2; restart++)
        {
            await at.RestartAsync();
            Assert.All(Counts(at), c => Assert.Equal(150, c));
            // A sample that came back twice, or before an older one, would have been put among the late ones.
            Assert.Equal(0, at.Metric("prometheus_tsdb_head_out_of_order_samples_appended_total"));
            await at.Store.SaveHeadsAsync(default);
        }
    }

    /// <summary>How many samples the series of each sender have: all of one sender the same number.</summary>
    private static int[] Counts(StoreFixture at)
    {
        var counts = new int[Senders];
        Array.Fill(counts, -1);
        using var columns = new SampleColumns();
        foreach (var one in at.Select(TimeRange.All))
        {
            columns.Clear();
            one.Read(TimeRange.All, columns);
            Assert.True(one.Labels.TryGetValue("n", out string? number));
            ref int count = ref counts[int.Parse(number, System.Globalization.CultureInfo.InvariantCulture) / SeriesEach];
            if (count < 0) count = columns.Count;
            Assert.Equal(count, columns.Count);
        }
        return counts;
    }

    private static async Task<IReadOnlyList<AppendError>> SendAsync(TenantHead head, StoreFixture at, int from, int to, long ms, TenantLimits? limits = null)
    {
        using var batch = new MetricBatch();
        Fill(batch, from, to, ms);
        var ticket = new AppendTicket();
        var position = await head.Take(batch, ticket, limits ?? new TenantLimits(), at.Now, at.Log);
        if (!ticket.IsEmpty && head.Settle(ticket, durable: true, position, at.Now) is { } settled) await settled;
        return ticket.Errors.ToList();
    }

    private static void Fill(MetricBatch batch, int from, int to, long ms)
    {
        batch.Clear();
        for (int s = from; s < to; s++) batch.AddSample(batch.AddSeries(Labels.Of(("__name__", "up"), ("n", s.ToString(System.Globalization.CultureInfo.InvariantCulture)))), ms, s);
    }
}
