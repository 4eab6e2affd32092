using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Win32.SafeHandles;
using Pharos.Core;
using Pharos.Storage.Files;
using Pharos.Storage.WriteLog;

namespace Pharos.Storage.Tests;

public sealed class FileWriteLogTests : IDisposable
{
    private static readonly TenantId Tenant = TenantId.Parse("shop");

    private readonly TemporaryFolder folder = Places.NewFolder();
    private readonly ManualTimeProvider time = new();
    private Instruments instruments = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Records_come_back_in_order_by_kind_with_their_tenant()
    {
        var other = TenantId.Parse("other");
        var positions = new List<WriteLogPosition>();
        await using (var log = Open())
        {
            positions.Add(await log.AppendAsync(RecordKind.Metrics, Tenant, Bytes("a"), default));
            await log.AppendAsync(RecordKind.Logs, Tenant, Bytes("line"), default);
            positions.Add(await log.AppendAsync(RecordKind.Metrics, other, Bytes(""), default));
            positions.Add(await log.AppendAsync(RecordKind.Metrics, Tenant, Bytes(new string('x', 3 << 20)), default));
            Assert.True(log.End > positions[^1]);
        }
        await using var again = Open();
        var seen = new List<(WriteLogPosition At, string Tenant, int Length)>();
        again.Replay(RecordKind.Metrics, (at, tenant, payload) => seen.Add((at, tenant.Name, payload.Length)));
        Assert.Equal([(positions[0], "shop", 1), (positions[1], "other", 0), (positions[2], "shop", 3 << 20)], seen);
        Assert.Equal(["line"], Read(again, RecordKind.Logs));
    }

    [Fact]
    public async Task Many_writers_at_once_lose_nothing_and_each_keeps_its_order()
    {
        const int writers = 16, each = 200;
        await using (var log = Open(o => o with { SegmentBytesMax = 4096 }))
        {
            await Task.WhenAll(Enumerable.Range(0, writers).Select(w => Task.Run(async () =>
            {
                for (int i = 0; i < each; i++) await log.AppendAsync(RecordKind.Metrics, Tenant, Bytes($"{w} {i}"), default);
            })));
        }
        await using var again = Open();
        var seen = Read(again, RecordKind.Metrics).Select(t => t.Split(' ')).GroupBy(t => t[0]).ToList();
        Assert.Equal(writers, seen.Count);
        foreach (var of in seen) Assert.Equal(Enumerable.Range(0, each), of.Select(t => int.Parse(t[1])));
        Assert.True(Segments().Count > 10);
    }

    [Fact]
    public async Task Records_that_wait_for_room_keep_the_order_in_which_they_came()
    {
        const int records = 500;
        await using (var log = Open(o => o with { PendingBytesMax = 1 }))
        {
            var appends = Enumerable.Range(0, records).Select(i => log.AppendAsync(RecordKind.Metrics, Tenant, Bytes($"{i}"), default).AsTask()).ToArray();
            var positions = await Task.WhenAll(appends);
            Assert.Equal(positions.Order(), positions);
        }
        await using var again = Open();
        Assert.Equal(Enumerable.Range(0, records).Select(i => $"{i}"), Read(again, RecordKind.Metrics));
    }

    [Fact]
    public async Task A_log_cut_anywhere_in_its_last_record_keeps_all_before_it_and_goes_on()
    {
        await using (var log = Open())
        {
            for (int i = 0; i < 3; i++) await log.AppendAsync(RecordKind.Metrics, Tenant, Bytes($"record {i}"), default);
        }
        byte[] whole = await File.ReadAllBytesAsync(Segments()[0]);
        int lastStart = whole.Length - LogFormat.RecordBytes(Tenant.Name.Length, "record 2".Length);
        for (int cut = lastStart; cut <= whole.Length; cut++)
        {
            await File.WriteAllBytesAsync(Segments()[0], whole[..cut]);
            await using (var log = Open())
            {
                string[] expected = cut == whole.Length ? ["record 0", "record 1", "record 2"] : ["record 0", "record 1"];
                Assert.Equal(expected, Read(log, RecordKind.Metrics));
                await log.AppendAsync(RecordKind.Metrics, Tenant, Bytes("next"), default);
            }
            await using var again = Open();
            Assert.Equal("next", Read(again, RecordKind.Metrics)[^1]);
            Assert.Equal(0, instruments.Counter("prometheus_tsdb_wal_corruptions_total", "").Value);
        }
    }

