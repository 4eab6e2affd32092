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
    private readonly int[] symbols;
    private readonly int words;
    private readonly ulong[][] members;
    private readonly int[] numberOf;
    private readonly int[] seen;
    private readonly int[] pending;
    private readonly Ways?[] ways = new Ways?[Kinds * Kinds];
    private readonly short[] classOfAscii = new short[128];
    private ulong[] now;
    private ulong[] next;
    private int closures;
    private long work;

    private RegexSimulation(RegexProgram program)
    {
        this.program = program;
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
        for (int i = 0; i < 128; i++) classOfAscii[i] = (short)program.ClassOf((char)i);
        seen = new int[program.Length];
        pending = new int[program.Length];
        now = new ulong[words];
        next = new ulong[words];
    }

    /// <summary>Null where what follows its symbols is too much to keep.</summary>
    public static RegexSimulation? Of(RegexProgram program)
    {
        var simulation = new RegexSimulation(program);
        foreach (var left in Enum.GetValues<Neighbour>())
        {
            foreach (var right in Enum.GetValues<Neighbour>())
            {
                if (simulation.Learn(left, right) is null) return null;
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
                if (Step(classOfAscii[line[i++]], ref left)) return true;
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
        return Matched(WaysOf(left, Neighbour.Nothing));
    }

    /// <summary>True where a match ends before the symbol.</summary>
    private bool Step(int symbolClass, ref Neighbour left)
    {
        var right = program.KindOf(symbolClass);
        var way = WaysOf(left, right);
        left = right;
        if (Matched(way)) return true;
        ulong carry = 0;
        for (int w = 0; w < words; w++)
        {
            ulong here = now[w], shifted = here & way.Shift[w];
            next[w] = (shifted << 1) | carry | (here & way.Stay[w]) | way.First[w];
            carry = shifted >> 63;
        }
        if (way.ChainEnds.Count > 0) Branch(way);
        ulong[] taken = members[symbolClass];
        for (int w = 0; w < words; w++) next[w] &= taken[w];
        (now, next) = (next, now);
        return false;
    }

    private void Branch(Ways way)
    {
        for (int w = 0; w < words; w++)
        {
            ulong left = now[w] & way.Branches[w];
            while (left != 0)
            {
                var (chain, words) = way.BranchOf[(w << 6) | BitOperations.TrailingZeroCount(left)];
                foreach (var (word, bits) in words) next[word] |= bits;
                // The others of its chain lead nowhere else.
                int behind = way.ChainEnds[chain] - (w << 6);
                left = behind >= 64 ? 0 : left & (ulong.MaxValue << behind);
            }
        }
    }

    private bool Matched(Ways way)
    {
        if (way.FirstMatches) return true;
        if (!way.HasEnds) return false;
        for (int w = 0; w < words; w++)
        {
            if ((now[w] & way.Ends[w]) != 0) return true;
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
                continue;
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
