using System.Buffers;
using System.Text;
using Pharos.Core;

namespace Pharos.Alerting;

/// <summary>The UTF-8 grammar: names and values are plain words without reserved characters, or Go strings in double quotes.</summary>
internal sealed class Utf8MatcherParser(string text)
{
    public static readonly SearchValues<char> ReservedChars = SearchValues.Create("{}!=~,\\\"'`");

    private int at;
    private Token peeked;
    private bool hasPeeked;

    private enum Kind
    {
        End,
        OpenBrace,
        CloseBrace,
        Comma,
        Operator,
        Quoted,
        Unquoted,
    }

    private readonly record struct Token(Kind Kind, string Text, int Start, int End)
    {
        public bool IsWord => Kind is Kind.Quoted or Kind.Unquoted;
    }

    public List<Matcher> ParseAll()
    {
        var matchers = new List<Matcher>();
        bool open = Peek().Kind == Kind.OpenBrace;
        if (open) Next();
        if (!open && Peek().Kind == Kind.End) return matchers;
        if (!open && Peek().Kind == Kind.CloseBrace) throw Unexpected(Next(), "expected opening brace", naming: false);
        if (Peek().Kind == Kind.End) throw Unexpected(Next(), "expected close brace");
        while (Peek().Kind != Kind.CloseBrace)
        {
            matchers.Add(One());
            var after = Peek();
            if (after.Kind is Kind.End or Kind.CloseBrace) break;
            if (after.Kind != Kind.Comma) throw Unexpected(Next(), "expected a comma or close brace");
            Next();
            var follows = Peek();
            if (follows.Kind is Kind.End or Kind.CloseBrace) break;
            if (!follows.IsWord) throw Unexpected(Next(), "expected a matcher or close brace after comma");
        }
        var end = Next();
        if (open && end.Kind != Kind.CloseBrace) throw Unexpected(end, "expected close brace");
        if (!open && end.Kind == Kind.CloseBrace) throw Unexpected(end, "expected opening brace", naming: false);
        if (open) end = Next();
        if (end.Kind != Kind.End) throw Unexpected(end, "expected end of input");
        return matchers;
    }

    private Matcher One()
    {
        string name = Word("expected label name");
        var sign = Next();
        if (sign.Kind != Kind.Operator) throw Unexpected(sign, "expected an operator such as '=', '!=', '=~' or '!~'");
        string value = Word("expected label value");
        return new Matcher(ClassicMatcherParser.Operator(sign.Text), name, value);
    }

    private string Word(string expected)
    {
        var token = Next();
        if (!token.IsWord) throw Unexpected(token, expected);
        if (token.Kind == Kind.Unquoted) return token.Text;
        if (!GoString.TryUnquote(token.Text, out string? unquoted, out _, out _)) throw Invalid(token);
        // Bytes written as escapes may form no UTF-8; decoding put the replacement character there.
        if (unquoted.Contains('\uFFFD') && !token.Text.Contains('\uFFFD') && !token.Text.Contains("\\ufffd", StringComparison.OrdinalIgnoreCase))
            throw Invalid(token);
        return unquoted;
    }

    private Token Peek()
    {
        if (!hasPeeked) peeked = Scan();
        hasPeeked = true;
        return peeked;
    }

    private Token Next()
    {
        var token = Peek();
        hasPeeked = false;
        return token;
    }

    private Token Scan()
    {
        while (at < text.Length && char.IsWhiteSpace(text[at])) at++;
        int start = at;
        if (at >= text.Length) return new Token(Kind.End, "", start, start);
        char c = text[at];
        switch (c)
        {
            case '{': return Take(Kind.OpenBrace, 1);
            case '}': return Take(Kind.CloseBrace, 1);
            case ',': return Take(Kind.Comma, 1);
            case '=': return Take(Kind.Operator, Follows('~') ? 2 : 1);
            case '!':
                if (Follows('=') || Follows('~')) return Take(Kind.Operator, 2);
                throw new FormatException($"{start}:{start + 1}: !: expected one of '=~'");
            case '"': return Quoted();
        }
        if (ReservedChars.Contains(c)) throw new FormatException($"{start}:{start + 1}: {c}: invalid input");
        while (at < text.Length && !char.IsWhiteSpace(text[at]) && !ReservedChars.Contains(text[at])) at++;
        return new Token(Kind.Unquoted, text[start..at], start, at);
    }

    private Token Quoted()
    {
        int start = at++;
        while (at < text.Length && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
        if (at >= text.Length) throw new FormatException($"{start}:{text.Length}: {text[start..]}: missing end \"");
        at++;
        return new Token(Kind.Quoted, text[start..at], start, at);
    }

    private bool Follows(char c) => at + 1 < text.Length && text[at + 1] == c;

    private Token Take(Kind kind, int length)
    {
        at += length;
        return new Token(kind, text[(at - length)..at], at - length, at);
    }

    private static FormatException Invalid(Token token) => new($"{token.Start}:{token.End}: {token.Text}: invalid input");

    private static FormatException Unexpected(Token token, string expected, bool naming = true)
    {
        var place = new StringBuilder().Append(token.Start).Append(':').Append(Math.Max(token.End, token.Start)).Append(": ");
        if (token.Kind == Kind.End) place.Append("end of input");
        else place.Append(naming ? "unexpected " : "").Append(token.Text);
        return new FormatException($"{place}: {expected}");
    }
}
