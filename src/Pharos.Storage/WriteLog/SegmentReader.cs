using System.Buffers.Binary;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Pharos.Core;

namespace Pharos.Storage.WriteLog;

/// <summary>What a step of a <see cref="SegmentReader"/> found.</summary>
internal enum SegmentStep
{
    Record,

    /// <summary>Bytes that are no record, with a whole record behind them.</summary>
    Damage,

    /// <summary>Bytes that are no record up to the end of the file.</summary>
    Tail,
    End,
}

/// <summary>Reads a segment from its start, in a window that grows only for a large record.</summary>
internal sealed class SegmentReader : IDisposable
{
    private readonly SafeFileHandle file;
    private readonly long length;
    private byte[] window = new byte[1 << 20];
    private long windowStart;
    private int windowLength;
    private TenantId tenant;
    private byte[] tenantUtf8 = [];

    public SegmentReader(string path)
    {
        file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        length = RandomAccess.GetLength(file);
    }

    /// <summary>Where the next step starts.</summary>
    public long Offset { get; private set; }

    public long Length => length;

    /// <summary>Start of the record, the damage or the tail that the last step found.</summary>
    public long StepStart { get; private set; }

    public RecordKind Kind { get; private set; }
    public TenantId Tenant => tenant;

    /// <summary>Holds until the next step.</summary>
    public ReadOnlySpan<byte> Payload => window.AsSpan(payloadStart, payloadLength);

    /// <summary>What the header says of the segment before; null where it does not say.</summary>
    public SegmentContent? Before => before;

    private SegmentContent? before;
    private int payloadStart;
    private int payloadLength;

    /// <summary>Reads the segment's header. False where it is missing or of another version.</summary>
    public bool ReadHeader()
    {
        int available = (int)Math.Min(length, LogFormat.SegmentHeaderBytes);
        Offset = Fill(0, available) ? LogFormat.ReadSegmentHeader(At(0, available), out before) : 0;
        return Offset > 0;
    }

    public SegmentStep Next()
    {
        StepStart = Offset;
        if (Offset >= length) return SegmentStep.End;
        if (TryRecord(Offset, out int size))
        {
            Offset += size;
            return SegmentStep.Record;
        }
        for (long from = Offset + 1; from < length;)
        {
            long marker = FindMarker(from);
            if (marker < 0) break;
            if (TryRecord(marker, out _))
            {
                Offset = marker;
                return SegmentStep.Damage;
            }
            from = marker + 1;
        }
        Offset = length;
        return SegmentStep.Tail;
    }

    public void Dispose() => file.Dispose();

    private bool TryRecord(long at, out int size)
    {
        size = 0;
        if (!Fill(at, LogFormat.RecordHeaderBytes)) return false;
        var header = At(at, LogFormat.RecordHeaderBytes);
        if (!header.StartsWith(LogFormat.RecordMarker)) return false;
        int bodyLength = BinaryPrimitives.ReadInt32LittleEndian(header[4..]);
        uint checksum = BinaryPrimitives.ReadUInt32LittleEndian(header[8..]);
        if (bodyLength is < LogFormat.BodyPrefixBytes or > LogFormat.BodyBytesMax) return false;
        if (at + LogFormat.RecordHeaderBytes + bodyLength > length) return false;
        size = LogFormat.RecordHeaderBytes + bodyLength;
        if (!Fill(at, size)) return false;
        var record = At(at, size);
        var body = record[LogFormat.RecordHeaderBytes..];
        if (LogFormat.Checksum(record.Slice(4, 4), body) != checksum) return false;
        int tenantLength = body[1];
        if (LogFormat.BodyPrefixBytes + tenantLength > body.Length) return false;
        var name = body.Slice(LogFormat.BodyPrefixBytes, tenantLength);
        if (!name.SequenceEqual(tenantUtf8))
        {
            if (!TenantId.TryParse(Encoding.UTF8.GetString(name), out var parsed, out _)) return false;
            tenant = parsed;
            tenantUtf8 = name.ToArray();
        }
        Kind = (RecordKind)body[0];
        payloadStart = (int)(at - windowStart) + LogFormat.RecordHeaderBytes + LogFormat.BodyPrefixBytes + tenantLength;
        payloadLength = bodyLength - LogFormat.BodyPrefixBytes - tenantLength;
        return true;
    }

    private long FindMarker(long from)
    {
        while (from + LogFormat.RecordMarker.Length <= length)
        {
            Fill(from, (int)Math.Min(window.Length, length - from));
            var seen = At(from, (int)Math.Min(windowStart + windowLength - from, length - from));
            int found = seen.IndexOf(LogFormat.RecordMarker);
            if (found >= 0) return from + found;
            from += Math.Max(1, seen.Length - LogFormat.RecordMarker.Length + 1);
        }
        return -1;
    }

    private ReadOnlySpan<byte> At(long offset, int count) => window.AsSpan((int)(offset - windowStart), count);

    /// <summary>Brings a range of the file into the window. False where the file ends before it.</summary>
    private bool Fill(long offset, int count)
    {
        if (offset + count > length) return false;
        if (offset >= windowStart && offset + count <= windowStart + windowLength) return true;
        if (count > window.Length) window = new byte[Math.Max(count, window.Length * 2)];
        windowStart = offset;
        windowLength = 0;
        int wanted = (int)Math.Min(window.Length, length - offset);
        while (windowLength < wanted)
        {
            int read = RandomAccess.Read(file, window.AsSpan(windowLength, wanted - windowLength), offset + windowLength);
            if (read == 0) return windowLength >= count;
            windowLength += read;
        }
        return true;
    }
}
