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

    /// <summary>Lines after which a block without fields, or with a shape for every few lines, is left as it is.</summary>
    private const int PatienceLines = 64;

    private const int CellsMax = 4 << 20;

    private readonly FieldScanner scanner = new();
    private readonly List<LineShape> shapes = [];
    private readonly Dictionary<ulong, int> shapeOf = [];
    private readonly List<(int At, int Length)[]> columns = [];
    private readonly int[] seenIn = new int[FieldScanner.NamesMax];
    private byte[] rows = [];
    private int count;

    public IReadOnlyList<LineShape> Shapes => shapes;

    public int ColumnCount { get; private set; }

    /// <summary>The shape of each line, counted from 1; 0: the line is kept as it is.</summary>
    public ReadOnlySpan<byte> Rows => rows.AsSpan(0, count);

    public string NameOf(int column) => scanner.Names[column];

    /// <summary>Where each line has the value; a length of -1: it does not.</summary>
    public ReadOnlySpan<(int At, int Length)> Column(int column) => columns[column].AsSpan(0, count);

    /// <returns>False: no line has fields.</returns>
    public bool Shred(ReadOnlySpan<HeadEntry> entries, ReadOnlySpan<byte> bytes)
    {
        scanner.Clear();
        shapes.Clear();
        shapeOf.Clear();
        ColumnCount = 0;
        count = entries.Length;
        if (rows.Length < count) rows = new byte[count];
        rows.AsSpan(0, count).Clear();
        if (count < LinesMin) return false;
        Array.Fill(seenIn, -1);
        for (int row = 0; row < count; row++)
        {
            if (row >= PatienceLines && shapes.Count * 4 > row) return false;
            if (row == PatienceLines && shapes.Count == 0) return false;
            var line = bytes.Slice(entries[row].LineAt, entries[row].LineLength);
            var format = scanner.Scan(line);
            if (format == LogFieldFormat.None || scanner.Fields.IsEmpty) continue;
            int shape = ShapeOf(format, line, row);
            if (shape == 0) continue;
            rows[row] = (byte)shape;
            foreach (var field in scanner.Fields) columns[field.Name][row] = (entries[row].LineAt + field.At, field.Length);
        }
        return shapes.Count > 0;
    }

    private int ShapeOf(LogFieldFormat format, ReadOnlySpan<byte> line, int row)
    {
        var fields = scanner.Fields;
        int before = row > 0 ? rows[row - 1] : 0;
        if (before > 0 && shapes[before - 1].Fits(format, line, fields)) return before;
        ulong hash = LineShape.Hash(line, fields);
        if (shapeOf.TryGetValue(hash, out int known)) return shapes[known - 1].Fits(format, line, fields) ? known : 0;
        if (shapes.Count == ShapesMax) return 0;
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
        if (name < ColumnCount) return true;
        if ((long)(name + 1) * count > CellsMax) return false;
        while (ColumnCount <= name)
        {
            if (columns.Count == ColumnCount) columns.Add([]);
            if (columns[ColumnCount].Length < count) columns[ColumnCount] = new (int, int)[count];
            columns[ColumnCount].AsSpan(0, count).Fill((0, -1));
            ColumnCount++;
        }
        return true;
    }
}
