using System.Buffers;
using System.Text;

namespace Pharos.Core;

/// <summary>
/// Says whether an expression matches anywhere in a line of UTF-8, with the answers of an unanchored <see cref="LinearRegex"/> on the decoded line
/// (a byte that is no UTF-8 stands for U+FFFD), but without decoding it: a deterministic automaton whose states are built when they are first met.
/// Linear in the line's length whatever the expression; memory is bounded, the states are forgotten when there are too many. Where that happens over and over,
/// <see cref="RegexSimulation"/> takes over. For one thread.
/// </summary>
public sealed class LineAutomaton
{
    private const int CellsMax = 1 << 18;
    private const int StatesMax = 4096;
    private const int KernelMax = 1 << 18;

    /// <summary>ASCII bytes that may leave the state of waiting for a match to be worth a search for them.</summary>
    private const int LeavingMax = 24;

    /// <summary>Bytes that leave the waiting state as it is before a search is begun for one that does not: in short runs it costs more than it saves.</summary>
    private const int StayMin = 8;

    /// <summary>Work for each byte that states may cost before it is cheaper to keep none.</summary>
    private const int WorkPerByteMax = 32;

    // What stands in a cell of the table instead of the next state.
    private const int Unknown = -1;
    private const int BeyondAscii = -4;

    /// <summary>What <see cref="Run"/> comes back with in a hurry where states cost too much.</summary>
    private const int Overworked = -5;

    private readonly RegexProgram program;
    private readonly byte[] classOfByte = new byte[256];
    private readonly int stride;
    private readonly int endClass;
    private readonly bool startsLater;
    private readonly int statesMax;
    private readonly Dictionary<int[], int> numbers = new(VectorComparer<int>.Instance);
    private readonly List<int[]> kernels = [];
    private readonly int[] seen;
    private readonly int[] pending;
    private readonly int[] symbols;
    private readonly SearchValues<byte>? leaving;
    private int[] table = [];
    private int closures;
    private int kernelLength;
    private int waiting = -1;
    private long allowed = long.MaxValue;
    private bool inHurry;
    private RegexSimulation? simulation;

    private LineAutomaton(RegexProgram program)
    {
        this.program = program;
        endClass = program.ClassCount;
        stride = program.ClassCount + 2;
        statesMax = Math.Min(StatesMax, CellsMax / stride);
        classOfByte.AsSpan().Fill((byte)(endClass + 1));
        for (int i = 0; i < 128; i++) classOfByte[i] = (byte)program.ClassOf((char)i);
        seen = new int[program.Length];
        pending = new int[program.Length];
        symbols = new int[program.Length];
        startsLater = MayStartLater();
        Reset();
        if (waiting >= 0) leaving = Leaving();
        allowed = Work + (1 << 22) + (1000L * program.Length);
    }

    /// <summary>Instructions looked at so far to build states: at most a constant of the expression for each byte of the lines.</summary>
    internal long Work { get; private set; }

    /// <summary>The most that one byte can add to <see cref="Work"/>.</summary>
    internal int WorkPerSymbolMax => 2 * program.Length;

    /// <summary>States that are kept now.</summary>
    internal int StateCount => kernels.Count;

    /// <summary>Null where the expression is too large.</summary>
    /// <param name="pattern">In RE2's syntax; <c>.</c> does not match a newline.</param>
    /// <exception cref="FormatException">The expression is not RE2.</exception>
    public static LineAutomaton? For(string pattern) => Of(new Re2Translator(pattern).Translate());

    /// <summary>The same for an expression that must match the whole line.</summary>
    /// <exception cref="FormatException">The expression is not RE2.</exception>
    public static LineAutomaton? ForWhole(string pattern, bool dotMatchesNewline) =>
        Of($"{(dotMatchesNewline ? "(?s)" : "")}\\A(?:{new Re2Translator(pattern).Translate()})\\z");

    private static LineAutomaton? Of(string translated) =>
        new RegexNodeParser(translated).Parse() is { } node && RegexProgram.Of(node) is { } program ? new LineAutomaton(program) : null;

