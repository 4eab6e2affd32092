using Pharos.Core;
using Pharos.Logs.Tools;
using Pharos.Metrics.Tests;
using Pharos.Storage.Files;

namespace Pharos.Logs.Tests;

/// <summary>
/// Each call by which pushes, flushes, merges, deletions, retention and starts change the disk fails in turn, in the write log and in the store: no
/// acknowledged line is lost or there twice, none that was refused appears, no deleted or expired one comes back, and somebody is told.
/// </summary>
public sealed class LogFaultTests
{
    private static readonly TenantId Other = TenantId.Parse("other");

    private static readonly TenantLimits Limits = new()
    {
        LogRetention = TimeSpan.FromDays(30),
        LogStreamRetention = [new("{app=\"short\"}", [new Matcher(MatchOp.Equal, "app", "short")], 1, TimeSpan.FromDays(2))],
    };

    [Theory]
    [InlineData(1, 0), InlineData(int.MaxValue, 1)]
    public async Task Whatever_disk_call_fails_once_or_for_good_every_line_is_there_once(int failures, int crashes)
    {
        int n = 1;
        for (; ; n++)
        {
            var disk = new NthCallDisk(n, failures);
            await using var world = new StoreWorld(Limits, Options, disk) { SegmentBytesMax = 400 };
            try
            {
                // In every second run the process also dies after the fault.
                await new Run(world, disk, failures > 1, n % 2 == crashes).AllAsync();
            }
            catch (Exception wrong)
            {
                throw new InvalidOperationException($"with disk call {n} failing: {wrong.Message}", wrong);
            }
            if (!disk.Fired) break;
        }
        // As many as there are calls: the loop went through all of them.
        Assert.InRange(n, 150, 1000);
    }

    private static LogStoreOptions Options(LogStoreOptions options) => StoreWorld.Plain(options) with
    {
        BlockBytes = 60,
        FilterLanguage = new WordLanguage(),
        DeletionDelay = TimeSpan.Zero,
        CheckInterval = Timeout.InfiniteTimeSpan,
    };

    private sealed class Run(StoreWorld world, NthCallDisk disk, bool forGood, bool crash)
    {
        private readonly SortedSet<string> there = new(StringComparer.Ordinal);
        private readonly SortedSet<string> ofOther = new(StringComparer.Ordinal);
        private readonly SortedSet<string> refused = new(StringComparer.Ordinal);
        private bool faultSeen;
        private bool mayHide;
        private bool mayExpire;
        private bool told;
        private int tries;

        public async Task AllAsync()
        {
            for (int flush = 0; flush < 5; flush++)
            {
                await PushAsync(StoreWorld.Tenant, there, "kept", "a line that stays");
                await PushAsync(StoreWorld.Tenant, there, "gone", "a word that goes");
                await PushAsync(StoreWorld.Tenant, there, "short", "stays for two days");
                await PushAsync(Other, ofOther, "gone", "of another tenant");
                // The last lines stay in memory and in the write log.
                if (flush < 4) await AtLastAsync(() => world.Store.FlushAsync(default));
            }
            await RestartAsync();
            await DeleteAsync();
            await CompactAsync();
            world.Time.Advance(TimeSpan.FromDays(3));
            await AtLastAsync(() => world.Store.FlushAsync(default));
            mayExpire = true;
            await AtLastAsync(() => Done(world.Store.ApplyRetention));
            await CompactAsync();
            mayExpire = false;
            there.RemoveWhere(l => l.StartsWith("short ", StringComparison.Ordinal));
            Check();
            // The old files are let go.
            world.Time.Advance(TimeSpan.FromMinutes(3));
            await CompactAsync();
            Check();
            disk.Mend();
            world.Disk = FileDisk.Instance;
            await world.RestartAsync();
            Check();
            await world.Store.FlushAsync(default);
            await world.Store.CompactAsync(default);
            await world.RestartAsync();
            Check();
            Assert.Empty(LogVerifier.Verify(world.LogsFolder, null, null, default).Problems);
            Assert.Empty(Directory.GetFiles(world.LogsFolder, "*.tmp", SearchOption.AllDirectories));
            // One that was refused may have come into force nevertheless.
            Assert.All(world.Store.Deletions(StoreWorld.Tenant), d => Assert.Equal(LogDeleteState.Processed, d.State));
            Assert.InRange(world.Store.Deletions(StoreWorld.Tenant).Count, 1, crash && forGood ? 2 : 1);
        }

