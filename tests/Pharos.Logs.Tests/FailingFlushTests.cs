using Pharos.Core;
using Pharos.Storage.Tests;

namespace Pharos.Logs.Tests;

/// <summary>Flushes and merges that fail again and again, for reasons of the disk and others: memory stays bounded, nobody has to push for them to be tried again, and nothing is lost.</summary>
public sealed class FailingFlushTests
{
    [Fact]
    public async Task While_flushes_fail_again_and_again_beside_pushes_memory_stays_bounded()
    {
        var disk = new FaultyDisk();
        await using var world = new StoreWorld(with: o => StoreWorld.Plain(o) with { FlushBytes = 20_000, CheckInterval = Timeout.InfiniteTimeSpan }, disk: disk);
        var taken = new List<string>();
        int refused = 0;
        disk.Opening = path =>
        {
            if (!path.EndsWith(".part.tmp", StringComparison.Ordinal)) return;
            // Senders go on while a flush is being written.
            for (int i = 0; i < 30; i++) Push();
            throw new IOException("injected: no room for a part");
        };
        for (int again = 0; again < 12; again++)
        {
            for (int i = 0; i < 10; i++) Push();
            Assert.False(await world.Store.FlushAsync(default));
            // At most three times as much as a flush is due at, and the page that was begun at the end.
            Assert.InRange(world.Metric("pharos_logs_memory_bytes"), 10_000, 60_000 + 36_000);
        }
        Assert.InRange(taken.Count, 20, 80);
        Assert.True(refused > 300);
        Assert.Equal(12, world.Metric("loki_ingester_chunks_flush_failures_total"));
        Assert.Equal(12, world.Said.Count(l => l.StartsWith("Error: Flushing logs failed: injected: no room for a part", StringComparison.Ordinal)));
        Assert.Equal(taken, world.Read());
        disk.Opening = null;
        Assert.True(await world.Store.FlushAsync(default));
        Assert.Equal(0, world.Metric("pharos_logs_memory_bytes"));
        Push();
        Assert.Equal(taken, world.Read());
        await world.RestartAsync();
        Assert.Equal(taken, world.Read());

        void Push()
        {
            string line = new((char)('a' + (taken.Count % 26)), 1000);
            try
            {
                world.PushAsync(("a", taken.Count, line)).GetAwaiter().GetResult();
                taken.Add(StoreWorld.Shown("a", taken.Count, line));
            }
            catch (StoreUnavailableException)
            {
                refused++;
            }
        }
    }

    [Fact]
    public async Task A_flush_that_failed_is_tried_again_at_the_next_look_without_any_push()
    {
        var disk = new FaultyDisk { Opening = path => throw new IOException($"injected: {path}") };
        await using var world = new StoreWorld(with: o => StoreWorld.Plain(o) with { Disk = disk, FlushInterval = TimeSpan.FromHours(1), CheckInterval = TimeSpan.FromSeconds(30) });
        await world.PushAsync(("a", 1, "one"));
        Assert.False(await world.Store.FlushAsync(default));
        disk.Opening = null;
        world.Time.Advance(TimeSpan.FromSeconds(30));
        // Waits for what the timer began.
        await world.StopAsync();
        Assert.Single(world.Parts);
        await world.RestartAsync();
        Assert.Equal(["a 1 one"], world.Read());
    }