    /// <summary>The state before the first byte of a line.</summary>
    public const int Start = 0;

    /// <summary>The state in which a line is known to match, whatever follows.</summary>
    public const int Matched = -2;

    /// <summary>The state in which a line is known not to match, whatever follows.</summary>
    public const int Dead = -3;

    /// <summary>The state that waits for a match to begin, where only few bytes leave it; else -1, and no state is.</summary>
    public int Idle => leaving is null ? -1 : waiting;

    /// <summary>The bytes that may leave <see cref="Idle"/>; null where there is no such state.</summary>
    public SearchValues<byte>? LeavingIdle => leaving;

    /// <summary>Whether states cost so much that an answer for whole lines (<see cref="IsMatch"/>) costs less.</summary>
    public bool IsOverworked => Work > allowed;

    /// <summary>Changes when states are forgotten: those that were met before it, other than the last one, then mean nothing.</summary>
    public int Generation { get; private set; }

    public bool IsMatch(ReadOnlySpan<byte> line)
    {
        if (simulation is not null) return simulation.IsMatch(line);
        inHurry = true;
        int state = Run(Start, line);
        inHurry = false;
        if (state != Overworked) return state < 0 ? state == Matched : MatchesAtEnd(state);
        simulation = RegexSimulation.Of(program);
        if (simulation is null) allowed = long.MaxValue;
        return IsMatch(line);
    }

    /// <summary>The state after some more bytes of a line. Bytes of one character must come together.</summary>
    /// <param name="state">Not <see cref="Matched"/> or <see cref="Dead"/>.</param>
    public int Run(int state, ReadOnlySpan<byte> bytes)
    {
        int[] cells = table;
        byte[] classOf = classOfByte;
        if (allowed != long.MaxValue) allowed += (long)bytes.Length * WorkPerByteMax;
        int hopAt = Idle, stayed = bytes.Length >= 4 * StayMin ? StayMin : 0;
        for (int i = 0; i < bytes.Length;)
        {
            if (state == hopAt && ++stayed > StayMin)
            {
                stayed = 0;
                int hop = bytes[i..].IndexOfAny(leaving!);
                if (hop < 0) break;
                i += hop;
            }
            int next = cells[state + classOf[bytes[i]]];
            if (next < 0)
            {
                if (next == BeyondAscii)
                {
                    Rune.DecodeFromUtf8(bytes[i..], out var rune, out int used);
                    next = Step(state, rune);
                    i += used - 1;
                }
                else if (next == Unknown)
                {
                    next = Build(state, classOf[bytes[i]]);
                }
                if (next < 0) return next;
                cells = table;
            }
            state = next;
            i++;
        }
        return state;
    }

    /// <summary>Whether a line that ends in this state matches.</summary>
    public bool MatchesAtEnd(int state) => Step(state, endClass) == Matched;

    /// <summary>As UTF-16 has it: one unit, or the two halves of a pair.</summary>
    private int Step(int state, Rune rune)
    {
        if (rune.IsBmp) return Step(state, program.ClassOf((char)rune.Value));
        Span<char> pair = stackalloc char[2];
        rune.EncodeToUtf16(pair);
        int half = Step(state, program.ClassOf(pair[0]));
        return half < 0 ? half : Step(half, program.ClassOf(pair[1]));
    }

    private int Step(int state, int symbolClass)
    {
        int next = table[state + symbolClass];
        return next == Unknown ? Build(state, symbolClass) : next;
    }

