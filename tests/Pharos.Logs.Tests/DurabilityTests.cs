using System.Text;
using Pharos.Core;
using Pharos.Logs.Tools;
using Pharos.Metrics.Tests;
using Pharos.Storage.Files;
using Pharos.Storage.Tests;

namespace Pharos.Logs.Tests;

public sealed class DurabilityTests
{
    [Fact]
    public async Task What_was_acknowledged_is_there_once_after_a_kill()
    {
        await using var world = new StoreWorld(with: StoreWorld.Plain);
        await world.PushAsync(("a", 1, "one"), ("b", 2, "two"));
        await world.RestartAsync();
        Assert.Equal(["a 1 one", "b 2 two"], world.Read());
        await world.Store.FlushAsync(CancellationToken.None);
        await world.PushAsync(("a", 3, "three"));
        await world.RestartAsync();
        Assert.Equal(["a 1 one", "b 2 two", "a 3 three"], world.Read());
        Assert.Equal(3, world.Store.Volumes(StoreWorld.Tenant, [], 0, long.MaxValue, CancellationToken.None).Sum(v => v.Volume.Entries));
    }

    [Fact]
    public async Task A_flush_whose_mark_was_not_written_counts_as_not_done()
    {
        await using var world = new StoreWorld(with: StoreWorld.Plain);
        await world.PushAsync(("a", 1, "one"));
        await world.Store.FlushAsync(CancellationToken.None);
        string mark = Path.Combine(world.LogsFolder, "flushed"), before = File.ReadAllText(mark);
        await world.PushAsync(("a", 2, "two"));
        await world.Store.FlushAsync(CancellationToken.None);
        Assert.Equal(2, world.Parts.Length);
        // The write log still holds the second record: segments go only when they are full.
        await world.RestartAsync(() => File.WriteAllText(mark, before));
        Assert.Single(world.Parts);
        Assert.Equal(["a 1 one", "a 2 two"], world.Read());
    }

    [Fact]
    public async Task Where_the_first_flush_is_cut_off_before_its_mark_nothing_is_missing_nor_called_damaged()
    {
        IReadOnlyList<FileProblem>? problems = null;
        var disk = new FaultyDisk();
        await using var world = new StoreWorld(with: StoreWorld.Plain, disk: disk);
        await world.PushAsync(("a", 1, "one"));
        disk.Opening = path =>
        {
            if (!path.EndsWith("flushed.tmp", StringComparison.Ordinal)) return;
            // As a kill would leave it.
            Assert.Single(world.Parts);
            problems ??= LogVerifier.Verify(world.LogsFolder, null, null, default).Problems;
            throw new IOException("injected: no mark");
        };
        Assert.False(await world.Store.FlushAsync(default));
        Assert.Empty(problems!);
        Assert.Equal(["a 1 one"], world.Read());
    }

    [Theory, InlineData("rubbish"), InlineData(null)]
    public async Task A_damaged_or_missing_mark_costs_nothing(string? content)
    {
        await using var world = new StoreWorld(with: StoreWorld.Plain);
        await world.PushAsync(("a", 1, "one"), ("a", 2, "two"));
        await world.Store.FlushAsync(CancellationToken.None);
        await world.RestartAsync(() =>
        {
            string mark = Path.Combine(world.LogsFolder, "flushed");
            if (content is null) File.Delete(mark);
            else File.WriteAllText(mark, content);
        });
        Assert.Equal(["a 1 one", "a 2 two"], world.Read());
        Assert.Equal(["a 2 two", "a 1 one"], world.Read(backward: true));
    }

    [Fact]
    public async Task A_new_write_log_does_not_hide_old_parts_or_new_records()
    {
        await using var world = new StoreWorld(with: StoreWorld.Plain);
        for (int i = 0; i < 50; i++) await world.PushAsync(("a", i, $"line {i} {new string('x', 2000)}"));
        await world.Store.FlushAsync(CancellationToken.None);
        await world.RestartAsync(() => Directory.Delete(Path.Combine(Path.GetDirectoryName(world.LogsFolder)!, "write-log"), recursive: true));
        await world.PushAsync(("a", 100, "after"));
        await world.RestartAsync();
        Assert.Equal(51, world.Read().Count);
        // Nor do the places that the old flushes speak of once the new write log has grown past them.
        for (int i = 0; i < 100; i++) await world.PushAsync(("a", 200 + i, $"line {i} {new string('x', 2000)}"));
        await world.RestartAsync();
        Assert.Equal(151, world.Read().Count);
        await world.RestartAsync(() => File.Delete(Path.Combine(world.LogsFolder, "flushed")));
        Assert.Equal(151, world.Read().Count);
    }

