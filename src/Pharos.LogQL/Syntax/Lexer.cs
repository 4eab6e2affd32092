using Pharos.Core;

namespace Pharos.LogQL.Syntax;

/// <summary>Cuts a query into tokens.</summary>
internal static class Lexer
{
    public const int QueryCharsMax = 128 * 1024;

    private static readonly System.Buffers.SearchValues<char> MantissaChars = System.Buffers.SearchValues.Create("0123456789.abcdefABCDEFxX");

    /// <exception cref="QueryException">A character or literal that LogQL does not know.</exception>
    public static List<Token> Read(string query)
    {
        if (query.Length > QueryCharsMax) throw SyntaxError.Whole($"input size too long ({query.Length} > {QueryCharsMax})");
        var tokens = new List<Token>();
        int at = 0;
        while (true)
        {
            SkipSpaceAndComments(query, ref at);
            if (at >= query.Length)
            {
                tokens.Add(new Token(TokenKind.End, query.Length, query.Length, ""));
                return tokens;
            }
            tokens.Add(Next(query, ref at));
        }
    }

    private static void SkipSpaceAndComments(string query, ref int at)
    {
        while (at < query.Length)
        {
            if (char.IsWhiteSpace(query[at])) at++;
            else if (query[at] == '#') while (at < query.Length && query[at] != '\n') at++;
            else return;
        }
    }

    private static Token Next(string query, ref int at)
    {
        int start = at;
        char c = query[at];
        if (char.IsLetter(c) || c == '_')
        {
            while (at < query.Length && (char.IsLetterOrDigit(query[at]) || query[at] is '_')) at++;
            return new Token(TokenKind.Identifier, start, at, query[start..at]);
        }
        if (char.IsAsciiDigit(c) || (c == '.' && at + 1 < query.Length && char.IsAsciiDigit(query[at + 1]))) return Number(query, ref at);
        if (c is '"' or '`') return Text(query, ref at);
        if (c == '[') return Range(query, ref at);
        if (c == '-' && at + 2 < query.Length && query[at + 1] == '-' && char.IsAsciiLetter(query[at + 2]))
        {
            at += 2;
            while (at < query.Length && (char.IsAsciiLetterOrDigit(query[at]) || query[at] is '-' or '_')) at++;
            return new Token(TokenKind.Flag, start, at, query[start..at]);
        }
        char next = at + 1 < query.Length ? query[at + 1] : '\0';
        var (kind, length) = (c, next) switch
        {
            ('|', '=') => (TokenKind.PipeExact, 2),
            ('|', '~') => (TokenKind.PipeMatch, 2),
            ('|', '>') => (TokenKind.PipePattern, 2),
            ('|', _) => (TokenKind.Pipe, 1),
            ('!', '=') => (TokenKind.NotEqual, 2),
            ('!', '~') => (TokenKind.NotMatches, 2),
            ('!', '>') => (TokenKind.NotPattern, 2),
            ('=', '=') => (TokenKind.DoubleEqual, 2),
            ('=', '~') => (TokenKind.Matches, 2),
            ('=', _) => (TokenKind.Equal, 1),
            ('>', '=') => (TokenKind.GreaterEqual, 2),
            ('>', _) => (TokenKind.Greater, 1),
            ('<', '=') => (TokenKind.LessEqual, 2),
            ('<', _) => (TokenKind.Less, 1),
            ('{', _) => (TokenKind.OpenBrace, 1),
            ('}', _) => (TokenKind.CloseBrace, 1),
            ('(', _) => (TokenKind.OpenParen, 1),
            (')', _) => (TokenKind.CloseParen, 1),
            (',', _) => (TokenKind.Comma, 1),
            ('+', _) => (TokenKind.Plus, 1),
            ('-', _) => (TokenKind.Minus, 1),
            ('*', _) => (TokenKind.Times, 1),
            ('/', _) => (TokenKind.Divide, 1),
            ('%', _) => (TokenKind.Modulo, 1),
            ('^', _) => (TokenKind.Power, 1),
            _ => (TokenKind.End, 0),
        };
        if (length == 0) throw SyntaxError.At(query, at, $"syntax error: unexpected character inside the query: {GoString.Quote(c.ToString())}");
        at += length;
        return new Token(kind, start, at, query[start..at]);
    }

    private static Token Number(string query, ref int at)
    {
        int start = at;
        while (at < query.Length)
        {
            char c = query[at];
            // An exponent's sign belongs to the number.
            bool sign = c is '+' or '-' && at > start && (query[at - 1] is 'e' or 'E' or 'p' or 'P') && IsExponent(query.AsSpan(start, at - start));
            if (!char.IsLetterOrDigit(c) && c is not ('.' or '_' or 'µ' or 'μ') && !sign) break;
            at++;
        }
        string word = query[start..at];
        var kind = Numbers.Classify(word, out double value);
        if (kind != TokenKind.End) return new Token(kind, start, at, word, value);
        bool numeric = word.All(c => char.IsAsciiHexDigit(c) || c is '.' or 'x' or 'X' or 'o' or 'O' or '_');
        throw SyntaxError.At(query, start, numeric
            ? $"unable to parse literal as a float: strconv.ParseFloat: parsing {GoString.Quote(word)}: invalid syntax"
            : $"syntax error: {GoString.Quote(word)} is no number, duration or size; units are ns us µs ms s m h d w y and B kB KB MB GB TB PB KiB MiB GiB TiB PiB");
    }

    private static bool IsExponent(ReadOnlySpan<char> before)
    {
        bool hex = before.Length > 1 && before[1] is 'x' or 'X';
        return (before[^1] is 'p' or 'P') == hex && before[..^1].IndexOfAnyExcept(MantissaChars) < 0;
    }

    private static Token Text(string query, ref int at)
    {
        int start = at;
        char quote = query[at++];
        while (at < query.Length && query[at] != quote)
        {
            if (quote == '"' && query[at] == '\n') throw SyntaxError.At(query, start, "literal not terminated");
            at += quote == '"' && query[at] == '\\' ? 2 : 1;
        }
        if (at >= query.Length) throw SyntaxError.At(query, start, "literal not terminated");
        at++;
        if (!GoString.TryUnquote(query.AsSpan(start, at - start), out string? text, out string? error, out int errorAt))
            throw SyntaxError.At(query, start + errorAt, $"invalid string: {error}");
        return new Token(TokenKind.String, start, at, text);
    }

    private static Token Range(string query, ref int at)
    {
        int start = at;
        int end = query.IndexOf(']', at);
        if (end < 0) throw SyntaxError.At(query, start, "missing closing ']' in duration");
        at = end + 1;
        string content = query[(start + 1)..end];
        if (!PromDuration.TryParseMs(content, out long ms, out string? error) || content == "0")
            throw SyntaxError.At(query, start + 1, error ?? "duration must be greater than 0");
        if (ms == 0) throw SyntaxError.At(query, start + 1, "duration must be greater than 0");
        return new Token(TokenKind.Range, start, at, query[start..at], ms * 1e6);
    }
}
