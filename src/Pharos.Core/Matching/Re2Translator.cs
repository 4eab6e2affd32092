using System.Globalization;
using System.Text;

namespace Pharos.Core;

/// <summary>
/// Turns an RE2 expression (https://github.com/google/re2/wiki/Syntax) into one for .NET's non-backtracking engine.
/// Groups become numbered in RE2's order; classes like <c>\d</c> become ASCII; what RE2 lacks is refused.
/// </summary>
internal ref struct Re2Translator(string pattern)
{
    private const int RepeatMax = 1000;

    private readonly string pattern = pattern;
    private readonly StringBuilder output = new(pattern.Length + 16);
    private readonly Stack<Flags> scopes = new();
    private Flags flags;
    private int at;

    public readonly List<string?> GroupNames { get; } = [null];

    private struct Flags
    {
        public bool Multiline;
        public bool Ungreedy;
    }

    public string Translate()
    {
        bool canRepeat = false;
        while (at < pattern.Length)
        {
            char c = pattern[at];
            switch (c)
            {
                case '(':
                    canRepeat = OpenGroup();
                    break;
                case ')':
                    if (scopes.Count == 0) throw Error($"unexpected ): `{pattern}`");
                    flags = scopes.Pop();
                    output.Append(')');
                    at++;
                    canRepeat = true;
                    break;
                case '|':
                    output.Append('|');
                    at++;
                    canRepeat = false;
                    break;
                case '[':
                    Class();
                    canRepeat = true;
                    break;
                case '*' or '+' or '?':
                    if (!canRepeat) throw Error($"missing argument to repetition operator: `{c}`");
                    output.Append(c);
                    at++;
                    Greediness();
                    canRepeat = false;
                    break;
                case '{' when TryRepeat(out string repeat):
                    if (!canRepeat) throw Error($"missing argument to repetition operator: `{repeat}`");
                    output.Append(repeat);
                    Greediness();
                    canRepeat = false;
                    break;
                case '$':
                    output.Append(flags.Multiline ? "$" : "\\z");
                    at++;
                    canRepeat = true;
                    break;
                case '^' or '.':
                    output.Append(c);
                    at++;
                    canRepeat = true;
                    break;
                case '\\':
                    Escape();
                    canRepeat = true;
                    break;
                default:
                    Literal(c);
                    at++;
                    canRepeat = true;
                    break;
            }
        }
        if (scopes.Count > 0) throw Error($"missing closing ): `{pattern}`");
        return output.ToString();
    }

    private readonly Re2SyntaxException Error(string message) => new($"error parsing regexp: {message}", at);

    private void Greediness()
    {
        bool lazy = at < pattern.Length && pattern[at] == '?';
        if (lazy) at++;
        if (lazy != flags.Ungreedy) output.Append('?');
        if (at < pattern.Length && (pattern[at] is '*' or '+' or '?' || (pattern[at] == '{' && TryRepeat(out _))))
            throw Error("invalid nested repetition operator");
    }

    private bool TryRepeat(out string repeat)
    {
        repeat = "";
        int close = pattern.IndexOf('}', at);
        if (close < 0) return false;
        var body = pattern.AsSpan(at + 1, close - at - 1);
        int comma = body.IndexOf(',');
        var low = comma < 0 ? body : body[..comma];
        var high = comma < 0 ? low : body[(comma + 1)..];
        if (low.IsEmpty || low.ContainsAnyExceptInRange('0', '9') || high.ContainsAnyExceptInRange('0', '9')) return false;
        if (!int.TryParse(low, out int min) || min > RepeatMax
            || (!high.IsEmpty && (!int.TryParse(high, out int max) || max > RepeatMax || max < min)))
            throw Error($"invalid repeat count: {pattern.AsSpan(at, close - at + 1)}");
        repeat = pattern[at..(close + 1)];
        at = close + 1;
        return true;
    }

    /// <summary>True where what was opened may be repeated at once (only a bare flag group closes by itself, and that may not).</summary>
    private bool OpenGroup()
    {
        if (at + 1 >= pattern.Length || pattern[at + 1] != '?')
        {
            scopes.Push(flags);
            GroupNames.Add(null);
            output.Append(CultureInfo.InvariantCulture, $"(?<{GroupNames.Count - 1}>");
            at++;
            return false;
        }
        var rest = pattern.AsSpan(at);
        int nameAt = rest.StartsWith("(?P<") ? 4 : rest.StartsWith("(?<") && !rest.StartsWith("(?<=") && !rest.StartsWith("(?<!") ? 3 : 0;
        if (nameAt > 0)
        {
            int close = rest.IndexOf('>');
            if (close < 0) throw Error("invalid named capture");
            string name = rest[nameAt..close].ToString();
            if (name.Length == 0 || name.AsSpan().ContainsAnyExcept(Core.NameChars.Word)) throw Error($"invalid named capture: `{rest[..(close + 1)]}`");
            if (GroupNames.Contains(name)) throw Error($"duplicate capture group name: {name}");
            scopes.Push(flags);
            GroupNames.Add(name);
            output.Append(CultureInfo.InvariantCulture, $"(?<{GroupNames.Count - 1}>");
            at += close + 1;
            return false;
        }
        int i = at + 2;
        bool on = true, sawFlag = false;
        var next = flags;
        string enabled = "", disabled = "";
        for (; i < pattern.Length; i++)
        {
            char c = pattern[i];
            if (c is ':' or ')') break;
            if (c == '-' && on)
            {
                on = false;
                sawFlag = false;
                continue;
            }
            sawFlag = true;
            switch (c)
            {
                case 'i' or 's':
                    if (on) enabled += c;
                    else disabled += c;
                    break;
                case 'm':
                    next.Multiline = on;
                    if (on) enabled += c;
                    else disabled += c;
                    break;
                case 'U':
                    next.Ungreedy = on;
                    break;
                default:
                    throw Error($"invalid or unsupported Perl syntax: `{pattern.AsSpan(at, Math.Min(i + 1, pattern.Length) - at)}`");
            }
        }
        if (i >= pattern.Length) throw Error($"missing closing ): `{pattern}`");
        if (!on && !sawFlag) throw Error($"invalid or unsupported Perl syntax: `{pattern.AsSpan(at, i - at)}`");
        string set = enabled + (disabled.Length > 0 ? "-" + disabled : "");
        if (pattern[i] == ':')
        {
            scopes.Push(flags);
            output.Append("(?").Append(set).Append(':');
        }
        else if (set.Length > 0)
        {
            output.Append("(?").Append(set).Append(')');
        }
        flags = next;
        at = i + 1;
        return false;
    }

    private void Escape()
    {
        if (at + 1 >= pattern.Length) throw Error("trailing backslash at end of expression");
        char e = pattern[at + 1];
        switch (e)
        {
            case 'd': Emit("[0-9]"); break;
            case 'D': Emit("[^0-9]"); break;
            case 'w': Emit("[0-9A-Za-z_]"); break;
            case 'W': Emit("[^0-9A-Za-z_]"); break;
            case 's': Emit("[\\t\\n\\f\\r ]"); break;
            case 'S': Emit("[^\\t\\n\\f\\r ]"); break;
            case 'b': Emit("\\b"); break;
            case 'B': Emit("\\B"); break;
            case 'A': Emit("\\A"); break;
            case 'z': Emit("\\z"); break;
            case 'p' or 'P':
                output.Append(UnicodeClass());
                break;
            case 'Q':
                int end = pattern.IndexOf("\\E", at + 2, StringComparison.Ordinal);
                int stop = end < 0 ? pattern.Length : end;
                for (int i = at + 2; i < stop; i++) Literal(pattern[i]);
                at = end < 0 ? pattern.Length : end + 2;
                break;
            default:
                foreach (char c in char.ConvertFromUtf32(EscapedCharacter())) Literal(c);
                break;
        }
    }

    private void Emit(string text)
    {
        output.Append(text);
        at += 2;
    }

    /// <summary>Reads <c>\p{Name}</c> or <c>\pN</c>; .NET knows the general categories by the same names.</summary>
    private string UnicodeClass()
    {
        int start = at;
        bool negated = pattern[at + 1] == 'P';
        string name;
        if (at + 2 < pattern.Length && pattern[at + 2] == '{')
        {
            int close = pattern.IndexOf('}', at);
            if (close < 0) throw Error("invalid character class range");
            name = pattern[(at + 3)..close];
            at = close + 1;
        }
        else if (at + 2 < pattern.Length)
        {
            name = pattern[at + 2].ToString();
            at += 3;
        }
        else
        {
            throw Error("invalid character class range: `\\p`");
        }
        if (name.StartsWith('^'))
        {
            negated = !negated;
            name = name[1..];
        }
        string netName = name switch
        {
            "Greek" => "IsGreek",
            "Cyrillic" => "IsCyrillic",
            "Hebrew" => "IsHebrew",
            "Arabic" => "IsArabic",
            "Han" => "IsCJKUnifiedIdeographs",
            "Hiragana" => "IsHiragana",
            "Katakana" => "IsKatakana",
            "Thai" => "IsThai",
            "Latin" => "IsBasicLatin",
            _ => name,
        };
        try
        {
            _ = new System.Text.RegularExpressions.Regex($"\\p{{{netName}}}");
        }
        catch (ArgumentException)
        {
            at = start;
            throw Error($"invalid character class range: `\\p{{{name}}}`");
        }
        return $"\\{(negated ? 'P' : 'p')}{{{netName}}}";
    }

    /// <summary>Reads an escape that stands for one code point and moves past it.</summary>
    private int EscapedCharacter()
    {
        char e = pattern[at + 1];
        int start = at;
        at += 2;
        switch (e)
        {
            case 'a': return 7;
            case 'f': return 12;
            case 't': return 9;
            case 'n': return 10;
            case 'r': return 13;
            case 'v': return 11;
            case 'x':
                int from = at, to;
                if (at < pattern.Length && pattern[at] == '{')
                {
                    from = at + 1;
                    to = pattern.IndexOf('}', at);
                    at = to + 1;
                }
                else
                {
                    to = at + 2;
                    at = to;
                }
                if (to > from && to <= pattern.Length
                    && int.TryParse(pattern.AsSpan(from, to - from), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code)
                    && Rune.IsValid(code))
                    return code;
                break;
            case '0' or (>= '1' and <= '7') when e == '0' || (at < pattern.Length && pattern[at] is >= '0' and <= '7'):
                int value = e - '0';
                for (int n = 0; n < 2 && at < pattern.Length && pattern[at] is >= '0' and <= '7'; n++) value = (value * 8) + (pattern[at++] - '0');
                return value;
            default:
                if (e < 128 && !char.IsAsciiLetterOrDigit(e)) return e;
                break;
        }
        at = start;
        throw Error($"invalid escape sequence: `\\{e}`");
    }

    private readonly void Literal(char c)
    {
        if (c is '\\' or '*' or '+' or '?' or '|' or '{' or '}' or '[' or ']' or '(' or ')' or '^' or '$' or '.' or '#' or ' ') output.Append('\\');
        if (c is '\n') output.Append("\\n");
        else output.Append(c);
    }

    private void Class()
    {
        int start = at;
        output.Append('[');
        at++;
        if (at < pattern.Length && pattern[at] == '^')
        {
            output.Append('^');
            at++;
        }
        bool first = true;
        while (true)
        {
            if (at >= pattern.Length)
            {
                at = start;
                throw Error($"missing closing ]: `{pattern.AsSpan(start)}`");
            }
            char c = pattern[at];
            if (c == ']' && !first) break;
            first = false;
            if (c == '[' && at + 1 < pattern.Length && pattern[at + 1] == ':' && pattern.IndexOf(":]", at, StringComparison.Ordinal) is var close and > 0)
            {
                output.Append(Posix(pattern[(at + 2)..close]));
                at = close + 2;
                continue;
            }
            if (c == '\\' && at + 1 < pattern.Length)
            {
                string? perl = pattern[at + 1] switch
                {
                    'd' => "0-9",
                    'D' => "\\u0000-/:-\\uffff",
                    'w' => "0-9A-Za-z_",
                    'W' => "\\u0000-/:-@\\[-\\^`\\{-\\uffff",
                    's' => "\\t\\n\\f\\r ",
                    'S' => "\\u0000-\\b\\v\\u000e-\\u001f!-\\uffff",
                    _ => null,
                };
                if (perl is not null)
                {
                    output.Append(perl);
                    at += 2;
                    continue;
                }
                if (pattern[at + 1] is 'p' or 'P')
                {
                    output.Append(UnicodeClass());
                    continue;
                }
            }
            int low = ClassCharacter();
            int high = low;
            if (at + 1 < pattern.Length && pattern[at] == '-' && pattern[at + 1] != ']')
            {
                at++;
                high = ClassCharacter();
                if (high < low) throw Error("invalid character class range");
            }
            // Above the basic plane .NET sees surrogate pairs; a class can only name their halves.
            ClassLiteral(Math.Min(low, 0xffff));
            if (high != low)
            {
                output.Append('-');
                ClassLiteral(Math.Min(high, 0xffff));
            }
        }
        at++;
        output.Append(']');
    }

    private int ClassCharacter()
    {
        if (pattern[at] == '\\')
        {
            if (at + 1 >= pattern.Length) throw Error("trailing backslash at end of expression");
            return EscapedCharacter();
        }
        if (Rune.DecodeFromUtf16(pattern.AsSpan(at), out var rune, out int used) != System.Buffers.OperationStatus.Done) throw Error("invalid UTF-8");
        at += used;
        return rune.Value;
    }

    private readonly void ClassLiteral(int c) => output.Append(CultureInfo.InvariantCulture, $"\\u{c:x4}");

    private readonly string Posix(string name)
    {
        bool negated = name.StartsWith('^');
        string ranges = (negated ? name[1..] : name) switch
        {
            "alnum" => "0-9A-Za-z",
            "alpha" => "A-Za-z",
            "ascii" => "\\u0000-\\u007f",
            "blank" => "\\t ",
            "cntrl" => "\\u0000-\\u001f\\u007f",
            "digit" => "0-9",
            "graph" => "!-~",
            "lower" => "a-z",
            "print" => " -~",
            "punct" => "!-/:-@\\[-`\\{-~",
            "space" => "\\t\\n\\v\\f\\r ",
            "upper" => "A-Z",
            "word" => "0-9A-Za-z_",
            "xdigit" => "0-9A-Fa-f",
            _ => throw Error($"invalid character class range: `[:{name}:]`"),
        };
        if (negated) throw Error($"negated class [:{name}:] inside brackets is not supported; write [^…] around it");
        return ranges;
    }
}

/// <summary>An expression that RE2 would refuse.</summary>
internal sealed class Re2SyntaxException(string message, int at) : FormatException(message)
{
    public int At { get; } = at;
}
