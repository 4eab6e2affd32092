namespace Pharos.LogQL.Syntax;

internal enum TokenKind
{
    End,
    Identifier,
    String,
    Number,
    Duration,
    Bytes,

    /// <summary><c>[5m]</c>, brackets included; the value is in nanoseconds.</summary>
    Range,

    /// <summary><c>--strict</c></summary>
    Flag,

    OpenBrace,
    CloseBrace,
    OpenParen,
    CloseParen,
    Comma,
    Pipe,

    /// <summary><c>|=</c></summary>
    PipeExact,

    /// <summary><c>|~</c></summary>
    PipeMatch,

    /// <summary><c>|&gt;</c></summary>
    PipePattern,

    /// <summary><c>!&gt;</c></summary>
    NotPattern,

    Equal,
    DoubleEqual,
    NotEqual,
    Matches,
    NotMatches,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
    Plus,
    Minus,
    Times,
    Divide,
    Modulo,
    Power,
}

/// <param name="Text">The token's value: an identifier's name, a string's content, otherwise the source text.</param>
/// <param name="Value">A number; nanoseconds for durations and ranges; bytes for sizes.</param>
internal readonly record struct Token(TokenKind Kind, int Start, int End, string Text, double Value = 0)
{
    /// <summary>The token as an error message names it.</summary>
    public string Shown => Kind switch
    {
        TokenKind.End => "$end",
        TokenKind.Identifier => "IDENTIFIER " + Text,
        TokenKind.String => "STRING",
        TokenKind.Number => "NUMBER",
        TokenKind.Duration => "DURATION",
        TokenKind.Bytes => "BYTES",
        TokenKind.Range => "RANGE",
        _ => Text,
    };

    public bool IsWord(string word) => Kind == TokenKind.Identifier && Text.Equals(word, StringComparison.OrdinalIgnoreCase);
}
