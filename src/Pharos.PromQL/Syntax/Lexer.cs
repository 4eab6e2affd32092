using Pharos.Core;

namespace Pharos.PromQL.Syntax;

internal enum TokenKind
{
    End,
    Identifier,
    Number,
    Duration,
    String,
    LeftParen,
    RightParen,
    LeftBrace,
    RightBrace,
    LeftBracket,
    RightBracket,
    Comma,
    Colon,
    At,
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Assign,
    EqualEqual,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    TrimUpper,
    TrimLower,
    RegexMatch,
    RegexNotMatch,
}

/// <param name="Number">A number's value; a duration's seconds.</param>
internal readonly record struct Token(TokenKind Kind, int Start, int End, double Number = 0, string Text = "");

/// <summary>Cuts a query into tokens. Inside braces and brackets a colon is no part of a name.</summary>
internal static class Lexer
{
    public static List<Token> Read(string query)
    {
        var tokens = new List<Token>();
        int at = 0, braces = 0, brackets = 0;
        while (true)
        {
            while (at < query.Length && query[at] is ' ' or '\t' or '\n' or '\r') at++;
            if (at >= query.Length) break;
            char c = query[at];
            if (c == '#')
            {
                while (at < query.Length && query[at] != '\n') at++;
                continue;
            }
            int start = at;
            char next = at + 1 < query.Length ? query[at + 1] : '\0';
            if (char.IsAsciiDigit(c) || (c == '.' && char.IsAsciiDigit(next)))
            {
                tokens.Add(ReadNumber(query, ref at));
                continue;
            }
            if (char.IsAsciiLetter(c) || c == '_' || (c == ':' && braces == 0 && brackets == 0 && (char.IsAsciiLetterOrDigit(next) || next is '_' or ':')))
            {
                bool colons = braces == 0 && brackets == 0;
                while (at < query.Length && (char.IsAsciiLetterOrDigit(query[at]) || query[at] == '_' || (colons && query[at] == ':'))) at++;
                tokens.Add(new Token(TokenKind.Identifier, start, at, 0, query[start..at]));
                continue;
            }
            if (c is '"' or '\'' or '`')
            {
                tokens.Add(ReadString(query, ref at));
                continue;
            }
            (TokenKind kind, int length) = (c, next) switch
            {
                ('(', _) => (TokenKind.LeftParen, 1),
                (')', _) => (TokenKind.RightParen, 1),
                ('{', _) => (TokenKind.LeftBrace, 1),
                ('}', _) => (TokenKind.RightBrace, 1),
                ('[', _) => (TokenKind.LeftBracket, 1),
                (']', _) => (TokenKind.RightBracket, 1),
                (',', _) => (TokenKind.Comma, 1),
                (':', _) => (TokenKind.Colon, 1),
                ('@', _) => (TokenKind.At, 1),
                ('+', _) => (TokenKind.Add, 1),
                ('-', _) => (TokenKind.Sub, 1),
                ('*', _) => (TokenKind.Mul, 1),
                ('/', _) => (TokenKind.Div, 1),
                ('%', _) => (TokenKind.Mod, 1),
                ('^', _) => (TokenKind.Pow, 1),
                ('=', '=') when braces == 0 => (TokenKind.EqualEqual, 2),
                ('=', '~') => (TokenKind.RegexMatch, 2),
                ('=', _) => (TokenKind.Assign, 1),
                ('!', '=') => (TokenKind.NotEqual, 2),
                ('!', '~') => (TokenKind.RegexNotMatch, 2),
                ('<', '=') => (TokenKind.LessOrEqual, 2),
                ('<', '/') => (TokenKind.TrimUpper, 2),
                ('<', _) => (TokenKind.Less, 1),
                ('>', '=') => (TokenKind.GreaterOrEqual, 2),
                ('>', '/') => (TokenKind.TrimLower, 2),
                ('>', _) => (TokenKind.Greater, 1),
                _ => (TokenKind.End, 0),
            };
            if (length == 0) throw Fail(query, at, $"unexpected character: {Quote(query, at)}");
            switch (kind)
            {
                case TokenKind.LeftBrace: braces++; break;
                case TokenKind.RightBrace when braces == 0: throw Fail(query, at, "unexpected right brace '}'");
                case TokenKind.RightBrace: braces--; break;
                case TokenKind.LeftBracket: brackets++; break;
                case TokenKind.RightBracket when brackets == 0: throw Fail(query, at, "unexpected right bracket ']'");
                case TokenKind.RightBracket: brackets--; break;
            }
            at += length;
            tokens.Add(new Token(kind, start, at));
        }
        tokens.Add(new Token(TokenKind.End, query.Length, query.Length));
        return tokens;
    }

