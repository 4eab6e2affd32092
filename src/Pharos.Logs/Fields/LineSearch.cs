using Pharos.Core;

namespace Pharos.Logs.Fields;

/// <summary>An expression, and what was found of it that holds for all blocks. For one thread.</summary>
internal sealed class LineSearch(LineAutomaton automaton)
{
    private const int SlotBits = 6;

    /// <summary>For some states the state after each two hexadecimal digits; as many states as there are slots, the last come stays.</summary>
    private readonly int[] stateOf = [.. Enumerable.Repeat(-1, 1 << SlotBits)];
    private readonly int[] after = new int[256 << SlotBits];
    private int generation;

    public LineAutomaton Automaton => automaton;

    /// <summary>Null where the expression asks for what <see cref="LineAutomaton"/> does not know.</summary>
    /// <exception cref="FormatException">It is not RE2.</exception>
    public static LineSearch? For(string? expression) => expression is not null && LineAutomaton.For(expression) is { } automaton ? new LineSearch(automaton) : null;

    /// <summary>The state after the hexadecimal digits of some bytes.</summary>
    public int RunHex(int state, ReadOnlySpan<byte> bytes)
    {
        foreach (byte b in bytes)
        {
            if (generation != automaton.Generation)
            {
                generation = automaton.Generation;
                stateOf.AsSpan().Fill(-1);
            }
            int slot = (int)((uint)state * 0x9E3779B1u >> (32 - SlotBits));
            var cells = after.AsSpan(slot << 8, 256);
            if (stateOf[slot] != state)
            {
                stateOf[slot] = state;
                cells.Fill(-1);
            }
            int next = cells[b];
            if (next == -1)
            {
                next = automaton.Run(state, [Digit(b >> 4), Digit(b & 15)]);
                if (generation == automaton.Generation) cells[b] = next;
            }
            if (next < 0) return next;
            state = next;
        }
        return state;
    }

    private static byte Digit(int value) => (byte)(value < 10 ? '0' + value : 'a' + value - 10);
}
