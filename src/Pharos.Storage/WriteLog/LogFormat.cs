using System.Buffers.Binary;
using System.Text;
using Pharos.Core;

namespace Pharos.Storage.WriteLog;

/// <summary>The bytes of the write log. Layout: docs/formats/write-log.md.</summary>
internal static class LogFormat
{
    public const int SegmentHeaderBytes = 16;
    public const ushort Version = 1;

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

    public static void WriteSegmentHeader(Span<byte> header, long segment)
    {
        SegmentMagic.CopyTo(header);
        BinaryPrimitives.WriteUInt16LittleEndian(header[4..], Version);
        BinaryPrimitives.WriteUInt16LittleEndian(header[6..], 0);
        BinaryPrimitives.WriteInt64LittleEndian(header[8..], segment);
    }

    public static bool IsSegmentHeader(ReadOnlySpan<byte> header) =>
        header.Length >= SegmentHeaderBytes && header.StartsWith(SegmentMagic)
        && BinaryPrimitives.ReadUInt16LittleEndian(header[4..]) == Version;

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
