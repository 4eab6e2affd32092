using Pharos.Core;

namespace Pharos.Metrics.Tests;

/// <summary>What leaves the blocks with time: by age, by size, by selector, by deletion; and that its bytes go too.</summary>
public sealed class RetentionTests
{
    private static readonly Labels Api = Labels.Of(("__name__", "requests"), ("job", "api"));
    private static readonly Labels Debug = Labels.Of(("__name__", "requests"), ("job", "debug"));
    private static readonly Matcher[] DebugOnly = [new Matcher(MatchOp.Equal, "job", "debug")];

    private static SeriesRetention DebugFor(int days) => new("{job=\"debug\"}", DebugOnly, TimeSpan.FromDays(days));

    [Fact]
    public async Task Series_of_a_selector_leave_sooner_than_the_others_and_their_bytes_follow()
    {
        await using var at = new StoreFixture(new TenantLimits { MetricRetention = TimeSpan.FromDays(10), SeriesRetention = [DebugFor(3)] }, maintains: false);
        for (int hour = 0; hour < 6 * 24; hour++)
        {
            at.Time.Advance(TimeSpan.FromHours(1));
            for (int minute = 40; minute >= 0; minute -= 20)
            {
                await at.AppendAsync(Api, at.Now - (minute * 60_000L), hour);
                await at.AppendAsync(Debug, at.Now - (minute * 60_000L), hour);
            }
            if (hour % 2 == 1) await at.Store.MaintainAsync(default);
        }
        await at.Store.MaintainAsync(default);
        Assert.Equal(6 * 24 * 3, at.Read(Api).Count);
        long oldest = at.Read(Debug)[0].Ms;
        // Hidden a block range at a time: never sooner than promised, at most two hours later.
        Assert.InRange(oldest, at.Now - (3 * 86_400_000L) - 7_200_000, at.Now - (3 * 86_400_000L) + 1_200_000);
        // Rewrites freed them: of what is hidden no more than a few chunks is still on disk.
        var blocks = at.Store.BlockList(StoreFixture.Tenant);
        int visible = at.Read(Api).Concat(at.Read(Debug)).Count(s => s.Ms < blocks[^1].EndTimeMs);
        Assert.InRange(blocks.Sum(b => b.Samples) - visible, 0, 24);
        await at.RestartAsync();
        Assert.Equal(oldest, at.Read(Debug)[0].Ms);

        at.Time.Advance(TimeSpan.FromDays(7));
        await at.Store.MaintainAsync(default);
        Assert.Empty(at.Read(Debug));
        Assert.NotEmpty(at.Read(Api));
    }

    [Fact]
    public async Task The_shortest_of_several_periods_counts_and_a_changed_period_applies_at_the_next_round()
    {
        await using var at = new StoreFixture(new TenantLimits { SeriesRetention = [DebugFor(5)] });
        await at.AppendAsync(Api, at.Now, 1);
        await at.AppendAsync(Debug, at.Now, 1);
        await at.Store.FlushAsync(default);
        at.Time.Advance(TimeSpan.FromDays(4));
        await at.Store.MaintainAsync(default);
        Assert.Single(at.Read(Debug));
        at.Limits = new TenantLimits { SeriesRetention = [DebugFor(5), DebugFor(2)] };
        await at.Store.MaintainAsync(default);
        Assert.Empty(at.Read(Debug));
        Assert.Single(at.Read(Api));
    }

    [Fact]
    public async Task The_oldest_blocks_leave_above_the_tenants_size_and_the_newest_stays()
    {
        await using var at = new StoreFixture(maintains: false);
        for (int hour = 0; hour < 8; hour++)
        {
            for (int i = 0; i < 30; i++) await at.AppendAsync(Api, at.Now - ((29 - i) * 60_000), i);
            at.Time.Advance(TimeSpan.FromHours(2));
            await at.Store.FlushAsync(default);
        }
        var blocks = at.Store.BlockList(StoreFixture.Tenant);
        Assert.True(blocks.Count >= 8);
        at.Limits = new TenantLimits { MetricBytesMax = blocks.TakeLast(2).Sum(b => b.Bytes) };
        await at.Store.MaintainAsync(default);
        Assert.True(at.Store.BlockList(StoreFixture.Tenant).Sum(b => b.Bytes) <= at.Limits.MetricBytesMax);
        Assert.Equal(blocks[^1].EndTimeMs, at.Store.BlockList(StoreFixture.Tenant)[^1].EndTimeMs);
        at.Limits = new TenantLimits { MetricBytesMax = 1 };
        await at.Store.MaintainAsync(default);
        Assert.Single(at.Store.BlockList(StoreFixture.Tenant));
        Assert.NotEmpty(at.Read(Api));
    }

