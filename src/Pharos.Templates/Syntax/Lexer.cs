namespace Pharos.Templates.Syntax;

/// <summary>
/// Cuts a template's text into tokens by the rules of Go's text/template: <c>{{- </c> and <c> -}}</c> trim white space,
/// <c>{{/* … */}}</c> is a comment. The last token is <see cref="TokenKind.End"/> or <see cref="TokenKind.Error"/>.
/// </summary>
internal sealed class Lexer(string text)
{
    private const string Left = "{{";
    private const string Right = "}}";

    private readonly List<Token> tokens = [];
    private int at;
    private int parens;

    public static List<Token> Run(string text)
    {
        var lexer = new Lexer(text);
        lexer.Run();
        return lexer.tokens;
    }

    private static bool IsSpace(char c) => c is ' ' or '\t' or '\r' or '\n';

    private static bool IsWord(char c) => c == '_' || char.IsLetterOrDigit(c) || char.IsSurrogate(c);

    private char Peek(int ahead = 0) => at + ahead < text.Length ? text[at + ahead] : '\0';

    private bool Starts(string prefix, int from) => string.CompareOrdinal(text, from, prefix, 0, prefix.Length) == 0;

    private void Emit(TokenKind kind, int start, int end) => tokens.Add(new Token(kind, text[start..end], start));

    private bool Fail(string message)
    {
        tokens.Add(new Token(TokenKind.Error, message, Math.Min(at, text.Length)));
        return false;
    }

    private void Run()
    {
        bool trimNext = false;
        while (true)
        {
            int open = text.IndexOf(Left, at, StringComparison.Ordinal);
            int end = open < 0 ? text.Length : open;
            int start = at;
            if (trimNext)
            {
                while (start < end && IsSpace(text[start])) start++;
            }
            bool trimLeft = open >= 0 && open + 3 < text.Length && text[open + 2] == '-' && IsSpace(text[open + 3]);
            int stop = end;
            if (trimLeft)
            {
                while (stop > start && IsSpace(text[stop - 1])) stop--;
            }
            if (stop > start) Emit(TokenKind.Text, start, stop);
            if (open < 0)
            {
                tokens.Add(new Token(TokenKind.End, "", text.Length));
                return;
            }
            int body = open + 2 + (trimLeft ? 2 : 0);
            if (Starts("/*", body))
            {
                if (!Comment(body, out trimNext)) return;
                continue;
            }
            Emit(TokenKind.LeftDelimiter, open, open + 2);
            at = open + 2 + (trimLeft ? 1 : 0);
            parens = 0;
            if (!Action(out trimNext)) return;
        }
    }

    private bool Comment(int body, out bool trim)
    {
        trim = false;
        at = body;
        int close = text.IndexOf("*/", body + 2, StringComparison.Ordinal);
        if (close < 0) return Fail("unclosed comment");
        at = close + 2;
        if (!AtRightDelimiter(out trim)) return Fail("comment ends before closing delimiter");
        at += (trim ? 2 : 0) + 2;
        return true;
    }

    private bool AtRightDelimiter(out bool trim)
    {
        trim = at + 1 < text.Length && IsSpace(text[at]) && text[at + 1] == '-' && Starts(Right, at + 2);
        return trim || Starts(Right, at);
    }

    /// <summary>The tokens up to and with the closing delimiter; false after an error.</summary>
    private bool Action(out bool trim)
    {
        while (true)
        {
            if (AtRightDelimiter(out trim))
            {
                if (parens > 0) return Fail("unclosed left paren");
                if (trim) at += 2;
                Emit(TokenKind.RightDelimiter, at, at + 2);
                at += 2;
                return true;
            }
            if (at >= text.Length) return Fail("unclosed action");
            int start = at;
            char c = text[at++];
            switch (c)
            {
                case ' ' or '\t' or '\r' or '\n':
                    // A space before a trimming close belongs to the close.
                    while (at < text.Length && IsSpace(text[at])) at++;
                    if (Peek() == '-' && Starts(Right, at + 1))
                    {
                        at--;
                        if (at > start) Emit(TokenKind.Space, start, at);
                        continue;
                    }
                    Emit(TokenKind.Space, start, at);
                    break;
                case '=':
                    Emit(TokenKind.Assign, start, at);
                    break;
                case ':':
                    if (Peek() != '=') return Fail("expected :=");
                    at++;
                    Emit(TokenKind.Declare, start, at);
                    break;
                case '|':
                    Emit(TokenKind.Pipe, start, at);
                    break;
                case '"' or '\'':
                    if (!Quoted(start, c)) return false;
                    break;
                case '`':
                    int close = text.IndexOf('`', at);
                    if (close < 0) return Fail("unterminated raw quoted string");
                    at = close + 1;
                    Emit(TokenKind.RawString, start, at);
                    break;
                case '$':
                    if (!Name(start, TokenKind.Variable)) return false;
                    break;
                case '.' when !char.IsAsciiDigit(Peek()):
                    if (!Name(start, TokenKind.Field)) return false;
                    break;
                case '.' or '+' or '-' or (>= '0' and <= '9'):
                    at = start;
                    if (!Number()) return false;
                    break;
                case '(':
                    parens++;
                    Emit(TokenKind.LeftParen, start, at);
                    break;
                case ')':
                    if (--parens < 0) return Fail("unexpected right paren");
                    Emit(TokenKind.RightParen, start, at);
                    break;
                default:
                    if (IsWord(c))
                    {
                        if (!Identifier(start)) return false;
                    }
                    else if (c is > ' ' and < '\x7f')
                    {
                        Emit(TokenKind.Char, start, at);
                    }
                    else
                    {
                        at = start;
                        return Fail($"unrecognized character in action: {Describe(c)}");
                    }
                    break;
            }
        }
    }

