using System.Buffers;
using System.Runtime.CompilerServices;
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
    private string[]? names;

    /// <param name="directory">The shapes frame, unpacked.</param>
    /// <param name="columnsAt">Where its columns begin among those of the block.</param>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public ShapedBlock(BlockRef block, ReadOnlySpan<byte> directory, int columnsAt, long[] timestamps)
    {
        this.block = block;
        this.timestamps = timestamps;
        (shapes, entries, rows) = BlockShapes.Read(directory, block.Header, columnsAt);
        columns = new ColumnData?[entries.Length];
    }

    /// <remarks>Tokens have no name, and values that are no fields one that no label has.</remarks>
    public override IReadOnlyList<string> Names => names ??= [.. entries.Select(e => e.Name).Where(n => n.Length > 0 && n[0] != FieldScanner.Hidden)];

    public override LogFieldFormat FormatOf(int row) => rows[row] == 0 ? LogFieldFormat.None : shapes[rows[row] - 1].Format;

    public bool IsShaped(int row) => rows[row] != 0;

    /// <summary>Whether all lines are of one format.</summary>
    public bool IsAll(LogFieldFormat format)
    {
        if (rows.AsSpan().Contains((byte)0)) return false;
        foreach (var shape in shapes)
        {
            if (shape.Format != format) return false;
        }
        return true;
    }

    /// <summary>Whether any line may be of a format.</summary>
    public bool HasAny(LogFieldFormat format) => Array.Exists(shapes, s => s.Format == format);

    /// <summary>Copies the marks of lines of a format.</summary>
    public void CopyMarks(LogFieldFormat format, ReadOnlySpan<bool> from, Span<bool> to)
    {
        for (int row = 0; row < to.Length; row++)
        {
            if (FormatOf(row) == format) to[row] = from[row];
        }
    }

    public override LogFieldColumn? Column(string name) => NumberOf(name) is { } number ? ColumnAt(number) : null;

    public override LogFieldRange? RangeOf(string name) => NumberOf(name) is { } number ? entries[number].Range : null;

    public override IEnumerable<string?>? ValuesOf(string name)
    {
        if (NumberOf(name) is not { } number) return [null];
        return entries[number].Kind is ColumnKind.Dictionary or ColumnKind.LargeDictionary ? ((DictionaryColumn)ColumnAt(number)).Values : null;
    }

    public override bool? HasAddress(string name, uint low, uint high) =>
        NumberOf(name) is { } number && entries[number].Kind == ColumnKind.Ip ? ((NumberColumn)ColumnAt(number)).HasBetween(low, high) : null;

    /// <summary>Marks those lines of a shape that may hold a needle, reading only columns that may have a part of it; takes no mark away.</summary>
    /// <returns>Whether the lines that it marks hold the needle for certain.</returns>
    /// <exception cref="InvalidDataException">The block is damaged.</exception>
    public bool Mark(Needle needle, Span<bool> marks)
    {
        var pieces = new NeedlePieces();
        Span<bool> whole = stackalloc bool[shapes.Length + 1];
        whole[0] = false;
        for (int i = 0; i < shapes.Length; i++) whole[i + 1] = pieces.Add(shapes[i], i + 1, needle);
        foreach (var piece in pieces.Contained)
        {
            if (MayHold(piece, needle)) ColumnAt(piece.Column).Mark(needle, piece, marks);
        }
        foreach (var (together, ofShapes) in pieces.Bordering) MarkTogether(together, ofShapes, needle, marks);
        if (whole.Contains(true))
        {
            for (int row = 0; row < rows.Length; row++) marks[row] |= whole[rows[row]];
        }
        return pieces.AreAll && needle.IsExact;
    }

    /// <summary>Puts a line together that was taken apart; returns its length.</summary>
    /// <exception cref="InvalidDataException">The block is damaged.</exception>
    public int Assemble(int row, Span<byte> into)
    {
        var shape = shapes[rows[row] - 1];
        var literals = shape.Literals;
        var numbers = shape.Columns;
        int at = 0;
        for (int i = 0; i < numbers.Length; i++)
        {
            at += Put(literals[i], into[at..]);
            at += ColumnAt(numbers[i]).Write(row, into[at..]);
        }
        return at + Put(literals[^1], into[at..]);
    }

    /// <summary>Looks for matches of an expression in the lines that were taken apart.</summary>
    public ShapedSearch Search(LineSearch expression) => new(expression, this, shapes, rows, entries);

    /// <exception cref="InvalidDataException">The block is damaged.</exception>
    public ColumnData ColumnAt(int number) => columns[number] ?? Load(number);

    // Not inlined: what reads from a file makes each call of a method dearer, and here only the first one reads.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private ColumnData Load(int number)
    {
        var entry = entries[number];
        var header = block.Header;
        byte[] raw = BlockFrames.Read(block, header.ColumnsAt + entry.Offset, entry.Packed, entry.Raw, entry.Crc, "columns");
        rented.Add(raw);
        return columns[number] = ColumnData.Read(entry, raw, rows.Length, timestamps);
    }

    public void Dispose()
    {
        foreach (byte[] buffer in rented) ArrayPool<byte>.Shared.Return(buffer);
        rented.Clear();
        Array.Clear(columns);
    }

    private static int Put(ReadOnlySpan<byte> literal, Span<byte> into) =>
        literal.TryCopyTo(into) ? literal.Length : throw new InvalidDataException("lines are longer than their block's header says");

    private int? NumberOf(string name)
    {
        for (int i = 0; i < entries.Length; i++)
        {
            if (entries[i].Name == name) return i;
        }
        return null;
    }

    private bool MayHold(NeedlePiece piece, Needle needle) => ColumnData.MayHold(entries[piece.Column], needle, piece);

    /// <summary>Marks the lines of some shapes that have all of some pieces.</summary>
    private void MarkTogether(NeedlePiece[] pieces, bool[] ofShapes, Needle needle, Span<bool> marks)
    {
        foreach (var piece in pieces)
        {
            if (!MayHold(piece, needle)) return;
        }
        bool[] rented = ArrayPool<bool>.Shared.Rent(rows.Length);
        var all = rented.AsSpan(0, rows.Length);
        all.Clear();
        ColumnAt(pieces[0].Column).Mark(needle, pieces[0], all);
        for (int row = all.IndexOf(true); row >= 0 && row < all.Length; row++)
        {
            if (!all[row] || marks[row] || !ofShapes[rows[row]]) continue;
            bool holds = true;
            for (int i = 1; i < pieces.Length && holds; i++)
            {
                holds = ColumnAt(pieces[i].Column).Has(row, needle, pieces[i]);
            }
            marks[row] = holds;
        }
        ArrayPool<bool>.Shared.Return(rented);
    }
}