    [Fact]
    public async Task A_flipped_bit_anywhere_costs_only_the_record_it_hit_and_is_set_aside()
    {
        await using (var log = Open())
        {
            for (int i = 0; i < 3; i++) await log.AppendAsync(RecordKind.Metrics, Tenant, Bytes($"record {i}"), default);
        }
        byte[] whole = await File.ReadAllBytesAsync(Segments()[0]);
        int size = LogFormat.RecordBytes(Tenant.Name.Length, "record 1".Length);
        int middle = LogFormat.SegmentHeaderBytes + size;
        for (int at = middle; at < middle + size; at++)
        {
            byte[] damaged = [.. whole];
            damaged[at] ^= 0x10;
            await File.WriteAllBytesAsync(Segments()[0], damaged);
            await using var log = Open();
            Assert.Equal(["record 0", "record 2"], Read(log, RecordKind.Metrics));
            Assert.Equal(1, instruments.Counter("prometheus_tsdb_wal_corruptions_total", "").Value);
            byte[] aside = await File.ReadAllBytesAsync(Path.Combine(folder, "damaged", $"0000000001-{middle}.bin"));
            Assert.Equal(size, aside.Length);
        }
    }

    [Fact]
    public async Task A_full_disk_refuses_and_shows_nothing_half_written_and_recovers()
    {
        var disk = new FaultyDisk { Room = 100 };
        await using (var log = Open(disk: disk))
        {
            await log.AppendAsync(RecordKind.Metrics, Tenant, Bytes("first"), default);
            var error = await Assert.ThrowsAsync<StoreUnavailableException>(async () =>
                await log.AppendAsync(RecordKind.Metrics, Tenant, Bytes(new string('x', 200)), default));
            Assert.Contains("no space left", error.Message, StringComparison.Ordinal);
            Assert.Equal(0, Gauge("pharos_write_log_writable"));
            disk.Room = 10_000;
            await log.AppendAsync(RecordKind.Metrics, Tenant, Bytes("second"), default);
            Assert.Equal(1, Gauge("pharos_write_log_writable"));
        }
        await using var again = Open();
        Assert.Equal(["first", "second"], Read(again, RecordKind.Metrics));
        Assert.Equal(0, instruments.Counter("pharos_write_log_torn_tails_total", "").Value);
    }

    [Fact]
    public async Task Too_little_free_room_refuses_before_the_disk_is_full()
    {
        var disk = new FaultyDisk { Free = (16 << 20) - 1 };
        await using var log = Open(disk: disk);
        await Assert.ThrowsAsync<StoreUnavailableException>(async () =>
            await log.AppendAsync(RecordKind.Metrics, Tenant, Bytes("a"), default));
        disk.Free = 32 << 20;
        await log.AppendAsync(RecordKind.Metrics, Tenant, Bytes("b"), default);
        Assert.Equal(["b"], Read(log, RecordKind.Metrics));
    }

    [Fact]
    public async Task A_failed_sync_is_no_acknowledgement_and_the_log_goes_on_in_a_new_segment()
    {
        var disk = new FaultyDisk();
        await using (var log = Open(disk: disk))
        {
            await log.AppendAsync(RecordKind.Metrics, Tenant, Bytes("a"), default);
            disk.SyncFails = true;
            await Assert.ThrowsAsync<StoreUnavailableException>(async () =>
                await log.AppendAsync(RecordKind.Metrics, Tenant, Bytes("b"), default));
            disk.SyncFails = false;
            await log.AppendAsync(RecordKind.Metrics, Tenant, Bytes("c"), default);
        }
        Assert.Equal(2, Segments().Count);
        await using var again = Open();
        Assert.Equal(["a", "c"], Read(again, RecordKind.Metrics));
    }

