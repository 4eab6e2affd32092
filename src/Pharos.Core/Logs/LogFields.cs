namespace Pharos.Core;

/// <summary>What a line was found to be when it was stored.</summary>
public enum LogFieldFormat : byte
{
    /// <summary>Nothing is known: whoever wants fields parses the line.</summary>
    None = 0,

    /// <summary>A JSON object, and LogQL's <c>json</c> would find in it exactly the fields that are known.</summary>
    Json = 1,

    /// <summary>Logfmt pairs, and LogQL's <c>logfmt</c> would find in it exactly the fields that are known.</summary>
    Logfmt = 2,
}

/// <summary>
/// Fields of a block's lines, found when the lines were stored, by their names as labels. Reading one is the same as parsing the line.
/// Not safe for several threads.
/// </summary>
public abstract class LogFields
{
    public abstract LogFieldFormat FormatOf(int row);

    /// <summary>The names of all fields that lines which are known have.</summary>
    public abstract IReadOnlyList<string> Names { get; }

    /// <summary>The values of a name; null where no line that is known has the field.</summary>
    public abstract LogFieldColumn? Column(string name);

    /// <summary>Between what the values of a name are; null where that is not known without looking at them.</summary>
    public abstract LogFieldRange? RangeOf(string name);

    /// <summary>The different values of a name, null among them where a line does not have the field; null where that is not known without looking at the lines.</summary>
    public abstract IEnumerable<string?>? ValuesOf(string name);

    /// <summary>
    /// Whether a value of a name is an IPv4 address between two, both inclusive, each as a number; null where the values of the name are not all addresses.
    /// </summary>
    public virtual bool? HasAddress(string name, uint low, uint high) => null;
}

/// <summary>Values that are decimal numbers.</summary>
/// <param name="Min">No value is less; rounding is allowed for.</param>
/// <param name="Max">No value is greater; rounding is allowed for.</param>
/// <param name="Suffix">What follows the number in each value.</param>
public readonly record struct LogFieldRange(double Min, double Max, string Suffix);

/// <summary>
/// What is wanted of the fields of lines, so that the store can leave out whole blocks; the reader still checks each line. Safe for several threads.
/// </summary>
public abstract class LogFieldFilter
{
    /// <summary>What the lines are taken for: of lines which are something else the filter knows nothing.</summary>
    public abstract LogFieldFormat Format { get; }

    /// <summary>Names of the fields that it looks at. Where a stream or structured metadata has one of them too, the filter knows nothing.</summary>
    public abstract IReadOnlyList<string> Names { get; }

    /// <summary>False: no line of a block is wanted, each of which is of <see cref="Format"/>.</summary>
    public abstract bool MayPass(LogFields fields);

    /// <summary>Takes the marks off lines that are certainly not wanted.</summary>
    public virtual void Narrow(LogFields fields, Span<bool> marks)
    {
    }

    /// <summary>Values that every wanted line has.</summary>
    public virtual IReadOnlyList<(string Name, ReadOnlyMemory<byte> Utf8)> Required => [];
}

/// <summary>The values of one field in the lines of a block.</summary>
public abstract class LogFieldColumn
{
    /// <summary>Number of different values, where the column is a dictionary of them, numbered from 1; else 0.</summary>
    public virtual int Distinct => 0;

    /// <summary>Number of the value in the dictionary; 0 where the line does not have the field. Only for dictionaries.</summary>
    public virtual int IdOf(int row) => throw new InvalidOperationException("the column is no dictionary");

    /// <summary>The text of a value by its number in the dictionary, from 1. Only for dictionaries.</summary>
    public virtual string TextOfId(int id) => throw new InvalidOperationException("the column is no dictionary");

    public abstract bool Has(int row);

    /// <summary>The value's text; null where the line does not have the field.</summary>
    public abstract string? TextOf(int row);

    /// <summary>The bytes of the value of a line that has one; valid until the next call.</summary>
    /// <param name="scratch">128 bytes that may be written.</param>
    public virtual ReadOnlySpan<byte> BytesOf(int row, Span<byte> scratch) => System.Text.Encoding.UTF8.GetBytes(TextOf(row) ?? "");

    /// <summary>Takes the marks off lines that do not have the field, or whose number is certainly not between two, both inclusive. Only where <see cref="LogFields.RangeOf"/> is known.</summary>
    public virtual void KeepBetween(double least, double greatest, Span<bool> marks) => throw new InvalidOperationException("the column has no numbers");

    /// <summary>Takes the marks off lines whose value is not wanted. Only for dictionaries.</summary>
    /// <param name="wanted">For each number that <see cref="IdOf"/> may give.</param>
    public virtual void Keep(ReadOnlySpan<bool> wanted, Span<bool> marks)
    {
        for (int row = 0; row < marks.Length; row++) marks[row] &= wanted[IdOf(row)];
    }

    /// <summary>Whether the line has the field and its value is this.</summary>
    public virtual bool Is(int row, ReadOnlySpan<byte> utf8)
    {
        Span<byte> scratch = stackalloc byte[128];
        return Has(row) && BytesOf(row, scratch).SequenceEqual(utf8);
    }
}
