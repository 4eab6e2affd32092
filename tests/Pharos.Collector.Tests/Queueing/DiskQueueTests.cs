using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Collector.Queueing;
using Pharos.Core;

namespace Pharos.Collector.Tests.Queueing;

public sealed class DiskQueueTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Records_come_out_in_order_and_after_a_restart_from_the_committed_place()
    {
        using var folder = Places.NewFolder();
        using (var queue = Open(folder))
        {
            for (int i = 0; i < 10; i++) await queue.AppendAsync(Encoding.UTF8.GetBytes($"r{i}"), Cancel);
            Assert.Equal("r0", Text(queue.TryRead()));
            var second = queue.TryRead();
            Assert.Equal("r1", Text(second));
            queue.Commit(second!.Value.End);
            Assert.Equal("r2", Text(queue.TryRead()));
        }
        using var again = Open(folder);
        Assert.Equal("r2", Text(again.TryRead()));
        again.Rewind();
        for (int i = 2; i < 10; i++) Assert.Equal($"r{i}", Text(again.TryRead()));
        Assert.Null(again.TryRead());
    }

    [Fact]
    public async Task Committed_segments_are_deleted_and_pending_bytes_fall()
    {
        using var folder = Places.NewFolder();
        using var queue = new DiskQueue(new DiskQueueOptions { Folder = folder, SegmentBytesMax = 100 }, new ManualTimeProvider(), NullLogger.Instance);
        for (int i = 0; i < 20; i++) await queue.AppendAsync(new byte[50], Cancel);
        long pending = queue.PendingBytes;
        Assert.Equal(20 * 58, pending);
        QueuedRecord? last = null;
        for (int i = 0; i < 20; i++) last = queue.TryRead();
        queue.Commit(last!.Value.End);
        Assert.Equal(0, queue.PendingBytes);
        Assert.Single(Directory.GetFiles(folder, "*.queue"));
    }

    [Fact]
    public async Task A_full_queue_makes_writers_wait_until_there_is_room()
    {
        using var folder = Places.NewFolder();
        using var queue = new DiskQueue(new DiskQueueOptions { Folder = folder, BytesMax = 100 }, new ManualTimeProvider(), NullLogger.Instance);
        await queue.AppendAsync(new byte[100], Cancel);
        var waiting = queue.AppendAsync(new byte[1], Cancel).AsTask();
        Assert.False(waiting.IsCompleted);
        queue.Commit(queue.TryRead()!.Value.End);
        await waiting;
        Assert.Equal(new byte[1], queue.TryRead()!.Value.Payload.ToArray());
    }

    [Fact]
    public async Task Wherever_the_last_record_is_cut_all_before_it_come_out()
    {
        using var folder = Places.NewFolder();
        using (var queue = Open(folder))
        {
            for (int i = 0; i < 3; i++) await queue.AppendAsync(Encoding.UTF8.GetBytes($"record {i}"), Cancel);
        }
        string segment = Directory.GetFiles(folder, "*.queue").Order().First();
        byte[] whole = await File.ReadAllBytesAsync(segment, Cancel);
        int lastStart = 8 + ((whole.Length - 8) * 2 / 3);
        for (int cut = lastStart; cut < whole.Length; cut++)
        {
            using var copy = Places.NewFolder();
            await File.WriteAllBytesAsync(Path.Combine(copy, Path.GetFileName(segment)), whole[..cut], Cancel);
            using var queue = Open(copy);
            Assert.Equal("record 0", Text(queue.TryRead()));
            Assert.Equal("record 1", Text(queue.TryRead()));
            Assert.Null(queue.TryRead());
            await queue.AppendAsync(Encoding.UTF8.GetBytes("next"), Cancel);
            Assert.Equal("next", Text(queue.TryRead()));
        }
    }

    [Fact]
    public void Files_of_the_first_version_are_taken_over_from_the_committed_place()
    {
        using var folder = Places.NewFolder();
        // Segments of {length, CRC-32C, payload}; the first record of the first segment was delivered, the last one is cut off.
        File.WriteAllBytes(Path.Combine(folder, "0000000001.seg"), [.. OldRecord("done"), .. OldRecord("one")]);
        File.WriteAllBytes(Path.Combine(folder, "0000000002.seg"), [.. OldRecord("two"), .. OldRecord("torn")[..^1]]);
        File.WriteAllBytes(Path.Combine(folder, "committed"), [1, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0]);
        using (var queue = Open(folder))
        {
            Assert.Equal("one", Text(queue.TryRead()));
            Assert.Equal("two", Text(queue.TryRead()));
            Assert.Null(queue.TryRead());
        }
        Assert.Empty(Directory.GetFiles(folder, "*.seg"));
        using var again = Open(folder);
        Assert.Equal("one", Text(again.TryRead()));
    }

    private static byte[] OldRecord(string text)
    {
        byte[] payload = Encoding.UTF8.GetBytes(text);
        return [.. BitConverter.GetBytes(payload.Length), .. BitConverter.GetBytes(Crc32C.Of(payload)), .. payload];
    }

    private static DiskQueue Open(string folder) => new(new DiskQueueOptions { Folder = folder }, new ManualTimeProvider(), NullLogger.Instance);

    private static string? Text(QueuedRecord? record) => record is null ? null : Encoding.UTF8.GetString(record.Value.Payload.Span);
}
