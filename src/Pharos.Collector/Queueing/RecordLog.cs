using System.Buffers.Binary;
using Pharos.Core;

namespace Pharos.Collector.Queueing;

/// <summary>
/// Records on disk that several readers follow, each at its own pace: what stands between the graph and a receiver that may be away.
/// An appended record survives the end of the process; every second it is also forced to the disk. Safe for several threads.
/// </summary>
/// <remarks>
/// Segments <c>%08d.queue</c>: magic <c>PHQU</c>, version byte 1, three zero bytes; then records of length (u32, little-endian),
/// CRC-32C of the payload (u32) and payload. A segment is never appended to after a restart, so a torn tail is only passed over.
/// </remarks>
internal sealed class RecordLog : IDisposable
{
    public const int HeaderBytes = 8;
    public const int RecordHeadBytes = 8;

    private static ReadOnlySpan<byte> Magic => "PHQU\u0001\0\0\0"u8;

    private readonly Lock gate = new();
    private readonly string folder;
    private readonly long segmentBytes;
    private readonly TimeProvider time;
    private readonly byte[] head = new byte[RecordHeadBytes];
    private readonly ITimer syncTimer;
    private readonly SortedDictionary<long, long> segments = [];
    private FileStream file;
    private RecordPosition end;
    private RecordPosition first;
    private bool unsynced;

    /// <exception cref="IOException">The folder cannot be written.</exception>
    public RecordLog(string folder, TimeProvider time, long segmentBytes = 16 << 20)
    {
        this.folder = folder;
        this.time = time;
        this.segmentBytes = segmentBytes;
        Directory.CreateDirectory(folder);
        foreach (var info in new DirectoryInfo(folder).EnumerateFiles("*.queue"))
        {
            if (long.TryParse(Path.GetFileNameWithoutExtension(info.Name), out long number)) segments[number] = info.Length;
        }
        long last = segments.Count > 0 ? segments.Keys.Max() : 0;
        file = Create(last + 1);
        first = new RecordPosition(segments.Keys.First(), HeaderBytes);
        syncTimer = time.CreateTimer(_ => Sync(), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
    }

    /// <summary>Raised after each append, outside the lock.</summary>
    public event Action? Appended;

    /// <summary>Where the next record will start.</summary>
    public RecordPosition End
    {
        get
        {
            lock (gate) return end;
        }
    }

    /// <summary>Where the oldest record that is still kept starts.</summary>
    public RecordPosition First
    {
        get
        {
            lock (gate) return first;
        }
    }

    /// <summary>Size of all segments.</summary>
    public long Bytes
    {
        get
        {
            lock (gate) return segments.Values.Sum();
        }
    }

    /// <summary>Bytes of the records behind a position.</summary>
    public long BytesAfter(RecordPosition position)
    {
        lock (gate)
            return segments.Sum(s => s.Key < position.Segment ? 0 : Math.Max(0, s.Value - (s.Key == position.Segment ? position.Offset : HeaderBytes)));
    }

    /// <summary>Size of a segment; 0 where it is gone.</summary>
    public long BytesOf(long segment)
    {
        lock (gate) return segments.GetValueOrDefault(segment);
    }

    /// <exception cref="IOException">Nothing was written: the disk is full or fails.</exception>
    public void Append(ReadOnlySpan<byte> payload)
    {
        lock (gate)
        {
            if (end.Offset >= segmentBytes) Rotate();
            BinaryPrimitives.WriteUInt32LittleEndian(head, (uint)payload.Length);
            BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(4), Crc32C.Of(payload));
            try
            {
                RandomAccess.Write(file.SafeFileHandle, head, end.Offset);
                RandomAccess.Write(file.SafeFileHandle, payload, end.Offset + RecordHeadBytes);
            }
            catch (IOException)
            {
                // Half a record must not stand in the way of the next one.
                TryTruncate();
                throw;
            }
            end = end with { Offset = end.Offset + RecordHeadBytes + payload.Length };
            segments[end.Segment] = end.Offset;
            unsynced = true;
        }
        Appended?.Invoke();
    }

    /// <summary>Deletes whole segments that end before a position. The segment being written stays.</summary>
    public void Release(RecordPosition before)
    {
        lock (gate)
        {
            foreach (long number in segments.Keys.TakeWhile(n => n < before.Segment && n < end.Segment).ToList())
            {
                File.Delete(PathOf(number));
                segments.Remove(number);
                first = new RecordPosition(segments.Keys.First(), HeaderBytes);
            }
        }
    }

    /// <summary>The first record of the segment after the one at a position; the position itself where that is the last.</summary>
    public RecordPosition NextSegment(RecordPosition after)
    {
        lock (gate)
        {
            foreach (long number in segments.Keys)
            {
                if (number > after.Segment) return new RecordPosition(number, HeaderBytes);
            }
            return after;
        }
    }

    /// <summary>When a segment was last written; null where it is gone.</summary>
    public DateTimeOffset? WrittenAt(long segment)
    {
        var info = new FileInfo(PathOf(segment));
        return info.Exists ? info.LastWriteTimeUtc : null;
    }

    public string PathOf(long segment) => Path.Combine(folder, $"{segment:D8}.queue");

    /// <summary>Whether a file starts as a segment of this version does.</summary>
    public static bool IsSegment(ReadOnlySpan<byte> start) => start.StartsWith(Magic);

    public void Dispose()
    {
        syncTimer.Dispose();
        Sync();
        lock (gate) file.Dispose();
    }

    private void Sync()
    {
        lock (gate)
        {
            if (!unsynced) return;
            unsynced = false;
            try
            {
                file.Flush(flushToDisk: true);
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // The next append meets the same disk and reports it to whoever can wait.
                unsynced = true;
            }
        }
    }

    private void Rotate()
    {
        var next = Create(end.Segment + 1, file);
        file = next;
    }

    private FileStream Create(long number, FileStream? previous = null)
    {
        var created = new FileStream(PathOf(number), FileMode.Create, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        created.Write(Magic);
        previous?.Flush(flushToDisk: true);
        previous?.Dispose();
        end = new RecordPosition(number, HeaderBytes);
        segments[number] = HeaderBytes;
        return created;
    }

    private void TryTruncate()
    {
        try
        {
            file.SetLength(end.Offset);
        }
        catch (IOException)
        {
            // Readers never go past the end that this object tells them.
        }
    }
}
