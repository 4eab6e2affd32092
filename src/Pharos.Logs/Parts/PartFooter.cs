using System.Buffers.Binary;
using Pharos.Core;
using Pharos.Storage.WriteLog;

namespace Pharos.Logs.Parts;

/// <summary>The end of a part: what it holds as a whole, and where its index is.</summary>
/// <param name="DirectoryLength">Bytes at the end of the index that a reader keeps in memory, unpacked.</param>
/// <param name="Flush">The flush that wrote it; of a merged part, the last of those merged.</param>
/// <param name="RawBytes">Bytes of all lines and metadata.</param>
internal sealed record PartFooter(
    long MinNs, long MaxNs, long IndexAt, int IndexLength, int DirectoryLength, uint IndexCrc, long Flush, FlushMark Known, long Entries, long RawBytes)
{
    public void Write(Span<byte> into)
    {
        into.Clear();
        BinaryPrimitives.WriteInt64LittleEndian(into, MinNs);
        BinaryPrimitives.WriteInt64LittleEndian(into[8..], MaxNs);
        BinaryPrimitives.WriteInt64LittleEndian(into[16..], IndexAt);
        BinaryPrimitives.WriteInt32LittleEndian(into[24..], IndexLength);
        BinaryPrimitives.WriteInt32LittleEndian(into[28..], DirectoryLength);
        BinaryPrimitives.WriteUInt32LittleEndian(into[32..], IndexCrc);
        BinaryPrimitives.WriteInt64LittleEndian(into[40..], Flush);
        BinaryPrimitives.WriteInt64LittleEndian(into[48..], Known.Sequence);
        BinaryPrimitives.WriteInt64LittleEndian(into[56..], Known.Position.Segment);
        BinaryPrimitives.WriteInt64LittleEndian(into[64..], Known.Position.Offset);
        BinaryPrimitives.WriteInt64LittleEndian(into[72..], Entries);
        BinaryPrimitives.WriteInt64LittleEndian(into[80..], RawBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(into[88..], Crc32C.Of(into[..88]));
        PartFormat.EndMagic.CopyTo(into[96..]);
    }

    /// <param name="fileLength">Of the whole part.</param>
    /// <exception cref="InvalidDataException">The footer is damaged.</exception>
    public static PartFooter Read(ReadOnlySpan<byte> from, long fileLength)
    {
        if (!from[96..].SequenceEqual(PartFormat.EndMagic)) throw new InvalidDataException("its end is missing");
        if (BinaryPrimitives.ReadUInt32LittleEndian(from[88..]) != Crc32C.Of(from[..88])) throw new InvalidDataException("the footer's checksum does not match");
        var footer = new PartFooter(
            BinaryPrimitives.ReadInt64LittleEndian(from), BinaryPrimitives.ReadInt64LittleEndian(from[8..]), BinaryPrimitives.ReadInt64LittleEndian(from[16..]),
            BinaryPrimitives.ReadInt32LittleEndian(from[24..]), BinaryPrimitives.ReadInt32LittleEndian(from[28..]), BinaryPrimitives.ReadUInt32LittleEndian(from[32..]),
            BinaryPrimitives.ReadInt64LittleEndian(from[40..]),
            new FlushMark(BinaryPrimitives.ReadInt64LittleEndian(from[48..]), new WriteLogPosition(BinaryPrimitives.ReadInt64LittleEndian(from[56..]), BinaryPrimitives.ReadInt64LittleEndian(from[64..]))),
            BinaryPrimitives.ReadInt64LittleEndian(from[72..]), BinaryPrimitives.ReadInt64LittleEndian(from[80..]));
        if (footer.IndexAt < PartFormat.HeaderBytes || footer.IndexLength < 0 || (uint)footer.DirectoryLength > (uint)footer.IndexLength || footer.IndexAt + footer.IndexLength != fileLength - PartFormat.FooterBytes)
            throw new InvalidDataException("the index is not where the footer says");
        return footer;
    }
}
