using Pharos.Core;

namespace Pharos.Logs.Fields;

/// <summary>An expression, and what was found of it that holds for all blocks. For one thread.</summary>
internal sealed class LineSearch(LineAutomaton automaton)
{
    /// <summary>States whose ways through two hexadecimal digits are kept.</summary>
    private const int RowsMax = 256;

    /// <summary>For a row and a byte of two hexadecimal digits the row after it; -1: not known, or no state that goes on.</summary>
    private readonly short[] after = new short[RowsMax << 8];
    private readonly int[] stateOf = new int[RowsMax];
    private readonly Dictionary<int, int> rowOf = [];
    private int generation;
    private int firstRow = -1;

    public LineAutomaton Automaton => automaton;

    /// <summary>Null where the expression asks for what <see cref="LineAutomaton"/> does not know.</summary>
    /// <exception cref="FormatException">It is not RE2.</exception>
    public static LineSearch? For(string? expression) => expression is not null && LineAutomaton.For(expression) is { } automaton ? new LineSearch(automaton) : null;

    /// <summary>The state after the hexadecimal digits of some bytes.</summary>
    public int RunHex(int state, ReadOnlySpan<byte> bytes)
    {
        for (int i = 0; i < bytes.Length;)
        {
            // Columns are mostly reached in one and the same state.
            int row = i == 0 && firstRow >= 0 && generation == automaton.Generation && stateOf[firstRow] == state ? firstRow : RowOf(state);
            if (i == 0) firstRow = row;
            short[] cells = after;
            int next;
            while (i < bytes.Length && (next = cells[(row << 8) | bytes[i]]) >= 0)
            {
                row = next;
                i++;
            }
            state = stateOf[row];
            if (i == bytes.Length) break;
            state = automaton.Run(state, [Digit(bytes[i] >> 4), Digit(bytes[i] & 15)]);
            if (state < 0) return state;
            if (generation == automaton.Generation)
            {
                int known = rowOf.Count, found = RowOf(state);
                // Not where rows were forgotten on the way.
                if (rowOf.Count >= known) after[(row << 8) | bytes[i]] = (short)found;
            }
            i++;
        }
        return state;
    }

    private int RowOf(int state)
    {
        if (generation != automaton.Generation || (rowOf.Count == RowsMax && !rowOf.ContainsKey(state)))
        {
            generation = automaton.Generation;
            rowOf.Clear();
            firstRow = -1;
            after.AsSpan().Fill(-1);
        }
        if (!rowOf.TryGetValue(state, out int row))
        {
            rowOf[state] = row = rowOf.Count;
            stateOf[row] = state;
        }
        return row;
    }

    private static byte Digit(int value) => (byte)(value < 10 ? '0' + value : 'a' + value - 10);
}
