using System.Diagnostics.CodeAnalysis;
using Pharos.Core;

namespace Pharos.LogQL.Pipeline;

/// <summary>A label that a stage set: its value, or where the store keeps it.</summary>
internal struct ParsedLabel
{
    private readonly LogFieldColumn? column;
    private readonly int row;
    private string? value;

    public ParsedLabel(string name, string value)
    {
        Name = name;
        this.value = value;
    }

    public ParsedLabel(string name, LogFieldColumn column, int row)
    {
        Name = name;
        this.column = column;
        this.row = row;
    }

    public string Name { get; }

    public string Value => value ??= ParserText.Clean(column!.TextOf(row)!);

    /// <summary>Writes the value's bytes behind others, and makes room for them.</summary>
    /// <param name="at">Moved behind them.</param>
    public readonly void Write(ref byte[] buffer, ref int at)
    {
        if (value is not null)
        {
            LabelEncoding.Write(value, ref buffer, ref at);
            return;
        }
        // The store knows no fields of lines that are no clean text.
        Span<byte> scratch = stackalloc byte[128];
        LabelEncoding.Write(column!.BytesOf(row, scratch), ref buffer, ref at);
    }

    public readonly bool TryGetId([NotNullWhen(true)] out LogFieldColumn? dictionary, out int id)
    {
        bool has = column is { Distinct: > 0 };
        dictionary = has ? column : null;
        id = has ? column!.IdOf(row) : 0;
        return has;
    }
}
