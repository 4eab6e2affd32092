using Pharos.Core;
using Pharos.Metrics.Tests;

namespace Pharos.Logs.Tests;

public sealed class UpkeepTests
{
    private const long DayNs = 86_400 * StoreWorld.SecondNs;

    [Fact]
    public async Task Small_parts_become_one_and_nothing_else_changes()
    {
        await using var world = new StoreWorld(with: o => StoreWorld.Plain(o) with { BlockBytes = 3000 });
        var random = new Random(1);
        for (int flush = 0; flush < 9; flush++)
        {
            // Late lines, in any order, and some that were there before.
            for (int i = 0; i < 120; i++) await world.PushAsync(($"app{i % 3}", random.Next(1, 3000), $"line {random.Next(40)}"));
            await world.Store.FlushAsync(CancellationToken.None);
        }
        var before = world.Read();
        Assert.Equal(9, world.Parts.Length);
        await world.Store.CompactAsync(CancellationToken.None);
        Assert.Equal(before, world.Read());
        Assert.Equal(before, await AfterRestartAsync(world));
        Assert.Single(world.Parts);
        // Merged entries stand once on the disk, so the headers count what a reader sees.
        Assert.Equal(before.Count, world.Store.Volumes(StoreWorld.Tenant, [], 0, long.MaxValue, CancellationToken.None).Sum(v => v.Volume.Entries));
    }

    [Fact]
    public async Task What_was_merged_and_is_still_there_at_a_start_counts_once()
    {
        await using var world = new StoreWorld(with: StoreWorld.Plain);
        for (int i = 0; i < 4; i++)
        {
            await world.PushAsync(("a", i, $"{i}"));
            await world.Store.FlushAsync(CancellationToken.None);
        }
        await world.Store.CompactAsync(CancellationToken.None);
        Assert.Equal(5, world.Parts.Length);
        await world.RestartAsync();
        Assert.Single(world.Parts);
        Assert.Equal(["a 0 0", "a 1 1", "a 2 2", "a 3 3"], world.Read());
    }

    [Fact]
    public async Task Deleted_lines_leave_the_disk_when_the_deletion_can_no_longer_be_cancelled()
    {
        await using var world = new StoreWorld(with: o => StoreWorld.Plain(o) with { FilterLanguage = new WordLanguage() });
        for (int i = 0; i < 40; i++) await world.PushAsync(("a", i, i % 4 == 0 ? $"secret {i}" : $"plain {i}"), ("b", i, $"secret {i}"));
        await world.Store.FlushAsync(CancellationToken.None);
        await world.PushAsync(("a", 40, "secret 40"));
        var request = world.Store.Delete(StoreWorld.Tenant, "a secret", 0, 1000);
        await world.RestartAsync();
        var shown = world.Read();
        Assert.Equal(70, shown.Count);
        await world.Store.CompactAsync(CancellationToken.None);
        Assert.Equal(LogDeleteState.Received, Assert.Single(world.Store.Deletions(StoreWorld.Tenant)).State);
        Assert.Equal(81, Entries(world));
        world.Time.Advance(TimeSpan.FromHours(25));
        // It may be half done already: what is asked for stays asked for.
        Assert.False(world.Store.CancelDeletion(StoreWorld.Tenant, request.Id));
        await world.Store.CompactAsync(CancellationToken.None);
        Assert.Equal(LogDeleteState.Processed, Assert.Single(world.Store.Deletions(StoreWorld.Tenant)).State);
        Assert.False(world.Store.CancelDeletion(StoreWorld.Tenant, request.Id));
        Assert.Equal(70, Entries(world));
        Assert.Equal(shown, world.Read());
        Assert.Equal(shown, await AfterRestartAsync(world));
    }

