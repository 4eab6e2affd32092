using Pharos.Core;

namespace Pharos.Logs.Fields;

/// <summary>How a column's values are kept. On disk: never reuse a number.</summary>
internal enum ColumnKind : byte
{
    /// <summary>Different values, and a byte for each line: 0 for none, else the value's number. One value: a constant.</summary>
    Dictionary = 1,

    /// <summary>The same with two bytes for each line.</summary>
    LargeDictionary = 2,

    /// <summary>Decimal numbers as they are written, and a suffix that all share.</summary>
    Decimal = 3,

    /// <summary>IPv4 addresses.</summary>
    Ip = 4,

    /// <summary>Times of one <see cref="TimeForm"/>, against the timestamps of the lines.</summary>
    Time = 5,

    /// <summary>Anything else.</summary>
    Text = 6,

    /// <summary>Lower-case hexadecimal digits, the same even number in each line.</summary>
    Hex = 7,
}

/// <summary>A column as the directory of a block names it.</summary>
/// <param name="Name">Empty: values without a name, tokens of text.</param>
/// <param name="Form">Of a <see cref="ColumnKind.Decimal"/> column what follows each number, of a <see cref="ColumnKind.Time"/> column its <see cref="TimeForm"/>; else empty.</param>
/// <param name="Offset">From the start of the block's columns.</param>
/// <param name="Packed">0, for columns of metadata alone: the column stands in the frame that names it, not packed.</param>
/// <param name="Raw">Bytes before packing.</param>
/// <param name="Min">Least value of a <see cref="ColumnKind.Decimal"/> column; else 0.</param>
internal readonly record struct ColumnEntry(string Name, ColumnKind Kind, byte[] Form, int Offset, int Packed, int Raw, uint Crc, double Min, double Max)
{
    /// <summary>Between what the values are; null where that is not known without looking at them.</summary>
    /// <remarks>Numbers of more than 15 digits were rounded twice for the directory; whoever reads their text rounds once, and may multiply by a unit.</remarks>
    public LogFieldRange? Range => Kind == ColumnKind.Decimal ? new LogFieldRange(Min - (Math.Abs(Min) * 1e-15), Max + (Math.Abs(Max) * 1e-15), System.Text.Encoding.UTF8.GetString(Form)) : null;
}
