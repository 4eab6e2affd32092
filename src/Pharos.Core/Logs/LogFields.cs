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

    /// <summary>The values of a name; null where no line that is known has the field.</summary>
    public abstract LogFieldColumn? Column(string name);
}

/// <summary>The values of one field in the lines of a block.</summary>
public abstract class LogFieldColumn
{
    /// <summary>Number of different values, where the column is a dictionary of them, numbered from 1; else 0.</summary>
    public virtual int Distinct => 0;

    /// <summary>Number of the value in the dictionary; 0 where the line does not have the field. Only for dictionaries.</summary>
    public virtual int IdOf(int row) => throw new InvalidOperationException("the column is no dictionary");

    public abstract bool Has(int row);

    /// <summary>The value's text; null where the line does not have the field.</summary>
    public abstract string? TextOf(int row);
}