    [Fact]
    public async Task A_damaged_part_is_set_aside_and_the_rest_works()
    {
        for (int seed = 1; seed <= 60; seed++)
        {
            var random = new Random(seed);
            await using var world = new StoreWorld(with: StoreWorld.Plain);
            await world.PushAsync(("a", 1, "in the first part"));
            await world.Store.FlushAsync(CancellationToken.None);
            await world.PushAsync([.. Enumerable.Range(2, 50).Select(i => ("b", (long)i, $"in the second part {i}"))]);
            await world.Store.FlushAsync(CancellationToken.None);
            string victim = world.Parts.Order(StringComparer.Ordinal).Last();
            bool cut = random.Next(2) == 0;
            await world.RestartAsync(() =>
            {
                byte[] bytes = File.ReadAllBytes(victim);
                if (cut) bytes = bytes[..random.Next(bytes.Length)];
                else bytes[random.Next(bytes.Length)] ^= (byte)random.Next(1, 256);
                File.WriteAllBytes(victim, bytes);
            });
            var lines = world.Read();
            Assert.True(lines.Contains("a 1 in the first part"), $"seed {seed}");
            Assert.True(lines.All(l => l.Contains("in the first part") || l.Contains("in the second part")), $"seed {seed}: {string.Join('|', lines)}");
            if (cut) Assert.True(File.Exists(victim + ".damaged") && lines.Count == 1 && world.Metric("loki_ingester_wal_corruptions_total") == 1, $"seed {seed}");
        }
    }

    [Fact]
    public async Task Random_pushes_flushes_and_kills_lose_and_invent_nothing()
    {
        for (int seed = 1; seed <= 25; seed++)
        {
            var random = new Random(seed);
            await using var world = new StoreWorld(with: o => StoreWorld.Plain(o) with { BlockBytes = 900 });
            var sent = new SortedSet<string>(StringComparer.Ordinal);
            for (int step = 0; step < 60; step++)
            {
                int what = random.Next(20);
                if (what == 0) await world.RestartAsync();
                else if (what <= 2) await world.Store.FlushAsync(CancellationToken.None);
                else
                {
                    var entries = Enumerable.Range(0, random.Next(1, 12))
                        .Select(_ => ($"s{random.Next(3)}", (random.NextInt64(0, 400) * 600 * StoreWorld.SecondNs) + random.Next(3), $"line {random.Next(40)} {new string('y', random.Next(60))}")).ToArray();
                    await world.PushAsync(entries);
                    foreach (var (app, ns, line) in entries) sent.Add($"{app} {ns} {line}{(StoreWorld.MetadataOf(line).IsEmpty ? "" : " " + StoreWorld.MetadataOf(line))}");
                }
            }
            string context = $"seed {seed}";
            foreach (bool ordered in new[] { true, false })
            {
                var read = world.Read(ordered: ordered);
                Assert.True(sent.SetEquals(read) && read.Count == sent.Count, context);
            }
            var times = world.Read().ConvertAll(l => long.Parse(l.Split(' ')[1]));
            Assert.True(times.SequenceEqual(times.Order()), context);
            var back = world.Read(backward: true).ConvertAll(l => long.Parse(l.Split(' ')[1]));
            Assert.True(back.SequenceEqual(times.OrderDescending()), context);
            long from = times[times.Count / 3], to = times[times.Count * 2 / 3];
            Assert.True(times.Count(t => t >= from && t < to) == world.Read(startNs: from, endNs: to).Count, context);
            var withLiteral = world.Read(literals: "line 7 ");
            Assert.True(sent.Count(s => s.Contains("line 7 ")) == withLiteral.Count(l => l.Contains("line 7 ")), context);
            var backwardLiteral = world.Read(backward: true, literals: ["line 7 ", "y"]);
            Assert.True(sent.Count(s => s.Contains("line 7 ") && s.Contains('y')) == backwardLiteral.Count(l => l.Contains("line 7 ") && l.Contains('y')), context);
        }
    }

    [Fact]
    public async Task Flushes_happen_by_age_and_the_write_log_is_let_go()
    {
        await using var world = new StoreWorld(with: o => StoreWorld.Plain(o) with { FlushInterval = TimeSpan.FromMinutes(5) });
        for (int i = 0; i < 40; i++) await world.PushAsync(("a", i, new string((char)('a' + (i % 26)), 100_000)));
        string segments = Path.Combine(Path.GetDirectoryName(world.LogsFolder)!, "write-log");
        Assert.True(Directory.GetFiles(segments).Length > 3);
        world.Time.Advance(TimeSpan.FromMinutes(6));
        await world.Store.FlushAsync(CancellationToken.None);
        Assert.NotEmpty(world.Parts);
        Assert.InRange(Directory.GetFiles(segments).Length, 1, 3);
        Assert.Equal(40, world.Read().Count);
    }

