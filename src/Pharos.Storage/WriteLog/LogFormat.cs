using System.Buffers.Binary;
using System.Text;
using Pharos.Core;

namespace Pharos.Storage.WriteLog;

/// <summary>The bytes of the write log. Layout: docs/formats/write-log.md.</summary>
internal static class LogFormat
{
    public const int SegmentHeaderBytes = 40;
    public const ushort Version = 2;

    /// <summary>Header of version 1: magic, version, number.</summary>
    public const int SegmentHeaderBytesV1 = 16;

    /// <summary>Marker, length and checksum before the body.</summary>
    public const int RecordHeaderBytes = 12;

    /// <summary>Kind and tenant length, at the start of the body.</summary>
    public const int BodyPrefixBytes = 2;

    /// <summary>A longer body is a sign of damage; appends refuse it.</summary>
    public const int BodyBytesMax = 512 << 20;

    /// <summary>First bytes of a segment.</summary>
    public static ReadOnlySpan<byte> SegmentMagic => "PHWL"u8;

    /// <summary>First bytes of a record; what a reader looks for behind a damaged place.</summary>
    public static ReadOnlySpan<byte> RecordMarker => [0xA7, 0x50, 0x68, 0x52];

    /// <param name="before">What the segment before holds; null where that is not known.</param>
    public static void WriteSegmentHeader(Span<byte> header, long segment, SegmentContent? before)
    {
        header[..SegmentHeaderBytes].Clear();
        SegmentMagic.CopyTo(header);
        BinaryPrimitives.WriteUInt16LittleEndian(header[4..], Version);
        BinaryPrimitives.WriteUInt16LittleEndian(header[6..], before is null ? (ushort)0 : (ushort)1);
        BinaryPrimitives.WriteInt64LittleEndian(header[8..], segment);
        BinaryPrimitives.WriteInt64LittleEndian(header[16..], before?.LastMetrics ?? 0);
        BinaryPrimitives.WriteInt64LittleEndian(header[24..], before?.LastLogs ?? 0);
        BinaryPrimitives.WriteUInt32LittleEndian(header[36..], Crc32C.Of(header[..36]));
    }

    /// <summary>Length of a segment's header; 0 where it is none that this release reads.</summary>
    public static int ReadSegmentHeader(ReadOnlySpan<byte> bytes, out SegmentContent? before)
    {
        before = null;
        if (bytes.Length < SegmentHeaderBytesV1 || !bytes.StartsWith(SegmentMagic)) return 0;
        int version = BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..]);
        if (version == 1) return SegmentHeaderBytesV1;
        if (version != Version || bytes.Length < SegmentHeaderBytes) return 0;
        // A header whose checksum is wrong costs what it says of the segment before, not the records behind it.
        if (IsHeaderWhole(bytes) && BinaryPrimitives.ReadUInt16LittleEndian(bytes[6..]) == 1)
            before = new SegmentContent(BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]), BinaryPrimitives.ReadInt64LittleEndian(bytes[24..]));
        return SegmentHeaderBytes;
    }

    /// <summary>Whether the checksum of a readable header is right; version 1 has none.</summary>
    public static bool IsHeaderWhole(ReadOnlySpan<byte> bytes) =>
        BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..]) == 1 || Crc32C.Of(bytes[..36]) == BinaryPrimitives.ReadUInt32LittleEndian(bytes[36..]);

    public static int RecordBytes(int tenantBytes, int payloadBytes) =>
        RecordHeaderBytes + BodyPrefixBytes + tenantBytes + payloadBytes;

    /// <summary>Writes a record; the checksum covers length and body.</summary>
    public static int WriteRecord(Span<byte> destination, RecordKind kind, TenantId tenant, ReadOnlySpan<byte> payload)
    {
        RecordMarker.CopyTo(destination);
        var body = destination[RecordHeaderBytes..];
        body[0] = (byte)kind;
        int tenantBytes = Encoding.UTF8.GetBytes(tenant.Name, body[BodyPrefixBytes..]);
        body[1] = (byte)tenantBytes;
        payload.CopyTo(body[(BodyPrefixBytes + tenantBytes)..]);
        int length = BodyPrefixBytes + tenantBytes + payload.Length;
        BinaryPrimitives.WriteInt32LittleEndian(destination[4..], length);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[8..], Checksum(destination.Slice(4, 4), body[..length]));
        return RecordHeaderBytes + length;
    }

    public static uint Checksum(ReadOnlySpan<byte> length, ReadOnlySpan<byte> body) => Crc32C.Append(Crc32C.Of(length), body);
}

/// <summary>Offsets of the last record of each kind in a segment; -1 for none.</summary>
internal readonly record struct SegmentContent(long LastMetrics, long LastLogs);
