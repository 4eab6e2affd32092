namespace Pharos.Core;

/// <summary>Reads a text from its begin to learn quickly whether it matches, and between what places the leftmost match is. For one thread.</summary>
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

    /// <summary>What each match begins with; empty where it is less than two characters.</summary>
    private readonly string prefix;

    public ForwardScan(RegexProgram program)
    {
        this.program = program;
        states = ScanStates.Of(program);
        prefix = program.Prefix() is { Length: > 1 } text ? text : "";
    }

    /// <summary>No match begins before this place of the text that was read.</summary>
    public int Begin { get; private set; }

    /// <summary>The last place where a match ends that begins no later than any ends; <see cref="None"/> or <see cref="Unknown"/>.</summary>
    /// <param name="text">What to read.</param>
    /// <param name="any">Whether any place where a match ends will do.</param>
    public int End(ReadOnlySpan<char> text, bool any)
    {
        Begin = 0;
        if (states is null || states.IsOverworked) return Unknown;
        int state = ScanStates.Start, end = None, at = 0, stayed = 0, idle = states.Idle;
        bool hops = prefix.Length > 0 || states.Staying is not null;
        for (; ; at++)
        {
            if (state == idle)
            {
                if (hops && ++stayed > StayMin)
                {
                    stayed = 0;
                    int hop = prefix.Length > 0 ? text[at..].IndexOf(prefix, StringComparison.Ordinal) : text[at..].IndexOfAnyExcept(states.Staying!);
                    at = hop < 0 ? text.Length : at + hop;
                }
                Begin = at;
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
        Begin = 0;
        return Unknown;
    }
}
