using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;
using Pharos.Core;

namespace Pharos.Collector.Queueing;

/// <summary>Follows a <see cref="RecordLog"/> from a position on. Not safe for several threads.</summary>
internal sealed class RecordReader(RecordLog log, RecordPosition start) : IDisposable
{
    private const int RecordBytesMax = 256 << 20;

    private readonly byte[] head = new byte[RecordLog.RecordHeadBytes];
    private SafeFileHandle? file;
    private long openSegment = -1;
    private byte[] buffer = [];

    /// <summary>After the last record that was read.</summary>
    public RecordPosition Position { get; private set; } = start < log.First ? log.First : start;

    /// <summary>Damaged places passed over so far.</summary>
    public int Corruptions { get; private set; }

    /// <summary>The next record; false where there is none yet. The memory holds until the next call.</summary>
    public bool TryRead(out ReadOnlyMemory<byte> payload)
    {
        payload = default;
        while (true)
        {
            var end = log.End;
            if (Position >= end) return false;
            if (!Open())
            {
                if (!SkipSegment(end)) return false;
                continue;
            }
            if (Position.Segment != end.Segment && Position.Offset >= RandomAccess.GetLength(file!))
            {
                // The end of a finished segment is no damage.
                Position = new RecordPosition(log.NextSegment(Position).Segment, RecordLog.HeaderBytes);
                continue;
            }
            if (TryRecord(out payload)) return true;
            Corruptions++;
            if (!SkipSegment(end)) return false;
        }
    }

    public void Dispose() => file?.Dispose();

    /// <summary>Passes over the rest of the current segment.</summary>
    public void SkipSegment() => Position = log.NextSegment(Position) is var next && next > Position ? next : log.End;

    private bool SkipSegment(RecordPosition end)
    {
        SkipSegment();
        return Position < end;
    }

    private bool TryRecord(out ReadOnlyMemory<byte> payload)
    {
        payload = default;
        if (!Fill(head, Position.Offset)) return false;
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(head);
        if (length > RecordBytesMax) return false;
        if (buffer.Length < length) buffer = new byte[Math.Max(length, 64 * 1024)];
        if (!Fill(buffer.AsSpan(0, (int)length), Position.Offset + RecordLog.RecordHeadBytes)) return false;
        if (Crc32C.Of(buffer.AsSpan(0, (int)length)) != BinaryPrimitives.ReadUInt32LittleEndian(head.AsSpan(4))) return false;
        payload = buffer.AsMemory(0, (int)length);
        Position = Position with { Offset = Position.Offset + RecordLog.RecordHeadBytes + length };
        return true;
    }

    private bool Fill(Span<byte> into, long offset)
    {
        while (!into.IsEmpty)
        {
            int read = RandomAccess.Read(file!, into, offset);
            if (read == 0) return false;
            into = into[read..];
            offset += read;
        }
        return true;
    }

    private bool Open()
    {
        if (openSegment == Position.Segment && file is not null) return true;
        file?.Dispose();
        file = null;
        try
        {
            file = File.OpenHandle(log.PathOf(Position.Segment), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (FileNotFoundException)
        {
            return false;
        }
        openSegment = Position.Segment;
        return Fill(head, 0) && RecordLog.IsSegment(head);
    }
}