    [Fact]
    public async Task Whichever_disk_call_fails_what_was_acknowledged_comes_back_and_nothing_else()
    {
        for (int call = 1; ; call++)
        {
            foreach (string path in Segments()) File.Delete(path);
            var disk = new FaultyDisk { FailCall = call };
            var acknowledged = new List<string>();
            await using (var log = Open(o => o with { SegmentBytesMax = 128 }, disk))
            {
                for (int i = 0; i < 8; i++)
                {
                    try
                    {
                        await log.AppendAsync(RecordKind.Metrics, Tenant, Bytes($"record {i}"), default);
                        acknowledged.Add($"record {i}");
                    }
                    catch (StoreUnavailableException)
                    {
                        // The sender would send it again.
                    }
                }
            }
            await using var again = Open();
            Assert.Equal(acknowledged, Read(again, RecordKind.Metrics));
            if (!disk.Fired) break;
            Assert.Equal(7, acknowledged.Count);
        }
    }

    [Fact]
    public async Task Whichever_disk_call_of_repairing_and_releasing_fails_the_next_start_has_all_that_is_needed()
    {
        for (int call = 1; ; call++)
        {
            foreach (string path in Directory.GetFiles(folder, "*", SearchOption.AllDirectories)) File.Delete(path);
            WriteLogPosition third = default;
            await using (var log = Open(o => o with { SegmentBytesMax = 120, Sync = SyncPolicy.Os }))
            {
                for (int i = 0; i < 5; i++)
                {
                    var at = await log.AppendAsync(RecordKind.Metrics, Tenant, Bytes(new string((char)('0' + i), 60)), default);
                    if (i == 3) third = at;
                }
            }
            // A damaged record, a torn tail, and a file that is no segment.
            byte[] damaged = await File.ReadAllBytesAsync(Segments()[1]);
            damaged[^1] ^= 1;
            await File.WriteAllBytesAsync(Segments()[1], damaged);
            await File.AppendAllTextAsync(Segments()[^1], "torn");
            await File.WriteAllTextAsync(Path.Combine(folder, "0000000000.log"), "no segment");
            var disk = new FaultyDisk { FailCall = call };
            try
            {
                await using var log = Open(disk: disk);
                Read(log, RecordKind.Metrics);
                log.Release(RecordKind.Metrics, third);
                await log.AppendAsync(RecordKind.Metrics, Tenant, Bytes("next"), default);
            }
            catch (Exception failure) when (failure is IOException or StoreUnavailableException)
            {
                Assert.True(disk.Fired);
            }
            await using var again = Open();
            var read = Read(again, RecordKind.Metrics);
            Assert.Equal([new string('3', 60), new string('4', 60)], read.Where(r => r[0] is '3' or '4'));
            Assert.True(disk.Fired || read.Contains("next"));
            Assert.DoesNotContain(read, r => r[0] == '1');
            if (!disk.Fired) Assert.Equal(3, Directory.GetFiles(Path.Combine(folder, "damaged")).Length);
            if (!disk.Fired) break;
        }
    }

    [Fact]
    public async Task Released_segments_go_once_no_kind_needs_them()
    {
        await using (var log = Open(o => o with { SegmentBytesMax = 100 }))
        {
            var positions = new List<WriteLogPosition>();
            for (int i = 0; i < 6; i++)
            {
                positions.Add(await log.AppendAsync(i == 1 ? RecordKind.Logs : RecordKind.Metrics, Tenant, Bytes(new string((char)('0' + i), 60)), default));
            }
            Assert.Equal(6, Segments().Count);
            log.Release(RecordKind.Metrics, positions[4]);
            Assert.Equal(5, Segments().Count);
            log.Release(RecordKind.Logs, positions[5]);
            Assert.Equal(2, Segments().Count);
            log.Release(RecordKind.Metrics, log.End);
            Assert.Single(Segments());
        }
        await using var again = Open();
        Assert.Equal([new string('5', 60)], Read(again, RecordKind.Metrics));
    }

    [Fact]
    public async Task After_a_restart_a_closed_segment_goes_without_being_read_and_the_last_once_it_was()
    {
        await using (var log = Open(o => o with { SegmentBytesMax = 120 }))
        {
            for (int i = 0; i < 4; i++) await log.AppendAsync(i == 1 ? RecordKind.Logs : RecordKind.Metrics, Tenant, Bytes(new string('x', 60)), default);
        }
        await using var again = Open(o => o with { SegmentBytesMax = 120 });
        again.Release(RecordKind.Metrics, again.End);
        Assert.Equal(3, Segments().Count);
        Assert.Single(Read(again, RecordKind.Logs));
        again.Release(RecordKind.Logs, again.End);
        Assert.Single(Segments());
    }