    [Fact]
    public async Task What_fails_unforeseen_is_logged_and_stops_no_later_flush_nor_merge_nor_closing()
    {
        var failed = new TaskCompletionSource();
        var disk = new FaultyDisk();
        await using var world = new StoreWorld(with: o => StoreWorld.Plain(o) with
        {
            Disk = disk, FilterLanguage = new WordLanguage(), DeletionDelay = TimeSpan.Zero, FlushInterval = TimeSpan.FromMinutes(1), CheckInterval = TimeSpan.FromMinutes(1),
        });
        await world.PushAsync(("a", 1, "one"), ("b", 2, "two"));
        disk.Opening = Fail;
        for (int tick = 0; tick < 2; tick++)
        {
            world.Time.Advance(TimeSpan.FromMinutes(1));
            await failed.Task;
            await world.RestartAsync();
            failed = new TaskCompletionSource();
            Assert.Equal(["a 1 one", "b 2 two"], world.Read());
        }
        Assert.False(await world.Store.FlushAsync(default));
        disk.Opening = null;
        Assert.True(await world.Store.FlushAsync(default));
        world.Store.Delete(StoreWorld.Tenant, "b", 0, 1000);
        failed = new TaskCompletionSource();
        disk.Opening = Fail;
        world.Time.Advance(TimeSpan.FromMinutes(1));
        await failed.Task;
        await world.RestartAsync();
        Assert.Equal(["a 1 one"], world.Read());
        Assert.Contains(world.Said, l => l.StartsWith("Error: Flushing logs failed: injected: not of the disk", StringComparison.Ordinal));
        Assert.Contains(world.Said, l => l.StartsWith("Error: Merging log parts failed: injected: not of the disk", StringComparison.Ordinal));
        disk.Opening = null;
        await world.Store.CompactAsync(default);
        await world.RestartAsync();
        Assert.Equal(["a 1 one"], world.Read());
        Assert.Equal(LogDeleteState.Processed, Assert.Single(world.Store.Deletions(StoreWorld.Tenant)).State);

        void Fail(string path)
        {
            failed.TrySetResult();
            throw new NotSupportedException("injected: not of the disk");
        }
    }

    [Theory, InlineData("anonymous", "other"), InlineData("other", "anonymous")]
    public async Task What_fails_for_one_tenant_keeps_no_other_from_its_deletions_and_merges(string hurt, string healthy)
    {
        var disk = new FaultyDisk();
        await using var world = new StoreWorld(with: o => StoreWorld.Plain(o) with { Disk = disk, FilterLanguage = new WordLanguage(), DeletionDelay = TimeSpan.Zero });
        foreach (string tenant in (string[])[hurt, healthy])
        {
            await world.PushAsync(TenantId.Parse(tenant), ("a", 1, "word"), ("a", 2, "stays"));
            Assert.True(await world.Store.FlushAsync(default));
            world.Store.Delete(TenantId.Parse(tenant), "a word", 0, 1000);
        }
        disk.Opening = path =>
        {
            if (path.Contains($"/{hurt}/", StringComparison.Ordinal)) throw new IOException("injected: this tenant's disk");
        };
        var told = await Assert.ThrowsAsync<IOException>(() => world.Store.CompactAsync(default));
        Assert.Equal("injected: this tenant's disk", told.Message);
        Assert.Equal(LogDeleteState.Processed, Assert.Single(world.Store.Deletions(TenantId.Parse(healthy))).State);
        Assert.Equal(LogDeleteState.Received, Assert.Single(world.Store.Deletions(TenantId.Parse(hurt))).State);
        foreach (string tenant in (string[])[hurt, healthy]) Assert.Equal(["a 2 stays"], world.Read(tenant: TenantId.Parse(tenant)));
    }

    [Fact]
    public async Task A_clock_that_steps_back_delays_no_flush_and_costs_no_line()
    {
        SteppedClock clock = null!;
        await using var world = new StoreWorld(
            with: o => StoreWorld.Plain(o) with { FlushInterval = TimeSpan.FromMinutes(5) }, clock: time => clock = new SteppedClock(time));
        long before = clock.UnixNs();
        await world.PushAsync(("a", before, "before"));
        clock.Ahead = TimeSpan.FromHours(-5);
        long after = clock.UnixNs();
        Assert.Equal(1, (await world.PushAsync(("a", after, "after"))).Entries);
        await world.RestartAsync();
        clock.Ahead = TimeSpan.FromHours(-10);
        Assert.Equal([$"a {after} after", $"a {before} before"], world.Read());
        world.Time.Advance(TimeSpan.FromMinutes(6));
        await world.StopAsync();
        Assert.Single(world.Parts);
        await world.RestartAsync();
        Assert.Equal([$"a {after} after", $"a {before} before"], world.Read());
    }

    /// <summary>A clock that somebody sets; time goes by all the same.</summary>
    private sealed class SteppedClock(TimeProvider time) : TimeProvider
    {
        public TimeSpan Ahead { get; set; }

        public override DateTimeOffset GetUtcNow() => time.GetUtcNow() + Ahead;

        public override long GetTimestamp() => time.GetTimestamp();

        public override long TimestampFrequency => time.TimestampFrequency;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => time.CreateTimer(callback, state, dueTime, period);
    }
}
