using Pharos.Core;
using Pharos.Logs.Tools;
using Pharos.Storage.Tests;

namespace Pharos.Logs.Tests;

/// <summary>A tenant whose parts cannot be written: it alone waits, in memory and in the write log; the others are written, pushed to, deleted from and let go of as ever, and nobody loses a line.</summary>
public sealed class TenantFlushTests
{
    private const int FlushAt = 20_000;

    private static readonly TenantId Hurt = TenantId.Parse("hurt"), Healthy = TenantId.Parse("healthy");

    [Fact]
    public async Task Where_one_tenants_folder_cannot_be_written_only_its_pushes_are_refused_and_the_others_go_on()
    {
        var random = new Random(20260301);
        await using var world = new StoreWorld(with: o => Options(o) with { BlockBytes = 2000 }) { SegmentBytesMax = 10_000 };
        await world.RestartAsync();
        string folder = Path.Combine(world.LogsFolder, "hurt"), writeLog = Path.Combine(world.DataFolder, "write-log");
        await File.WriteAllTextAsync(folder, "a file where the tenant's folder should be");
        List<string> ofHurt = [], ofHealthy = [];
        int refused = 0;
        for (int round = 0; round < 20; round++)
        {
            for (int i = 0; i < 10; i++)
            {
                // Together ten times what memory may hold.
                await PushAsync(Healthy, ofHealthy);
                try
                {
                    await PushAsync(Hurt, ofHurt);
                }
                catch (StoreUnavailableException e)
                {
                    Assert.StartsWith($"more than {3 * FlushAt} bytes of logs wait to be written", e.Message);
                    refused++;
                }
            }
            Assert.False(await world.Store.FlushAsync(default));
            Assert.True(await world.Store.FlushAsync(default, Healthy));
            Assert.False(await world.Store.FlushAsync(default, Hurt));
            // The last push that is taken may lead over it, and open blocks of a replay take a little more than those that a flush packed.
            Assert.InRange(world.Metric("pharos_logs_memory_bytes"), 1, (3 * FlushAt) + 6000);
            if (round % 5 == 4) await world.RestartAsync();
            Check();
        }
        Assert.True(refused > 100, $"{refused} refused");
        Assert.Contains(world.Said, l => l.StartsWith("Error: Flushing logs failed: ", StringComparison.Ordinal) && l.Contains("Entries of hurt stay in memory", StringComparison.Ordinal));
        Assert.DoesNotContain(world.Said, l => l.Contains("Entries of healthy", StringComparison.Ordinal));
        world.Store.Delete(Healthy, "a 5", 0, long.MaxValue);
        await world.Store.CompactAsync(default);
        Assert.Equal(LogDeleteState.Processed, Assert.Single(world.Store.Deletions(Healthy)).State);
        ofHealthy.RemoveAll(l => l.Contains('5', StringComparison.Ordinal));
        await Assert.ThrowsAsync<IOException>(() => world.Store.SnapshotAsync(Hurt, default));
        await world.Store.SnapshotAsync(Healthy, default);
        await world.RestartAsync();
        Check();
        Assert.Empty(LogVerifier.Verify(world.LogsFolder, null, null, default).Problems);
        Assert.Equal(ofHealthy.Count, LogArchive.Open(world.LogsFolder, null, default).Parts.Sum(p => p.Entries));
        Assert.True(Segments() > 20, "the write log keeps what the tenant needs");
        File.Delete(folder);
        Assert.True(await world.Store.FlushAsync(default));
        Assert.InRange(Segments(), 1, 2);
        Assert.Equal(0, world.Metric("pharos_logs_memory_bytes"));
        await PushAsync(Hurt, ofHurt);
        await world.RestartAsync();
        Check();
        Assert.Equal(ofHealthy.Count + ofHurt.Count - 1, LogArchive.Open(world.LogsFolder, null, default).Parts.Sum(p => p.Entries));

        int Segments() => Directory.GetFiles(writeLog, "*.log").Length;

        async Task PushAsync(TenantId tenant, List<string> into)
        {
            string line = $"{into.Count} {string.Create(1000, random, static (text, random) => random.GetItems("bcdefghijklmnopqrstuvwxyzBCDEFGHIJKLMNOPQRSTUVWXYZ".AsSpan(), text))}";
            await world.PushAsync(tenant, ("a", into.Count, line));
            into.Add(StoreWorld.Shown("a", into.Count, line));
        }

        void Check()
        {
            Assert.Equal(ofHealthy, world.Read(tenant: Healthy));
            Assert.Equal(ofHurt, world.Read(tenant: Hurt));
        }
    }