    [Fact]
    public async Task A_flush_that_fails_keeps_everything_and_the_next_one_writes_it()
    {
        await using var world = new StoreWorld(with: o => StoreWorld.Plain(o) with { BlockBytes = 300, FlushBytes = 8000 });
        long day = 86_400 * StoreWorld.SecondNs;
        var sent = new List<string>();
        // A file stands where the second day's folder should be.
        Directory.CreateDirectory(Path.Combine(world.LogsFolder, "anonymous"));
        string obstacle = Path.Combine(world.LogsFolder, "anonymous", "1970-01-02");
        File.WriteAllText(obstacle, "");
        for (int round = 0; round < 3; round++)
        {
            for (int i = 0; i < 10; i++)
            {
                long at = (round * 10) + i + (i % 2 * day);
                await world.PushAsync(("a", at, $"line {at}"));
                sent.Add(StoreWorld.Shown("a", at, $"line {at}"));
            }
            await world.Store.FlushAsync(CancellationToken.None);
            Assert.Equal(round + 1, world.Metric("loki_ingester_chunks_flush_failures_total"));
            Assert.Equal(sent.Order(StringComparer.Ordinal), world.Read().Order(StringComparer.Ordinal));
        }
        File.Delete(obstacle);
        await world.Store.FlushAsync(CancellationToken.None);
        Assert.Equal(2, world.Parts.Length);
        Assert.Equal(sent.Order(StringComparer.Ordinal), world.Read().Order(StringComparer.Ordinal));
        await world.RestartAsync();
        Assert.Equal(sent.Order(StringComparer.Ordinal), world.Read().Order(StringComparer.Ordinal));
    }

    /// <summary>The disk fails from a call on, once or a few times, so that what a flush wrote cannot always be taken away: nothing is lost or counted twice.</summary>
    [Theory, InlineData(1), InlineData(2), InlineData(3), InlineData(1000)]
    public async Task A_flush_that_fails_at_any_call_and_cannot_be_undone_loses_and_doubles_nothing(int failures)
    {
        bool untouched = false;
        for (int failing = 1; !untouched; failing++)
        {
            foreach (bool again in new[] { false, true })
            {
                var disk = new NthCallDisk(failing, failures);
                bool broken = true;
                // The disk is mended with the restart.
                await using var world = new StoreWorld(with: o => StoreWorld.Plain(o) with { Disk = broken ? disk : Pharos.Storage.Files.FileDisk.Instance });
                await world.PushAsync(("a", 1, "one"), ("b", 86_400 * StoreWorld.SecondNs, "two"));
                await world.Store.FlushAsync(CancellationToken.None);
                await world.PushAsync(("a", 2, "three"), ("b", 86_401 * StoreWorld.SecondNs, "four"));
                await world.Store.FlushAsync(CancellationToken.None);
                await world.PushAsync(("a", 3, "five"));
                if (again) await world.Store.FlushAsync(CancellationToken.None);
                string context = $"call {failing}, again {again}";
                Assert.True(world.Read().Count == 5, context);
                untouched = !disk.Fired;
                broken = false;
                await world.RestartAsync();
                Assert.True(world.Read().Count == 5, $"{context}, after the restart: {string.Join('|', world.Read())}");
                await world.Store.FlushAsync(CancellationToken.None);
                await world.RestartAsync();
                Assert.True(world.Read().Count == 5, $"{context}, after a flush: {string.Join('|', world.Read())}");
            }
        }
    }

    [Fact]
    public async Task While_nothing_can_be_flushed_memory_stays_bounded()
    {
        await using var world = new StoreWorld(with: o => StoreWorld.Plain(o) with { FlushBytes = 20_000 });
        File.WriteAllText(Path.Combine(world.LogsFolder, "anonymous"), "a file where the tenant's folder should be");
        int taken = 0;
        var refused = await Assert.ThrowsAsync<StoreUnavailableException>(async () =>
        {
            for (; taken < 200; taken++)
            {
                await world.PushAsync(("a", taken, new string('x', 1000)));
                await world.Store.FlushAsync(CancellationToken.None);
            }
        });
        Assert.StartsWith("more than 60000 bytes of logs wait to be written", refused.Message);
        Assert.Equal(taken, world.Read().Count);
        File.Delete(Path.Combine(world.LogsFolder, "anonymous"));
        await world.Store.FlushAsync(CancellationToken.None);
        await world.PushAsync(("a", 1000, "room again"));
        Assert.Equal(taken + 1, world.Read().Count);
    }

    [Fact]
    public async Task Retention_deletes_old_parts_and_forgets_their_streams()
    {
        await using var world = new StoreWorld(new TenantLimits { LogRetention = TimeSpan.FromDays(2) }, StoreWorld.Plain);
        long day = 86_400 * StoreWorld.SecondNs;
        await world.PushAsync(("old", world.NowNs - (3 * day), "gone soon"), ("new", world.NowNs, "stays"));
        await world.Store.FlushAsync(CancellationToken.None);
        Assert.Equal(2, world.Parts.Length);
        world.Store.ApplyRetention();
        Assert.Equal([$"new {world.NowNs} stays"], world.Read());
        Assert.Single(world.Parts);
        await world.PushAsync(("old", world.NowNs, "again"));
        await world.Store.FlushAsync(CancellationToken.None);
        Assert.Equal(2, world.Read().Count);
    }
}