        private async Task PushAsync(TenantId tenant, SortedSet<string> into, string app, string text)
        {
            while (true)
            {
                string line = $"{text} {tries++}";
                long at = world.NowNs + tries;
                try
                {
                    await world.PushAsync(tenant, (app, at, line));
                    into.Add(StoreWorld.Shown(app, at, line));
                    return;
                }
                catch (StoreUnavailableException e)
                {
                    Told(e);
                    Assert.True(world.Metric("prometheus_tsdb_wal_writes_failed_total") > 0);
                    refused.Add(StoreWorld.Shown(app, at, line));
                    await FaultAsync();
                }
            }
        }

        private async Task DeleteAsync()
        {
            await AtLastAsync(() =>
            {
                mayHide = true;
                world.Store.Delete(StoreWorld.Tenant, "gone word", 0, long.MaxValue);
                mayHide = false;
                there.RemoveWhere(l => l.StartsWith("gone ", StringComparison.Ordinal));
                return Task.FromResult(true);
            });
        }

        private async Task CompactAsync()
        {
            await AtLastAsync(async () =>
            {
                await world.Store.CompactAsync(default);
                return true;
            });
        }

        /// <summary>Does something until it succeeds, as who asked for it would; the disk is mended after the first time.</summary>
        private async Task AtLastAsync(Func<Task<bool>> work)
        {
            for (int again = 0; again < 5; again++)
            {
                bool done = false;
                try
                {
                    done = await work();
                }
                catch (Exception e) when (e is IOException or StoreUnavailableException)
                {
                    Told(e);
                }
                await FaultAsync();
                if (done) return;
            }
            Assert.Fail("it does not succeed on a disk that works again");
        }

        /// <summary>After the first fault: nothing has changed; while the disk fails nothing does; it is mended, and may have taken the process with it.</summary>
        private async Task FaultAsync()
        {
            if (!disk.Fired || faultSeen) return;
            faultSeen = true;
            Check();
            Assert.True(told || world.Said.Any(l => l.Contains("injected", StringComparison.Ordinal)), "nobody was told");
            if (forGood) await AllFailsAsync();
            disk.Mend();
            if (crash) await RestartAsync();
        }

        private async Task AllFailsAsync()
        {
            long at = world.NowNs + ++tries;
            refused.Add(StoreWorld.Shown("kept", at, "refused"));
            await Assert.ThrowsAsync<StoreUnavailableException>(() => world.PushAsync(("kept", at, "refused")));
            Assert.Throws<StoreUnavailableException>(() => world.Store.Delete(StoreWorld.Tenant, "kept", 0, long.MaxValue));
            await Assert.ThrowsAsync<IOException>(() => world.Store.SnapshotAsync(StoreWorld.Tenant, default));
            await world.Store.FlushAsync(default);
            await Record.ExceptionAsync(() => world.Store.CompactAsync(default));
            world.Store.ApplyRetention();
            Check();
        }

        private async Task RestartAsync()
        {
            try
            {
                await world.RestartAsync();
            }
            catch (IOException e)
            {
                Told(e);
                disk.Mend();
                await world.RestartAsync();
            }
            // What was in flight at a crash may be there, once.
            foreach (string line in refused.Intersect(world.Read()).ToList()) there.Add(line);
            foreach (string line in refused.Intersect(world.Read(tenant: Other)).ToList()) ofOther.Add(line);
            Check();
        }

        private void Told(Exception e)
        {
            told = true;
            Assert.Contains("injected", e.Message, StringComparison.Ordinal);
        }

        private void Check()
        {
            Same(ofOther, world.Read(tenant: Other));
            var read = world.Read();
            if (mayExpire)
            {
                Assert.Empty(read.Except(there));
                read.RemoveAll(l => l.StartsWith("short ", StringComparison.Ordinal));
                Same([.. there.Where(l => !l.StartsWith("short ", StringComparison.Ordinal))], read);
                return;
            }
            // A deletion that was refused may have come into force nevertheless, where that could not be taken back.
            if (mayHide && !read.Exists(l => l.StartsWith("gone ", StringComparison.Ordinal))) Same([.. there.Where(l => !l.StartsWith("gone ", StringComparison.Ordinal))], read);
            else Same(there, read);
        }

        private static void Same(IReadOnlyCollection<string> expected, List<string> read)
        {
            Assert.True(expected.Count == read.Count && expected.ToHashSet().SetEquals(read),
                $"{expected.Count} lines expected, {read.Count} found; missing: {string.Join(" | ", expected.Except(read))}; too many: {string.Join(" | ", read.Except(expected))}; twice: {string.Join(" | ", read.GroupBy(l => l).Where(g => g.Count() > 1).Select(g => g.Key))}");
        }

        private static Task<bool> Done(Action work)
        {
            work();
            return Task.FromResult(true);
        }
    }
}
