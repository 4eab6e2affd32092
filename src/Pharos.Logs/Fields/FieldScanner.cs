using System.Buffers;
using System.Text;
using System.Text.Unicode;
using Pharos.Core;

namespace Pharos.Logs.Fields;

/// <summary>A value in a line.</summary>
/// <param name="Name">Number of its name.</param>
internal readonly record struct FieldSpan(int Name, int At, int Length);

/// <summary>
/// Finds the fields of JSON and logfmt lines that leave no doubt: a line with anything that a parser could take in another way (escapes, bad UTF-8,
/// names that collide with labels of the query language) has none. Text beside pairs, and lines without fields, are cut into tokens
/// (<see cref="TextTokens"/>), values that have no name. Not safe for several threads.
/// </summary>
internal sealed class FieldScanner
{
    /// <summary>Lines with more fields, and blocks with more names, are left to the parsers.</summary>
    public const int NamesMax = 256;

    /// <summary>Names of values that are no fields begin with it.</summary>
    public const char Hidden = '[';

    /// <summary>Of these, tokens have at most so many: they must not take the place of names.</summary>
    private const int TokenNamesMax = NamesMax / 2;

    private const int DepthMax = 8;

    private static readonly SearchValues<byte> StringEnds = SearchValues.Create([.. Enumerable.Range(0, 32).Select(i => (byte)i), (byte)'"', (byte)'\\']);
    private static readonly SearchValues<byte> WordEnds = SearchValues.Create([.. Enumerable.Range(0, 33).Select(i => (byte)i), (byte)'"', (byte)'=']);

    private readonly Dictionary<byte[], (byte[] Full, int Name)> nameOf = new(ByteKeys.Instance);
    private readonly Dictionary<string, int> numbers = new(StringComparer.Ordinal);
    private readonly List<string> names = [];
    private readonly (byte[] Full, int Name)[] guesses = new (byte[], int)[NamesMax];
    private readonly Dictionary<byte[], (byte[] Before, int Name)> tokenOf = new(ByteKeys.Instance);
    private readonly (byte[] Before, int Name)[] tokenGuesses = new (byte[], int)[NamesMax];
    private readonly TextTokens tokens = new();
    private readonly FieldSpan[] fields = new FieldSpan[NamesMax];
    private readonly byte[] path = new byte[512];
    private int count;
    private int keys;
    private int tokenCount;
    private int tokenGuessCount;

    /// <summary>Names so far, by number; those of tokens are empty.</summary>
    public IReadOnlyList<string> Names => names;

    /// <summary>Fields and tokens of the last line; of a name that comes twice, the first is meant.</summary>
    public ReadOnlySpan<FieldSpan> Fields => fields.AsSpan(0, count);

    public void Clear()
    {
        nameOf.Clear();
        numbers.Clear();
        names.Clear();
        Array.Clear(guesses);
        tokenOf.Clear();
        tokenGuessCount = 0;
    }

    /// <returns>None: the line has no fields, and <see cref="Fields"/> are its tokens.</returns>
    public LogFieldFormat Scan(ReadOnlySpan<byte> line)
    {
        count = keys = tokenCount = 0;
        if (line.Length < 2) return LogFieldFormat.None;
        if (line[0] == '{')
        {
            int at = 0;
            if (IsCleanText(line) && Object(line, ref at, -1, 0) && at == line.Length) return LogFieldFormat.Json;
        }
        else if (IsCleanText(line) && Logfmt(line))
        {
            return LogFieldFormat.Logfmt;
        }
        count = tokenCount = 0;
        if (!Tokens(line, 0, 0, line.Length)) count = 0;
        return LogFieldFormat.None;
    }

    private static bool IsCleanText(ReadOnlySpan<byte> line) => Ascii.IsValid(line) || (Utf8.IsValid(line) && line.IndexOf("\uFFFD"u8) < 0);

    private bool Object(ReadOnlySpan<byte> line, ref int at, int parent, int depth)
    {
        if (depth > DepthMax) return false;
        at++;
        SkipSpaces(line, ref at);
        if (at < line.Length && line[at] == '}')
        {
            at++;
            return true;
        }
        while (true)
        {
            SkipSpaces(line, ref at);
            if (!String(line, ref at, out int keyAt, out int keyLength)) return false;
            int name = NameOf(line.Slice(keyAt, keyLength), parent);
            if (name < 0) return false;
            SkipSpaces(line, ref at);
            if (at >= line.Length || line[at] != ':') return false;
            at++;
            SkipSpaces(line, ref at);
            if (!Value(line, ref at, name, depth)) return false;
            SkipSpaces(line, ref at);
            if (at >= line.Length) return false;
            if (line[at] == '}')
            {
                at++;
                return true;
            }
            if (line[at++] != ',') return false;
        }
    }

