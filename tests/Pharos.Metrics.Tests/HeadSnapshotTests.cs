using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Core;
using Pharos.Metrics.Head;
using Pharos.Storage.Files;
using Pharos.Storage.Tests;
using Pharos.Storage.WriteLog;

namespace Pharos.Metrics.Tests;

/// <summary>The saved head: a restart reads it instead of the write log, and never trusts it more than the log.</summary>
public sealed class HeadSnapshotTests
{
    private static readonly TenantLimits Late = new() { OutOfOrderWindow = TimeSpan.FromHours(2) };

    private static string SnapshotOf(StoreFixture at) => Path.Combine(at.TenantFolder, "head-snapshot");

    private static string LogOf(StoreFixture at) => Path.Combine(at.Folder, "write-log");

    [Fact]
    public async Task After_a_clean_stop_everything_is_there_without_the_write_log()
    {
        await using var at = new StoreFixture(Late);
        await FillAsync(at);
        string before = Everything(at);
        await at.StopAndStartAsync(() => Directory.Delete(LogOf(at), recursive: true));
        Assert.Equal(before, Everything(at));
        // What comes now gets places in the new log that the snapshot does not speak of.
        await at.AppendAsync(Series(3), at.Now + 1000, 77);
        before = Everything(at);
        await at.RestartAsync();
        Assert.Equal(before, Everything(at));
    }

    [Fact]
    public async Task Samples_behind_the_snapshot_come_from_the_log_and_each_comes_once()
    {
        await using var at = new StoreFixture(Late);
        await FillAsync(at);
        await at.Store.SaveHeadsAsync(default);
        for (int i = 1; i <= 20; i++)
        {
            at.Time.Advance(TimeSpan.FromSeconds(15));
            for (int series = 0; series < 60; series++) await at.AppendAsync(Series(series), at.Now, i);
        }
        string before = Everything(at);
        await at.RestartAsync();
        Assert.Equal(before, Everything(at));
        // A sample that came back twice would have been put among the late ones.
        Assert.Equal(0, at.Metric("prometheus_tsdb_head_out_of_order_samples_appended_total"));
        Assert.True(at.Metric("prometheus_tsdb_head_series") >= 60);
    }

    [Fact]
    public async Task Saving_beside_appends_loses_and_doubles_nothing()
    {
        await using var at = new StoreFixture();
        var appending = Task.Run(async () =>
        {
            for (int i = 0; i < 300; i++)
            {
                using var batch = new MetricBatch();
                for (int series = i / 10 * 100; series < (i / 10 * 100) + 500; series++) batch.AddSample(batch.AddSeries(Series(series)), at.Now + i, i);
                Assert.False((await at.Store.AppendAsync(StoreFixture.Tenant, batch, default)).HasErrors);
            }
        });
        while (!appending.IsCompleted) await at.Store.SaveHeadsAsync(default);
        await appending;
        string before = Everything(at);
        await at.RestartAsync();
        Assert.Equal(before, Everything(at));
        Assert.Equal(0, at.Metric("prometheus_tsdb_head_out_of_order_samples_appended_total"));
    }

    [Fact]
    public async Task A_damaged_snapshot_costs_nothing_but_time_and_is_counted()
    {
        await using var at = new StoreFixture(Late);
        await FillAsync(at);
        string before = Everything(at);
        await at.Store.SaveHeadsAsync(default);
        byte[] good = File.ReadAllBytes(SnapshotOf(at));
        const int seed = 11;
        var random = new Random(seed);
        for (int round = 0; round < 30; round++)
        {
            int place = random.Next(good.Length);
            // Two reserved bytes of the header say nothing.
            if (place is 6 or 7) continue;
            byte[] bad = round % 3 == 0 ? good[..place] : [.. good];
            if (round % 3 != 0) bad[place] ^= (byte)(1 << random.Next(8));
            await at.RestartAsync(() => File.WriteAllBytes(SnapshotOf(at), bad));
            Assert.True(before == Everything(at), $"seed {seed}, round {round}: other samples than before");
            Assert.Equal(1, at.Metric("pharos_tsdb_head_snapshots_damaged_total"));
        }
        await at.RestartAsync(() => File.Delete(SnapshotOf(at)));
        Assert.Equal(before, Everything(at));
    }

    [Fact]
    public async Task Content_that_only_a_checksum_vouches_for_is_refused_or_read_but_never_crashes()
    {
        await using var at = new StoreFixture(Late);
        await FillAsync(at);
        await at.Store.SaveHeadsAsync(default);
        byte[] good = File.ReadAllBytes(SnapshotOf(at));
        using var folder = Places.NewFolder();
        for (int seed = 1; seed <= 300; seed++)
        {
            byte[] bad = Mutated(good, new Random(seed));
            File.WriteAllBytes(Path.Combine(folder, "head-snapshot"), bad);
            var head = NewHead(folder);
            try
            {
                HeadSnapshot.Load(head, CutMark.None, folder, at.Now);
            }
            catch (InvalidDataException)
            {
                // Refused: the log is read instead.
            }
            catch (Exception wrong)
            {
                Assert.Fail($"seed {seed}: {wrong}");
            }
        }
    }

