using System.Text;

namespace Pharos.Collector.Syntax;

/// <summary>
/// Cuts a text into tokens. A newline, or the end of the text, becomes a terminator only after an identifier, a literal,
/// a keyword or a closing bracket. Never fails: what is wrong is reported and scanning goes on.
/// </summary>
internal sealed class Lexer(SourceText source, Action<SyntaxDiagnostic> report)
{
    private readonly string text = source.Text;
    private int at;
    private bool terminatorDue;

    public Token Next()
    {
        while (at < text.Length && (text[at] is ' ' or '\t' or '\r' || (text[at] == '\n' && !terminatorDue))) at++;
        int start = at;
        bool due = terminatorDue;
        terminatorDue = false;
        if (at >= text.Length) return new Token(due ? TokenKind.Terminator : TokenKind.EndOfFile, start, start);
        char c = text[at];
        if (c == '\n')
        {
            at++;
            return new Token(TokenKind.Terminator, start, at);
        }
        if (IsLetter(start, out int letter))
        {
            at += letter;
            while (at < text.Length && (IsLetter(at, out letter) || IsDigit(at, out letter))) at += letter;
            terminatorDue = true;
            var kind = text.AsSpan(start, at - start) switch
            {
                "true" or "false" => TokenKind.Bool,
                "null" => TokenKind.Null,
                _ => TokenKind.Identifier,
            };
            return new Token(kind, start, at);
        }
        if (char.IsAsciiDigit(c) || (c == '.' && at + 1 < text.Length && char.IsAsciiDigit(text[at + 1])))
        {
            terminatorDue = true;
            return new Token(Number(), start, at);
        }
        if (c is '"' or '`')
        {
            terminatorDue = true;
            if (c == '"') QuotedString();
            else RawString();
            return new Token(TokenKind.String, start, at);
        }
        if (c == '/' && at + 1 < text.Length && text[at + 1] is '/' or '*')
        {
            if (due && CommentsReachLineEnd())
            {
                at = start;
                return new Token(TokenKind.Terminator, start, start);
            }
            terminatorDue = due;
            Comment();
            return new Token(TokenKind.Comment, start, at);
        }
        return Operator(due);
    }

    private Token Operator(bool due)
    {
        int start = at;
        char c = text[at++];
        char next = at < text.Length ? text[at] : '\0';
        switch (c)
        {
            case '|' when next == '|': at++; return new Token(TokenKind.Or, start, at);
            case '&' when next == '&': at++; return new Token(TokenKind.And, start, at);
            case '=' when next == '=': at++; return new Token(TokenKind.Equal, start, at);
            case '!' when next == '=': at++; return new Token(TokenKind.NotEqual, start, at);
            case '<' when next == '=': at++; return new Token(TokenKind.LessOrEqual, start, at);
            case '>' when next == '=': at++; return new Token(TokenKind.GreaterOrEqual, start, at);
            case '=': return new Token(TokenKind.Assign, start, at);
            case '!': return new Token(TokenKind.Not, start, at);
            case '<': return new Token(TokenKind.Less, start, at);
            case '>': return new Token(TokenKind.Greater, start, at);
            case '+': return new Token(TokenKind.Add, start, at);
            case '-': return new Token(TokenKind.Subtract, start, at);
            case '*': return new Token(TokenKind.Multiply, start, at);
            case '/': return new Token(TokenKind.Divide, start, at);
            case '%': return new Token(TokenKind.Modulo, start, at);
            case '^': return new Token(TokenKind.Power, start, at);
            case '{': return new Token(TokenKind.LeftBrace, start, at);
            case '(': return new Token(TokenKind.LeftParen, start, at);
            case '[': return new Token(TokenKind.LeftBracket, start, at);
            case ',': return new Token(TokenKind.Comma, start, at);
            case '.': return new Token(TokenKind.Dot, start, at);
            case '}': terminatorDue = true; return new Token(TokenKind.RightBrace, start, at);
            case ')': terminatorDue = true; return new Token(TokenKind.RightParen, start, at);
            case ']': terminatorDue = true; return new Token(TokenKind.RightBracket, start, at);
        }
        terminatorDue = due;
        if (c == '\'')
        {
            int close = at;
            while (close < text.Length && text[close] is not ('\'' or '\n')) close++;
            at = close < text.Length && text[close] == '\'' ? close + 1 : close;
            Error(start, at, "strings are written in double quotes, not single quotes");
            terminatorDue = true;
            return new Token(TokenKind.Illegal, start, at);
        }
        if (char.IsHighSurrogate(c) && at < text.Length && char.IsLowSurrogate(text[at])) at++;
        if (c == '\0') Error(start, at, "illegal character NUL");
        else if (c == '\uFEFF') Error(start, at, "a byte order mark may only stand at the very start");
        else Error(start, at, $"illegal character U+{Rune.GetRuneAt(Sane(start), 0).Value:X4} {GoQuote(start)}");
        return new Token(TokenKind.Illegal, start, at);
    }

