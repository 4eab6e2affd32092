using System.Buffers.Binary;
using System.Globalization;
using Microsoft.Extensions.Logging;
using Pharos.Core;
using Pharos.Storage.Files;

namespace Pharos.Collector.Queueing;

/// <summary>
/// A first-in-first-out queue of records in files, with one reader whose place is durable: what was appended comes out
/// again after a crash, and what was committed does not. A record that was delivered but not yet committed when the process
/// was killed comes out a second time.
/// </summary>
/// <remarks>
/// A segment is a sequence of {length u32 LE, CRC-32C of the payload u32 LE, payload}. Writes go to the operating system at once
/// (they survive a crash of the process); the reader's place is synced. Safe for several writers and one reader.
/// </remarks>
public sealed class DiskQueue : IDisposable
{
    private const int HeadBytes = 8;
    private const int RecordBytesMax = 256 << 20;

    private readonly DiskQueueOptions options;
    private readonly ILogger logger;
    private readonly Lock gate = new();
    private readonly SortedDictionary<long, long> segments = [];
    private FileStream writer;
    private QueuePosition read;
    private QueuePosition committed;
    private TaskCompletionSource changed = NewSignal();

    /// <exception cref="IOException">The folder cannot be read or written.</exception>
    public DiskQueue(DiskQueueOptions options, ILogger logger)
    {
        this.options = options;
        this.logger = logger;
        Directory.CreateDirectory(options.Folder);
        foreach (string path in Directory.EnumerateFiles(options.Folder, "*.seg"))
        {
            if (!long.TryParse(Path.GetFileNameWithoutExtension(path), NumberStyles.None, CultureInfo.InvariantCulture, out long number)) continue;
            segments[number] = IntactLength(path);
        }
        committed = ReadCommitted();
        long first = segments.Count == 0 ? 0 : segments.Keys.Min();
        if (committed.Segment < first) committed = new QueuePosition(first, 0);
        read = committed;
        long next = Math.Max(committed.Segment, segments.Count == 0 ? 0 : segments.Keys.Max()) + 1;
        writer = OpenSegment(next);
        DropRead();
    }

    /// <summary>Bytes of records that are not committed.</summary>
    public long PendingBytes
    {
        get
        {
            lock (gate)
            {
                long bytes = 0;
                foreach (var (number, length) in segments)
                {
                    if (number > committed.Segment) bytes += length;
                    else if (number == committed.Segment) bytes += length - committed.Offset;
                }
                return bytes;
            }
        }
    }

    /// <summary>Adds a record; waits while the queue is full. The payload may be reused afterwards.</summary>
    /// <exception cref="IOException">It could not be written; nothing of it is in the queue.</exception>
    public async ValueTask AppendAsync(ReadOnlyMemory<byte> payload, CancellationToken cancel)
    {
        while (true)
        {
            Task wait;
            lock (gate)
            {
                if (PendingBytes < options.BytesMax)
                {
                    Write(payload.Span);
                    return;
                }
                wait = changed.Task;
            }
            await wait.WaitAsync(cancel);
        }
    }

    /// <summary>The next record behind the last one read, or null where there is none yet.</summary>
    public QueuedRecord? TryRead()
    {
        lock (gate)
        {
            while (true)
            {
                if (segments.TryGetValue(read.Segment, out long length) && read.Offset < length)
                {
                    byte[] payload = ReadRecord(SegmentPath(read.Segment), read.Offset);
                    read = new QueuePosition(read.Segment, read.Offset + HeadBytes + payload.Length);
                    return new QueuedRecord(payload, read);
                }
                long next = segments.Keys.FirstOrDefault(n => n > read.Segment, -1);
                if (next < 0) return null;
                read = new QueuePosition(next, 0);
            }
        }
    }

    /// <summary>Completes when there may be something to read that was not there before.</summary>
    public async Task WaitAsync(CancellationToken cancel)
    {
        Task wait;
        lock (gate)
        {
            bool more = segments.Any(s => s.Key > read.Segment ? s.Value > 0 : s.Key == read.Segment && s.Value > read.Offset);
            if (more) return;
            wait = changed.Task;
        }
        await wait.WaitAsync(cancel);
    }

