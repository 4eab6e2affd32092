using Pharos.Core;
using Pharos.Metrics.Tools;
using Pharos.Storage.Files;

namespace Pharos.Metrics.Tests;

/// <summary>Each call by which cut, merge, deletion and retention change the disk fails once, in turn: nothing is lost, nothing comes back.</summary>
public sealed class BlockFaultTests
{
    private const int Hours = 7;

    private static readonly Labels Keep = Labels.Of(("__name__", "kept"), ("job", "api"));
    private static readonly Labels Gone = Labels.Of(("__name__", "deleted"), ("job", "api"));
    private static readonly Labels Short = Labels.Of(("__name__", "short"), ("job", "debug"));

    private static readonly TenantLimits Limits = new()
    {
        MetricRetention = TimeSpan.FromDays(30),
        SeriesRetention = [new SeriesRetention("{job=\"debug\"}", [new Matcher(MatchOp.Equal, "job", "debug")], TimeSpan.FromHours(24))],
    };

    [Fact]
    public async Task Whatever_disk_call_fails_every_sample_stays_and_deleted_ones_stay_away()
    {
        int n = 1;
        for (; ; n++)
        {
            var disk = new NthCallDisk(n);
            await using var at = new StoreFixture(Limits, disk: disk, maintains: false);
            try
            {
                // In every second run the process also dies after the fault.
                await RunAsync(at, disk, crash: n % 2 == 0);
            }
            catch (Exception wrong)
            {
                throw new InvalidOperationException($"with disk call {n} failing: {wrong.Message}", wrong);
            }
            if (!disk.Fired) break;
        }
        // As many as there are calls: the loop went through all of them.
        Assert.InRange(n, 150, 2000);
    }

    private static async Task RunAsync(StoreFixture at, NthCallDisk disk, bool crash)
    {
        long start = at.Now;
        var kept = new List<(long, double)>();
        bool restarted = false;
        for (int hour = 0; hour < Hours; hour++)
        {
            at.Time.Advance(TimeSpan.FromHours(1));
            await at.AppendAsync(Keep, at.Now, hour);
            await at.AppendAsync(Gone, at.Now, hour);
            await at.AppendAsync(Short, at.Now, hour);
            kept.Add((at.Now, hour));
            await at.Store.MaintainAsync(default);
            await MaybeRestartAsync();
        }
        while (true)
        {
            try
            {
                await at.Store.DeleteSeriesAsync(StoreFixture.Tenant, [[new Matcher(MatchOp.Equal, "__name__", "deleted")]], TimeRange.All, default);
                break;
            }
            catch (IOException)
            {
                // The caller is told and tries again.
            }
        }
        await MaybeRestartAsync();
        Assert.Equal(kept, at.Read(Keep));
        Assert.Empty(at.Read(Gone));
        at.Time.Advance(TimeSpan.FromHours(36));
        for (int i = 0; i < 3; i++) await at.Store.MaintainAsync(default);
        await MaybeRestartAsync();
        await at.Store.MaintainAsync(default);
        Check();
        at.Disk = FileDisk.Instance;
        await at.RestartAsync();
        Check();
        foreach (var block in at.Store.BlockList(StoreFixture.Tenant)) Assert.Empty(BlockVerifier.Verify(block.Folder, null, default));
        Assert.Empty(Directory.GetDirectories(at.TenantFolder, "*.tmp-for-*"));

        void Check()
        {
            Assert.Equal(kept, at.Read(Keep));
            Assert.Empty(at.Read(Gone));
            Assert.Empty(at.Read(Short));
        }

        async Task MaybeRestartAsync()
        {
            if (!crash || restarted || !disk.Fired) return;
            restarted = true;
            await at.RestartAsync();
        }
    }
}
