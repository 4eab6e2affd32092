using System.Text;

namespace Pharos.Logs.Fields;

/// <summary>Values as they are, one after another.</summary>
internal sealed class TextColumn : ColumnData
{
    private readonly byte[] raw;
    private readonly int[] ends;
    private readonly int[] lengths;

    public TextColumn(byte[] raw, int length, int rows)
    {
        this.raw = raw;
        ends = new int[rows];
        lengths = new int[rows];
        var bytes = raw.AsSpan(0, length);
        int at = 0;
        long end = 0;
        for (int row = 0; row < rows; row++)
        {
            ulong size = Varints.Read(bytes, ref at);
            if (size > int.MaxValue) throw new InvalidDataException("a value is longer than its column");
            lengths[row] = (int)size - 1;
            end += Math.Max(0, lengths[row]);
            if (end > bytes.Length) throw new InvalidDataException("a value runs over the end of its column");
            ends[row] = (int)end;
        }
        if (end + at != bytes.Length) throw new InvalidDataException("a column has another length than its values");
        for (int row = 0; row < rows; row++) ends[row] += at;
    }

    public override bool Has(int row) => lengths[row] >= 0;

    public override string? TextOf(int row) => Has(row) ? Encoding.UTF8.GetString(ValueOf(row)) : null;

    public override int Write(int row, Span<byte> into) => Copy(ValueOf(row), into);

    public override ReadOnlySpan<byte> BytesOf(int row, Span<byte> scratch) => ValueOf(row);

    public override void Mark(Needle needle, NeedlePiece piece, Span<bool> rows)
    {
        if (rows.IsEmpty) return;
        int at = ends[0] - Math.Max(0, lengths[0]), end = ends[rows.Length - 1];
        if (piece.Kind != PieceKind.Contains || !needle.IsPlain(raw.AsSpan(at, end - at)))
        {
            base.Mark(needle, piece, rows);
            return;
        }
        // All values at once; to whom a hit belongs is looked up only then.
        for (int row = 0; at < end;)
        {
            int hit = needle.IndexIn(raw.AsSpan(at, end - at));
            if (hit < 0) return;
            int position = at + hit;
            while (ends[row] <= position) row++;
            rows[row] |= position + piece.Length <= ends[row];
            at = position + 1;
        }
    }

    private ReadOnlySpan<byte> ValueOf(int row) => lengths[row] < 0 ? default : raw.AsSpan(ends[row] - lengths[row], lengths[row]);
}
