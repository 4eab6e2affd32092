using Pharos.Core;
using static Pharos.Metrics.Tests.HeadSnapshotTests;

namespace Pharos.Metrics.Tests;

/// <summary>Finished chunks of the head in files: written once, read from there, never trusted more than the write log.</summary>
public sealed class HeadChunksTests
{
    private static readonly TenantLimits Late = new() { OutOfOrderWindow = TimeSpan.FromHours(2) };

    private static string[] Files(StoreFixture at, string pattern = "*")
    {
        string folder = Path.Combine(at.TenantFolder, "head-chunks");
        return Directory.Exists(folder) ? [.. Directory.GetFiles(folder, pattern).Order(StringComparer.Ordinal)] : [];
    }

    [Fact]
    public async Task Chunks_that_left_memory_read_as_before_over_saves_crashes_and_cuts()
    {
        await using var at = new StoreFixture(Late);
        await FillAsync(at);
        string before = Everything(at);
        Assert.Empty(Files(at));
        await at.Store.SaveHeadsAsync(default);
        Assert.NotEmpty(Files(at));
        Assert.Equal(before, Everything(at));
        await at.RestartAsync();
        Assert.Equal(before, Everything(at));
        string withoutHints = Everything(at, resetHints: false);
        await at.Store.FlushAsync(default);
        Assert.Equal(withoutHints, Everything(at, resetHints: false));
        Assert.Empty(Files(at));
    }

    [Fact]
    public async Task Many_finished_chunks_are_written_without_being_told_and_a_crash_reads_the_log()
    {
        await using var at = new StoreFixture(Late) { HeadChunkBytes = 500 };
        await at.RestartAsync();
        await FillAsync(at);
        string before = Everything(at);
        string[] old = [];
        // Closing waits for the writing that was begun.
        await at.RestartAsync(() => old = Files(at));
        Assert.NotEmpty(old);
        // Without a saved head the files say nothing and are gone; reading the log made others.
        Assert.NotEmpty(Files(at));
        Assert.Empty(Files(at).Intersect(old));
        Assert.Equal(before, Everything(at));
        await at.AppendAsync(Series(3), at.Now + 1000, 77);
        before = Everything(at);
        await at.StopAndStartAsync();
        Assert.Single(Files(at));
        Assert.Equal(before, Everything(at));
        Assert.True(at.Metric("prometheus_tsdb_head_chunks_storage_size_bytes") > 1000);
    }

    [Fact]
    public async Task A_saved_head_does_not_write_finished_chunks_again()
    {
        await using var at = new StoreFixture();
        await FillAsync(at);
        await at.Store.SaveHeadsAsync(default);
        byte[] chunks = await File.ReadAllBytesAsync(Files(at).Single());
        long saved = new FileInfo(Path.Combine(at.TenantFolder, "head-snapshot")).Length;
        await at.AppendAsync(Series(1), at.Now + 1000, 5);
        await at.Store.SaveHeadsAsync(default);
        Assert.Equal(chunks, await File.ReadAllBytesAsync(Files(at).Single()));
        Assert.InRange(new FileInfo(Path.Combine(at.TenantFolder, "head-snapshot")).Length, saved - 200, saved + 200);
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("cut")]
    [InlineData("flipped")]
    [InlineData("foreign")]
    public async Task A_damaged_file_is_set_aside_named_and_counted_and_the_log_brings_its_samples(string how)
    {
        await using var at = new StoreFixture(Late);
        await FillAsync(at);
        string before = Everything(at);
        await at.Store.SaveHeadsAsync(default);
        string path = Files(at).Single();
        byte[] good = await File.ReadAllBytesAsync(path);
        const int seed = 7;
        var random = new Random(seed);
        for (int round = 0; round < 20; round++)
        {
            int place = random.Next(good.Length);
            // The reserved bytes of the header say nothing.
            if (place is 6 or 7) continue;
            byte[] bad = how == "cut" ? good[..place] : [.. good];
            if (how == "flipped") bad[place] ^= (byte)(1 << random.Next(8));
            if (how == "foreign") random.NextBytes(bad);
            await at.RestartAsync(() =>
            {
                if (how == "missing") File.Delete(path);
                else File.WriteAllBytes(path, bad);
            });
            Assert.True(before == Everything(at), $"seed {seed}, round {round}: other samples than before");
            Assert.Equal(1, at.Metric("pharos_tsdb_head_snapshots_damaged_total"));
            Assert.Equal(how == "missing" ? 0 : 1, at.Metric("pharos_tsdb_head_chunk_files_damaged_total"));
            string[] aside = Files(at, "*.damaged");
            if (how != "missing") Assert.Equal(bad, await File.ReadAllBytesAsync(Assert.Single(aside)));
            foreach (string file in aside) File.Delete(file);
            // Saved anew, for the next round.
            await at.Store.SaveHeadsAsync(default);
            path = Files(at).Single();
            good = await File.ReadAllBytesAsync(path);
        }
    }

