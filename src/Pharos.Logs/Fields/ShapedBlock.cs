using System.Buffers;
using Pharos.Core;
using Pharos.Logs.Blocks;

namespace Pharos.Logs.Fields;

/// <summary>
/// The lines of a block that were taken apart: says what fields they have, and puts them together again. Columns are read when they are
/// asked for. Not safe for several threads; <see cref="Dispose"/> gives buffers back.
/// </summary>
internal sealed class ShapedBlock : LogFields, IDisposable
{
    private readonly BlockRef block;
    private readonly long[] timestamps;
    private readonly LineShape[] shapes;
    private readonly ColumnEntry[] entries;
    private readonly byte[] rows;
    private readonly ColumnData?[] columns;
    private readonly List<byte[]> rented = [];

    /// <param name="directory">The shapes frame, unpacked.</param>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public ShapedBlock(BlockRef block, ReadOnlySpan<byte> directory, long[] timestamps)
    {
        this.block = block;
        this.timestamps = timestamps;
        (shapes, entries, rows) = BlockShapes.Read(directory, block.Header);
        columns = new ColumnData?[entries.Length];
    }

    public override LogFieldFormat FormatOf(int row) => rows[row] == 0 ? LogFieldFormat.None : shapes[rows[row] - 1].Format;

    public bool IsShaped(int row) => rows[row] != 0;

    public override LogFieldColumn? Column(string name)
    {
        for (int i = 0; i < entries.Length; i++)
        {
            if (entries[i].Name == name) return ColumnAt(i);
        }
        return null;
    }

    /// <summary>Marks the lines that may hold a needle, reading only columns that may have a part of it. Lines without a shape are marked.</summary>
    /// <exception cref="InvalidDataException">The block is damaged.</exception>
    public void Mark(ReadOnlySpan<byte> needle, Span<bool> marks)
    {
        marks.Clear();
        var pieces = new HashSet<NeedlePiece>();
        Span<bool> whole = stackalloc bool[shapes.Length + 1];
        whole[0] = true;
        for (int i = 0; i < shapes.Length; i++) whole[i + 1] = NeedlePieces.Add(shapes[i], needle, pieces);
        foreach (var piece in pieces)
        {
            var text = needle.Slice(piece.From, piece.Length);
            if (ColumnData.MayHold(entries[piece.Column].Kind, text)) ColumnAt(piece.Column).Mark(piece.Kind, text, marks);
        }
        for (int row = 0; row < rows.Length; row++) marks[row] |= whole[rows[row]];
    }

    /// <summary>Puts lines together; those that were not taken apart come from <paramref name="kept"/>.</summary>
    /// <param name="keptLengths">For each line its length where it was kept as it is.</param>
    /// <param name="marks">Which lines are wanted, the others get no bytes; empty: all.</param>
    /// <param name="lineEnds">Gets the end of each line.</param>
    /// <exception cref="InvalidDataException">The block is damaged.</exception>
    public void Assemble(ReadOnlySpan<byte> kept, ReadOnlySpan<int> keptLengths, ReadOnlySpan<bool> marks, Span<byte> lines, Span<int> lineEnds)
    {
        bool some = marks.IsEmpty || HasShaped(marks);
        for (int i = 0; i < entries.Length && some; i++) ColumnAt(i);
        int at = 0, keptAt = 0;
        for (int row = 0; row < rows.Length; row++)
        {
            if (rows[row] == 0)
            {
                int length = keptLengths[row];
                if (length > kept.Length - keptAt || length > lines.Length - at) throw new InvalidDataException("line lengths run over the lines frame");
                kept.Slice(keptAt, length).CopyTo(lines[at..]);
                keptAt += length;
                at += length;
            }
            else if (marks.IsEmpty || marks[row])
            {
                var shape = shapes[rows[row] - 1];
                var literals = shape.Literals;
                var numbers = shape.Columns;
                for (int i = 0; i < numbers.Length; i++)
                {
                    at += Put(literals[i], lines[at..]);
                    at += columns[numbers[i]]!.Write(row, lines[at..]);
                }
                at += Put(literals[^1], lines[at..]);
            }
            lineEnds[row] = at;
        }
        if (marks.IsEmpty && at != lines.Length) throw new InvalidDataException("the lines of a block have another length than its header says");
    }

    public void Dispose()
    {
        foreach (byte[] buffer in rented) ArrayPool<byte>.Shared.Return(buffer);
        rented.Clear();
        Array.Clear(columns);
    }

    private bool HasShaped(ReadOnlySpan<bool> marks)
    {
        for (int row = 0; row < rows.Length; row++)
        {
            if (marks[row] && rows[row] != 0) return true;
        }
        return false;
    }

    private static int Put(byte[] literal, Span<byte> into) =>
        literal.AsSpan().TryCopyTo(into) ? literal.Length : throw new InvalidDataException("lines are longer than their block's header says");

    private ColumnData ColumnAt(int number)
    {
        if (columns[number] is { } known) return known;
        var entry = entries[number];
        var header = block.Header;
        byte[] raw = BlockFrames.Read(block, header.Offset + header.IndexPacked + header.ShapesPacked + entry.Offset, entry.Packed, entry.Raw, entry.Crc, "columns");
        rented.Add(raw);
        return columns[number] = ColumnData.Read(entry.Kind, raw, entry.Raw, rows.Length, timestamps);
    }
}
