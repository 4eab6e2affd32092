using System.Buffers.Binary;
using System.Text;
using Pharos.Core;

namespace Pharos.Logs.Fields;

/// <summary>
/// Runs an expression over the pieces of lines that were taken apart, without putting them together: over text of shapes and values of dictionaries once for each
/// state before them, as a rule, and not at all over values that cannot begin a match, or begin none that the text behind them goes on with. Not safe for several threads.
/// </summary>
internal sealed class ShapedSearch
{
    /// <summary>Times of neighbouring lines mostly begin with the same bytes, up to the minute.</summary>
    private const int SharedStart = 16;

    /// <summary>States that values of a column are followed through before it is given up to pass over them.</summary>
    private const int StatesMax = 32;

    private readonly LineSearch search;
    private readonly LineAutomaton automaton;
    private readonly LineShape[] shapes;
    private readonly byte[] rows;
    private readonly ShapedBlock block;
    private readonly (int From, int To)[][] ofText;
    private readonly (int From, int To)[]?[] ofValues;
    private readonly (int From, int To, UInt128 Start)[] ofTimes;
    private readonly ColumnKind[] kinds;
    private readonly byte[]?[] alphabets;
    private readonly bool[] begins;

    // For each shape and place, how far waiting for a match goes on from there whatever the line's values are, plus 1; 0 where that was not looked at. Places are
    // counted from 0: before the first text, after it, after the first value, after the second text, and so on.
    private readonly int[][] farthest;
    private int generation;

    /// <param name="rows">The shape of each line, counted from 1.</param>
    public ShapedSearch(LineSearch search, ShapedBlock block, LineShape[] shapes, byte[] rows, ColumnEntry[] entries)
    {
        this.search = search;
        automaton = search.Automaton;
        this.shapes = shapes;
        this.rows = rows;
        this.block = block;
        ofText = [.. shapes.Select(s => new (int, int)[s.Literals.Length])];
        ofValues = new (int, int)[entries.Length][];
        ofTimes = new (int, int, UInt128)[entries.Length];
        kinds = [.. entries.Select(e => e.Kind)];
        alphabets = [.. entries.Select(ColumnData.Alphabet)];
        farthest = [.. shapes.Select(s => new int[(2 * s.Literals.Length) + 1])];
        begins = [.. entries.Select(e => automaton.LeavingIdle is not { } leaving || ColumnData.MayHoldAny(e, leaving))];
        Forget();
    }

    /// <summary>Whether the expression matches a line that was taken apart.</summary>
    /// <exception cref="InvalidDataException">The block is damaged.</exception>
    public bool IsMatch(int row)
    {
        int shape = rows[row] - 1;
        if (generation != automaton.Generation) Forget();
        var texts = shapes[shape].Literals;
        var numbers = shapes[shape].Columns;
        var memo = ofText[shape];
        int[] far = farthest[shape];
        Span<byte> scratch = stackalloc byte[128];
        int state = LineAutomaton.Start, idle = automaton.Idle, end = (2 * texts.Length) - 1;
        for (int place = 0; ;)
        {
            if (state == idle) place = (far[place] > 0 ? far[place] : Follow(shape, place)) - 1;
            if (place == end) return automaton.MatchesAtEnd(state);
            int at = place >> 1;
            if ((place++ & 1) == 0)
            {
                state = memo[at].From == state ? memo[at].To : Run(state, texts[at], ref memo[at]);
                if (state < 0) return state == LineAutomaton.Matched;
                continue;
            }
            int number = numbers[at];
            var column = block.ColumnAt(number);
            if (ofValues[number] is { } values)
            {
                ref var value = ref values[column.IdOf(row)];
                state = value.From == state ? value.To : Run(state, column.BytesOf(row, scratch), ref value);
            }
            else if (column.Distinct > 0)
            {
                ofValues[number] = NewMemo(column.Distinct + 1);
                state = Run(state, column.BytesOf(row, scratch), ref ofValues[number]![column.IdOf(row)]);
            }
            else
            {
                state = kinds[number] switch
                {
                    ColumnKind.Hex => search.RunHex(state, ((HexColumn)column).ValueOf(row)),
                    ColumnKind.Time => RunTime(state, column.BytesOf(row, scratch), ref ofTimes[number]),
                    _ => automaton.Run(state, column.BytesOf(row, scratch)),
                };
                if (generation != automaton.Generation) Forget();
            }
            if (state < 0) return state == LineAutomaton.Matched;
        }
    }

