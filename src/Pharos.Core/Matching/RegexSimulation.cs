using System.Numerics;
using System.Text;

namespace Pharos.Core;

/// <summary>
/// Runs a <see cref="RegexProgram"/> over a line with one bit for each of its symbols, and keeps no states: slower than <see cref="LineAutomaton"/> where that
/// meets few states, and much faster where each byte of a line would make a new one. Most symbols are followed by the one behind them or by themselves, for 64 of
/// them at a time; the others share what follows them. For one thread.
/// </summary>
internal sealed class RegexSimulation
{
    /// <summary>Instructions looked at to learn what follows what; beyond it the expression is left to others.</summary>
    private const long WorkMax = 1 << 26;

    private const int BranchWordsMax = 1 << 20;

    private static readonly int Kinds = Enum.GetValues<Neighbour>().Length;

    private readonly RegexProgram program;
    private readonly bool goesOn;
    private readonly int[] symbols;
    private readonly int words;
    private readonly ulong[][] members;
    private readonly int[] numberOf;
    private readonly int[] seen;
    private readonly int[] pending;
    private readonly Ways?[] ways = new Ways?[Kinds * Kinds];
    private ulong[] now;
    private ulong[] next;
    private int closures;
    private long work;

    private RegexSimulation(RegexProgram program, bool goesOn)
    {
        this.program = program;
        this.goesOn = goesOn;
        symbols = [.. Enumerable.Range(0, program.Length).Where(pc => program.At(pc).Operation == RegexProgram.Operation.Symbol)];
        words = (symbols.Length + 63) / 64;
        numberOf = new int[program.Length];
        members = new ulong[program.ClassCount][];
        for (int c = 0; c < members.Length; c++) members[c] = new ulong[words];
        for (int i = 0; i < symbols.Length; i++)
        {
            numberOf[symbols[i]] = i;
            int set = program.At(symbols[i]).X;
            for (int c = 0; c < members.Length; c++)
            {
                if (program.Takes(set, c)) members[c][i >> 6] |= 1UL << i;
            }
        }
        seen = new int[program.Length];
        pending = new int[program.Length];
        now = new ulong[words];
        next = new ulong[words];
    }

    /// <summary>Length of a vector with a bit for each symbol of the program, in their order.</summary>
    public int Words => words;

    /// <summary>Whether a match can begin after the first symbol.</summary>
    public bool StartsLater { get; private set; }

    /// <summary>Null where what follows its symbols is too much to keep.</summary>
    /// <param name="program">What to run.</param>
    /// <param name="goesOn">Whether it is also asked what may follow where a match ends, as <see cref="Advance(ReadOnlySpan{ulong}, Span{ulong}, Neighbour, int, bool)"/> says.</param>
    public static RegexSimulation? Of(RegexProgram program, bool goesOn = false)
    {
        var simulation = new RegexSimulation(program, goesOn);
        Neighbour[] neighbours = [.. Enum.GetValues<Neighbour>().Where(n => n switch
        {
            Neighbour.Newline => program.HasLines,
            Neighbour.Word => program.HasWords,
            _ => true,
        })];
        foreach (var left in neighbours)
        {
            foreach (var right in neighbours)
            {
                if (simulation.Learn(left, right) is not { } way) return null;
                simulation.StartsLater |= left != Neighbour.Nothing && (way.FirstMatches || way.First.AsSpan().ContainsAnyExcept(0UL));
            }
        }
        return simulation;
    }

    /// <summary>Whether the expression matches somewhere in the line.</summary>
    /// <param name="line">UTF-8; a byte that is none stands for U+FFFD.</param>
    public bool IsMatch(ReadOnlySpan<byte> line)
    {
        now.AsSpan().Clear();
        var left = Neighbour.Nothing;
        Span<char> pair = stackalloc char[2];
        for (int i = 0; i < line.Length;)
        {
            if (line[i] < 128)
            {
                if (Step(program.ClassOf((char)line[i++]), ref left)) return true;
                continue;
            }
            Rune.DecodeFromUtf8(line[i..], out var rune, out int used);
            i += used;
            int units = rune.EncodeToUtf16(pair);
            for (int u = 0; u < units; u++)
            {
                if (Step(program.ClassOf(pair[u]), ref left)) return true;
            }
        }
        return Matches(now, left, Neighbour.Nothing);
    }