    /// <summary>The timer tries again for the tenant alone: the others do not get a small part each time.</summary>
    [Fact]
    public async Task A_tenant_whose_flush_failed_is_tried_again_alone()
    {
        var disk = new FaultyDisk { Opening = path => { if (path.Contains("/hurt/", StringComparison.Ordinal)) throw new IOException("injected: this tenant's disk"); } };
        await using var world = new StoreWorld(with: o => Options(o) with { Disk = disk, FlushInterval = TimeSpan.FromHours(1), CheckInterval = TimeSpan.FromSeconds(30) });
        await world.PushAsync(Hurt, ("a", 1, "one"));
        await world.PushAsync(Healthy, ("a", 2, "two"));
        Assert.False(await world.Store.FlushAsync(default));
        await world.PushAsync(Healthy, ("a", 3, "three"));
        await world.PushAsync(Hurt, ("a", 4, "four"));
        disk.Opening = null;
        world.Time.Advance(TimeSpan.FromSeconds(30));
        // Waits for what the timer began.
        await world.StopAsync();
        Assert.Equal(["healthy", "hurt"], world.Parts.Select(TenantOf).Order());
        await world.RestartAsync();
        Check();
        // Only what was in no part yet is in memory.
        world.Read(new LogSelection { Matchers = [], StartNs = 0, EndNs = long.MaxValue }, out var ofHurt, Hurt);
        world.Read(new LogSelection { Matchers = [], StartNs = 0, EndNs = long.MaxValue }, out var ofHealthy, Healthy);
        Assert.Equal((0, 1), (ofHurt.Memory.OpenLines, ofHealthy.Memory.OpenLines));
        Assert.True(await world.Store.FlushAsync(default));
        await world.PushAsync(Hurt, ("a", 5, "five"));
        Assert.True(await world.Store.FlushAsync(default));
        await world.RestartAsync();
        Assert.Equal(["a 1 one", "a 4 four", "a 5 five"], world.Read(tenant: Hurt));
        Assert.Equal(["a 2 two", "a 3 three"], world.Read(tenant: Healthy));
        Assert.Equal(0, world.Metric("pharos_logs_memory_bytes"));

        void Check()
        {
            Assert.Equal(["a 1 one", "a 4 four"], world.Read(tenant: Hurt));
            Assert.Equal(["a 2 two", "a 3 three"], world.Read(tenant: Healthy));
        }

        static string TenantOf(string part) => Path.GetFileName(Path.GetDirectoryName(Path.GetDirectoryName(part)!)!);
    }

    /// <summary>What it waits with goes to the end of the log once in a while, also where that is cut off before the marks say so.</summary>
    [Theory, InlineData(false), InlineData(true)]
    public async Task The_write_log_does_not_grow_for_good_with_a_tenant_that_cannot_be_written(bool cutOff)
    {
        var disk = new FaultyDisk();
        await using var world = new StoreWorld(with: o => Options(o) with { Disk = disk, CarryBytes = 30_000, BlockBytes = 2000 }) { SegmentBytesMax = 10_000 };
        await world.RestartAsync();
        bool broken = true;
        int marks = 0, carried = 0, cut = 0;
        disk.Opening = path =>
        {
            if (broken && path.Contains("/hurt/", StringComparison.Ordinal)) throw new IOException("injected: this tenant's disk");
            // The first marks of a flush are those of the tenants that were written, the second ones tell what was carried.
            if (!path.EndsWith("flushed.tmp", StringComparison.Ordinal) || ++marks != 2 || !cutOff || ++carried % 2 == 0) return;
            cut++;
            throw new IOException("injected: no marks");
        };
        List<string> ofHurt = [], ofHealthy = [];
        for (int round = 0; round < 60; round++)
        {
            for (int i = 0; i < 10; i++) await PushAsync(Healthy, ofHealthy);
            if (round % 10 == 0) await PushAsync(Hurt, ofHurt);
            int before = cut;
            marks = 0;
            Assert.False(await world.Store.FlushAsync(default));
            marks = 3;
            if (cut > before || round % 7 == 6) await world.RestartAsync();
            Assert.InRange(Directory.GetFiles(Path.Combine(world.DataFolder, "write-log"), "*.log").Length, 1, cutOff ? 14 : 8);
            Assert.Equal(ofHealthy, world.Read(tenant: Healthy));
            Assert.Equal(ofHurt, world.Read(tenant: Hurt));
        }
        Assert.Equal((6, cutOff), (ofHurt.Count, cut > 3));
        broken = false;
        Assert.True(await world.Store.FlushAsync(default));
        await world.RestartAsync();
        Assert.Equal(ofHurt, world.Read(tenant: Hurt));
        // What was carried in vain is in parts twice, and shown once.
        Assert.InRange(LogArchive.Open(world.LogsFolder, null, default).Parts.Sum(p => p.Entries), ofHealthy.Count + ofHurt.Count, ofHealthy.Count + ofHurt.Count + (cutOff ? ofHurt.Count * cut : 0));

        async Task PushAsync(TenantId tenant, List<string> into)
        {
            string line = $"{into.Count} {new string('x', 1000)}";
            await world.PushAsync(tenant, ("a", into.Count, line));
            into.Add(StoreWorld.Shown("a", into.Count, line));
        }
    }

