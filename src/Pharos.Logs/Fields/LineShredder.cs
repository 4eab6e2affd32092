using System.Runtime.InteropServices;
using Pharos.Core;
using Pharos.Logs.Streams;

namespace Pharos.Logs.Fields;

/// <summary>
/// Takes the lines of a block apart: lines of few shapes become values in columns, the others stay as they are.
/// Reused from block to block; not safe for several threads.
/// </summary>
internal sealed class LineShredder
{
    /// <summary>A line's shape is a byte: 0 for none.</summary>
    public const int ShapesMax = 255;

    /// <summary>Below this a block is not worth columns.</summary>
    private const int LinesMin = 32;

    /// <summary>Lines after which a block is looked at again: where few were taken apart, all are left as they are.</summary>
    private const int PatienceLines = 64;

    private const int CellsMax = 4 << 20;

    private readonly FieldScanner scanner = new();
    private readonly List<LineShape> shapes = [];
    private readonly Dictionary<ulong, int> shapeOf = [];
    private readonly List<(int At, int Length)[]> columns = [];
    private readonly List<int> used = [];
    private readonly int[] seenIn = new int[FieldScanner.NamesMax];
    private byte[] rows = [];
    private int cellColumns;
    private int count;

    public IReadOnlyList<LineShape> Shapes => shapes;

    public int ColumnCount => used.Count;

    /// <summary>The shape of each line, counted from 1; 0: the line is kept as it is.</summary>
    public ReadOnlySpan<byte> Rows => rows.AsSpan(0, count);

    /// <summary>Empty: a token's, which has none.</summary>
    public string NameOf(int column) => scanner.Names[used[column]];

    /// <summary>Where each line has the value; a length of -1: it does not.</summary>
    public ReadOnlySpan<(int At, int Length)> Column(int column) => columns[used[column]].AsSpan(0, count);

    /// <returns>False: the lines are best kept as they are.</returns>
    public bool Shred(ReadOnlySpan<HeadEntry> entries, ReadOnlySpan<byte> bytes)
    {
        scanner.Clear();
        shapes.Clear();
        shapeOf.Clear();
        used.Clear();
        cellColumns = 0;
        count = entries.Length;
        Sized.AtLeast(ref rows, count);
        rows.AsSpan(0, count).Clear();
        if (count < LinesMin) return false;
        Array.Fill(seenIn, -1);
        int shaped = 0;
        for (int row = 0; row < count; row++)
        {
            if (row % PatienceLines == 0 && shaped * 4 < row) return false;
            var line = bytes.Slice(entries[row].LineAt, entries[row].LineLength);
            var format = scanner.Scan(line);
            if (scanner.Fields.IsEmpty) continue;
            int shape = ShapeOf(format, line, row);
            if (shape == 0) continue;
            shaped++;
            rows[row] = (byte)shape;
            foreach (var field in scanner.Fields) columns[field.Name][row] = (entries[row].LineAt + field.At, field.Length);
        }
        return Settle(entries, bytes);
    }

    private int ShapeOf(LogFieldFormat format, ReadOnlySpan<byte> line, int row)
    {
        var fields = scanner.Fields;
        int before = row > 0 ? rows[row - 1] : 0;
        if (before > 0 && shapes[before - 1].Fits(format, line, fields)) return before;
        ulong hash = LineShape.Hash(line, fields);
        if (shapeOf.TryGetValue(hash, out int known)) return shapes[known - 1].Fits(format, line, fields) ? known : 0;
        // Lines that are all different: those which are like no other stay as they are.
        if (shapes.Count == ShapesMax || shapes.Count * 4 > row + PatienceLines) return 0;
        foreach (var field in fields)
        {
            // A name that comes twice has two values: the parsers say which of them counts.
            if (seenIn[field.Name] == row || !TryHaveColumn(field.Name)) return 0;
            seenIn[field.Name] = row;
        }
        shapes.Add(LineShape.Of(format, line, fields));
        return shapeOf[hash] = shapes.Count;
    }

    private bool TryHaveColumn(int name)
    {
        if (name < cellColumns) return true;
        if ((long)(name + 1) * count > CellsMax) return false;
        while (cellColumns <= name)
        {
            if (columns.Count == cellColumns) columns.Add([]);
            Sized.AtLeast(ref CollectionsMarshal.AsSpan(columns)[cellColumns], count);
            columns[cellColumns].AsSpan(0, count).Fill((0, -1));
            cellColumns++;
        }
        return true;
    }

    /// <summary>Leaves out shapes that are rare, and makes tokens that never vary a part of their shapes.</summary>
    private bool Settle(ReadOnlySpan<HeadEntry> entries, ReadOnlySpan<byte> bytes)
    {
        var numbers = new byte[shapes.Count + 1];
        var kept = new List<LineShape>(shapes.Count);
        var worth = WorthOfShapes(entries);
        for (int i = 0; i < shapes.Count; i++)
        {
            if (!worth[i]) continue;
            kept.Add(shapes[i]);
            numbers[i + 1] = (byte)kept.Count;
        }
        for (int row = 0; row < count; row++)
        {
            byte now = numbers[rows[row]];
            if (rows[row] != 0 && now == 0)
            {
                foreach (int column in shapes[rows[row] - 1].Columns) columns[column][row] = (0, -1);
            }
            rows[row] = now;
        }
        var constants = new byte[]?[cellColumns];
        var places = new int[cellColumns];
        for (int column = 0; column < cellColumns; column++)
        {
            if (!kept.Any(s => s.Columns.Contains(column))) continue;
            if (IsToken(column)) constants[column] = ConstantOf(columns[column].AsSpan(0, count), bytes);
            if (constants[column] is not null) continue;
            places[column] = used.Count;
            used.Add(column);
        }
        shapes.Clear();
        foreach (var shape in kept) shapes.Add(shape.With(constants, places));
        return shapes.Count > 0;
    }

    /// <summary>
    /// Each column takes a byte or so for each line of the block, whether the line has its value or not; lines that have it share that.
    /// A shape whose lines take twice as much in columns of tokens as their own bytes is not worth it. Fields are always kept.
    /// </summary>
    private bool[] WorthOfShapes(ReadOnlySpan<HeadEntry> entries)
    {
        var lines = new int[shapes.Count];
        var lineBytes = new long[shapes.Count];
        for (int row = 0; row < count; row++)
        {
            if (rows[row] == 0) continue;
            lines[rows[row] - 1]++;
            lineBytes[rows[row] - 1] += entries[row].LineLength;
        }
        var users = new int[cellColumns];
        for (int i = 0; i < shapes.Count; i++)
        {
            foreach (int column in shapes[i].Columns) users[column] += lines[i];
        }
        var worth = new bool[shapes.Count];
        for (int i = 0; i < shapes.Count; i++)
        {
            double cost = 0;
            foreach (int column in shapes[i].Columns)
            {
                if (IsToken(column)) cost += (double)count / users[column];
            }
            worth[i] = cost * lines[i] * 2 <= lineBytes[i];
        }
        return worth;
    }

    private bool IsToken(int column) => scanner.Names[column].Length == 0;

    /// <summary>The only value of a column; null where there are several.</summary>
    private static byte[]? ConstantOf(ReadOnlySpan<(int At, int Length)> cells, ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> first = default;
        bool any = false;
        foreach (var (at, length) in cells)
        {
            if (length < 0) continue;
            var value = bytes.Slice(at, length);
            if (any && !value.SequenceEqual(first)) return null;
            first = value;
            any = true;
        }
        return first.ToArray();
    }
}
