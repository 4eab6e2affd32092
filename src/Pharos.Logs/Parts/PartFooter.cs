using System.Buffers.Binary;
using Pharos.Core;
using Pharos.Storage.WriteLog;

namespace Pharos.Logs.Parts;

/// <summary>The end of a part: what it holds as a whole, and where its index is.</summary>
/// <param name="DirectoryLength">Bytes at the end of the index that a reader keeps in memory, unpacked.</param>
/// <param name="Flush">The flush that wrote it; of a merged part, the last of those merged.</param>
/// <param name="RawBytes">Bytes of all lines and metadata.</param>
internal sealed record PartFooter(
    long MinNs, long MaxNs, long IndexAt, int IndexLength, int DirectoryLength, uint IndexCrc, FlushMark Flush, long Entries, long RawBytes)
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
        BinaryPrimitives.WriteInt64LittleEndian(into[40..], Flush.Sequence);
        BinaryPrimitives.WriteInt64LittleEndian(into[48..], Flush.Position.Segment);
        BinaryPrimitives.WriteInt64LittleEndian(into[56..], Flush.Position.Offset);
        BinaryPrimitives.WriteInt64LittleEndian(into[64..], Entries);
        BinaryPrimitives.WriteInt64LittleEndian(into[72..], RawBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(into[80..], Crc32C.Of(into[..80]));
        PartFormat.EndMagic.CopyTo(into[88..]);
    }

    /// <param name="fileLength">Of the whole part.</param>
    /// <exception cref="InvalidDataException">The footer is damaged.</exception>
    public static PartFooter Read(ReadOnlySpan<byte> from, long fileLength)
    {
        if (!from[88..].SequenceEqual(PartFormat.EndMagic)) throw new InvalidDataException("its end is missing");
        if (BinaryPrimitives.ReadUInt32LittleEndian(from[80..]) != Crc32C.Of(from[..80])) throw new InvalidDataException("the footer's checksum does not match");
        var footer = new PartFooter(
            BinaryPrimitives.ReadInt64LittleEndian(from), BinaryPrimitives.ReadInt64LittleEndian(from[8..]), BinaryPrimitives.ReadInt64LittleEndian(from[16..]),
            BinaryPrimitives.ReadInt32LittleEndian(from[24..]), BinaryPrimitives.ReadInt32LittleEndian(from[28..]), BinaryPrimitives.ReadUInt32LittleEndian(from[32..]),
            new FlushMark(BinaryPrimitives.ReadInt64LittleEndian(from[40..]), new WriteLogPosition(BinaryPrimitives.ReadInt64LittleEndian(from[48..]), BinaryPrimitives.ReadInt64LittleEndian(from[56..]))),
            BinaryPrimitives.ReadInt64LittleEndian(from[64..]), BinaryPrimitives.ReadInt64LittleEndian(from[72..]));
        if (footer.IndexAt < PartFormat.HeaderBytes || footer.IndexLength < 0 || (uint)footer.DirectoryLength > (uint)footer.IndexLength || footer.IndexAt + footer.IndexLength != fileLength - PartFormat.FooterBytes)
            throw new InvalidDataException("the index is not where the footer says");
        return footer;
    }
}