    /// <summary>Everything up to here was delivered: it will not come out again, and its space is freed.</summary>
    public void Commit(QueuePosition end)
    {
        lock (gate)
        {
            if (end <= committed) return;
            committed = end;
            Span<byte> place = stackalloc byte[16];
            BinaryPrimitives.WriteInt64LittleEndian(place, end.Segment);
            BinaryPrimitives.WriteInt64LittleEndian(place[8..], end.Offset);
            DurableFiles.Replace(CommittedPath, place);
            DropRead();
            Signal();
        }
    }

    /// <summary>Goes back to the last committed place, so that what was read since comes out again.</summary>
    public void Rewind()
    {
        lock (gate) read = committed;
    }

    public void Dispose()
    {
        lock (gate) writer.Dispose();
    }

    private string CommittedPath => Path.Combine(options.Folder, "committed");

    private string SegmentPath(long number) => Path.Combine(options.Folder, number.ToString("D10", CultureInfo.InvariantCulture) + ".seg");

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Signal()
    {
        changed.TrySetResult();
        changed = NewSignal();
    }

    private void Write(ReadOnlySpan<byte> payload)
    {
        if (writer.Position >= options.SegmentBytesMax)
        {
            writer.Dispose();
            writer = OpenSegment(segments.Keys.Max() + 1);
        }
        long start = writer.Position;
        Span<byte> head = stackalloc byte[HeadBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(head, (uint)payload.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(head[4..], Crc32C.Of(payload));
        try
        {
            writer.Write(head);
            writer.Write(payload);
            writer.Flush();
        }
        catch (IOException)
        {
            writer.SetLength(start);
            writer.Position = start;
            throw;
        }
        segments[segments.Keys.Max()] = writer.Position;
        Signal();
    }

    private FileStream OpenSegment(long number)
    {
        segments[number] = 0;
        return new FileStream(SegmentPath(number), FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
    }

    private static byte[] ReadRecord(string path, long offset)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        file.Position = offset;
        Span<byte> head = stackalloc byte[HeadBytes];
        file.ReadExactly(head);
        byte[] payload = new byte[BinaryPrimitives.ReadUInt32LittleEndian(head)];
        file.ReadExactly(payload);
        if (Crc32C.Of(payload) != BinaryPrimitives.ReadUInt32LittleEndian(head[4..]))
            throw new IOException($"{path}: the record at {offset} does not match its checksum");
        return payload;
    }

    /// <summary>Bytes up to the first record that is cut off or damaged; what is behind it cannot be trusted and is left out.</summary>
    private long IntactLength(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        long intact = 0;
        Span<byte> head = stackalloc byte[HeadBytes];
        while (file.Length - intact >= HeadBytes)
        {
            file.ReadExactly(head);
            uint length = BinaryPrimitives.ReadUInt32LittleEndian(head);
            if (length > RecordBytesMax || length > file.Length - intact - HeadBytes) break;
            byte[] payload = new byte[length];
            file.ReadExactly(payload);
            if (Crc32C.Of(payload) != BinaryPrimitives.ReadUInt32LittleEndian(head[4..])) break;
            intact += HeadBytes + length;
        }
        if (intact < file.Length) QueueLog.TornTail(logger, path, intact, file.Length - intact);
        return intact;
    }

    private QueuePosition ReadCommitted()
    {
        if (!File.Exists(CommittedPath)) return default;
        byte[] place = File.ReadAllBytes(CommittedPath);
        return place.Length == 16
            ? new QueuePosition(BinaryPrimitives.ReadInt64LittleEndian(place), BinaryPrimitives.ReadInt64LittleEndian(place.AsSpan(8)))
            : default;
    }

    /// <summary>Deletes segments that are committed to their end, but never the one being written.</summary>
    private void DropRead()
    {
        long last = segments.Keys.Max();
        foreach (long number in segments.Keys.Where(n => n < last).ToList())
        {
            if (number > committed.Segment || (number == committed.Segment && committed.Offset < segments[number])) break;
            File.Delete(SegmentPath(number));
            segments.Remove(number);
        }
    }
}

internal static partial class QueueLog
{
    [LoggerMessage(6101, LogLevel.Warning, "Queue segment {Segment} is cut off or damaged at {Offset}; {Bytes} bytes behind it are left out")]
    public static partial void TornTail(ILogger logger, string segment, long offset, long bytes);
}
