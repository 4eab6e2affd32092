using Pharos.Core;

namespace Pharos.Metrics.Tests;

/// <summary>Series that have ended leave the head before the rest of their range.</summary>
public sealed class StaleSeriesTests
{
    private static readonly Labels Live = Labels.Of(("__name__", "live"));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Ended_series_go_into_a_block_at_the_threshold_and_stay_readable(bool saveHead)
    {
        await using var at = new StoreFixture(new TenantLimits { StaleSeriesShareMax = 0.5, OutOfOrderWindow = TimeSpan.FromHours(1) }, maintains: false);
        at.Time.Advance(TimeSpan.FromMinutes(5));
        await at.AppendAsync(Live, at.Now - 60_000, 1);
        await at.AppendAsync(Series(0), (at.Now - 60_000, 5), (at.Now, SampleValue.Stale));
        await at.AppendAsync(Series(1), (at.Now - 50_000, 6));
        await at.Store.MaintainAsync(default);
        Assert.Equal((3, 1), (at.Metric("prometheus_tsdb_head_series"), at.Metric("prometheus_tsdb_head_stale_series")));
        Assert.Empty(Blocks(at));
        await at.AppendAsync(Series(1), at.Now - 20_000, SampleValue.Stale);
        var before = Everything(at);
        await at.Store.MaintainAsync(default);
        Assert.Equal((1, 0), (at.Metric("prometheus_tsdb_head_series"), at.Metric("prometheus_tsdb_head_stale_series")));
        Assert.Contains("\"from-stale-series\"", await File.ReadAllTextAsync(Path.Combine(Blocks(at).Single(), "meta.json"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Equal(before, Everything(at));
        // They come back, one of them with a late sample as well; a crash tells them from what left.
        at.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.False((await at.AppendAsync(Series(1), at.Now, 7)).HasErrors);
        Assert.False((await at.AppendAsync(Series(1), at.Now - 85_000, 8)).HasErrors);
        before = Everything(at);
        if (saveHead) await at.StopAndStartAsync();
        else await at.RestartAsync();
        Assert.Equal(before, Everything(at));
        Assert.Equal(2, at.Metric("prometheus_tsdb_head_series"));
        // What is in order stays in order: the block says nothing about its range.
        Assert.False((await at.AppendAsync(Live, at.Now, 2)).HasErrors);
        at.Time.Advance(TimeSpan.FromHours(4));
        await at.AppendAsync(Live, at.Now, 3);
        before = Everything(at);
        await at.Store.MaintainAsync(default);
        await at.RestartAsync();
        Assert.Equal(before, Everything(at));
    }

    [Fact]
    public async Task A_head_of_ended_series_alone_keeps_no_log()
    {
        await using var at = new StoreFixture(new TenantLimits { StaleSeriesShareMax = 1 }, new Pharos.Storage.WriteLog.WriteLogOptions { Folder = "", Sync = Pharos.Storage.WriteLog.SyncPolicy.Os, SegmentBytesMax = 1000 }, maintains: false);
        for (int i = 0; i < 50; i++) await at.AppendAsync(Series(i), (at.Now - 1000, i), (at.Now, SampleValue.Stale));
        var before = Everything(at);
        int files = Directory.GetFiles(Path.Combine(at.Folder, "write-log")).Length;
        await at.Store.MaintainAsync(default);
        Assert.True(Directory.GetFiles(Path.Combine(at.Folder, "write-log")).Length < files);
        await at.RestartAsync();
        Assert.Equal(0, at.Metric("prometheus_tsdb_head_series"));
        Assert.Equal(before, Everything(at));
    }

    [Fact]
    public async Task Whatever_disk_call_fails_no_sample_is_lost()
    {
        for (int n = 1; ; n++)
        {
            var disk = new NthCallDisk(n);
            await using var at = new StoreFixture(new TenantLimits { StaleSeriesShareMax = 0.5 }, disk: disk, maintains: false);
            await at.AppendAsync(Live, at.Now, 1);
            for (int i = 0; i < 5; i++) await at.AppendAsync(Series(i), (at.Now - 1000, i), (at.Now, SampleValue.Stale));
            var before = Everything(at);
            await at.Store.MaintainAsync(default);
            Assert.Equal(before, Everything(at));
            if (n % 2 == 0) await at.RestartAsync();
            Assert.Equal(before, Everything(at));
            await at.Store.MaintainAsync(default);
            await at.RestartAsync();
            Assert.Equal(before, Everything(at));
            if (!disk.Fired) break;
        }
    }

    private static Labels Series(int i) => Labels.Of(("__name__", "ended"), ("i", $"{i}"));

    private static string[] Blocks(StoreFixture at) => !Directory.Exists(at.TenantFolder) ? [] : [.. Directory.GetDirectories(at.TenantFolder).Where(f => File.Exists(Path.Combine(f, "meta.json")))];

    private static List<string> Everything(StoreFixture at)
    {
        var all = new List<string>();
        using var columns = new SampleColumns();
        foreach (var series in at.Select(TimeRange.All))
        {
            columns.Clear();
            series.Read(TimeRange.All, columns);
            all.Add($"{series.Labels}: {string.Join(' ', columns.Timestamps.ToArray().Zip(columns.Values.ToArray()))}");
        }
        return all;
    }
}