    private int Build(int state, int symbolClass)
    {
        int[] kernel = kernels[state / stride];
        if (inHurry && IsOverworked) return Overworked;
        var kind = symbolClass == endClass ? Neighbour.Nothing : program.KindOf(symbolClass);
        int count = Close(kernel.AsSpan(0, kernel.Length - 1), (Neighbour)kernel[^1], kind, out bool matched);
        int next;
        if (matched) next = Matched;
        else if (symbolClass == endClass) next = Dead;
        else
        {
            int length = 0;
            for (int i = 0; i < count; i++)
            {
                if (program.Takes(program.At(symbols[i]).X, symbolClass)) pending[length++] = symbols[i] + 1;
            }
            var following = pending.AsSpan(0, length);
            following.Sort();
            bool start = startsLater && (length == 0 || following[0] != 0);
            if (length == 0 && !start) next = Dead;
            else
            {
                int[] key = new int[length + (start ? 2 : 1)];
                following.CopyTo(key.AsSpan(start ? 1 : 0));
                key[^1] = (int)kind;
                Work += length;
                if (numbers.TryGetValue(key, out next))
                {
                    table[state + symbolClass] = next;
                    return next;
                }
                if (kernels.Count >= statesMax || kernelLength + key.Length > KernelMax)
                {
                    // The state that this one follows is forgotten too.
                    Reset();
                    return Number(key);
                }
                next = Number(key);
            }
        }
        table[state + symbolClass] = next;
        return next;
    }

    /// <summary>
    /// Follows all that takes no symbol from the kernel's instructions; those that take one are then in <see cref="symbols"/>, as many as it says.
    /// </summary>
    private int Close(ReadOnlySpan<int> kernel, Neighbour left, Neighbour right, out bool matched)
    {
        matched = false;
        closures++;
        int count = 0;
        foreach (int first in kernel)
        {
            int depth = 0;
            Push(first, ref depth);
            while (depth > 0)
            {
                int pc = pending[--depth];
                Work++;
                var instruction = program.At(pc);
                switch (instruction.Operation)
                {
                    case RegexProgram.Operation.Match:
                        matched = true;
                        return count;
                    case RegexProgram.Operation.Symbol:
                        symbols[count++] = pc;
                        break;
                    case RegexProgram.Operation.Split:
                        Push(instruction.X, ref depth);
                        Push(instruction.Y, ref depth);
                        break;
                    default:
                        if (((RegexPlace)instruction.X).Holds(left, right)) Push(pc + 1, ref depth);
                        break;
                }
            }
        }
        return count;
    }

    private void Push(int pc, ref int depth)
    {
        if (seen[pc] == closures) return;
        seen[pc] = closures;
        pending[depth++] = pc;
    }

    /// <summary>Whether a match can begin after the first symbol.</summary>
    private bool MayStartLater()
    {
        foreach (var left in (ReadOnlySpan<Neighbour>)[Neighbour.Other, Neighbour.Newline, Neighbour.Word])
        {
            foreach (var right in Enum.GetValues<Neighbour>())
            {
                if (Close([0], left, right, out bool matched) > 0 || matched) return true;
            }
        }
        return false;
    }

    /// <summary>Forgets all states but the first and the one that waits for a match to begin, whose numbers stay the same.</summary>
    private void Reset()
    {
        Generation++;
        numbers.Clear();
        kernels.Clear();
        kernelLength = 0;
        Number([0, (int)(program.HasTextStart || program.HasLines ? Neighbour.Nothing : Neighbour.Other)]);
        if (startsLater) waiting = Number([0, (int)Neighbour.Other]);
    }

    private int Number(int[] kernel)
    {
        if (numbers.TryGetValue(kernel, out int known)) return known;
        int number = kernels.Count * stride;
        if (table.Length < number + stride) Array.Resize(ref table, Math.Max(number + stride, table.Length * 2));
        table.AsSpan(number, stride).Fill(Unknown);
        table[number + stride - 1] = BeyondAscii;
        kernels.Add(kernel);
        numbers.Add(kernel, number);
        kernelLength += kernel.Length;
        return number;
    }

    /// <summary>The bytes that leave the waiting state, or may; null where there are many.</summary>
    private SearchValues<byte>? Leaving()
    {
        var bytes = new List<byte>();
        for (int i = 0; i < 128; i++)
        {
            if (Step(waiting, classOfByte[i]) != waiting) bytes.Add((byte)i);
        }
        if (bytes.Count > LeavingMax) return null;
        for (int i = 128; i < 256; i++) bytes.Add((byte)i);
        return SearchValues.Create([.. bytes]);
    }
}
