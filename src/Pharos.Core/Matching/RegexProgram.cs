using System.Text;

namespace Pharos.Core;

/// <summary>
/// An expression as Thompson's automaton over classes of UTF-16 code units: units that no part of the expression tells apart share a class.
/// Instruction 0 is the first, the last is the match. Of two ways to go on, the first is the one that RE2 prefers. Immutable.
/// </summary>
internal sealed partial class RegexProgram
{
    /// <summary>Instructions that an expression may have: what a step costs at most. Enough for alternatives that fill the longest query.</summary>
    public const int LengthMax = 1 << 18;

    private const int ClassesMax = 128;

    private readonly List<Instruction> code = [];
    private readonly List<SymbolSet> sets = [];
    private readonly Dictionary<string, int> setByKey = new(StringComparer.Ordinal);
    private int[] lowest = [];
    private byte[] classes = [];
    private byte[] asciiClasses = [];
    private bool[][] members = [];
    private int wordSet;
    private int work;

    private RegexProgram()
    {
    }

    internal enum Operation
    {
        Symbol,
        Split,
        Place,

        /// <summary>Keeps where a group begins or ends; only in programs of nodes with groups.</summary>
        Save,
        Match,
    }

    public int Length => code.Count;

    public int ClassCount { get; private set; }

    /// <summary>The class that holds the newline, and nothing else where <see cref="HasLines"/>.</summary>
    public int NewlineClass => ClassOf('\n');

    /// <summary>What a symbol of a class is to the places beside it, as far as the expression asks.</summary>
    public Neighbour KindOf(int symbolClass) =>
        HasLines && symbolClass == NewlineClass ? Neighbour.Newline : HasWords && members[wordSet][symbolClass] ? Neighbour.Word : Neighbour.Other;

    /// <summary>Whether it asks for word boundaries.</summary>
    public bool HasWords { get; private set; }

    public bool HasPlaces { get; private set; }

    /// <summary>Whether it asks where lines within the text begin or end.</summary>
    public bool HasLines { get; private set; }

    public bool HasTextStart { get; private set; }

    /// <summary>Null where the expression is too large.</summary>
    public static RegexProgram? Of(RegexNode node)
    {
        var program = new RegexProgram();
        program.Emit(node);
        program.Add(Operation.Match, 0, 0);
        if (program.code.Count > LengthMax || program.work > 4 * LengthMax) return null;
        return program.Classify() ? program : null;
    }

    public Instruction At(int pc) => code[pc];

    public bool Takes(int set, int symbolClass) => members[set][symbolClass];

    public int ClassOf(char unit)
    {
        if (unit < asciiClasses.Length) return asciiClasses[unit];
        int at = Array.BinarySearch(lowest, unit);
        return classes[at >= 0 ? at : ~at - 1];
    }

    /// <summary>What every match begins with, as far as it stands in the expression character for character.</summary>
    public string Prefix()
    {
        var text = new StringBuilder();
        foreach (var instruction in code)
        {
            if (instruction.Operation == Operation.Save) continue;
            if (instruction.Operation != Operation.Symbol || sets[instruction.X].Ranges is not [var (low, high)] || low != high) break;
            text.Append((char)low);
        }
        return text.ToString();
    }

    private int Add(Operation operation, int x, int y)
    {
        code.Add(new Instruction(operation, x, y));
        return code.Count - 1;
    }

    private void Emit(RegexNode node)
    {
        if (++work > 4 * LengthMax || code.Count > LengthMax) return;
        switch (node)
        {
            case RegexNode.Symbol symbol:
                Add(Operation.Symbol, SetNumber(symbol.Set), 0);
                break;
            case RegexNode.Place place:
                HasLines |= place.Where is RegexPlace.LineStart or RegexPlace.LineEnd;
                HasTextStart |= place.Where is RegexPlace.TextStart;
                HasWords |= place.Where is RegexPlace.WordBoundary or RegexPlace.NoWordBoundary;
                HasPlaces = true;
                Add(Operation.Place, (int)place.Where, 0);
                break;
            case RegexNode.Sequence sequence:
                foreach (var item in sequence.Items) Emit(item);
                break;
            case RegexNode.Choice choice when choice.Items.All(i => OneSymbol(i) is not null):
                Add(Operation.Symbol, SetNumber(SymbolSet.Of(choice.Items.SelectMany(i => OneSymbol(i)!.Ranges))), 0);
                break;
            case RegexNode.Choice choice:
                EmitChoice(choice);
                break;
            case RegexNode.Repeat repeat:
                EmitRepeat(repeat);
                break;
            case RegexNode.Group group:
                Add(Operation.Save, 2 * group.Number, 0);
                Emit(group.Item);
                Add(Operation.Save, (2 * group.Number) + 1, 0);
                break;
        }
    }