    /// <param name="name">-1: inside an array, whose values are no fields.</param>
    private bool Value(ReadOnlySpan<byte> line, ref int at, int name, int depth)
    {
        if (at >= line.Length) return false;
        int from = at;
        switch (line[at])
        {
            case (byte)'"':
                return String(line, ref at, out int textAt, out int textLength) && Add(name, textAt, textLength);
            case (byte)'{':
                return name >= 0 && Object(line, ref at, name, depth + 1);
            case (byte)'[':
                return List(line, ref at, depth + 1) && (name < 0 || Add(HiddenOf(name), from, at - from));
            case (byte)'t':
                return Word(line, ref at, "true"u8) && Add(name, from, 4);
            case (byte)'f':
                return Word(line, ref at, "false"u8) && Add(name, from, 5);
            case (byte)'n':
                return Word(line, ref at, "null"u8);
            default:
                return Number(line, ref at) && Add(name, from, at - from);
        }
    }

    private bool List(ReadOnlySpan<byte> line, ref int at, int depth)
    {
        if (depth > DepthMax) return false;
        at++;
        SkipSpaces(line, ref at);
        if (at < line.Length && line[at] == ']')
        {
            at++;
            return true;
        }
        while (true)
        {
            SkipSpaces(line, ref at);
            // Objects inside arrays are rare: their lines are left to the parser.
            if (!Value(line, ref at, -1, depth)) return false;
            SkipSpaces(line, ref at);
            if (at >= line.Length) return false;
            if (line[at] == ']')
            {
                at++;
                return true;
            }
            if (line[at++] != ',') return false;
        }
    }

    private static bool String(ReadOnlySpan<byte> line, ref int at, out int textAt, out int textLength)
    {
        textAt = at + 1;
        textLength = 0;
        if (at >= line.Length || line[at] != '"') return false;
        textLength = line[textAt..].IndexOfAny(StringEnds);
        if (textLength < 0 || line[textAt + textLength] != '"') return false;
        at = textAt + textLength + 1;
        return true;
    }

    private static bool Word(ReadOnlySpan<byte> line, ref int at, ReadOnlySpan<byte> word)
    {
        if (!line[at..].StartsWith(word)) return false;
        at += word.Length;
        return true;
    }

    private static bool Number(ReadOnlySpan<byte> line, ref int at)
    {
        if (line[at] == '-') at++;
        int from = at;
        if (!Digits(line, ref at) || (line[from] == '0' && at - from > 1)) return false;
        if (at < line.Length && line[at] == '.')
        {
            at++;
            if (!Digits(line, ref at)) return false;
        }
        if (at >= line.Length || (line[at] | 0x20) != 'e') return true;
        at++;
        if (at < line.Length && line[at] is (byte)'+' or (byte)'-') at++;
        return Digits(line, ref at);
    }

    private static bool Digits(ReadOnlySpan<byte> line, ref int at)
    {
        int from = at;
        while (at < line.Length && (uint)(line[at] - '0') <= 9) at++;
        return at > from;
    }

    private static void SkipSpaces(ReadOnlySpan<byte> line, ref int at)
    {
        while (at < line.Length && line[at] is (byte)' ' or (byte)'\t') at++;
    }

    private bool Logfmt(ReadOnlySpan<byte> line)
    {
        int at = 0, textAt = -1, pairs = 0;
        while (true)
        {
            while (at < line.Length && line[at] <= ' ') at++;
            if (at >= line.Length) return pairs > 0 && (textAt < 0 || Tokens(line, EndOfLast, textAt, line.Length));
            int keyAt = at;
            at = WordEnd(line, at);
            if (at >= line.Length || line[at] <= ' ')
            {
                // A word without a value is no field.
                if (textAt < 0) textAt = keyAt;
                continue;
            }
            if (line[at] == '"' || at == keyAt) return false;
            if (textAt >= 0 && !Tokens(line, EndOfLast, textAt, keyAt)) return false;
            textAt = -1;
            pairs++;
            int name = NameOf(line[keyAt..at], -1);
            if (name < 0) return false;
            int from = ++at, length;
            if (at < line.Length && line[at] == '"')
            {
                from++;
                length = line[from..].IndexOfAny((byte)'"', (byte)'\\');
                if (length < 0 || line[from + length] != '"') return false;
                at = from + length + 1;
            }
            else
            {
                at = WordEnd(line, at);
                if (at < line.Length && line[at] > ' ') return false;
                length = at - from;
            }
            // logfmt leaves out empty values.
            if (length > 0 && !Add(name, from, length)) return false;
        }
    }