    /// <summary>Folders of some tenants fail, then those of others, and any call now and then; starts, lost marks, merges, deletions and stops within flushes come between.</summary>
    [Theory, InlineData(1), InlineData(2), InlineData(3), InlineData(4), InlineData(5), InlineData(6)]
    public async Task Whoevers_flushes_fail_in_whatever_order_every_line_is_there_once_and_no_deleted_one_comes_back(int seed)
    {
        var random = new Random(seed);
        var disk = new FaultyDisk();
        await using var world = new StoreWorld(with: o => Options(o) with { Disk = disk, FlushBytes = 1 << 20, BlockBytes = 300, CarryBytes = 500, CheckInterval = TimeSpan.FromSeconds(30) })
        {
            // Small ones are let go of at once, large ones are there still where a flush is undone from outside.
            SegmentBytesMax = seed % 2 == 0 ? 2000 : 1 << 20,
        };
        await world.RestartAsync();
        string marks = Path.Combine(world.LogsFolder, "flushed");
        TenantId[] tenants = [TenantId.Parse("t0"), TenantId.Parse("t1"), TenantId.Parse("t2"), TenantId.Parse("t3")];
        var there = tenants.ToDictionary(t => t, _ => new SortedSet<string>(StringComparer.Ordinal));
        var broken = new HashSet<string>();
        int number = 0, epoch = 0, failed = 0, partly = 0;
        bool shaky = false;
        disk.Opening = path =>
        {
            if (broken.Any(t => path.Contains($"/{t}/", StringComparison.Ordinal))) throw new IOException($"injected: {path}");
        };
        disk.Calling = () =>
        {
            if (shaky && random.Next(12) == 0) throw new IOException("injected: now and then");
        };
        for (int step = 0; step < 250; step++)
        {
            string context = $"seed {seed}, step {step}";
            var tenant = tenants[random.Next(tenants.Length)];
            switch (random.Next(12))
            {
                case 0:
                    broken = [.. tenants.Where(_ => random.Next(3) == 0).Select(t => t.Name)];
                    break;
                case 1:
                case 2:
                    shaky = random.Next(3) == 0;
                    if (!await world.Store.FlushAsync(default))
                    {
                        failed++;
                        if (broken.Count is > 0 and < 4) partly++;
                    }
                    break;
                case 3:
                    // Who failed is tried again, alone.
                    world.Time.Advance(TimeSpan.FromSeconds(30));
                    await world.RestartAsync();
                    break;
                case 4:
                    shaky = random.Next(3) == 0;
                    await Record.ExceptionAsync(() => world.Store.CompactAsync(default));
                    break;
                case 5:
                    await world.RestartAsync(() =>
                    {
                        if (random.Next(3) == 0) File.Delete(marks);
                    });
                    break;
                case 7 when seed % 2 == 1 && File.Exists(marks):
                    // A stop between a flush's parts and its marks.
                    string before = await File.ReadAllTextAsync(marks);
                    await world.Store.FlushAsync(default);
                    await world.RestartAsync(() => File.WriteAllText(marks, before));
                    break;
                case 6 when !broken.Contains(tenant.Name):
                    string word = $"e{epoch++}k{random.Next(3)}-";
                    world.Store.Delete(tenant, $"a {word}", 0, long.MaxValue);
                    there[tenant].RemoveWhere(l => l.StartsWith("a ", StringComparison.Ordinal) && l.Contains($" {word}", StringComparison.Ordinal));
                    break;
                default:
                    for (int i = 0; i < 5; i++)
                    {
                        string app = $"{(char)('a' + random.Next(3))}", line = $"e{epoch}k{random.Next(3)}-{new string('y', random.Next(50))}";
                        long ns = (random.Next(3) * 86_400 * StoreWorld.SecondNs) + number++;
                        await world.PushAsync(tenant, (app, ns, line));
                        there[tenant].Add(StoreWorld.Shown(app, ns, line));
                    }
                    break;
            }
            shaky = false;
            Check(context);
        }
        broken = [];
        Assert.True(await world.Store.FlushAsync(default));
        Assert.Equal(0, world.Metric("pharos_logs_memory_bytes"));
        Check($"seed {seed}, at the end");
        await world.Store.CompactAsync(default);
        await world.RestartAsync();
        Check($"seed {seed}, started anew");
        Assert.Empty(LogVerifier.Verify(world.LogsFolder, null, null, default).Problems);
        Assert.True(failed > 5 && partly > 2, $"seed {seed}: {failed} flushes failed, {partly} partly");

        void Check(string context)
        {
            foreach (var tenant in tenants)
            {
                var read = world.Read(tenant: tenant);
                Assert.True(read.Count == there[tenant].Count && there[tenant].SetEquals(read),
                    $"{context}, {tenant}: missing {string.Join(" | ", there[tenant].Except(read).Take(5))}; too many {string.Join(" | ", read.Except(there[tenant]).Take(5))}; twice {string.Join(" | ", read.GroupBy(l => l).Where(g => g.Count() > 1).Select(g => g.Key).Take(5))}");
            }
        }
    }

    private static LogStoreOptions Options(LogStoreOptions options) => StoreWorld.Plain(options) with
    {
        FlushBytes = FlushAt,
        FilterLanguage = new WordLanguage(),
        DeletionDelay = TimeSpan.Zero,
        CheckInterval = Timeout.InfiniteTimeSpan,
    };
}