    public static QueryException Fail(string query, int at, string message)
    {
        var position = SourcePosition.At(query, at);
        return new QueryException(QueryErrorKind.BadData, $"{position}: parse error: {message}", position);
    }

    private static string Quote(string query, int at)
    {
        char c = query[at];
        if (char.IsHighSurrogate(c) && at + 1 < query.Length) return $"'{query.AsSpan(at, 2)}'";
        return char.IsControl(c) ? $"U+{(int)c:X4}" : $"'{c}'";
    }

    private static Token ReadNumber(string query, ref int at)
    {
        int start = at;
        bool hex = query[at] == '0' && at + 1 < query.Length && query[at + 1] is 'x' or 'X';
        while (at < query.Length)
        {
            char c = query[at];
            if (char.IsAsciiLetterOrDigit(c) || c is '.' or '_')
            {
                at++;
                continue;
            }
            if (!hex && c is '+' or '-' && query[at - 1] is 'e' or 'E' && at + 1 < query.Length && char.IsAsciiDigit(query[at + 1])
                && query.AsSpan(start, at - 1 - start).IndexOfAnyExceptInRange('.', '9') < 0)
            {
                at++;
                continue;
            }
            break;
        }
        var text = query.AsSpan(start, at - start);
        if (TryNumber(text, out double value)) return new Token(TokenKind.Number, start, at, value);
        if (PromDuration.TryParseMs(text, out long ms, out string? error)) return new Token(TokenKind.Duration, start, at, ms / 1000.0);
        bool looksLikeDuration = char.IsAsciiDigit(text[0]) && text.IndexOfAny('.', '_') < 0 && !hex;
        throw Fail(query, start, looksLikeDuration && error is not null && error.StartsWith("duration out", StringComparison.Ordinal)
            ? error
            : looksLikeDuration
                ? $"bad number or duration syntax: \"{text}\"; units are y w d h m s ms, in this order, each at most once"
                : $"bad number or duration syntax: \"{text}\"");
    }

    /// <summary>Go's number forms: decimal, hexadecimal, leading-zero octal read as decimal where it holds 8 or 9, underscores between digits.</summary>
    internal static bool TryNumber(ReadOnlySpan<char> text, out double value)
    {
        value = 0;
        if (text.IndexOf('_') >= 0)
        {
            if (text[^1] == '_' || text.Contains("__", StringComparison.Ordinal)) return false;
            Span<char> clean = text.Length <= 256 ? stackalloc char[text.Length] : new char[text.Length];
            int n = 0;
            foreach (char c in text)
            {
                if (c != '_') clean[n++] = c;
            }
            return TryNumber(clean[..n], out value);
        }
        if (text.Length > 2 && text[0] == '0' && text[1] is 'x' or 'X')
        {
            foreach (char c in text[2..])
            {
                if (!char.IsAsciiHexDigit(c)) return false;
                value = (value * 16) + Convert.ToInt32(c.ToString(), 16);
            }
            return true;
        }
        bool digits = false, dot = false, exponent = false;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (char.IsAsciiDigit(c)) digits = true;
            else if (c == '.' && !dot && !exponent) dot = true;
            else if (c is 'e' or 'E' && digits && !exponent && i + 1 < text.Length)
            {
                exponent = true;
                if (text[i + 1] is '+' or '-') i++;
                if (i + 1 >= text.Length) return false;
            }
            else return false;
        }
        if (!digits) return false;
        // A leading zero makes an octal number, as in Go, where all digits allow it.
        if (text.Length > 1 && text[0] == '0' && !dot && !exponent)
        {
            double octal = 0;
            foreach (char c in text)
            {
                if (c > '7')
                {
                    octal = -1;
                    break;
                }
                octal = (octal * 8) + (c - '0');
            }
            if (octal >= 0)
            {
                value = octal;
                return true;
            }
        }
        if (!double.TryParse(text, System.Globalization.NumberStyles.Float, System.Globalization.CultureInfo.InvariantCulture, out value)) return false;
        return !double.IsInfinity(value);
    }

    private static Token ReadString(string query, ref int at)
    {
        int start = at;
        char quote = query[at++];
        while (true)
        {
            if (at >= query.Length || (quote != '`' && query[at] == '\n')) throw Fail(query, start, "unterminated quoted string");
            if (query[at] == '\\' && quote != '`')
            {
                at += 2;
                continue;
            }
            if (query[at++] == quote) break;
        }
        var literal = query.AsSpan(start, at - start);
        if (!GoString.TryUnquote(literal, out string? text, out string? error, out int errorAt)) throw Fail(query, start + errorAt, error);
        return new Token(TokenKind.String, start, at, 0, text);
    }
}