    [Fact]
    public async Task Records_of_any_content_are_replayed_or_left_out_but_never_crash()
    {
        await using var at = new StoreFixture(Late);
        await FillAsync(at);
        var records = new List<byte[]>();
        at.Log.Replay(RecordKind.Metrics, (_, _, payload) => records.Add(payload.ToArray()));
        using var folder = Places.NewFolder();
        for (int seed = 1; seed <= 300; seed++)
        {
            var random = new Random(seed);
            var head = NewHead(folder);
            using var workers = new ReplayWorkers(2);
            var replay = new HeadReplay(head, CutMark.None, null, workers, NullLogger.Instance, at.Now);
            try
            {
                for (int i = 0; i < 5; i++)
                {
                    byte[] record = [.. records[random.Next(3) == 0 ? 0 : random.Next(records.Count)]];
                    for (int flips = random.Next(4); flips > 0; flips--) record[random.Next(record.Length)] = (byte)random.Next(256);
                    replay.Read(new WriteLogPosition(1, 40 + i), random.Next(5) == 0 ? record.AsSpan(0, random.Next(record.Length)) : record);
                }
                replay.Finish();
            }
            catch (Exception wrong)
            {
                Assert.Fail($"seed {seed}: {wrong}");
            }
        }
    }

    [Fact]
    public async Task Whichever_disk_call_of_saving_fails_a_restart_has_everything()
    {
        for (int call = 1; ; call++)
        {
            await using var at = new StoreFixture(Late);
            await FillAsync(at);
            await at.Store.SaveHeadsAsync(default);
            await at.AppendAsync(Series(1), at.Now + 500, 5);
            var disk = new FaultyDisk { FailCall = call };
            at.Disk = disk;
            await at.RestartAsync();
            await at.AppendAsync(Series(2), at.Now + 1000, 6);
            string before = Everything(at);
            await at.StopAndStartAsync();
            Assert.True(before == Everything(at), $"call {call} failed: other samples than before");
            if (!disk.Fired) break;
        }
    }

    [Fact]
    public async Task Too_little_room_saves_nothing_and_leaves_no_file()
    {
        await using var at = new StoreFixture();
        at.Disk = new FaultyDisk { Free = 1000 };
        await FillAsync(at);
        await at.RestartAsync();
        string before = Everything(at);
        await at.StopAndStartAsync();
        Assert.Empty(Directory.GetFiles(at.TenantFolder, "head-snapshot*"));
        Assert.Equal(before, Everything(at));
    }

    [Fact]
    public async Task A_snapshot_older_than_the_last_cut_is_not_used()
    {
        await using var at = new StoreFixture();
        await FillAsync(at);
        await at.Store.SaveHeadsAsync(default);
        await at.Store.CutHeadAsync(StoreFixture.Tenant, at.Now - 600_000, default);
        // Where a block ends the head begins a new chunk, whose first histogram has no reset hint.
        string before = Everything(at, resetHints: false);
        await at.RestartAsync();
        Assert.Equal(before, Everything(at, resetHints: false));
        await at.StopAndStartAsync();
        Assert.Equal(before, Everything(at, resetHints: false));
        await at.Store.FlushAsync(default);
        await at.StopAndStartAsync();
        Assert.Equal(before, Everything(at, resetHints: false));
    }

