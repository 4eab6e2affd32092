using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Pharos.Collector.Queueing;

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
        using var queue = new DiskQueue(new DiskQueueOptions { Folder = folder, SegmentBytesMax = 100 }, NullLogger.Instance);
        for (int i = 0; i < 20; i++) await queue.AppendAsync(new byte[50], Cancel);
        long pending = queue.PendingBytes;
        Assert.Equal(20 * 58, pending);
        QueuedRecord? last = null;
        for (int i = 0; i < 20; i++) last = queue.TryRead();
        queue.Commit(last!.Value.End);
        Assert.Equal(0, queue.PendingBytes);
        Assert.Single(Directory.GetFiles(folder, "*.seg"));
    }

    [Fact]
    public async Task A_full_queue_makes_writers_wait_until_there_is_room()
    {
        using var folder = Places.NewFolder();
        using var queue = new DiskQueue(new DiskQueueOptions { Folder = folder, BytesMax = 100 }, NullLogger.Instance);
        await queue.AppendAsync(new byte[100], Cancel);
        var waiting = queue.AppendAsync(new byte[1], Cancel).AsTask();
        Assert.False(waiting.IsCompleted);
        queue.Commit(queue.TryRead()!.Value.End);
        await waiting;
        Assert.Equal(new byte[1], queue.TryRead()!.Value.Payload);
    }

    [Fact]
    public async Task Wherever_the_last_record_is_cut_all_before_it_come_out()
    {
        using var folder = Places.NewFolder();
        using (var queue = Open(folder))
        {
            for (int i = 0; i < 3; i++) await queue.AppendAsync(Encoding.UTF8.GetBytes($"record {i}"), Cancel);
        }
        string segment = Directory.GetFiles(folder, "*.seg").Order().First();
        byte[] whole = await File.ReadAllBytesAsync(segment, Cancel);
        int lastStart = whole.Length * 2 / 3;
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

    private static DiskQueue Open(string folder) => new(new DiskQueueOptions { Folder = folder }, NullLogger.Instance);

    private static string? Text(QueuedRecord? record) => record is null ? null : Encoding.UTF8.GetString(record.Value.Payload);
}