    private string Sane(int start) => char.IsSurrogate(text[start]) && at - start < 2 ? "\uFFFD" : text[start..at];

    private string GoQuote(int start) => $"'{Sane(start)}'";

    private TokenKind Number()
    {
        var kind = TokenKind.Number;
        while (at < text.Length && char.IsAsciiDigit(text[at])) at++;
        if (at < text.Length && text[at] == '.')
        {
            kind = TokenKind.Float;
            at++;
            while (at < text.Length && char.IsAsciiDigit(text[at])) at++;
        }
        if (at < text.Length && text[at] is 'e' or 'E')
        {
            int mark = at;
            kind = TokenKind.Float;
            at++;
            if (at < text.Length && text[at] is '+' or '-') at++;
            int digits = at;
            while (at < text.Length && char.IsAsciiDigit(text[at])) at++;
            if (at == digits) Error(mark, at, "exponent has no digits");
        }
        return kind;
    }

    private void QuotedString()
    {
        int start = at++;
        while (true)
        {
            if (at >= text.Length || text[at] == '\n')
            {
                Error(start, start + 1, "string literal not terminated");
                return;
            }
            char c = text[at++];
            if (c == '"') return;
            if (c == '\0') Error(at - 1, at, "illegal character NUL");
            if (c != '\\') continue;
            int escape = at - 1;
            char e = at < text.Length ? text[at] : '\n';
            (int digits, int radix, uint max) = e switch
            {
                'x' => (2, 16, 255u),
                'u' => (4, 16, 0x10FFFFu),
                'U' => (8, 16, 0x10FFFFu),
                >= '0' and <= '7' => (3, 8, 255u),
                _ => (0, 0, 0u),
            };
            if (digits == 0)
            {
                if (e == '\n') continue;
                at++;
                if (e == '\'') report(SyntaxDiagnostic.Warning(new TextSpan(source, escape, at), "the escape sequence \\' is not needed", "write the quote alone"));
                else if (e is not ('a' or 'b' or 'f' or 'n' or 'r' or 't' or 'v' or '\\' or '"')) Error(escape, at, "unknown escape sequence");
                continue;
            }
            if (radix == 16) at++;
            ulong value = 0;
            int read = 0;
            for (; read < digits && at < text.Length && char.IsAsciiHexDigit(text[at]) && Convert.ToInt32(text[at].ToString(), 16) < radix; read++, at++)
                value = (value * (uint)radix) + (uint)Convert.ToInt32(text[at].ToString(), 16);
            if (read < digits) Error(escape, at, $"escape sequence needs {digits} digits");
            else if (value > max || (e is 'u' or 'U' && value is >= 0xD800 and < 0xE000)) Error(escape, at, "escape sequence is invalid Unicode code point");
        }
    }

    private void RawString()
    {
        int start = at++;
        int close = text.IndexOf('`', at);
        if (close < 0)
        {
            at = text.Length;
            Error(start, start + 1, "raw string literal not terminated");
            return;
        }
        at = close + 1;
    }

    private void Comment()
    {
        int start = at;
        if (text[at + 1] == '/')
        {
            int end = text.IndexOf('\n', at);
            at = end < 0 ? text.Length : end;
            return;
        }
        int close = text.IndexOf("*/", at + 2, StringComparison.Ordinal);
        if (close < 0)
        {
            at = text.Length;
            Error(start, start + 2, "block comment not terminated");
            return;
        }
        at = close + 2;
    }

    /// <summary>True where nothing but comments follows on this line, or a comment runs over its end.</summary>
    private bool CommentsReachLineEnd()
    {
        int look = at;
        while (look + 1 < text.Length && text[look] == '/' && text[look + 1] is '/' or '*')
        {
            if (text[look + 1] == '/') return true;
            int close = text.IndexOf("*/", look + 2, StringComparison.Ordinal);
            if (close < 0 || text.AsSpan(look, close - look).Contains('\n')) return true;
            look = close + 2;
            while (look < text.Length && text[look] is ' ' or '\t' or '\r') look++;
            if (look >= text.Length || text[look] == '\n') return true;
        }
        return false;
    }

    private bool IsLetter(int index, out int length)
    {
        char c = text[index];
        length = 1;
        if (char.IsAscii(c)) return char.IsAsciiLetter(c) || c == '_';
        if (!Rune.TryGetRuneAt(text, index, out var rune)) return false;
        length = rune.Utf16SequenceLength;
        return Rune.IsLetter(rune);
    }

    private bool IsDigit(int index, out int length)
    {
        char c = text[index];
        length = 1;
        if (char.IsAscii(c)) return char.IsAsciiDigit(c);
        if (!Rune.TryGetRuneAt(text, index, out var rune)) return false;
        length = rune.Utf16SequenceLength;
        return Rune.IsDigit(rune);
    }

    private void Error(int start, int end, string message) => report(SyntaxDiagnostic.Error(new TextSpan(source, start, end), message));
}
