using Pharos.Core;
using Pharos.Logs.Tools;
using Pharos.Metrics.Tests;

namespace Pharos.Logs.Tests;

/// <summary>Snapshots hold all that was acknowledged, stay as they are, and are whole or not there.</summary>
public sealed class LogSnapshotTests
{
    [Fact]
    public async Task A_snapshot_stays_as_it_was_whatever_becomes_of_the_store()
    {
        await using var world = new StoreWorld(with: o => StoreWorld.Plain(o) with { FilterLanguage = new WordLanguage(), DeletionDelay = TimeSpan.FromHours(1) });
        for (int i = 0; i < 4; i++)
        {
            await world.PushAsync(("a", i, $"secret {i}"), ("a", 100 + i, $"line {i}"), ("b", i * 86_400 * StoreWorld.SecondNs, $"day {i}"));
            if (i < 3) await world.Store.FlushAsync(CancellationToken.None);
        }
        world.Store.Delete(StoreWorld.Tenant, "a secret", 0, 1000);
        var before = world.Read();
        Assert.Equal(8, before.Count);
        string name = await world.Store.SnapshotAsync(StoreWorld.Tenant, CancellationToken.None), again = await world.Store.SnapshotAsync(StoreWorld.Tenant, CancellationToken.None);
        Assert.Equal(("20260301T120000Z", "20260301T120000Z-2"), (name, again));
        // The store merges its parts, takes what was deleted off the disk, and goes on.
        world.Time.Advance(TimeSpan.FromHours(2));
        await world.Store.CompactAsync(CancellationToken.None);
        world.Time.Advance(TimeSpan.FromHours(2));
        await world.Store.CompactAsync(CancellationToken.None);
        await world.PushAsync(("a", 500, "later"));
        await world.Store.FlushAsync(CancellationToken.None);
        string data = Path.Combine(world.LogsFolder + "-snapshots", name), logs = Path.Combine(data, "logs");
        Assert.Equal(16 - 4, LogArchive.Open(logs, null, CancellationToken.None).Parts.Sum(p => p.Entries));
        Assert.Empty(LogVerifier.Verify(logs, null, null, CancellationToken.None).Problems);
        // A server on a copy of it shows what was there, and can take the deletion back.
        await using var copy = new StoreWorld(with: o => StoreWorld.Plain(o) with { Folder = logs, FilterLanguage = new WordLanguage() });
        Assert.Equal(before, copy.Read());
        Assert.True(copy.Store.CancelDeletion(StoreWorld.Tenant, Assert.Single(copy.Store.Deletions(StoreWorld.Tenant)).Id));
        Assert.Equal(12, copy.Read().Count);
        await copy.PushAsync(("c", 1, "new"));
        await copy.RestartAsync();
        Assert.Equal(13, copy.Read().Count);
    }

    /// <summary>The nth call to the disk fails, for every n.</summary>
    [Fact]
    public async Task A_snapshot_that_cannot_be_written_is_not_there()
    {
        for (int failing = 1; ; failing++)
        {
            var disk = new NthCallDisk(int.MaxValue);
            bool broken = false;
            var failingDisk = new NthCallDisk(failing);
            await using var world = new StoreWorld(with: o => StoreWorld.Plain(o) with { Disk = broken ? failingDisk : disk });
            await world.PushAsync(("a", 1, "one"), ("b", 86_400 * StoreWorld.SecondNs, "two"));
            await world.Store.FlushAsync(CancellationToken.None);
            broken = true;
            await world.RestartAsync();
            await world.PushAsync(("a", 2, "three"));
            string folder = world.LogsFolder + "-snapshots";
            bool taken = true;
            try
            {
                await world.Store.SnapshotAsync(StoreWorld.Tenant, CancellationToken.None);
            }
            catch (IOException)
            {
                taken = false;
            }
            Assert.Equal(3, world.Read().Count);
            foreach (string snapshot in Directory.Exists(folder) ? Directory.GetDirectories(folder) : [])
                Assert.Equal(3, LogArchive.Open(Path.Combine(snapshot, "logs"), null, CancellationToken.None).Parts.Sum(p => p.Entries));
            Assert.Equal(taken ? 1 : 0, Directory.Exists(folder) ? Directory.GetDirectories(folder).Length : 0);
            if (!failingDisk.Fired) break;
            Assert.True(failing < 200);
        }
    }
}
