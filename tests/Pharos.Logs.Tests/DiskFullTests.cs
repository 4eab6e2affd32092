using Pharos.Core;
using Pharos.Logs.Tools;
using Pharos.Storage.Tests;

namespace Pharos.Logs.Tests;

/// <summary>A disk that has room for so many bytes: wherever in a push, a flush, a merge or a deletion it is full, nothing is lost, and with room again all goes on by itself.</summary>
public sealed class DiskFullTests
{
    private static readonly TenantId Other = TenantId.Parse("other");

    [Fact]
    public async Task Wherever_the_disk_is_full_no_line_is_lost_and_with_room_again_all_goes_on()
    {
        int refusedPushes = 0, failedFlushes = 0, failedMerges = 0, room = 50;
        for (bool full = true; full; room += 173)
        {
            var disk = new FaultyDisk { Room = room };
            await using var world = new StoreWorld(
                with: o => StoreWorld.Plain(o) with { BlockBytes = 200, FilterLanguage = new WordLanguage(), DeletionDelay = TimeSpan.Zero, CheckInterval = Timeout.InfiniteTimeSpan }, disk: disk);
            string context = $"with room for {room} bytes";
            var there = new SortedSet<string>(StringComparer.Ordinal);
            var ofOther = new SortedSet<string>(StringComparer.Ordinal);
            full = false;
            for (int flush = 0; flush < 4; flush++)
            {
                for (int i = 0; i < 3; i++)
                {
                    await PushAsync(StoreWorld.Tenant, there, i == 0 ? "gone" : "kept", (10 * flush) + i, i == 0 ? $"word {flush}" : $"line of something {flush} {i}");
                    await PushAsync(Other, ofOther, "kept", (10 * flush) + i, $"line of another tenant {flush} {i}");
                }
                if (!await world.Store.FlushAsync(default)) Fails(ref failedFlushes);
                Check();
            }
            try
            {
                world.Store.Delete(StoreWorld.Tenant, "gone word", 0, long.MaxValue);
                there.RemoveWhere(l => l.StartsWith("gone ", StringComparison.Ordinal));
            }
            catch (StoreUnavailableException)
            {
                full = true;
            }
            Check();
            try
            {
                await world.Store.CompactAsync(default);
            }
            catch (Exception e) when (e is IOException or StoreUnavailableException)
            {
                Assert.Contains("no space left", e.Message, StringComparison.Ordinal);
                full = true;
                failedMerges++;
            }
            Check();
            // A full disk keeps no half files: they would take the room that others wait for.
            Assert.True(Directory.GetFiles(world.LogsFolder, "*.part.tmp", SearchOption.AllDirectories).Length == 0, context);
            disk.Room = long.MaxValue;
            await PushAsync(StoreWorld.Tenant, there, "kept", 1000, "with room again");
            Assert.True(await world.Store.FlushAsync(default), context);
            await world.Store.CompactAsync(default);
            Check();
            Assert.Equal(0, world.Metric("pharos_logs_memory_bytes"));
            Assert.Equal(1, world.Metric("pharos_write_log_writable"));
            await world.RestartAsync();
            Check();
            Assert.Empty(LogVerifier.Verify(world.LogsFolder, null, null, default).Problems);

            async Task PushAsync(TenantId tenant, SortedSet<string> into, string app, long ns, string line)
            {
                try
                {
                    await world.PushAsync(tenant, (app, ns, line));
                    into.Add(StoreWorld.Shown(app, ns, line));
                }
                catch (StoreUnavailableException e)
                {
                    Assert.Contains("no space left", e.Message, StringComparison.Ordinal);
                    Fails(ref refusedPushes);
                }
            }

            void Fails(ref int count)
            {
                full = true;
                count++;
                Assert.True(world.Said.Any(l => l.Contains("no space left", StringComparison.Ordinal)), $"{context}: nobody said why");
            }

            void Check()
            {
                var read = world.Read();
                Assert.True(there.Count == read.Count && there.SetEquals(read), $"{context}: {there.Count} lines, {read.Count} found; missing {string.Join(" | ", there.Except(read))}; too many {string.Join(" | ", read.Except(there))}");
                Assert.True(ofOther.SetEquals(world.Read(tenant: Other)), context);
            }
        }
        // The disk was full in each of them.
        Assert.True(refusedPushes > 10 && failedFlushes > 5 && failedMerges > 3, $"{refusedPushes} pushes, {failedFlushes} flushes, {failedMerges} merges failed; {room} bytes were enough");
    }
}