    /// <summary>How far waiting for a match goes on from a place, plus 1.</summary>
    private int Follow(int shape, int place)
    {
        var (texts, numbers) = (shapes[shape].Literals, shapes[shape].Columns);
        int to = place, last = (2 * texts.Length) - 1;
        while (to < last)
        {
            int at = to >> 1;
            if ((to & 1) == 0)
            {
                if (automaton.Run(automaton.Idle, texts[at]) != automaton.Idle) break;
                to++;
            }
            else if (!begins[numbers[at]] || AllLeadBack(numbers[at]))
            {
                to++;
            }
            else if (alphabets[numbers[at]] is { } alphabet && LeadsBack(alphabet, texts[at + 1]))
            {
                to += 2;
            }
            else
            {
                break;
            }
        }
        if (generation != automaton.Generation) Forget();
        return farthest[shape][place] = to + 1;
    }

    /// <summary>Whether each value of a dictionary leads from waiting for a match back to that.</summary>
    private bool AllLeadBack(int number)
    {
        if (kinds[number] is not (ColumnKind.Dictionary or ColumnKind.LargeDictionary)) return false;
        var column = (DictionaryColumn)block.ColumnAt(number);
        for (int id = 1; id <= column.Distinct; id++)
        {
            if (automaton.Run(automaton.Idle, column.BytesOfValue(id)) != automaton.Idle) return false;
        }
        return true;
    }

    /// <summary>Whether whatever bytes of an alphabet, and a text behind them, lead from waiting for a match back to that, and to no match on the way.</summary>
    private bool LeadsBack(byte[] alphabet, byte[] following)
    {
        if (!Ascii.IsValid(alphabet)) return false;
        List<int> reached = [automaton.Idle];
        for (int i = 0; i < reached.Count; i++)
        {
            foreach (byte b in alphabet)
            {
                int next = automaton.Run(reached[i], [b]);
                if (next < 0 || reached.Count > StatesMax || generation != automaton.Generation) return false;
                if (!reached.Contains(next)) reached.Add(next);
            }
        }
        return reached.TrueForAll(s => automaton.Run(s, following) == automaton.Idle) && generation == automaton.Generation;
    }

    private static (int From, int To)[] NewMemo(int length)
    {
        var memo = new (int, int)[length];
        memo.AsSpan().Fill((-1, 0));
        return memo;
    }

    private int Run(int state, ReadOnlySpan<byte> bytes, ref (int From, int To) memo)
    {
        int next = automaton.Run(state, bytes);
        // Where states were forgotten on the way, the one before has lost its meaning.
        if (generation != automaton.Generation) Forget();
        else memo = (state, next);
        return next;
    }

    /// <summary>A time that may begin as the one before did. Its first bytes are ASCII.</summary>
    private int RunTime(int state, ReadOnlySpan<byte> bytes, ref (int From, int To, UInt128 Start) memo)
    {
        var start = BinaryPrimitives.ReadUInt128LittleEndian(bytes);
        if (memo.From != state || memo.Start != start)
        {
            int next = automaton.Run(state, bytes[..SharedStart]);
            if (next < 0) return next;
            if (generation != automaton.Generation)
            {
                Forget();
                return automaton.Run(next, bytes[SharedStart..]);
            }
            memo = (state, next, start);
        }
        return automaton.Run(memo.To, bytes[SharedStart..]);
    }

    private void Forget()
    {
        generation = automaton.Generation;
        ofTimes.AsSpan().Fill((-1, 0, 0));
        foreach (var memo in ofText) memo.AsSpan().Fill((-1, 0));
        foreach (var memo in ofValues) memo.AsSpan().Fill((-1, 0));
    }
}
