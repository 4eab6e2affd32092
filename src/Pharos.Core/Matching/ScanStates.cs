using System.Buffers;

namespace Pharos.Core;

/// <summary>
/// A deterministic automaton over UTF-16 units, whose states are built by <see cref="RegexSimulation"/> when they are first met and kept for the next text. Each is a
/// vector of symbols that may have taken the unit before, what that is, and whether a match may still begin. For one thread.
/// </summary>
internal sealed class ScanStates
{
    /// <summary>Flag of a cell: a match ends before the unit.</summary>
    public const int Matches = 1;

    /// <summary>Flag of a cell: no match ends behind the unit.</summary>
    public const int Dead = 2;

    /// <summary>The number of the next state stands above the flags of a cell.</summary>
    public const int StateShift = 2;

    /// <summary>Instead of a cell or state: there are too many of them.</summary>
    public const int Full = -2;

    /// <summary>The state before the first unit of a text.</summary>
    public const int Start = 0;

    private const ulong ClosedBit = 1UL << 32;
    private const int Unknown = -1;
    private const int StatesMax = 4096;
    private const int CellsMax = 1 << 18;

    /// <summary>Words of all vectors together.</summary>
    private const int WordsMax = 1 << 18;

    /// <summary>Units read for each state, below which states cost more than they save.</summary>
    private const int UnitsPerState = 64;

    /// <summary>ASCII characters that may leave the state of waiting for a match to be worth a search for them.</summary>
    private const int LeavingMax = 24;

    private readonly RegexProgram program;
    private readonly int words;
    private readonly int shift;
    private readonly int statesMax;
    private readonly int[] starts = new int[Enum.GetValues<Neighbour>().Length];

    /// <summary>By vector, with what stands before and whether a match may begin in the last word.</summary>
    private readonly Dictionary<ulong[], int> numbers = new(VectorComparer<ulong>.Instance);
    private readonly List<ulong[]> vectors = [];
    private int[] cells = [];
    private long read;

    private ScanStates(RegexProgram program, RegexSimulation simulation)
    {
        this.program = program;
        Simulation = simulation;
        words = simulation.Words;
        EndClass = program.ClassCount;
        while (1 << shift <= EndClass) shift++;
        statesMax = Math.Max(16, Math.Min(StatesMax, Math.Min(CellsMax >> shift, WordsMax / (words + 1))));
        Forget();
        Idle = simulation.StartsLater ? starts[(int)Neighbour.Other] : -1;
        if (Idle >= 0) Staying = FindStaying();
    }

    public RegexSimulation Simulation { get; }

    /// <summary>Stands for the end of the text.</summary>
    public int EndClass { get; }

    /// <summary>Whether states cost more than they save.</summary>
    public bool IsOverworked { get; private set; }

    /// <summary>Changes when states are forgotten.</summary>
    public int Generation { get; private set; }

    /// <summary>The state that waits for a match to begin; -1: there is none.</summary>
    public int Idle { get; }

    /// <summary>Characters that leave <see cref="Idle"/> as it is; null where too few do.</summary>
    public SearchValues<char>? Staying { get; }

    /// <summary>Null where the expression is too large.</summary>
    public static ScanStates? Of(RegexProgram program) =>
        RegexSimulation.Of(program, goesOn: true) is { } simulation ? new ScanStates(program, simulation) : null;

    /// <summary>The state in which nothing was taken behind a neighbour.</summary>
    public int After(Neighbour neighbour) => starts[(int)neighbour];

    public ReadOnlySpan<ulong> VectorOf(int state) => vectors[state].AsSpan(0, words);

    /// <summary>The cell of a state for a class of units: flags, and the next state; <see cref="Full"/> where that would be one too many.</summary>
    public int Cell(int state, int unitClass)
    {
        int cell = cells[(state << shift) | unitClass];
        return cell == Unknown ? Build(state, unitClass) : cell;
    }

    /// <summary>The same state, in which no match may begin any more; <see cref="Full"/> where there are too many.</summary>
    public int Closed(int state)
    {
        ulong[] vector = [.. vectors[state]];
        vector[words] |= ClosedBit;
        return Number(vector);
    }

    /// <summary>Units were read.</summary>
    public void Count(int units) => read += units;

    /// <summary>Forgets all states, as there are too many.</summary>
    public void Overflow()
    {
        IsOverworked = read < (long)statesMax * UnitsPerState;
        read = 0;
        Forget();
    }

    private int Build(int state, int unitClass)
    {
        ulong[] from = vectors[state];
        bool open = (from[words] & ClosedBit) == 0;
        var left = (Neighbour)(uint)from[words];
        int at = (state << shift) | unitClass;
        var right = unitClass == EndClass ? Neighbour.Nothing : program.KindOf(unitClass);
        int flags = Simulation.Matches(from, left, right, open) ? Matches : 0;
        if (unitClass == EndClass) return cells[at] = flags | Dead;
        ulong[] next = new ulong[words + 1];
        Simulation.Advance(from, next, left, unitClass, open);
        next[words] = (ulong)right | (from[words] & ClosedBit);
        int number = Number(next);
        if (number == Full) return Full;
        if (!(open && Simulation.StartsLater) && !next.AsSpan(0, words).ContainsAnyExcept(0UL)) flags |= Dead;
        return cells[at] = (number << StateShift) | flags;
    }

    private void Forget()
    {
        Generation++;
        numbers.Clear();
        vectors.Clear();
        foreach (var neighbour in (ReadOnlySpan<Neighbour>)[Neighbour.Nothing, Neighbour.Other, Neighbour.Newline, Neighbour.Word])
        {
            ulong[] vector = new ulong[words + 1];
            vector[words] = (ulong)neighbour;
            bool differs = neighbour switch { Neighbour.Newline => program.HasLines, Neighbour.Word => program.HasWords, _ => true };
            starts[(int)neighbour] = differs ? Number(vector) : starts[(int)Neighbour.Other];
        }
    }

    private int Number(ulong[] vector)
    {
        if (numbers.TryGetValue(vector, out int known)) return known;
        if (vectors.Count == statesMax) return Full;
        int number = vectors.Count, at = number << shift;
        if (cells.Length < at + (1 << shift)) Array.Resize(ref cells, Math.Max(at + (1 << shift), 2 * cells.Length));
        cells.AsSpan(at, 1 << shift).Fill(Unknown);
        vectors.Add(vector);
        numbers.Add(vector, number);
        return number;
    }

    private SearchValues<char>? FindStaying()
    {
        var staying = new List<char>();
        for (char c = (char)0; c < 128; c++)
        {
            if (Cell(Idle, program.ClassOf(c)) == Idle << StateShift) staying.Add(c);
        }
        return staying.Count >= 128 - LeavingMax ? SearchValues.Create([.. staying]) : null;
    }
}
