using Pharos.Core;

namespace Pharos.Metrics.Tests;

public sealed class CrashTests
{
    private static readonly Labels Up = Labels.Of(("__name__", "up"), ("job", "api"));
    private static readonly Labels New = Labels.Of(("__name__", "new"), ("job", "api"));

    [Fact]
    public async Task A_log_cut_at_any_byte_of_its_last_record_keeps_all_that_was_acknowledged_before()
    {
        await using var at = new StoreFixture();
        for (int i = 0; i < 20; i++) await at.AppendAsync(Up, at.Now + i, i);
        string path = Directory.GetFiles(Path.Combine(at.Folder, "write-log"), "*.log").Single();
        long whole = new FileInfo(path).Length;
        await at.AppendAsync(New, at.Now, 1);
        await at.Store.DisposeAsync();
        await at.Log.DisposeAsync();
        byte[] bytes = await File.ReadAllBytesAsync(path);
        Assert.True(bytes.Length > whole);
        for (long cut = whole; cut <= bytes.Length; cut++)
        {
            await File.WriteAllBytesAsync(path, bytes[..(int)cut]);
            at.Open();
            Assert.Equal(Enumerable.Range(0, 20).Select(i => (at.Now + i, (double)i)), at.Read(Up));
            Assert.Equal(cut == bytes.Length ? 1 : 0, at.Read(New).Count);
            Assert.Empty((await at.AppendAsync(Up, at.Now + 20, 20)).Errors);
            await at.Store.DisposeAsync();
            await at.Log.DisposeAsync();
        }
        at.Open();
    }

    [Fact]
    public async Task The_log_is_released_after_a_cut_and_what_is_left_suffices()
    {
        await using var at = new StoreFixture(logOptions: new() { Folder = "", SegmentBytesMax = 4000, Sync = Storage.WriteLog.SyncPolicy.Os });
        long start = at.Now;
        int Segments() => Directory.GetFiles(Path.Combine(at.Folder, "write-log"), "*.log").Length;
        int most = 0;
        for (int i = 0; i < 3000; i++)
        {
            at.Time.Advance(TimeSpan.FromSeconds(30));
            await at.AppendAsync(Up, at.Now, i);
            if (i % 100 == 0) await at.AppendAsync(Labels.Of(("__name__", "churn"), ("i", $"{i}")), at.Now, i);
            if (i % 20 != 0) continue;
            await at.Store.MaintainAsync(default);
            most = Math.Max(most, Segments());
        }
        // 25 hours went by; about three of them are in the log.
        Assert.InRange(most, 2, 12);
        await at.RestartAsync();
        Assert.Equal(Enumerable.Range(0, 3000).Select(i => (start + ((i + 1) * 30_000L), (double)i)), at.Read(Up));
        Assert.Equal(30, at.Select(TimeRange.All, new Matcher(MatchOp.Equal, "__name__", "churn")).Count);
        Assert.InRange(at.Store.SeriesCount(StoreFixture.Tenant), 2, 6);
    }

    [Fact]
    public async Task A_tenant_that_falls_silent_leaves_memory_and_log()
    {
        await using var at = new StoreFixture();
        await at.AppendAsync(Up, at.Now, 1);
        await at.Store.MaintainAsync(default);
        Assert.Equal(1, at.Store.SeriesCount(StoreFixture.Tenant));
        long then = at.Now;
        at.Time.Advance(TimeSpan.FromHours(1));
        await at.Store.MaintainAsync(default);
        Assert.Equal(0, at.Store.SeriesCount(StoreFixture.Tenant));
        Assert.Equal([(then, 1.0)], at.Read(Up));
    }

    [Fact]
    public async Task Unfinished_and_damaged_blocks_cost_only_themselves()
    {
        await using var at = new StoreFixture();
        await at.AppendAsync(Up, at.Now, 1);
        await at.Store.FlushAsync(default);
        at.Time.Advance(TimeSpan.FromHours(4));
        await at.AppendAsync(Up, at.Now, 2);
        await at.Store.FlushAsync(default);
        var blocks = at.Store.BlockList(StoreFixture.Tenant);
        Assert.Equal(2, blocks.Count);
        Directory.CreateDirectory(Path.Combine(at.TenantFolder, "01KJMMA2G0X3Y3QYXNZFDAJ0YY.tmp-for-creation", "chunks"));
        string index = Path.Combine(blocks[0].Folder, "index");
        byte[] bytes = await File.ReadAllBytesAsync(index);
        bytes[^10] ^= 1;
        await File.WriteAllBytesAsync(index, bytes);
        await at.RestartAsync();
        Assert.Equal([(at.Now, 2.0)], at.Read(Up));
        Assert.Equal(1, at.Metric("pharos_tsdb_blocks_damaged_total"));
        Assert.False(Directory.Exists(Path.Combine(at.TenantFolder, "01KJMMA2G0X3Y3QYXNZFDAJ0YY.tmp-for-creation")));
        Assert.True(Directory.Exists(blocks[0].Folder));
    }