    [Fact]
    public async Task What_stands_behind_the_saved_end_of_a_file_is_cut_off()
    {
        await using var at = new StoreFixture(Late);
        await FillAsync(at);
        string before = Everything(at);
        await at.Store.SaveHeadsAsync(default);
        string path = Files(at).Single();
        long length = new FileInfo(path).Length;
        await at.RestartAsync(() => File.AppendAllText(path, "half an entry"));
        Assert.Equal(length, new FileInfo(path).Length);
        Assert.Equal(before, Everything(at));
        Assert.Equal(0, at.Metric("pharos_tsdb_head_snapshots_damaged_total"));
    }

    [Fact]
    public async Task A_file_cut_short_under_a_running_store_costs_its_chunks_until_the_restart_and_is_never_cut_into_a_block()
    {
        await using var at = new StoreFixture();
        await FillAsync(at);
        string before = Everything(at);
        await at.Store.SaveHeadsAsync(default);
        using (var file = File.OpenHandle(Files(at).Single(), FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete))
            RandomAccess.SetLength(file, 100);
        Assert.NotEqual(before, Everything(at));
        double lost = at.Metric("pharos_tsdb_corrupt_chunks_total");
        Assert.InRange(lost, 1, 1000);
        Everything(at);
        Assert.Equal(lost, at.Metric("pharos_tsdb_corrupt_chunks_total"));
        var failure = await Assert.ThrowsAsync<IOException>(() => at.Store.FlushAsync(default));
        Assert.Contains(Files(at).Single(), failure.Message, StringComparison.Ordinal);
        await at.RestartAsync();
        Assert.Equal(before, Everything(at));
    }

    [Fact]
    public async Task Queries_beside_the_writing_of_chunks_read_every_sample()
    {
        await using var at = new StoreFixture { HeadChunkBytes = 200 };
        await at.RestartAsync();
        using var stop = new CancellationTokenSource();
        var reading = Task.Run(() =>
        {
            int last = 0;
            while (!stop.IsCancellationRequested)
            {
                var read = at.Read(Series(1));
                Assert.True(read.Count >= last);
                for (int i = 0; i < read.Count; i++) Assert.Equal(i, read[i].Value);
                last = read.Count;
            }
        }, CancellationToken.None);
        for (int i = 0; i < 3000; i++) await at.AppendAsync(Series(1), at.Now + (i * 100L), i);
        await stop.CancelAsync();
        await reading;
        Assert.True(at.Metric("pharos_tsdb_head_chunk_writes_total") > 2);
        Assert.Equal(3000, at.Read(Series(1)).Count);
    }

    [Fact]
    public async Task Whichever_disk_call_fails_a_restart_has_everything()
    {
        for (int call = 1; ; call++)
        {
            await using var at = new StoreFixture(Late, maintains: false);
            await FillAsync(at);
            var disk = new NthCallDisk(call);
            at.Disk = disk;
            await at.RestartAsync();
            await at.Store.SaveHeadsAsync(default);
            await at.AppendAsync(Series(2), at.Now + 1000, 6);
            string before = Everything(at, resetHints: false);
            await at.Store.SaveHeadsAsync(default);
            try
            {
                await at.Store.CutHeadAsync(StoreFixture.Tenant, at.Now - 600_000, default);
            }
            catch (IOException)
            {
                // As it was before.
            }
            Assert.True(before == Everything(at, resetHints: false), $"call {call} failed: other samples than before the cut");
            await at.StopAndStartAsync();
            Assert.True(before == Everything(at, resetHints: false), $"call {call} failed: other samples after the restart");
            at.Disk = Storage.Files.FileDisk.Instance;
            await at.RestartAsync();
            Assert.True(before == Everything(at, resetHints: false), $"call {call} failed: other samples after the second restart");
            if (!disk.Fired) break;
        }
    }
}