    private static string Describe(char c) => char.IsControl(c) || c == '\u00a0' ? $"U+{(int)c:X4}" : $"U+{(int)c:X4} '{c}'";

    private bool AtTerminator() =>
        at >= text.Length || IsSpace(text[at]) || text[at] is '.' or ',' or '|' or ':' or ')' or '(' || Starts(Right, at);

    private bool Name(int start, TokenKind kind)
    {
        if (AtTerminator())
        {
            Emit(kind == TokenKind.Variable ? TokenKind.Variable : TokenKind.Dot, start, at);
            return true;
        }
        while (at < text.Length && IsWord(text[at])) at++;
        if (!AtTerminator()) return Fail($"bad character {Describe(Peek())}");
        Emit(kind, start, at);
        return true;
    }

    private bool Identifier(int start)
    {
        while (at < text.Length && IsWord(text[at])) at++;
        if (!AtTerminator()) return Fail($"bad character {Describe(Peek())}");
        var kind = text.AsSpan(start, at - start) switch
        {
            "true" or "false" => TokenKind.Bool,
            "nil" => TokenKind.Nil,
            "block" => TokenKind.KeywordBlock,
            "break" => TokenKind.KeywordBreak,
            "continue" => TokenKind.KeywordContinue,
            "define" => TokenKind.KeywordDefine,
            "else" => TokenKind.KeywordElse,
            "end" => TokenKind.KeywordEnd,
            "if" => TokenKind.KeywordIf,
            "range" => TokenKind.KeywordRange,
            "template" => TokenKind.KeywordTemplate,
            "with" => TokenKind.KeywordWith,
            _ => TokenKind.Identifier,
        };
        Emit(kind, start, at);
        return true;
    }

    private bool Quoted(int start, char quote)
    {
        while (true)
        {
            if (at >= text.Length || text[at] == '\n')
                return Fail(quote == '"' ? "unterminated quoted string" : "unterminated character constant");
            char c = text[at++];
            if (c == '\\' && at < text.Length && text[at] != '\n') at++;
            else if (c == quote) break;
        }
        Emit(quote == '"' ? TokenKind.String : TokenKind.CharConstant, start, at);
        return true;
    }

    private bool Number()
    {
        int start = at;
        if (Peek() is '+' or '-') at++;
        string digits = "0123456789_";
        string exponent = "eE";
        if (Peek() == '0')
        {
            at++;
            switch (Peek())
            {
                case 'x' or 'X':
                    at++;
                    digits = "0123456789abcdefABCDEF_";
                    exponent = "pP";
                    break;
                case 'o' or 'O':
                    at++;
                    digits = "01234567_";
                    exponent = "";
                    break;
                case 'b' or 'B':
                    at++;
                    digits = "01_";
                    exponent = "";
                    break;
            }
        }
        Accept(digits);
        if (Peek() == '.')
        {
            at++;
            Accept(digits);
        }
        if (at < text.Length && exponent.Contains(text[at]))
        {
            at++;
            if (Peek() is '+' or '-') at++;
            Accept("0123456789_");
        }
        if (at < text.Length && IsWord(text[at]))
        {
            at++;
            return Fail($"bad number syntax: {Pharos.Core.GoString.Quote(text[start..at])}");
        }
        if (at == start || (at == start + 1 && text[start] is '+' or '-'))
        {
            at = Math.Min(text.Length, start + 1);
            return Fail($"bad number syntax: {Pharos.Core.GoString.Quote(text[start..at])}");
        }
        Emit(TokenKind.Number, start, at);
        return true;
    }

    private void Accept(string digits)
    {
        while (at < text.Length && digits.Contains(text[at])) at++;
    }
}
