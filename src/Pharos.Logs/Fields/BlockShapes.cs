using Pharos.Core;
using Pharos.Logs.Blocks;

namespace Pharos.Logs.Fields;

/// <summary>The shapes frame of a block: its shapes, its columns, and the shape of each line.</summary>
internal static class BlockShapes
{
    public static void Write(PooledBuffer output, IReadOnlyList<LineShape> shapes, IReadOnlyList<ColumnEntry> columns, ReadOnlySpan<byte> rows)
    {
        Varints.Write(output, (ulong)columns.Count);
        foreach (var column in columns) ColumnDirectory.Write(output, column);
        Varints.Write(output, (ulong)shapes.Count);
        foreach (var shape in shapes)
        {
            output.Append([(byte)shape.Format]);
            Varints.Write(output, (ulong)shape.Columns.Length);
            foreach (int column in shape.Columns) Varints.Write(output, (ulong)column);
            foreach (byte[] literal in shape.Literals) ColumnDirectory.WriteBytes(output, literal);
        }
        output.Append(rows);
    }

    /// <param name="columnsAt">Where its columns begin among those of the block: behind the ones of metadata.</param>
    /// <exception cref="InvalidDataException">The frame is damaged.</exception>
    public static (LineShape[] Shapes, ColumnEntry[] Columns, byte[] Rows) Read(ReadOnlySpan<byte> frame, BlockHeader header, int columnsAt)
    {
        int at = 0;
        var columns = new ColumnEntry[Varints.ReadLength(frame, ref at)];
        for (int i = 0; i < columns.Length; i++) columns[i] = ColumnDirectory.Read(frame, ref at, ref columnsAt, header);
        var shapes = new LineShape[Varints.ReadLength(frame, ref at)];
        if (shapes.Length > LineShredder.ShapesMax) throw new InvalidDataException("a block has more shapes than it can");
        for (int i = 0; i < shapes.Length; i++)
        {
            var format = (LogFieldFormat)ColumnDirectory.Take(frame, ref at, 1)[0];
            var numbers = new int[Varints.ReadLength(frame, ref at)];
            for (int c = 0; c < numbers.Length; c++)
            {
                ulong number = Varints.Read(frame, ref at);
                if (number >= (ulong)columns.Length) throw new InvalidDataException("a shape names a column that is not there");
                numbers[c] = (int)number;
            }
            var literals = new byte[numbers.Length + 1][];
            for (int l = 0; l < literals.Length; l++) literals[l] = ColumnDirectory.Bytes(frame, ref at).ToArray();
            shapes[i] = new LineShape(format, numbers, literals);
        }
        byte[] rows = ColumnDirectory.Take(frame, ref at, header.Entries).ToArray();
        if (at != frame.Length) throw new InvalidDataException("the shapes frame has another length than its contents");
        if (rows.AsSpan().IndexOfAnyExceptInRange((byte)0, (byte)shapes.Length) >= 0) throw new InvalidDataException("a line has a shape that is not there");
        return (shapes, columns, rows);
    }
}
