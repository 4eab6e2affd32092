namespace Pharos.Core;

/// <summary>
/// Reads a text from its end to its begin and learns at each place whether a match begins there, and which symbols of the expression can take what stands there so
/// that a match follows. Linear in the text, whatever the expression: states of a deterministic automaton are built as they are met and kept for the next text; where
/// there are too many of them, <see cref="RegexSimulation"/> is asked for each place. For one thread.
/// </summary>
internal sealed class BackwardScan
{
    /// <summary>Longest text whose trace is kept when it is no longer needed.</summary>
    private const int TraceKept = 1 << 14;

    /// <summary>Places for which vectors are kept at a time, at least, where there are no states.</summary>
    private const int BlockMin = 256;

    /// <summary>Units that leave the waiting state as it is before a search is begun for one that does not.</summary>
    private const int StayMin = 8;

    private readonly RegexProgram reversed;
    private readonly ScanStates states;
    private readonly RegexSimulation simulation;
    private readonly int words;
    private int length;
    private int floor;
    private Neighbour beyond;

    /// <summary>For each place its state and whether a match begins there, as in a cell.</summary>
    private int[] trace = [];
    private ulong[] begins = [];
    private ulong[] checkpoints = [];
    private ulong[] block = [];
    private int blockLength;
    private int blockAt;

    private BackwardScan(RegexProgram reversed, ScanStates states)
    {
        this.reversed = reversed;
        this.states = states;
        simulation = states.Simulation;
        words = simulation.Words;
    }

    /// <summary>Where the leftmost match begins; -1: there is none.</summary>
    public int First { get; private set; }

    /// <summary>Whether the text is read without states.</summary>
    internal bool IsSimulated { get; private set; }

    /// <summary>Changes when states are forgotten.</summary>
    public int Generation => states.Generation;

    /// <param name="reversed">As <see cref="RegexProgram.Reversed"/> gives it.</param>
    /// <returns>Null where the expression is too large.</returns>
    public static BackwardScan? Of(RegexProgram reversed) =>
        ScanStates.Of(reversed) is { } states ? new BackwardScan(reversed, states) : null;

    /// <summary>Finds where matches begin that do so at a place or behind it and end no later than another.</summary>
    public void Read(ReadOnlySpan<char> text, int begin, int end)
    {
        floor = begin;
        length = end;
        beyond = end < text.Length ? reversed.KindOf(reversed.ClassOf(text[end])) : Neighbour.Nothing;
        for (int attempt = 0; attempt < 2 && !states.IsOverworked; attempt++)
        {
            IsSimulated = false;
            if (trace.Length <= length) trace = new int[Math.Max(length + 1, Math.Min(2 * length, TraceKept))];
            if (TryRead(text)) return;
            // The states of the texts before this one may be of no use to it.
            states.Overflow();
        }
        IsSimulated = true;
        Simulate(text);
    }

    /// <summary>Where the first match begins that does so at a place or behind it; -1: there is none.</summary>
    public int Next(int from)
    {
        if (First < 0) return -1;
        for (int at = Math.Max(from, First); at <= length; at++)
        {
            if (IsSimulated ? (begins[at >> 6] >> at & 1) != 0 : (trace[at] & ScanStates.Matches) != 0) return at;
        }
        return -1;
    }

    /// <summary>The symbols of the reversed program that take what stands at a place so that a match follows; valid until the next call.</summary>
    /// <param name="text">The text that was read.</param>
    /// <param name="at">Not before <see cref="First"/>.</param>
    public ReadOnlySpan<ulong> Takers(ReadOnlySpan<char> text, int at)
    {
        if (!IsSimulated) return states.VectorOf(trace[at] >> ScanStates.StateShift);
        if (at / blockLength != blockAt) Load(text, at / blockLength);
        return block.AsSpan((at - (blockAt * blockLength)) * words, words);
    }

    /// <summary>The state at a place, which has the same <see cref="Takers"/> wherever it is met; -1: there are none.</summary>
    public int StateAt(int at) => IsSimulated ? -1 : trace[at] >> ScanStates.StateShift;

    /// <summary>Forgets the text.</summary>
    public void Release()
    {
        begins = checkpoints = block = [];
        if (trace.Length > TraceKept) trace = [];
    }

    /// <summary>False where there are too many states.</summary>
    private bool TryRead(ReadOnlySpan<char> text)
    {
        int state = states.After(beyond), stayed = 0;
        int hopAt = states.Staying is null ? -1 : states.Idle;
        First = -1;
        for (int at = length; ; at--)
        {
            if (state == hopAt && ++stayed > StayMin)
            {
                stayed = 0;
                int to = Math.Max(floor, text[..at].LastIndexOfAnyExcept(states.Staying!) + 1);
                trace.AsSpan(to + 1, at - to).Fill(state << ScanStates.StateShift);
                at = to;
            }
            int cell = states.Cell(state, at > 0 ? reversed.ClassOf(text[at - 1]) : states.EndClass);
            bool last = at == floor || (cell & ScanStates.Dead) != 0;
            if (cell < 0 || last) states.Count(length - at);
            if (cell < 0) return false;
            trace[at] = (state << ScanStates.StateShift) | (cell & ScanStates.Matches);
            if ((cell & ScanStates.Matches) != 0) First = at;
            if (last) return true;
            state = cell >> ScanStates.StateShift;
        }
    }

    /// <summary>Keeps the vectors of few places, from which those between can be made again.</summary>
    private void Simulate(ReadOnlySpan<char> text)
    {
        ulong[] now = new ulong[words], next = new ulong[words];
        First = -1;
        blockLength = Math.Max(BlockMin, (int)Math.Sqrt(length));
        blockAt = -1;
        begins = new ulong[(length >> 6) + 1];
        checkpoints = new ulong[(((length + blockLength - 1) / blockLength) + 1) * words];
        block = new ulong[blockLength * words];
        var left = beyond;
        for (int at = length; ; at--)
        {
            int unitClass = at > 0 ? reversed.ClassOf(text[at - 1]) : states.EndClass;
            var right = at > 0 ? reversed.KindOf(unitClass) : Neighbour.Nothing;
            if (at == length || at % blockLength == 0) now.CopyTo(checkpoints, (at + blockLength - 1) / blockLength * words);
            if (simulation.Matches(now, left, right))
            {
                First = at;
                begins[at >> 6] |= 1UL << at;
            }
            if (at == floor) return;
            simulation.Advance(now, next, left, unitClass);
            (now, next) = (next, now);
            left = right;
        }
    }

    private void Load(ReadOnlySpan<char> text, int number)
    {
        blockAt = number;
        int first = number * blockLength, at = Math.Min(first + blockLength, length);
        ulong[] from = checkpoints;
        int fromAt = (at + blockLength - 1) / blockLength * words;
        if (at == length && at < first + blockLength) checkpoints.AsSpan(fromAt, words).CopyTo(block.AsSpan((at - first) * words));
        while (at-- > Math.Max(first, floor))
        {
            var left = at + 1 == length ? beyond : reversed.KindOf(reversed.ClassOf(text[at + 1]));
            int to = (at - first) * words;
            simulation.Advance(from.AsSpan(fromAt, words), block.AsSpan(to, words), left, reversed.ClassOf(text[at]));
            (from, fromAt) = (block, to);
        }
    }
}