    /// <summary>Whether a match ends between two neighbours.</summary>
    /// <param name="taken">The symbols that may have taken what stands on the left.</param>
    /// <param name="left">What that is.</param>
    /// <param name="right">What stands on the right.</param>
    /// <param name="begin">Whether a match may also begin there.</param>
    public bool Matches(ReadOnlySpan<ulong> taken, Neighbour left, Neighbour right, bool begin = true)
    {
        var way = WaysOf(left, right);
        return begin ? Matched(taken, way) : Ended(taken, way);
    }

    /// <summary>The symbols that take the next one.</summary>
    /// <param name="from">Those that may have taken the one before it.</param>
    /// <param name="to">Another vector.</param>
    /// <param name="left">What the one before it is.</param>
    /// <param name="symbolClass">The next one's.</param>
    /// <param name="begin">Whether a match may also begin with it.</param>
    public void Advance(ReadOnlySpan<ulong> from, Span<ulong> to, Neighbour left, int symbolClass, bool begin = true) =>
        Advance(from, to, WaysOf(left, program.KindOf(symbolClass)), symbolClass, begin);

    /// <summary>True where a match ends before the symbol.</summary>
    private bool Step(int symbolClass, ref Neighbour left)
    {
        var right = program.KindOf(symbolClass);
        var way = WaysOf(left, right);
        left = right;
        if (Matched(now, way)) return true;
        Advance(now, next, way, symbolClass, begin: true);
        (now, next) = (next, now);
        return false;
    }

    private void Advance(ReadOnlySpan<ulong> from, Span<ulong> to, Ways way, int symbolClass, bool begin)
    {
        ulong carry = 0, first = begin ? ulong.MaxValue : 0;
        for (int w = 0; w < words; w++)
        {
            ulong here = from[w], shifted = here & way.Shift[w];
            to[w] = (shifted << 1) | carry | (here & way.Stay[w]) | (way.First[w] & first);
            carry = shifted >> 63;
        }
        if (way.ChainEnds.Count > 0) Branch(from, to, way);
        ulong[] takers = members[symbolClass];
        for (int w = 0; w < words; w++) to[w] &= takers[w];
    }

    private void Branch(ReadOnlySpan<ulong> from, Span<ulong> to, Ways way)
    {
        for (int w = 0; w < words; w++)
        {
            ulong left = from[w] & way.Branches[w];
            while (left != 0)
            {
                var (chain, words) = way.BranchOf[(w << 6) | BitOperations.TrailingZeroCount(left)];
                foreach (var (word, bits) in words) to[word] |= bits;
                // The others of its chain lead nowhere else.
                int behind = way.ChainEnds[chain] - (w << 6);
                left = behind >= 64 ? 0 : left & (ulong.MaxValue << behind);
            }
        }
    }

    private bool Matched(ReadOnlySpan<ulong> taken, Ways way) => way.FirstMatches || Ended(taken, way);

    private bool Ended(ReadOnlySpan<ulong> taken, Ways way)
    {
        if (!way.HasEnds) return false;
        for (int w = 0; w < words; w++)
        {
            if ((taken[w] & way.Ends[w]) != 0) return true;
        }
        return false;
    }

    private Ways WaysOf(Neighbour left, Neighbour right) => ways[((int)left * Kinds) + (int)right]!;