    [Fact]
    public async Task Maintenance_saves_the_heads_after_enough_samples()
    {
        using var folder = Places.NewFolder();
        var time = new ManualTimeProvider(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
        var instruments = new Instruments();
        await using var log = new FileWriteLog(new WriteLogOptions { Folder = Path.Combine(folder, "log"), Sync = SyncPolicy.Os }, time, instruments, NullLogger.Instance);
        await using var store = new MetricStore(
            new MetricStoreOptions { Folder = Path.Combine(folder, "metrics"), HeadSaveSamples = 100 }, log, new NoLimits(), time, instruments, NullLogger.Instance);
        store.Start();
        string snapshot = Path.Combine(folder, "metrics", StoreFixture.Tenant.Name, "head-snapshot");
        using var batch = new MetricBatch();
        for (int i = 0; i < 60; i++) batch.AddSample(batch.AddSeries(Series(i)), time.UnixMs(), i);
        await store.AppendAsync(StoreFixture.Tenant, batch, default);
        await store.MaintainAsync(default);
        Assert.False(File.Exists(snapshot));
        batch.Clear();
        for (int i = 60; i < 120; i++) batch.AddSample(batch.AddSeries(Series(i)), time.UnixMs(), i);
        await store.AppendAsync(StoreFixture.Tenant, batch, default);
        await store.MaintainAsync(default);
        Assert.True(File.Exists(snapshot));
    }

    [Fact]
    public async Task Enough_samples_have_the_heads_saved_before_any_maintenance()
    {
        using var folder = Places.NewFolder();
        var time = new ManualTimeProvider(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
        var instruments = new Instruments();
        await using var log = new FileWriteLog(new WriteLogOptions { Folder = Path.Combine(folder, "log"), Sync = SyncPolicy.Os }, time, instruments, NullLogger.Instance);
        string snapshot = Path.Combine(folder, "metrics", StoreFixture.Tenant.Name, "head-snapshot");
        using var batch = new MetricBatch();
        foreach (bool enough in (bool[])[false, true])
        {
            batch.Clear();
            time.Advance(TimeSpan.FromSeconds(15));
            for (int i = 0; i < 60; i++) batch.AddSample(batch.AddSeries(Series(i)), time.UnixMs(), i);
            await using (var store = new MetricStore(
                new MetricStoreOptions { Folder = Path.Combine(folder, "metrics"), HeadSaveSamples = 61, SaveHeadsOnClose = false }, log, new NoLimits(), time, instruments, NullLogger.Instance))
            {
                store.Start();
                await store.AppendAsync(StoreFixture.Tenant, batch, default);
            }
            Assert.Equal(enough, File.Exists(snapshot));
        }
    }

    [Fact]
    public async Task A_save_that_fails_unforeseen_is_logged_and_stops_no_later_save_nor_maintenance_nor_closing()
    {
        using var folder = Places.NewFolder();
        var time = new ManualTimeProvider(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
        var instruments = new Instruments();
        var logged = new LogLines();
        await using var log = new FileWriteLog(new WriteLogOptions { Folder = Path.Combine(folder, "log"), Sync = SyncPolicy.Os }, time, instruments, NullLogger.Instance);
        string snapshot = Path.Combine(folder, "metrics", StoreFixture.Tenant.Name, "head-snapshot");
        var options = new MetricStoreOptions
        {
            Folder = Path.Combine(folder, "metrics"), HeadSaveSamples = 60, SaveHeadsOnClose = false, Disk = new NthCallDisk(1, 2, new InvalidOperationException("injected: not of the disk")),
        };
        await using (var store = new MetricStore(options, log, new NoLimits(), time, instruments, logged))
        {
            store.Start();
            await AppendAsync(store, 1);
            await store.MaintainAsync(default);
            await AppendAsync(store, 2);
        }
        Assert.Equal(2, logged.Count(l => l.StartsWith("Warning: The heads could not be saved", StringComparison.Ordinal) && l.Contains("injected: not of the disk", StringComparison.Ordinal)));
        Assert.False(File.Exists(snapshot));
        await using (var store = new MetricStore(options, log, new NoLimits(), time, instruments, logged))
        {
            store.Start();
            await AppendAsync(store, 3);
        }
        Assert.True(File.Exists(snapshot));

        async Task AppendAsync(MetricStore store, double value)
        {
            time.Advance(TimeSpan.FromSeconds(15));
            using var batch = new MetricBatch();
            for (int i = 0; i < 60; i++) batch.AddSample(batch.AddSeries(Series(i)), time.UnixMs(), value);
            await store.AppendAsync(StoreFixture.Tenant, batch, default);
        }
    }

    [Fact]
    public async Task A_clock_that_steps_back_keeps_what_was_taken_over_a_clean_stop_and_a_crash()
    {
        var clock = new SteppingClock(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
        await using var at = new StoreFixture(clock: clock);
        await at.AppendAsync(Series(1), at.Now, 1);
        clock.Now -= TimeSpan.FromMinutes(4);
        Assert.False((await at.AppendAsync(Series(1), at.Now + 1, 2)).HasErrors);
        Assert.False((await at.AppendAsync(Series(2), clock.UnixMs(), 3)).HasErrors);
        string before = Everything(at);
        await at.StopAndStartAsync();
        Assert.Equal(before, Everything(at));
        clock.Now -= TimeSpan.FromMinutes(4);
        Assert.False((await at.AppendAsync(Series(1), at.Now + 2, 4)).HasErrors);
        before = Everything(at);
        await at.RestartAsync();
        Assert.Equal(before, Everything(at));
    }

    private static TenantHead NewHead(string folder)
    {
        var instruments = new MetricInstruments(new Instruments());
        return new TenantHead(
            StoreFixture.Tenant, new MetricStoreOptions { Folder = folder }, instruments, new HeadChunks(folder, FileDisk.Instance, instruments, NullLogger.Instance));
    }

    internal static Labels Series(int i) => Labels.Of(
        ("__name__", $"m{i % 7}"), ("id", i.ToString(CultureInfo.InvariantCulture)), ("job", i % 2 == 0 ? "shop" : "cart"), ("instance", $"10.0.0.{i % 5}:80"));

    /// <summary>Closed and open chunks of floats and histograms, late samples, deletions, exemplars, metadata.</summary>
    internal static async Task FillAsync(StoreFixture at)
    {
        at.Time.Advance(TimeSpan.FromMinutes(7));
        for (int scrape = 0; scrape < 150; scrape++)
        {
            at.Time.Advance(TimeSpan.FromSeconds(15));
            using var batch = new MetricBatch();
            for (int i = 0; i < 40; i++) batch.AddSample(batch.AddSeries(Series(i)), at.Now, i == 7 ? i : (i * 10) + (scrape * (i % 3)) + (scrape % 5 * .25));
            for (int i = 50; i < 53; i++)
                batch.AddHistogram(batch.AddSeries(Series(i)), at.Now, Histograms.Exponential(scrape + i));
            if (scrape % 50 == 0) batch.Exemplars.Add(new BatchExemplar(batch.AddSeries(Series(1)), at.Now, scrape, Labels.Of(("trace", $"{scrape}"))));
            batch.Metadata.Add(new MetricMetadata("m1", MetricType.Counter, $"help {scrape / 100}", ""));
            Assert.False((await at.Store.AppendAsync(StoreFixture.Tenant, batch, default)).HasErrors);
        }
        if (at.Limits.OutOfOrderWindow > TimeSpan.Zero)
        {
            for (int i = 0; i < 10; i++) await at.AppendAsync(Series(i), at.Now - 1_000_001 - (i * 77), -i);
        }
        await at.Store.DeleteSeriesAsync(StoreFixture.Tenant, [[new Matcher(MatchOp.Equal, "id", "4")]], new TimeRange(at.Now - 500_000, at.Now - 200_000), default);
    }

    /// <summary>All that a reader can see, as text.</summary>
    internal static string Everything(StoreFixture at, bool resetHints = true)
    {
        var text = new StringBuilder();
        using var columns = new SampleColumns();
        foreach (var series in at.Select(TimeRange.All))
        {
            columns.Clear();
            series.Read(TimeRange.All, columns);
            text.Append(series.Labels);
            for (int i = 0; i < columns.Count; i++)
            {
                text.Append(CultureInfo.InvariantCulture, $" {columns.Timestamps[i]}=");
                if (columns.HasHistograms && columns.Histograms[i] is { } h) text.Append(CultureInfo.InvariantCulture, $"{h.Count}/{h.Sum}/{h.PositiveBuckets.Sum()}/{(resetHints ? h.ResetHint : default)}");
                else text.Append(CultureInfo.InvariantCulture, $"{columns.Values[i]}");
            }
            text.Append('\n');
        }
        foreach (var (series, exemplars) in at.Store.Exemplars(StoreFixture.Tenant, [], TimeRange.All, default))
            text.Append(series).AppendJoin(' ', exemplars.Select(e => $"{e.TimestampMs} {e.Value} {e.Labels}")).Append('\n');
        foreach (var (family, known) in at.Store.Metadata(StoreFixture.Tenant, null, 0)) text.Append(family).AppendJoin(' ', known).Append('\n');
        foreach (string name in at.Store.LabelNames(StoreFixture.Tenant, [], TimeRange.All, 0, default))
            text.Append(name).Append(": ").AppendJoin(' ', at.Store.LabelValues(StoreFixture.Tenant, name, [], TimeRange.All, 0, default)).Append('\n');
        return text.ToString();
    }

    /// <summary>A few bytes of a section's content changed, and its checksum made right again.</summary>
    private static byte[] Mutated(byte[] good, Random random)
    {
        byte[] bad = [.. good];
        var sections = new List<(int At, int Length)>();
        for (int at = 8; at < bad.Length;)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(bad.AsSpan(at));
            sections.Add((at, length));
            at += 8 + length;
        }
        var (start, bytes) = sections[random.Next(sections.Count)];
        for (int i = random.Next(1, 4); i > 0; i--) bad[start + 8 + random.Next(bytes)] = (byte)random.Next(256);
        BinaryPrimitives.WriteUInt32LittleEndian(bad.AsSpan(start + 4), Crc32C.Of(bad.AsSpan(start + 8, bytes)));
        return bad;
    }

    private sealed class SteppingClock(DateTimeOffset now) : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = now;

        public override DateTimeOffset GetUtcNow() => Now;
    }

    private sealed class NoLimits : ITenantLimits
    {
        public TenantLimits For(TenantId tenant) => new();
    }
}