    [Fact]
    public async Task A_replay_from_a_place_reads_no_closed_segment_before_it()
    {
        var positions = new List<WriteLogPosition>();
        await using (var log = Open(o => o with { SegmentBytesMax = 120 }))
        {
            for (int i = 0; i < 6; i++) positions.Add(await log.AppendAsync(RecordKind.Metrics, Tenant, Bytes(new string((char)('0' + i), 60)), default));
        }
        // What is not read is not missed where it is damaged.
        File.WriteAllBytes(Segments()[1], [.. File.ReadAllBytes(Segments()[1])[..LogFormat.SegmentHeaderBytes], 1, 2, 3]);
        await using var again = Open();
        var read = new List<WriteLogPosition>();
        again.Replay(RecordKind.Metrics, (at, _, _) => read.Add(at), positions[3]);
        Assert.Equal(positions[3..], read);
        Assert.Equal(0, instruments.Counter("prometheus_tsdb_wal_corruptions_total", "").Value);
    }

    [Fact]
    public async Task A_log_told_of_a_place_begins_behind_it()
    {
        var known = new WriteLogPosition(7, 1234);
        await using (var log = Open())
        {
            log.StartBehind(known);
            Assert.True(log.End > known);
            Assert.True(await log.AppendAsync(RecordKind.Metrics, Tenant, Bytes("a"), default) > known);
        }
        await using var again = Open();
        again.StartBehind(known);
        await again.AppendAsync(RecordKind.Metrics, Tenant, Bytes("b"), default);
        Assert.Equal(["a", "b"], Read(again, RecordKind.Metrics));
        Assert.Single(Segments());
    }

