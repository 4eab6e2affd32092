using System.Buffers.Binary;
using System.Text;
using Pharos.Core;
using Pharos.Logs.Blocks;

namespace Pharos.Logs.Fields;

/// <summary>The shapes frame of a block: its shapes, its columns, and the shape of each line.</summary>
internal static class BlockShapes
{
    public static void Write(PooledBuffer output, IReadOnlyList<LineShape> shapes, IReadOnlyList<ColumnEntry> columns, ReadOnlySpan<byte> rows)
    {
        Span<byte> numbers = stackalloc byte[20];
        Varints.Write(output, (ulong)columns.Count);
        foreach (var column in columns)
        {
            byte[] name = Encoding.UTF8.GetBytes(column.Name);
            Varints.Write(output, (ulong)name.Length);
            output.Append(name);
            output.Append([(byte)column.Kind]);
            Varints.Write(output, (ulong)column.Packed);
            Varints.Write(output, (ulong)column.Raw);
            BinaryPrimitives.WriteUInt32LittleEndian(numbers, column.Crc);
            output.Append(numbers[..4]);
            if (column.Kind is ColumnKind.Decimal or ColumnKind.Time)
            {
                Varints.Write(output, (ulong)column.Form.Length);
                output.Append(column.Form);
            }
            if (column.Kind != ColumnKind.Decimal) continue;
            BinaryPrimitives.WriteDoubleLittleEndian(numbers, column.Min);
            BinaryPrimitives.WriteDoubleLittleEndian(numbers[8..], column.Max);
            output.Append(numbers[..16]);
        }
        Varints.Write(output, (ulong)shapes.Count);
        foreach (var shape in shapes)
        {
            output.Append([(byte)shape.Format]);
            Varints.Write(output, (ulong)shape.Columns.Length);
            foreach (int column in shape.Columns) Varints.Write(output, (ulong)column);
            foreach (byte[] literal in shape.Literals)
            {
                Varints.Write(output, (ulong)literal.Length);
                output.Append(literal);
            }
        }
        output.Append(rows);
    }

    /// <exception cref="InvalidDataException">The frame is damaged.</exception>
    public static (LineShape[] Shapes, ColumnEntry[] Columns, byte[] Rows) Read(ReadOnlySpan<byte> frame, BlockHeader header)
    {
        int at = 0, offset = 0;
        var columns = new ColumnEntry[Varints.ReadLength(frame, ref at)];
        for (int i = 0; i < columns.Length; i++)
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
            columns[i] = new ColumnEntry(name, kind, form, offset, packed, raw, crc, min, max);
            offset = checked(offset + packed);
            // Sixteen bytes a line and a generous dictionary: a damaged length must not ask for all memory.
            if (offset > header.ColumnsPacked || raw > (header.Entries * 32L) + header.LineBytes + 1024) throw new InvalidDataException("a column lies outside its block");
        }
        var shapes = new LineShape[Varints.ReadLength(frame, ref at)];
        if (shapes.Length > LineShredder.ShapesMax) throw new InvalidDataException("a block has more shapes than it can");
        for (int i = 0; i < shapes.Length; i++)
        {
            var format = (LogFieldFormat)Take(frame, ref at, 1)[0];
            var numbers = new int[Varints.ReadLength(frame, ref at)];
            for (int c = 0; c < numbers.Length; c++)
            {
                ulong number = Varints.Read(frame, ref at);
                if (number >= (ulong)columns.Length) throw new InvalidDataException("a shape names a column that is not there");
                numbers[c] = (int)number;
            }
            var literals = new byte[numbers.Length + 1][];
            for (int l = 0; l < literals.Length; l++) literals[l] = Bytes(frame, ref at).ToArray();
            shapes[i] = new LineShape(format, numbers, literals);
        }
        byte[] rows = Take(frame, ref at, header.Entries).ToArray();
        if (at != frame.Length) throw new InvalidDataException("the shapes frame has another length than its contents");
        if (rows.AsSpan().IndexOfAnyExceptInRange((byte)0, (byte)shapes.Length) >= 0) throw new InvalidDataException("a line has a shape that is not there");
        return (shapes, columns, rows);
    }

    private static ReadOnlySpan<byte> Bytes(ReadOnlySpan<byte> frame, scoped ref int at) => Take(frame, ref at, Varints.ReadLength(frame, ref at));

    private static ReadOnlySpan<byte> Take(ReadOnlySpan<byte> frame, scoped ref int at, int length)
    {
        if (length > frame.Length - at) throw new InvalidDataException("the shapes frame ends early");
        at += length;
        return frame.Slice(at - length, length);
    }
}
