using Pharos.Core;
using Pharos.Storage.Tests;

namespace Pharos.Logs.Tests;

/// <summary>What readers see while a flush writes, and what a flush holds in memory.</summary>
public sealed class FlushTests
{
    private const long DayNs = 86_400_000_000_000;

    /// <summary>Looks at calls of the disk, in flushes that fail somewhere and in those that then succeed; entries are of several days, early and late, of short streams and long ones.</summary>
    [Fact]
    public async Task While_a_flush_writes_every_line_is_there_once()
    {
        int looks = 0, failed = 0;
        for (int seed = 1; seed <= 12; seed++)
        {
            var random = new Random(seed);
            var disk = new FaultyDisk();
            await using var world = new StoreWorld(with: o => StoreWorld.Plain(o) with { BlockBytes = 9000, CheckInterval = Timeout.InfiniteTimeSpan }, disk: disk);
            var there = new HashSet<(string App, long Ns, string Line)>();
            string[] expected = [];
            for (int flush = 0; flush < 3; flush++)
            {
                for (int push = 0; push < 3; push++) await PushAsync(random.Next(1, 60));
                expected = Sorted(there);
                disk.Calling = () =>
                {
                    if (random.Next(3) == 0) Check(backward: ++looks % 2 == 0);
                };
                long room = random.Next(3) > 0 ? random.Next(8_000) : long.MaxValue;
                disk.Room = room;
                if (!await world.Store.FlushAsync(default))
                {
                    failed++;
                    disk.Room = long.MaxValue;
                    Check(backward: false);
                    // What comes now waits beside what was set aside, partly in the same streams.
                    disk.Calling = null;
                    if (random.Next(2) == 0) await PushAsync(20);
                    expected = Sorted(there);
                    disk.Calling = () => Check(backward: false);
                    Assert.True(await world.Store.FlushAsync(default), $"seed {seed}");
                }
                disk.Calling = null;
                disk.Room = long.MaxValue;
                Check(backward: true);
                Assert.Equal(0, world.Metric("pharos_logs_memory_bytes"));
            }
            await world.RestartAsync();
            Check(backward: false);

            async Task PushAsync(int count)
            {
                var entries = Enumerable.Range(0, count).Select(i =>
                {
                    int stream = random.Next(12);
                    long day = random.Next(6) > 0 ? 1 : random.Next(3), ns = (day * DayNs) + (random.Next(2) == 0 ? random.NextInt64(DayNs) : random.Next(3));
                    return ($"s{stream:00}", ns, stream == 0 ? $"line {random.Next(1000)} {new string('x', random.Next(4000))}" : $"line {random.Next(1000)}");
                }).ToArray();
                await world.PushAsync(entries);
                there.UnionWith(entries);
            }

            void Check(bool backward)
            {
                var read = world.Read(backward);
                read.Sort(StringComparer.Ordinal);
                Assert.True(expected.SequenceEqual(read), $"seed {seed}, look {looks}");
            }
        }
        Assert.True(looks > 150, $"{looks} looks");
        Assert.InRange(failed, 5, 36);
    }

    [Fact]
    public async Task What_a_flush_has_set_aside_counts_too_and_leaves_room_for_pushes_beside_it()
    {
        const int flushAt = 500_000, page = 40_000;
        var disk = new FaultyDisk();
        await using var world = new StoreWorld(with: o => StoreWorld.Plain(o) with { FlushBytes = flushAt, CheckInterval = Timeout.InfiniteTimeSpan }, disk: disk);
        var taken = new List<string>();
        while (world.Metric("pharos_logs_memory_bytes") < flushAt - page) Assert.True(Push());
        int before = taken.Count, beside = 0;
        disk.Opening = path =>
        {
            if (!path.EndsWith(".part.tmp", StringComparison.Ordinal)) return;
            while (Push()) beside++;
            // The last one that is taken may lead over it, and begin a page.
            Assert.InRange(world.Metric("pharos_logs_memory_bytes"), 3 * flushAt, (3 * flushAt) + page);
        };
        Assert.True(await world.Store.FlushAsync(default));
        disk.Opening = null;
        // Twice as much as the flush writes has room beside it.
        Assert.InRange(beside, 2 * before, 2.4 * before);
        Assert.True(await world.Store.FlushAsync(default));
        Assert.Equal(0, world.Metric("pharos_logs_memory_bytes"));
        Assert.True(Push());
        Assert.Equal(taken, world.Read());

        bool Push()
        {
            string line = new((char)('a' + (taken.Count % 26)), 1000);
            try
            {
                world.PushAsync(("a", taken.Count, line)).GetAwaiter().GetResult();
            }
            catch (StoreUnavailableException e)
            {
                Assert.StartsWith($"more than {3 * flushAt} bytes of logs wait to be written", e.Message);
                return false;
            }
            taken.Add(StoreWorld.Shown("a", taken.Count, line));
            return true;
        }
    }

    /// <summary>A flush that held all short streams packed, too, would need a kilobyte more for each of them.</summary>
    [Fact]
    public async Task A_flush_keeps_no_block_of_a_short_stream_and_lets_the_lines_of_long_ones_go()
    {
        const int shortStreams = 500, linesOfEach = 4;
        var disk = new FaultyDisk();
        await using var world = new StoreWorld(with: o => StoreWorld.Plain(o) with { CheckInterval = Timeout.InfiniteTimeSpan }, disk: disk);
        await world.PushAsync([.. Enumerable.Range(0, shortStreams * linesOfEach).Select(i => ($"short{i / linesOfEach}", DayNs + i - (i % 2 * DayNs / 2), $"line {i}"))]);
        await world.PushAsync([.. Enumerable.Range(0, 1000).Select(i => ("a long one", DayNs + i, $"line {i}"))]);
        var all = new LogSelection { Matchers = [], StartNs = 0, EndNs = long.MaxValue };
        LogReadStatistics last = default;
        disk.Calling = () => world.Read(all, out last);
        Assert.True(await world.Store.FlushAsync(default));
        disk.Calling = null;
        // As it was at the very end, before the new mark was in place.
        Assert.Equal(shortStreams * linesOfEach, last.Memory.OpenLines);
        Assert.Equal(1000, last.Memory.Lines);
        Assert.Equal(1, last.Memory.Blocks);
        Assert.Equal(0, last.Blocks - last.Memory.Blocks);
        world.Read(all, out var after);
        Assert.Equal(0, after.Memory.Chunks);
        Assert.Equal((shortStreams * 2) + 1, after.Blocks);
    }

    private static string[] Sorted(IEnumerable<(string App, long Ns, string Line)> entries) =>
        [.. entries.Select(e => StoreWorld.Shown(e.App, e.Ns, e.Line)).Order(StringComparer.Ordinal)];
}