    [Fact]
    public async Task Streams_are_kept_as_long_as_the_rule_of_highest_priority_says()
    {
        var limits = new TenantLimits
        {
            LogRetention = TimeSpan.FromDays(10),
            LogStreamRetention =
            [
                new("{app=\"short\"}", [new Matcher(MatchOp.Equal, "app", "short")], 1, TimeSpan.FromDays(2)),
                new("{app=~\"short|long\"}", [new Matcher(MatchOp.Regex, "app", "short|long")], 0, TimeSpan.FromDays(30)),
            ],
        };
        await using var world = new StoreWorld(limits, StoreWorld.Plain);
        foreach (int daysAgo in new[] { 20, 5, 1 })
        {
            foreach (string app in new[] { "short", "long", "usual" }) await world.PushAsync((app, world.NowNs - (daysAgo * DayNs), $"{daysAgo} days"));
        }
        await world.Store.FlushAsync(CancellationToken.None);
        world.Store.ApplyRetention();
        await world.Store.CompactAsync(CancellationToken.None);
        Assert.Equal(
            ["long 1 days", "long 20 days", "long 5 days", "short 1 days", "usual 1 days", "usual 5 days"],
            world.Read().Select(l => System.Text.RegularExpressions.Regex.Replace(l, " \\d{10,}", "")).Order(StringComparer.Ordinal));
    }