    private static int WordEnd(ReadOnlySpan<byte> line, int at)
    {
        int length = line[at..].IndexOfAny(WordEnds);
        return length < 0 ? line.Length : at + length;
    }

    private int EndOfLast => count == 0 ? 0 : fields[count - 1].At + fields[count - 1].Length;

    /// <summary>Adds the tokens of a stretch of text.</summary>
    /// <param name="end">Where the value before ends.</param>
    private bool Tokens(ReadOnlySpan<byte> line, int end, int from, int to)
    {
        tokens.Split(line, from, to);
        foreach (var (at, length) in tokens.Found)
        {
            int name = TokenOf(line[end..at]);
            if (name < 0 || !Add(name, at, length)) return false;
            end = at + length;
        }
        return true;
    }

    /// <summary>Number of the next token of the line: those that follow the same text, after the same number of others that do, share one. -1: there are too many.</summary>
    private int TokenOf(ReadOnlySpan<byte> before)
    {
        int place = tokenCount++;
        if (place == NamesMax || before.Length > path.Length - 1) return -1;
        // Where all before were as in the line that left the guess, the count of its text is the same too.
        if (place < tokenGuessCount && before.SequenceEqual(tokenGuesses[place].Before)) return tokenGuesses[place].Name;
        byte times = 0;
        for (int i = 0; i < place; i++)
        {
            if (before.SequenceEqual(tokenGuesses[i].Before)) times++;
        }
        path[0] = times;
        before.CopyTo(path.AsSpan(1));
        var key = path.AsSpan(0, before.Length + 1);
        ref var guess = ref tokenGuesses[place];
        if (!tokenOf.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(key, out guess))
        {
            tokenGuessCount = place;
            if (names.Count == NamesMax || tokenOf.Count == TokenNamesMax) return -1;
            names.Add("");
            guess = tokenOf[key.ToArray()] = (before.ToArray(), names.Count - 1);
        }
        tokenGuessCount = place + 1;
        return guess.Name;
    }

    private bool Add(int name, int at, int length)
    {
        if (name < 0) return true;
        if (count == NamesMax) return false;
        fields[count++] = new FieldSpan(name, at, length);
        return true;
    }

    /// <summary>Number of the label name that a key gives; -1 where it gives none that is beyond doubt.</summary>
    private int NameOf(ReadOnlySpan<byte> key, int parent)
    {
        int place = keys++;
        if (place >= NamesMax) return -1;
        // Lines of a stream are much alike: the key at this place is mostly the one of the line before.
        ref var guess = ref guesses[place];
        if (guess.Full is not null && BitConverter.ToInt32(guess.Full) == parent && key.SequenceEqual(guess.Full.AsSpan(4))) return guess.Name;
        if (key.Length > path.Length - 4) return -1;
        BitConverter.TryWriteBytes(path, parent);
        key.CopyTo(path.AsSpan(4));
        var full = path.AsSpan(0, key.Length + 4);
        if (!nameOf.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(full, out guess))
        {
            if (nameOf.Count >= 4 * NamesMax) return -1;
            guess = (full.ToArray(), Make(key, parent));
            nameOf[guess.Full] = guess;
        }
        return guess.Name;
    }

    /// <summary>Arrays are no fields, but their text is a value all the same; no label has such a name.</summary>
    private int HiddenOf(int name)
    {
        string hidden = Hidden + names[name];
        if (numbers.TryGetValue(hidden, out int number)) return number;
        if (names.Count == NamesMax) return -1;
        names.Add(hidden);
        return numbers[hidden] = names.Count - 1;
    }

    private int Make(ReadOnlySpan<byte> key, int parent)
    {
        if (!Ascii.IsValid(key)) return -1;
        string name = LabelNames.FromField(Encoding.UTF8.GetString(key), leading: parent < 0);
        if (name.Length == 0) return -1;
        if (parent >= 0) name = $"{names[parent]}_{name}";
        if (name.EndsWith("_extracted", StringComparison.Ordinal) || name.StartsWith("__error", StringComparison.Ordinal)) return -1;
        if (numbers.TryGetValue(name, out int number)) return number;
        if (names.Count == NamesMax) return -1;
        names.Add(name);
        return numbers[name] = names.Count - 1;
    }
}