    [Fact]
    public async Task Deleted_series_are_hidden_at_once_and_their_bytes_go_at_the_next_round()
    {
        await using var at = new StoreFixture();
        for (int i = 0; i < 500; i++)
        {
            await at.AppendAsync(Api, at.Now - ((500 - i) * 10_000), i * 1.1);
            await at.AppendAsync(Debug, at.Now - ((500 - i) * 10_000), i * 1.1);
        }
        await at.Store.FlushAsync(default);
        long before = at.Store.BlockList(StoreFixture.Tenant).Sum(b => b.Bytes);
        await at.Store.DeleteSeriesAsync(StoreFixture.Tenant, [DebugOnly], TimeRange.All, default);
        Assert.Empty(at.Select(TimeRange.All, DebugOnly));
        Assert.Equal(before, at.Store.BlockList(StoreFixture.Tenant).Sum(b => b.Bytes));
        await at.Store.MaintainAsync(default);
        Assert.True(at.Store.BlockList(StoreFixture.Tenant).Sum(b => b.Bytes) < before * 2 / 3);
        Assert.Equal(500, at.Store.BlockList(StoreFixture.Tenant).Sum(b => b.Samples));
        Assert.Equal(500, at.Read(Api).Count);
        await at.RestartAsync();
        Assert.Empty(at.Select(TimeRange.All, DebugOnly));
        Assert.Equal(500, at.Read(Api).Count);
    }

    [Fact]
    public async Task Overlapping_blocks_become_one_in_which_the_newer_sample_of_a_time_stays()
    {
        await using var from = new StoreFixture();
        await using var at = new StoreFixture();
        long start = at.Now - 7_200_000;
        for (int i = 0; i < 100; i++) await at.AppendAsync(Api, start + (i * 60_000), i);
        await at.Store.FlushAsync(default);
        // Written later, so it is the newer one: half of it for the same times, half between them, and a series of its own.
        from.Time.Advance(TimeSpan.FromMinutes(5));
        for (int i = 0; i < 100; i++) await from.AppendAsync(Api, start + (i * 30_000), 1000 + i);
        await from.AppendAsync(Debug, start, 7);
        await from.Store.FlushAsync(default);
        foreach (var block in from.Store.BlockList(StoreFixture.Tenant))
            Blocks.FolderCopy.Link(Storage.Files.FileDisk.Instance, block.Folder, Path.Combine(at.TenantFolder, Path.GetFileName(block.Folder)));
        var expected = new SortedDictionary<long, double>();
        for (int i = 0; i < 100; i++) expected[start + (i * 60_000)] = i;
        for (int i = 0; i < 100; i++) expected[start + (i * 30_000)] = 1000 + i;

        await at.Store.MaintainAsync(default);
        Assert.Equal(expected.Select(e => (e.Key, e.Value)), at.Read(Api));
        await at.Store.MaintainAsync(default);
        var blocks = at.Store.BlockList(StoreFixture.Tenant);
        for (int i = 1; i < blocks.Count; i++) Assert.True(blocks[i - 1].EndTimeMs <= blocks[i].MinTimeMs);
        Assert.Contains(blocks, b => b.Level > 1);
        Assert.Equal(expected.Count + 1, blocks.Sum(b => b.Samples));
        Assert.Equal(expected.Select(e => (e.Key, e.Value)), at.Read(Api));
        Assert.Equal([(start, 7.0)], at.Read(Debug));
    }
}