    [Theory, InlineData(1), InlineData(2), InlineData(3), InlineData(4), InlineData(5), InlineData(6)]
    public async Task Whatever_a_stop_leaves_of_parts_that_were_rewritten_again_and_again_what_is_left_counts_once(int deletions)
    {
        await using var world = new StoreWorld(with: o => StoreWorld.Plain(o) with { FilterLanguage = new WordLanguage(), DeletionDelay = TimeSpan.Zero });
        for (int i = 0; i < 60; i++) await world.PushAsync(("a", i, $"word{i % 6} {i}"));
        await world.Store.FlushAsync(CancellationToken.None);
        for (int word = 0; word < deletions; word++)
        {
            // Old files linger for two minutes, so that those of two rewritings are there.
            world.Time.Advance(TimeSpan.FromSeconds(90));
            world.Store.Delete(StoreWorld.Tenant, $"a word{word}", 0, 1000);
            await world.Store.CompactAsync(CancellationToken.None);
        }
        var shown = world.Read();
        Assert.Equal(60 - (10 * deletions), shown.Count);
        var files = world.Parts.ToDictionary(p => p, File.ReadAllBytes);
        await world.RestartAsync();
        Assert.Equal(shown, world.Read());
        string[] left = world.Parts;
        Assert.Equal(deletions < 6 ? 1 : 0, left.Length);
        // A start clears the old files away, and may be stopped after any of them.
        foreach (string gone in files.Keys.Except(left))
        {
            await world.RestartAsync(() =>
            {
                foreach (var (path, bytes) in files.Where(f => f.Key != gone)) File.WriteAllBytes(path, bytes);
            });
            Assert.Equal(shown, world.Read());
            Assert.Equal(left, world.Parts);
        }
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Retention_takes_the_old_files_of_a_rewritten_part_with_it(bool merged)
    {
        var limits = new TenantLimits { LogRetention = TimeSpan.FromDays(2) };
        await using var world = new StoreWorld(limits, o => StoreWorld.Plain(o) with { FilterLanguage = new WordLanguage(), DeletionDelay = TimeSpan.Zero, CheckInterval = Timeout.InfiniteTimeSpan });
        long at = world.NowNs - (2 * DayNs) + (30 * StoreWorld.SecondNs);
        for (int flush = 0; flush < (merged ? 4 : 1); flush++)
        {
            await world.PushAsync(("a", at + flush, $"secret {flush}"), ("a", at + 100 + flush, $"plain {flush}"));
            await world.Store.FlushAsync(CancellationToken.None);
        }
        if (!merged) world.Store.Delete(StoreWorld.Tenant, "a secret", 0, long.MaxValue);
        await world.Store.CompactAsync(CancellationToken.None);
        Assert.Equal(merged ? 5 : 2, world.Parts.Length);
        world.Time.Advance(TimeSpan.FromSeconds(60));
        world.Store.ApplyRetention();
        Assert.Empty(world.Read());
        Assert.Empty(world.Parts);
        Assert.Empty(await AfterRestartAsync(world));
    }

    /// <summary>The write log still holds all lines: segments go only when they are full.</summary>
    [Theory]
    [InlineData("a secret", null)]
    [InlineData("a secret", "rubbish")]
    [InlineData("a", null)]
    public async Task A_lost_mark_brings_no_deleted_line_back_and_loses_none(string query, string? mark)
    {
        await using var world = new StoreWorld(with: o => StoreWorld.Plain(o) with { FilterLanguage = new WordLanguage(), DeletionDelay = TimeSpan.Zero });
        for (int i = 0; i < 20; i++) await world.PushAsync(("a", i, i % 2 == 0 ? $"secret {i}" : $"plain {i}"));
        await world.Store.FlushAsync(CancellationToken.None);
        world.Store.Delete(StoreWorld.Tenant, query, 0, 1000);
        await world.Store.CompactAsync(CancellationToken.None);
        Assert.Equal(LogDeleteState.Processed, Assert.Single(world.Store.Deletions(StoreWorld.Tenant)).State);
        var shown = world.Read();
        Assert.Equal(query == "a" ? 0 : 10, shown.Count);
        await world.PushAsync(("b", 100, "in the write log alone"));
        shown.Add("b 100 in the write log alone");
        for (int start = 0; start < 3; start++)
        {
            await world.RestartAsync(() =>
            {
                string path = Path.Combine(world.LogsFolder, "flushed");
                File.Delete(path);
                if (mark is not null) File.WriteAllText(path, mark);
            });
            Assert.Equal(shown, world.Read());
        }
        await world.Store.FlushAsync(CancellationToken.None);
        await world.Store.CompactAsync(CancellationToken.None);
        Assert.Equal(shown, await AfterRestartAsync(world));
    }

    [Theory, InlineData(1), InlineData(2), InlineData(3)]
    public async Task Flushes_merges_deletions_and_lost_marks_in_any_order_lose_nothing_and_bring_nothing_back(int seed)
    {
        var random = new Random(seed);
        await using var world = new StoreWorld(with: o => StoreWorld.Plain(o) with { FilterLanguage = new WordLanguage(), DeletionDelay = TimeSpan.Zero });
        var expected = new SortedSet<string>(StringComparer.Ordinal);
        string path = Path.Combine(world.LogsFolder, "flushed"), before = "";
        for (int step = 0; step < 150; step++)
        {
            string context = $"seed {seed}, step {step}";
            switch (random.Next(8))
            {
                case 0:
                    before = File.Exists(path) ? File.ReadAllText(path) : "";
                    await world.Store.FlushAsync(CancellationToken.None);
                    break;
                case 1:
                    await world.Store.CompactAsync(CancellationToken.None);
                    break;
                case 2:
                    // A stop between a flush's parts and its mark, and then the mark is lost too: nobody knows of the flush that it did not finish.
                    before = File.Exists(path) ? File.ReadAllText(path) : "";
                    await world.Store.FlushAsync(CancellationToken.None);
                    if (before.Length > 0) await world.RestartAsync(() => File.WriteAllText(path, before));
                    else await world.RestartAsync(() => File.Delete(path));
                    break;
                case 3:
                    await world.RestartAsync(() => File.Delete(path));
                    break;
                case 4:
                    string app = $"app{random.Next(3)}";
                    world.Store.Delete(StoreWorld.Tenant, app, 0, long.MaxValue);
                    // What comes in later is not meant: the deletion is done before.
                    await world.Store.CompactAsync(CancellationToken.None);
                    expected.RemoveWhere(l => l.StartsWith(app + " ", StringComparison.Ordinal));
                    break;
                default:
                    for (int i = 0; i < 5; i++)
                    {
                        string stream = $"app{random.Next(3)}";
                        long at = ((step * 10L) + i) * StoreWorld.SecondNs;
                        await world.PushAsync((stream, at, $"word {step} {i}"));
                        expected.Add(StoreWorld.Shown(stream, at, $"word {step} {i}"));
                    }
                    break;
            }
            var found = world.Read();
            Assert.True(expected.SetEquals(found) && expected.Count == found.Count, $"{context}: {expected.Count} expected, {found.Count} found; missing {string.Join(" | ", expected.Except(found).Take(3))}; too many {string.Join(" | ", found.Except(expected).Take(3))}");
        }
    }

    [Fact]
    public async Task A_deletion_is_not_done_while_what_it_means_cannot_be_written()
    {
        await using var world = new StoreWorld(with: o => StoreWorld.Plain(o) with { FilterLanguage = new WordLanguage(), DeletionDelay = TimeSpan.Zero });
        await world.PushAsync(("a", 1, "secret"), ("a", 2, "plain"));
        world.Store.Delete(StoreWorld.Tenant, "a secret", 0, 1000);
        // A file stands where the day's folder should be.
        string obstacle = Path.Combine(world.LogsFolder, "anonymous", "1970-01-01");
        File.WriteAllText(obstacle, "");
        await world.Store.CompactAsync(CancellationToken.None);
        Assert.Equal(["a 2 plain"], world.Read());
        Assert.Equal(["a 2 plain"], await AfterRestartAsync(world));
        File.Delete(obstacle);
        await world.Store.CompactAsync(CancellationToken.None);
        Assert.Equal(LogDeleteState.Processed, Assert.Single(world.Store.Deletions(StoreWorld.Tenant)).State);
        Assert.Equal(["a 2 plain"], await AfterRestartAsync(world));
    }

    /// <summary>The nth call to the disk fails, for every n: afterwards all that was acknowledged is there, once, and the next try succeeds.</summary>
    [Fact]
    public async Task A_disk_that_fails_at_any_call_loses_nothing()
    {
        for (int failing = 1; ; failing++)
        {
            var disk = new NthCallDisk(failing);
            await using var world = new StoreWorld(with: o => StoreWorld.Plain(o) with { Disk = disk, FilterLanguage = new WordLanguage(), DeletionDelay = TimeSpan.Zero });
            for (int flush = 0; flush < 4; flush++)
            {
                for (int i = 0; i < 5; i++) await world.PushAsync(("a", (flush * 5) + i, $"line {i % 2} {flush}"), ("b", i, $"line {flush}"));
                if (flush < 3) await world.Store.FlushAsync(CancellationToken.None);
            }
            var before = world.Read();
            Assert.Equal(40, before.Count);
            bool deleted = await TryAsync(() =>
            {
                world.Store.Delete(StoreWorld.Tenant, "b", 0, 1000);
                return Task.CompletedTask;
            });
            await TryAsync(() => world.Store.FlushAsync(CancellationToken.None));
            await TryAsync(() => world.Store.CompactAsync(CancellationToken.None));
            int expected = deleted ? 20 : 40;
            Assert.True(world.Read().Count == expected, $"call {failing}: {world.Read().Count} entries instead of {expected}");
            bool untouched = !disk.Fired;
            Assert.True((await AfterRestartAsync(world)).Count == expected, $"call {failing}, after a restart: {world.Read().Count} entries instead of {expected}");
            await world.Store.FlushAsync(CancellationToken.None);
            await world.Store.CompactAsync(CancellationToken.None);
            Assert.True(world.Read().Count == expected, $"call {failing}, after another try: {world.Read().Count} entries instead of {expected}");
            if (untouched) break;
            Assert.True(failing < 500);
        }
    }

    [Fact]
    public async Task A_part_with_a_damaged_block_is_not_merged_and_the_rest_is_served()
    {
        await using var world = new StoreWorld(with: StoreWorld.Plain);
        for (int i = 0; i < 4; i++)
        {
            await world.PushAsync(("a", i, $"a line that is long enough {i}"));
            await world.Store.FlushAsync(CancellationToken.None);
        }
        string second = world.Parts.Order(StringComparer.Ordinal).ElementAt(1);
        await world.RestartAsync(() =>
        {
            byte[] bytes = File.ReadAllBytes(second);
            bytes[20] ^= 0xff;
            File.WriteAllBytes(second, bytes);
        });
        await world.Store.CompactAsync(CancellationToken.None);
        Assert.Equal(4, world.Parts.Length);
        Assert.Equal(3, world.Read().Count);
        Assert.True(world.Metric("loki_ingester_wal_corruptions_total") > 0);
    }

    private static long Entries(StoreWorld world) =>
        world.Store.Volumes(StoreWorld.Tenant, [], 0, long.MaxValue, CancellationToken.None).Sum(v => v.Volume.Entries);

    private static async Task<bool> TryAsync(Func<Task> work)
    {
        try
        {
            await work();
            return true;
        }
        catch (Exception e) when (e is IOException or StoreUnavailableException)
        {
            return false;
        }
    }

    private static async Task<List<string>> AfterRestartAsync(StoreWorld world)
    {
        await world.RestartAsync();
        return world.Read();
    }
}
