namespace Pharos.Logs.Fields;

/// <summary>Hexadecimal digits, packed two to a byte.</summary>
internal sealed class HexColumn : ColumnData
{
    private readonly byte[] raw;
    private readonly int[] numberOf;
    private readonly int bytesEach;
    private readonly int valuesAt;

    public HexColumn(byte[] raw, int length, int rows)
    {
        this.raw = raw;
        var bytes = raw.AsSpan(0, length);
        int at = 0;
        bytesEach = Varints.ReadLength(bytes, ref at);
        if (bytesEach > 64 || bytes.Length - at < rows) throw new InvalidDataException("a column ends early");
        numberOf = new int[rows];
        int values = 0;
        for (int row = 0; row < rows; row++) numberOf[row] = bytes[at + row] == 0 ? -1 : values++;
        valuesAt = at + rows;
        if (bytes.Length - valuesAt != (long)values * bytesEach) throw new InvalidDataException("a column has another length than its values");
    }

    public override bool Has(int row) => numberOf[row] >= 0;

    public override string? TextOf(int row) => Has(row) ? Convert.ToHexStringLower(ValueOf(row)) : null;

    public override int Write(int row, Span<byte> into)
    {
        if (into.Length < 2 * bytesEach) throw new InvalidDataException("values are longer than the lines of their block");
        Convert.TryToHexStringLower(ValueOf(row), into, out int written);
        return written;
    }

    /// <summary>The value of a line, two digits to a byte, the first one above.</summary>
    public ReadOnlySpan<byte> ValueOf(int row) => numberOf[row] < 0 ? default : raw.AsSpan(valuesAt + (numberOf[row] * bytesEach), bytesEach);
}
