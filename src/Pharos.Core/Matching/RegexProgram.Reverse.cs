namespace Pharos.Core;

internal sealed partial class RegexProgram
{
    /// <summary>
    /// The program that takes the same texts from their end to their begin, with the same symbols in the opposite order. What is saved is left out, and so
    /// is what is preferred.
    /// </summary>
    public RegexProgram Reversed()
    {
        var before = new List<int>?[Length];
        for (int pc = 0; pc < Length; pc++)
        {
            if (code[pc].Operation != Operation.Split) continue;
            (before[code[pc].X] ??= []).Add(pc);
            if (code[pc].Y != code[pc].X) (before[code[pc].Y] ??= []).Add(pc);
        }
        var reversed = new RegexProgram
        {
            lowest = lowest, classes = classes, asciiClasses = asciiClasses, members = members, wordSet = wordSet, ClassCount = ClassCount,
            HasLines = HasLines, HasWords = HasWords, HasPlaces = HasPlaces,
        };
        // Where the part begins that goes back from each instruction: first to those that jump to it, then to the one above it.
        int[] begin = new int[Length];
        for (int pc = Length - 1; pc >= 0; pc--)
        {
            begin[pc] = reversed.code.Count;
            bool fallsThrough = pc == 0 || code[pc - 1].Operation is Operation.Symbol or Operation.Place or Operation.Save;
            var jumps = before[pc] ?? [];
            for (int i = 0; i < jumps.Count; i++)
            {
                bool last = i == jumps.Count - 1 && !fallsThrough;
                reversed.Add(Operation.Split, jumps[i], last ? -1 : reversed.code.Count + 1);
            }
            if (pc == 0) reversed.Add(Operation.Match, 0, 0);
            else if (code[pc - 1].Operation == Operation.Symbol) reversed.Add(Operation.Symbol, code[pc - 1].X, 0);
            else if (code[pc - 1].Operation == Operation.Place) reversed.AddReversedPlace((RegexPlace)code[pc - 1].X);
            // Nothing leads here; neither does it lead anywhere.
            else if (jumps.Count == 0 && !fallsThrough) reversed.Add(Operation.Split, pc, -1);
        }
        // From the last one on, so that a jump that leads to a jump goes where that goes: alternatives would else go back one after another.
        for (int i = reversed.code.Count - 1; i >= 0; i--)
        {
            var instruction = reversed.code[i];
            if (instruction.Operation != Operation.Split) continue;
            int target = reversed.Beyond(begin[instruction.X], i);
            reversed.code[i] = instruction with { X = target, Y = instruction.Y < 0 ? target : reversed.Beyond(instruction.Y, i) };
        }
        return reversed;
    }

    private int Beyond(int pc, int from) => pc > from && code[pc] is { Operation: Operation.Split } jump && jump.X == jump.Y ? jump.X : pc;

    private void AddReversedPlace(RegexPlace place)
    {
        var mirrored = place switch
        {
            RegexPlace.TextStart => RegexPlace.TextEnd,
            RegexPlace.TextEnd => RegexPlace.TextStart,
            RegexPlace.LineStart => RegexPlace.LineEnd,
            RegexPlace.LineEnd => RegexPlace.LineStart,
            _ => place,
        };
        HasTextStart |= mirrored == RegexPlace.TextStart;
        Add(Operation.Place, (int)mirrored, 0);
    }
}
