namespace Pharos.Core;

/// <summary>Reads a text from its begin to learn quickly whether it matches, and behind what place the leftmost match cannot end. For one thread.</summary>
internal sealed class ForwardScan
{
    /// <summary>Not known: the expression needs too many states.</summary>
    public const int Unknown = -2;

    /// <summary>There is no match.</summary>
    public const int None = -1;

    /// <summary>Characters that leave the waiting state as it is before a search is begun for one that does not.</summary>
    private const int StayMin = 8;

    private readonly RegexProgram program;
    private readonly ScanStates? states;

    public ForwardScan(RegexProgram program)
    {
        this.program = program;
        states = ScanStates.Of(program);
    }

    /// <summary>The last place where a match ends that begins no later than any ends; <see cref="None"/> or <see cref="Unknown"/>.</summary>
    /// <param name="text">What to read.</param>
    /// <param name="any">Whether any place where a match ends will do.</param>
    public int End(ReadOnlySpan<char> text, bool any)
    {
        if (states is null || states.IsOverworked) return Unknown;
        int state = ScanStates.Start, end = None, at = 0, stayed = 0;
        int hopAt = states.Staying is null ? -1 : states.Idle;
        for (; ; at++)
        {
            if (state == hopAt && ++stayed > StayMin)
            {
                stayed = 0;
                int hop = text[at..].IndexOfAnyExcept(states.Staying!);
                at = hop < 0 ? text.Length : at + hop;
            }
            int cell = states.Cell(state, at < text.Length ? program.ClassOf(text[at]) : states.EndClass);
            if (cell < 0) break;
            state = cell >> ScanStates.StateShift;
            if ((cell & (ScanStates.Matches | ScanStates.Dead)) == 0) continue;
            bool isFirst = end < 0;
            if ((cell & ScanStates.Matches) != 0) end = at;
            if ((cell & ScanStates.Dead) != 0 || (any && end >= 0))
            {
                states.Count(at);
                return end;
            }
            if (isFirst && (state = states.Closed(state)) < 0) break;
        }
        states.Count(at);
        states.Overflow();
        return Unknown;
    }
}
