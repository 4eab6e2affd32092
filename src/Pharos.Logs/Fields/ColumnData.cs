using System.Buffers;
using Pharos.Core;

namespace Pharos.Logs.Fields;

/// <summary>The values of one column, unpacked: as fields of a query, and as pieces of lines. Not safe for several threads.</summary>
internal abstract class ColumnData : LogFieldColumn
{
    /// <summary>Writes the value of a line that has one; returns its length.</summary>
    /// <exception cref="InvalidDataException">There is no room for it.</exception>
    public abstract int Write(int row, Span<byte> into);

    /// <param name="raw">Starts with the column's bytes; must outlive this.</param>
    /// <exception cref="InvalidDataException">The bytes are damaged.</exception>
    public static ColumnData Read(ColumnEntry entry, byte[] raw, int rows, long[] timestamps) => entry.Kind switch
    {
        ColumnKind.Dictionary => new DictionaryColumn(raw, entry.Raw, rows, 1),
        ColumnKind.LargeDictionary => new DictionaryColumn(raw, entry.Raw, rows, 2),
        ColumnKind.Decimal or ColumnKind.Ip or ColumnKind.Time => new NumberColumn(entry, raw, rows, timestamps),
        ColumnKind.Text => new TextColumn(raw, entry.Raw, rows),
        ColumnKind.Hex => new HexColumn(raw, entry.Raw, rows),
        _ => throw new InvalidDataException($"a column has the kind {(int)entry.Kind}, which is unknown to this version"),
    };

    /// <summary>Whether values of a column can hold the bytes of a piece at all; needs no column. True where that is not known.</summary>
    public static bool MayHold(ColumnEntry entry, Needle needle, NeedlePiece piece) => Alphabet(entry) is not { } known || needle.MayConsistOf(known, piece);

    /// <summary>Whether values of a column can hold one of some bytes. True where that is not known.</summary>
    public static bool MayHoldAny(ColumnEntry entry, SearchValues<byte> bytes) => Alphabet(entry) is not { } known || known.AsSpan().IndexOfAny(bytes) >= 0;

    /// <summary>Marks the lines whose value has the piece.</summary>
    public virtual void Mark(Needle needle, NeedlePiece piece, Span<bool> rows)
    {
        for (int row = 0; row < rows.Length; row++)
        {
            if (!rows[row]) rows[row] = Has(row, needle, piece);
        }
    }

    /// <summary>Whether a line has the value, and that the piece.</summary>
    public bool Has(int row, Needle needle, NeedlePiece piece)
    {
        if (!Has(row)) return false;
        Span<byte> scratch = stackalloc byte[128];
        return needle.Holds(BytesOf(row, scratch), piece);
    }

    public override ReadOnlySpan<byte> BytesOf(int row, Span<byte> scratch) => scratch[..Write(row, scratch)];

    /// <summary>All bytes that values of a column can hold; null: any.</summary>
    public static byte[]? Alphabet(ColumnEntry entry) => entry.Kind switch
    {
        ColumnKind.Hex => [.. "0123456789abcdef"u8],
        ColumnKind.Ip => [.. "0123456789."u8],
        ColumnKind.Decimal => [.. "0123456789-."u8, .. entry.Form],
        ColumnKind.Time => TimeForm.Decode(entry.Form).Alphabet,
        _ => null,
    };

    protected static int Copy(ReadOnlySpan<byte> value, Span<byte> into) =>
        value.TryCopyTo(into) ? value.Length : throw new InvalidDataException("values are longer than the lines of their block");
}