    /// <summary>Null where the part is not one symbol.</summary>
    private static SymbolSet? OneSymbol(RegexNode node) => node switch
    {
        RegexNode.Symbol symbol => symbol.Set,
        RegexNode.Sequence { Items: [var only] } => OneSymbol(only),
        _ => null,
    };

    private void EmitChoice(RegexNode.Choice choice)
    {
        var ends = new List<int>();
        for (int i = 0; i < choice.Items.Count; i++)
        {
            bool last = i == choice.Items.Count - 1;
            int split = last ? -1 : Add(Operation.Split, code.Count + 1, 0);
            Emit(choice.Items[i]);
            if (last) break;
            ends.Add(Add(Operation.Split, 0, 0));
            code[split] = code[split] with { Y = code.Count };
        }
        foreach (int end in ends) code[end] = new Instruction(Operation.Split, code.Count, code.Count);
    }

    private void EmitRepeat(RegexNode.Repeat repeat)
    {
        int copies = repeat.Max < 0 ? repeat.Min - 1 : repeat.Min;
        for (int i = 0; i < copies && work <= 4 * LengthMax; i++) Emit(repeat.Item);
        if (repeat.Max < 0)
        {
            // What may take nothing must be tried once before the choice to leave it out, to prefer what RE2 prefers.
            bool once = repeat.Min > 0 || repeat.Item.IsNullable;
            int skip = repeat.Min > 0 ? -1 : Add(Operation.Split, 0, 0);
            int body = code.Count;
            Emit(repeat.Item);
            int again = once ? body : skip;
            int back = Add(Operation.Split, again, again);
            if (once) Fork(back, body, code.Count, repeat.Lazy);
            if (skip >= 0) Fork(skip, body, code.Count, repeat.Lazy);
            return;
        }
        var splits = new List<int>();
        for (int i = repeat.Min; i < repeat.Max && work <= 4 * LengthMax; i++)
        {
            splits.Add(Add(Operation.Split, 0, 0));
            Emit(repeat.Item);
        }
        foreach (int split in splits) Fork(split, split + 1, code.Count, repeat.Lazy);
    }

    private void Fork(int split, int body, int beyond, bool lazy) =>
        code[split] = lazy ? new Instruction(Operation.Split, beyond, body) : new Instruction(Operation.Split, body, beyond);

    private int SetNumber(SymbolSet set)
    {
        string key = set.Key;
        if (setByKey.TryGetValue(key, out int number)) return number;
        sets.Add(set);
        return setByKey[key] = sets.Count - 1;
    }

    /// <summary>False where there are too many classes.</summary>
    private bool Classify()
    {
        var cuts = new SortedSet<int> { 0 };
        if (HasLines) SetNumber(SymbolSet.AnyButNewline);
        if (HasWords) wordSet = SetNumber(SymbolSet.Word);
        foreach (var (low, high) in sets.SelectMany(s => s.Ranges))
        {
            cuts.Add(low);
            if (high < char.MaxValue) cuts.Add(high + 1);
        }
        if (cuts.Count * sets.Count > 1 << 20) return false;
        lowest = [.. cuts];
        classes = new byte[lowest.Length];
        var byMembership = new Dictionary<string, byte>(StringComparer.Ordinal);
        for (int i = 0; i < lowest.Length; i++)
        {
            string membership = string.Create(sets.Count, (sets, Unit: lowest[i]), static (text, about) =>
            {
                for (int s = 0; s < text.Length; s++) text[s] = about.sets[s].Contains(about.Unit) ? '1' : '0';
            });
            if (!byMembership.TryGetValue(membership, out classes[i]))
            {
                if (byMembership.Count == ClassesMax) return false;
                byMembership[membership] = classes[i] = (byte)byMembership.Count;
            }
        }
        ClassCount = byMembership.Count;
        asciiClasses = [.. Enumerable.Range(0, 128).Select(unit => (byte)ClassOf((char)unit))];
        members = new bool[sets.Count][];
        for (int s = 0; s < sets.Count; s++)
        {
            members[s] = new bool[ClassCount];
            foreach (var (membership, number) in byMembership) members[s][number] = membership[s] == '1';
        }
        return true;
    }

    /// <param name="Operation">What it does.</param>
    /// <param name="X">The number of the set; the first way to go on; the place; where to save: twice the group's number, one more for its end.</param>
    /// <param name="Y">The other way to go on.</param>
    internal readonly record struct Instruction(Operation Operation, int X, int Y);
}