    [Fact]
    public async Task A_damaged_chunk_costs_only_itself()
    {
        await using var at = new StoreFixture();
        await at.AppendAsync(Up, at.Now, 1);
        await at.AppendAsync(New, at.Now, 2);
        await at.Store.FlushAsync(default);
        string chunks = Path.Combine(at.Store.BlockList(StoreFixture.Tenant)[0].Folder, "chunks", "000001");
        byte[] bytes = await File.ReadAllBytesAsync(chunks);
        bytes[12] ^= 1;
        await File.WriteAllBytesAsync(chunks, bytes);
        Assert.Empty(at.Read(New));
        Assert.Equal([(at.Now, 1.0)], at.Read(Up));
        Assert.Equal(1, at.Metric("pharos_tsdb_corrupt_chunks_total"));
    }

    [Fact]
    public async Task Old_blocks_leave_after_the_retention_time()
    {
        await using var at = new StoreFixture(new TenantLimits { MetricRetention = TimeSpan.FromHours(10) });
        await at.AppendAsync(Up, at.Now, 1);
        await at.Store.FlushAsync(default);
        string folder = at.Store.BlockList(StoreFixture.Tenant).Single().Folder;
        at.Time.Advance(TimeSpan.FromHours(9.5));
        await at.Store.MaintainAsync(default);
        Assert.Single(at.Read(Up));
        at.Time.Advance(TimeSpan.FromHours(3));
        await at.Store.MaintainAsync(default);
        Assert.Empty(at.Read(Up));
        Assert.False(Directory.Exists(folder));
    }

    [Fact]
    public async Task Deleted_samples_stay_hidden_in_head_and_blocks_over_restarts_and_cuts()
    {
        await using var at = new StoreFixture();
        long now = at.Now;
        for (int i = 0; i < 10; i++) await at.AppendAsync(Up, now + i, i);
        await at.AppendAsync(New, now, 1);
        await at.Store.DeleteSeriesAsync(StoreFixture.Tenant, [[new Matcher(MatchOp.Equal, "__name__", "up")]], new TimeRange(now + 3, now + 5), default);
        var expected = Enumerable.Range(0, 10).Where(i => i is < 3 or > 5).Select(i => (now + i, (double)i)).ToList();
        Assert.Equal(expected, at.Read(Up));
        Assert.Single(at.Read(New));
        await at.RestartAsync();
        Assert.Equal(expected, at.Read(Up));
        await at.Store.FlushAsync(default);
        Assert.Equal(expected, at.Read(Up));
        await at.Store.DeleteSeriesAsync(StoreFixture.Tenant, [[new Matcher(MatchOp.Equal, "__name__", "up")]], TimeRange.All, default);
        Assert.Empty(at.Select(TimeRange.All, new Matcher(MatchOp.Equal, "__name__", "up")));
        await at.RestartAsync();
        Assert.Empty(at.Read(Up));
        await at.Store.CleanTombstonesAsync(StoreFixture.Tenant, default);
        Assert.Equal(1, at.Store.BlockList(StoreFixture.Tenant).Sum(b => b.Series));
        Assert.Single(at.Read(New));
    }

    [Fact]
    public async Task A_snapshot_holds_blocks_and_head_and_leaves_the_store_as_it_was()
    {
        await using var at = new StoreFixture();
        await at.AppendAsync(Up, at.Now, 1);
        await at.Store.FlushAsync(default);
        await at.AppendAsync(Up, at.Now + 1, 2);
        string name = await at.Store.SnapshotAsync(StoreFixture.Tenant, skipHead: false, default);
        Assert.Equal(1, at.Store.SeriesCount(StoreFixture.Tenant));
        string snapshot = Path.Combine(at.TenantFolder, "snapshots", name);
        string copy = Path.Combine(at.Folder, "metrics", "copy");
        Directory.Move(snapshot, copy);
        await at.RestartAsync();
        using var columns = new SampleColumns();
        at.Store.Select(TenantId.Parse("copy"), [], TimeRange.All, SelectHints.None, default).Single().Read(TimeRange.All, columns);
        Assert.Equal([1.0, 2.0], columns.Values.ToArray());
        Assert.Equal([(at.Now, 1.0), (at.Now + 1, 2.0)], at.Read(Up));
    }
}
