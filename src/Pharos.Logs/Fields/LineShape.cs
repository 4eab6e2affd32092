using Pharos.Core;

namespace Pharos.Logs.Fields;

/// <summary>What is the same in many lines: the text around the values, and the columns that hold them.</summary>
/// <param name="Format">None: the values are tokens of a text, and no fields.</param>
/// <param name="Columns">Numbers of the columns, in the order of the line.</param>
/// <param name="Literals">One more than columns: before the first value, between values, after the last.</param>
internal sealed record LineShape(LogFieldFormat Format, int[] Columns, byte[][] Literals)
{
    /// <summary>Whether a line with these fields has this shape.</summary>
    public bool Fits(LogFieldFormat format, ReadOnlySpan<byte> line, ReadOnlySpan<FieldSpan> fields)
    {
        if (format != Format || fields.Length != Columns.Length) return false;
        int at = 0;
        for (int i = 0; i < fields.Length; i++)
        {
            if (fields[i].Name != Columns[i] || !line[at..fields[i].At].SequenceEqual(Literals[i])) return false;
            at = fields[i].At + fields[i].Length;
        }
        return line[at..].SequenceEqual(Literals[^1]);
    }

    public static LineShape Of(LogFieldFormat format, ReadOnlySpan<byte> line, ReadOnlySpan<FieldSpan> fields)
    {
        var columns = new int[fields.Length];
        var literals = new byte[fields.Length + 1][];
        int at = 0;
        for (int i = 0; i < fields.Length; i++)
        {
            columns[i] = fields[i].Name;
            literals[i] = line[at..fields[i].At].ToArray();
            at = fields[i].At + fields[i].Length;
        }
        literals[^1] = line[at..].ToArray();
        return new LineShape(format, columns, literals);
    }

    /// <summary>The same lines, with values that never vary in the text.</summary>
    /// <param name="constants">For each column its only value, or null.</param>
    /// <param name="numbers">The new number of each other column.</param>
    public LineShape With(byte[]?[] constants, int[] numbers)
    {
        var columns = new List<int>(Columns.Length);
        var literals = new List<byte[]>(Literals.Length) { Literals[0] };
        for (int i = 0; i < Columns.Length; i++)
        {
            if (constants[Columns[i]] is { } constant)
            {
                literals[^1] = [.. literals[^1], .. constant, .. Literals[i + 1]];
                continue;
            }
            columns.Add(numbers[Columns[i]]);
            literals.Add(Literals[i + 1]);
        }
        return new LineShape(Format, [.. columns], [.. literals]);
    }

    /// <summary>The same number for lines of the same shape.</summary>
    public static ulong Hash(ReadOnlySpan<byte> line, ReadOnlySpan<FieldSpan> fields)
    {
        ulong hash = (ulong)fields.Length;
        int at = 0;
        foreach (var field in fields)
        {
            hash = ((hash ^ LabelCodec.Hash(line[at..field.At])) * 0x9E3779B97F4A7C15) + (ulong)field.Name;
            at = field.At + field.Length;
        }
        return (hash ^ LabelCodec.Hash(line[at..])) * 0x9E3779B97F4A7C15;
    }
}
