using System.Buffers.Binary;
using System.Text;
using Pharos.Logs.Blocks;

namespace Pharos.Logs.Fields;

/// <summary>Columns as the frames of a block name them.</summary>
internal static class ColumnDirectory
{
    public static void Write(PooledBuffer output, ColumnEntry column)
    {
        Span<byte> numbers = stackalloc byte[16];
        WriteBytes(output, Encoding.UTF8.GetBytes(column.Name));
        output.Append([(byte)column.Kind]);
        Varints.Write(output, (ulong)column.Packed);
        Varints.Write(output, (ulong)column.Raw);
        BinaryPrimitives.WriteUInt32LittleEndian(numbers, column.Crc);
        output.Append(numbers[..4]);
        if (column.Kind is ColumnKind.Decimal or ColumnKind.Time) WriteBytes(output, column.Form);
        if (column.Kind != ColumnKind.Decimal) return;
        BinaryPrimitives.WriteDoubleLittleEndian(numbers, column.Min);
        BinaryPrimitives.WriteDoubleLittleEndian(numbers[8..], column.Max);
        output.Append(numbers);
    }

    /// <param name="offset">Where the column begins; moved behind it.</param>
    /// <exception cref="InvalidDataException">The frame is damaged.</exception>
    public static ColumnEntry Read(ReadOnlySpan<byte> frame, scoped ref int at, scoped ref int offset, BlockHeader header)
    {
        string name = Encoding.UTF8.GetString(Bytes(frame, ref at));
        var kind = (ColumnKind)Take(frame, ref at, 1)[0];
        int packed = checked((int)Varints.Read(frame, ref at)), raw = checked((int)Varints.Read(frame, ref at));
        uint crc = BinaryPrimitives.ReadUInt32LittleEndian(Take(frame, ref at, 4));
        byte[] form = kind is ColumnKind.Decimal or ColumnKind.Time ? Bytes(frame, ref at).ToArray() : [];
        double min = 0, max = 0;
        if (kind == ColumnKind.Decimal)
        {
            min = BinaryPrimitives.ReadDoubleLittleEndian(Take(frame, ref at, 8));
            max = BinaryPrimitives.ReadDoubleLittleEndian(Take(frame, ref at, 8));
        }
        var column = new ColumnEntry(name, kind, form, offset, packed, raw, crc, min, max);
        offset = checked(offset + packed);
        // Sixteen bytes a line and a generous dictionary: a damaged length must not ask for all memory.
        if (offset > header.ColumnsPacked || raw > (header.Entries * 32L) + header.LineBytes + header.MetadataBytes + 1024) throw new InvalidDataException("a column lies outside its block");
        return column;
    }

    public static void WriteBytes(PooledBuffer output, ReadOnlySpan<byte> bytes)
    {
        Varints.Write(output, (ulong)bytes.Length);
        output.Append(bytes);
    }

    /// <summary>Bytes with their length before them.</summary>
    /// <exception cref="InvalidDataException">The frame is damaged.</exception>
    public static ReadOnlySpan<byte> Bytes(ReadOnlySpan<byte> frame, scoped ref int at) => Take(frame, ref at, Varints.ReadLength(frame, ref at));

    /// <inheritdoc cref="Bytes"/>
    public static ReadOnlySpan<byte> Take(ReadOnlySpan<byte> frame, scoped ref int at, int length)
    {
        if (length > frame.Length - at) throw new InvalidDataException("the frame ends early");
        at += length;
        return frame.Slice(at - length, length);
    }
}