    [Fact]
    public async Task A_segment_of_the_first_version_is_read_and_written_on()
    {
        byte[] header = [.. "PHWL"u8, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
        byte[] record = new byte[LogFormat.RecordBytes(Tenant.Name.Length, 3)];
        LogFormat.WriteRecord(record, RecordKind.Metrics, Tenant, Bytes("old"));
        await File.WriteAllBytesAsync(Path.Combine(folder, "0000000001.log"), [.. header, .. record]);
        await using (var log = Open())
        {
            Assert.Equal(["old"], Read(log, RecordKind.Metrics));
            await log.AppendAsync(RecordKind.Metrics, Tenant, Bytes("new"), default);
        }
        await using var again = Open();
        Assert.Equal(["old", "new"], Read(again, RecordKind.Metrics));
    }

    [Fact]
    public async Task Any_bytes_after_a_header_are_read_without_a_crash_and_every_whole_record_among_them_is_found()
    {
        for (int seed = 1; seed <= 200; seed++)
        {
            var random = new Random(seed);
            var bytes = new List<byte>();
            byte[] header = new byte[LogFormat.SegmentHeaderBytes];
            LogFormat.WriteSegmentHeader(header, 1, null);
            bytes.AddRange(header);
            var whole = new List<string>();
            for (int part = random.Next(1, 12); part > 0; part--)
            {
                string text = $"record {seed} {part} {new string('r', random.Next(200))}";
                byte[] record = new byte[LogFormat.RecordBytes(Tenant.Name.Length, text.Length)];
                LogFormat.WriteRecord(record, RecordKind.Metrics, Tenant, Bytes(text));
                switch (random.Next(4))
                {
                    case 0:
                        // Garbage, now and then with a marker in it.
                        byte[] garbage = new byte[random.Next(1, 300)];
                        random.NextBytes(garbage);
                        if (garbage.Length > 20) LogFormat.RecordMarker.CopyTo(garbage.AsSpan(random.Next(garbage.Length - 4)));
                        bytes.AddRange(garbage);
                        break;
                    case 1:
                        record[random.Next(record.Length)] ^= (byte)(1 << random.Next(8));
                        bytes.AddRange(record);
                        break;
                    case 2:
                        bytes.AddRange(record[..random.Next(record.Length)]);
                        break;
                    default:
                        bytes.AddRange(record);
                        whole.Add(text);
                        break;
                }
            }
            foreach (string path in Directory.GetFiles(folder, "*.log")) File.Delete(path);
            await File.WriteAllBytesAsync(Path.Combine(folder, "0000000001.log"), [.. bytes]);
            await using (var log = Open(o => o with { Sync = SyncPolicy.Os }))
            {
                Assert.True(whole.SequenceEqual(Read(log, RecordKind.Metrics)), $"seed {seed}: not the {whole.Count} whole records");
                await log.AppendAsync(RecordKind.Metrics, Tenant, Bytes("next"), default);
            }
            await using var again = Open(o => o with { Sync = SyncPolicy.Os });
            Assert.True(whole.Append("next").SequenceEqual(Read(again, RecordKind.Metrics)), $"seed {seed}: not the {whole.Count} whole records and the next");
        }
    }

    [Fact]
    public async Task Requests_that_come_while_one_is_synced_share_the_next_sync()
    {
        using var release = new ManualResetEventSlim();
        var disk = new SlowSync(release);
        await using var log = Open(disk: disk);
        var first = log.AppendAsync(RecordKind.Metrics, Tenant, Bytes("first"), default).AsTask();
        disk.Syncing.Wait();
        var others = Enumerable.Range(0, 50).Select(i => log.AppendAsync(RecordKind.Metrics, Tenant, Bytes($"{i}"), default).AsTask()).ToList();
        release.Set();
        await Task.WhenAll([first, .. others]);
        Assert.Equal(2, disk.Syncs);
    }

    [Fact]
    public async Task A_second_process_is_told_that_the_folder_is_taken()
    {
        await using var log = Open();
        var error = Assert.Throws<IOException>(() => Open());
        Assert.Contains("held by another process", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_foreign_file_is_set_aside_and_the_rest_is_used()
    {
        await using (var log = Open()) await log.AppendAsync(RecordKind.Metrics, Tenant, Bytes("a"), default);
        await File.WriteAllTextAsync(Path.Combine(folder, "0000000002.log"), "this is no write log segment");
        await using var again = Open();
        Assert.Equal(["a"], Read(again, RecordKind.Metrics));
        Assert.True(File.Exists(Path.Combine(folder, "damaged", "0000000002.log")));
        await again.AppendAsync(RecordKind.Metrics, Tenant, Bytes("b"), default);
        Assert.Equal(["a", "b"], Read(again, RecordKind.Metrics));
    }

    [Fact]
    public void Checksum_is_castagnoli() => Assert.Equal(0xE3069283u, Crc32C.Of("123456789"u8));

    private FileWriteLog Open(Func<WriteLogOptions, WriteLogOptions>? change = null, IDisk? disk = null)
    {
        instruments = new Instruments();
        var options = new WriteLogOptions { Folder = folder };
        return new FileWriteLog(change?.Invoke(options) ?? options, time, instruments, NullLogger.Instance, disk ?? FileDisk.Instance);
    }

    private double Gauge(string name) => instruments.Read().Single(f => f.Name == name).Cells.Single().Value;

    private List<string> Segments() => [.. Directory.GetFiles(folder, "*.log").Order()];

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static List<string> Read(FileWriteLog log, RecordKind kind)
    {
        var read = new List<string>();
        log.Replay(kind, (_, tenant, payload) => read.Add(Encoding.UTF8.GetString(payload)));
        return read;
    }

    /// <summary>A disk whose syncs wait for a sign.</summary>
    private sealed class SlowSync(ManualResetEventSlim release) : IDisk
    {
        public ManualResetEventSlim Syncing { get; } = new();
        public int Syncs { get; private set; }

        public SafeFileHandle Open(string path, FileMode mode) => FileDisk.Instance.Open(path, mode);

        public void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset) => FileDisk.Instance.Write(file, bytes, offset);

        public void Sync(SafeFileHandle file)
        {
            Syncs++;
            Syncing.Set();
            release.Wait();
        }

        public void SetLength(SafeFileHandle file, long length) => FileDisk.Instance.SetLength(file, length);

        public void Link(string from, string to) => FileDisk.Instance.Link(from, to);

        public void Move(string from, string to) => FileDisk.Instance.Move(from, to);

        public void Delete(string path) => FileDisk.Instance.Delete(path);

        public void CreateFolder(string path) => FileDisk.Instance.CreateFolder(path);

        public void DeleteFolder(string path) => FileDisk.Instance.DeleteFolder(path);

        public void SyncFolder(string folder)
        {
        }

        public long FreeBytes(string folder) => long.MaxValue / 2;
    }
}
