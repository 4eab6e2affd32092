namespace Pharos.Core;

/// <summary>
/// Finds matches and their groups as RE2 does: the leftmost match, of several the one that the expression prefers. <see cref="BackwardScan"/> says what can still
/// become a match, so that one walk forward through the program is enough, which never has to turn back. Linear in the text, whatever the expression and however many
/// matches there are. For one thread.
/// </summary>
internal sealed class CaptureMatcher
{
    /// <summary>Instructions looked at for one symbol from which on what was found is kept.</summary>
    private const int LongWay = 64;

    private const int WaysMax = 1 << 16;

    private readonly RegexProgram program;
    private readonly RegexProgram.Instruction[] code;
    private readonly int slots;
    private readonly BackwardScan scan;
    private readonly ForwardScan ahead;

    /// <summary>For each symbol of the program its bit in the vectors of the reversed program.</summary>
    private readonly int[] bits;
    private readonly int[] seen;
    private readonly Turn[] turns;

    /// <summary>By where it begins and what stands there, where a long way led and which places it saved; null until one was long.</summary>
    private Dictionary<(int Pc, int State, Neighbour Left), (int Pc, int[] Slots)>? ways;
    private int generation;
    private string text = "";
    private int closures;

    private CaptureMatcher(RegexProgram program, int groups, BackwardScan scan)
    {
        this.program = program;
        this.scan = scan;
        ahead = new ForwardScan(program);
        slots = 2 * groups;
        code = [.. Enumerable.Range(0, program.Length).Select(program.At)];
        bits = new int[code.Length];
        int bit = 0;
        for (int pc = code.Length - 1; pc >= 0; pc--)
        {
            if (code[pc].Operation == RegexProgram.Operation.Symbol) bits[pc] = bit++;
        }
        seen = new int[code.Length];
        turns = new Turn[code.Length];
    }

    /// <param name="program">Of nodes with groups.</param>
    /// <param name="groups">Their number, with the whole match.</param>
    /// <returns>Null where the expression is too large.</returns>
    public static CaptureMatcher? Of(RegexProgram program, int groups) =>
        BackwardScan.Of(program.Reversed()) is { } scan ? new CaptureMatcher(program, groups, scan) : null;

    public bool IsMatch(ReadOnlySpan<char> input)
    {
        int end = ahead.End(input, any: true);
        if (end == ForwardScan.Unknown) scan.Read(input, 0, input.Length);
        return end == ForwardScan.Unknown ? scan.First >= 0 : end >= 0;
    }

    /// <summary>The leftmost match.</summary>
    public RegexMatch Match(string input)
    {
        int end = ahead.End(input, any: false);
        if (end == ForwardScan.None) return default;
        text = input;
        scan.Read(input, ahead.Begin, end == ForwardScan.Unknown ? input.Length : end);
        return Next(0);
    }

    /// <summary>Reads a text all of whose matches <see cref="Next"/> then finds. False where it has none.</summary>
    public bool Read(string input)
    {
        if (ahead.End(input, any: true) == ForwardScan.None) return false;
        text = input;
        scan.Read(input, 0, input.Length);
        return scan.First >= 0;
    }

    /// <summary>The first match that begins at a place or behind it.</summary>
    public RegexMatch Next(int from)
    {
        int begin = scan.Next(from);
        if (begin < 0) return default;
        int[] places = new int[slots];
        places.AsSpan().Fill(-1);
        int at = begin;
        for (int pc = Follow(0, at, places); pc >= 0; pc = Follow(pc + 1, at, places)) at++;
        (places[0], places[1]) = (begin, at);
        return new RegexMatch(text, places);
    }

    /// <summary>Forgets the text.</summary>
    public void Release()
    {
        text = "";
        scan.Release();
    }

    /// <summary>The first symbol on the preferred way from an instruction to a match; -1 where the match ends here.</summary>
    private int Follow(int pc, int at, int[] places)
    {
        int state = ways is null ? -1 : scan.StateAt(at);
        if (ways is null || state < 0) return Search(pc, at, places, out _);
        if (generation != scan.Generation)
        {
            ways.Clear();
            generation = scan.Generation;
        }
        var from = (pc, state, program.HasPlaces ? KindAt(at - 1) : Neighbour.Other);
        if (ways.TryGetValue(from, out var way))
        {
            foreach (int slot in way.Slots) places[slot] = at;
            return way.Pc;
        }
        int to = Search(pc, at, places, out int depth);
        if (ways.Count == WaysMax) ways.Clear();
        ways.Add(from, (to, [.. turns.Take(depth).Where(t => t.Pc < 0).Select(t => t.Slot)]));
        return to;
    }

    /// <param name="depth">How many turns of the way are left; what it saved is among them.</param>
    private int Search(int pc, int at, int[] places, out int depth)
    {
        var takers = scan.Takers(text, at);
        closures++;
        depth = 0;
        for (int looked = 0; ; looked++)
        {
            if (looked == LongWay && ways is null) (ways, generation) = ([], scan.Generation);
            bool goesOn = seen[pc] != closures;
            if (goesOn)
            {
                seen[pc] = closures;
                var instruction = code[pc];
                switch (instruction.Operation)
                {
                    case RegexProgram.Operation.Symbol:
                        if ((takers[bits[pc] >> 6] >> bits[pc] & 1) != 0) return pc;
                        goesOn = false;
                        break;
                    case RegexProgram.Operation.Match:
                        return -1;
                    case RegexProgram.Operation.Save:
                        turns[depth++] = new Turn(-1, instruction.X, places[instruction.X]);
                        places[instruction.X] = at;
                        pc++;
                        break;
                    case RegexProgram.Operation.Split:
                        if (instruction.Y != instruction.X) turns[depth++] = new Turn(instruction.Y, 0, 0);
                        pc = instruction.X;
                        break;
                    default:
                        goesOn = ((RegexPlace)instruction.X).Holds(KindAt(at - 1), KindAt(at));
                        pc++;
                        break;
                }
            }
            while (!goesOn)
            {
                if (depth == 0) throw new InvalidOperationException($"no way on at {at} of a text of {text.Length}");
                var turn = turns[--depth];
                if (turn.Pc < 0) places[turn.Slot] = turn.Place;
                else (pc, goesOn) = (turn.Pc, true);
            }
        }
    }

    private Neighbour KindAt(int at) => at < 0 || at == text.Length ? Neighbour.Nothing : program.KindOf(program.ClassOf(text[at]));

    /// <summary>What is undone or tried next where a way ends.</summary>
    /// <param name="Pc">The other way; -1: there is none, a place is to be put back.</param>
    /// <param name="Slot">Of what place.</param>
    /// <param name="Place">What it was.</param>
    private readonly record struct Turn(int Pc, int Slot, int Place);
}