    private Ways? Learn(Neighbour left, Neighbour right)
    {
        // Without places, what stands around makes no difference.
        if (!program.HasPlaces && ways[0] is { } same) return ways[((int)left * Kinds) + (int)right] = same;
        var way = new Ways(words);
        var follow = new List<int>();
        way.FirstMatches = Close(0, left, right, follow);
        foreach (int symbol in follow) way.First[symbol >> 6] |= 1UL << symbol;
        ulong[] rest = new ulong[words], before = new ulong[words];
        int kept = 0;
        for (int i = 0; i < symbols.Length && work <= WorkMax; i++)
        {
            if (Close(symbols[i] + 1, left, right, follow))
            {
                way.Ends[i >> 6] |= 1UL << i;
                way.HasEnds = true;
                if (!goesOn) continue;
            }
            bool branches = false;
            foreach (int symbol in follow)
            {
                if (symbol == i + 1) way.Shift[i >> 6] |= 1UL << i;
                else if (symbol == i) way.Stay[i >> 6] |= 1UL << i;
                else
                {
                    rest[symbol >> 6] |= 1UL << symbol;
                    branches = true;
                }
            }
            if (!branches) continue;
            way.Branches[i >> 6] |= 1UL << i;
            var branch = rest.Select((bits, word) => (Word: word, Bits: bits)).Where(b => b.Bits != 0).ToArray();
            kept += branch.Length;
            work += words;
            if (work > WorkMax || kept > BranchWordsMax) return null;
            // Where what the one before leads to holds all of this, the first of both is enough.
            bool within = way.ChainEnds.Count > 0;
            for (int w = 0; within && w < words; w++) within = (rest[w] & ~before[w]) == 0;
            if (within) way.ChainEnds[^1] = i + 1;
            else way.ChainEnds.Add(i + 1);
            way.BranchOf[i] = (way.ChainEnds.Count - 1, branch);
            (rest, before) = (before, rest);
            rest.AsSpan().Clear();
        }
        return work > WorkMax ? null : ways[((int)left * Kinds) + (int)right] = way;
    }

    /// <summary>The symbols that may come after an instruction is reached; true where it matches without one.</summary>
    private bool Close(int first, Neighbour left, Neighbour right, List<int> follow)
    {
        follow.Clear();
        closures++;
        int depth = 0;
        Push(first, ref depth);
        bool matched = false;
        while (depth > 0)
        {
            int pc = pending[--depth];
            work++;
            var instruction = program.At(pc);
            switch (instruction.Operation)
            {
                case RegexProgram.Operation.Match:
                    matched = true;
                    break;
                case RegexProgram.Operation.Symbol:
                    follow.Add(numberOf[pc]);
                    break;
                case RegexProgram.Operation.Split:
                    Push(instruction.X, ref depth);
                    Push(instruction.Y, ref depth);
                    break;
                case RegexProgram.Operation.Save:
                    Push(pc + 1, ref depth);
                    break;
                default:
                    if (((RegexPlace)instruction.X).Holds(left, right)) Push(pc + 1, ref depth);
                    break;
            }
        }
        return matched;
    }

    private void Push(int pc, ref int depth)
    {
        if (seen[pc] == closures) return;
        seen[pc] = closures;
        pending[depth++] = pc;
    }

    /// <summary>What may follow what, between two neighbours; a bit for each symbol.</summary>
    private sealed class Ways(int words)
    {
        /// <summary>Symbols that the next one may follow, or they themselves.</summary>
        public ulong[] Shift { get; } = new ulong[words];

        public ulong[] Stay { get; } = new ulong[words];

        /// <summary>Symbols that any other may follow.</summary>
        public ulong[] Branches { get; } = new ulong[words];

        /// <summary>Symbols that a match may end with.</summary>
        public ulong[] Ends { get; } = new ulong[words];

        public bool HasEnds { get; set; }

        /// <summary>Symbols that a match may begin with.</summary>
        public ulong[] First { get; } = new ulong[words];

        public bool FirstMatches { get; set; }

        /// <summary>For each of <see cref="Branches"/> its chain, and the symbols that may follow by words that are not 0.</summary>
        public (int Chain, (int Word, ulong Bits)[] Words)[] BranchOf { get; } = new (int, (int, ulong)[])[64 * words];

        /// <summary>Behind the last symbol of each chain. Of a chain, each leads to no more than those before it do.</summary>
        public List<int> ChainEnds { get; } = [];
    }
}
