namespace Pharos.Collector.Syntax;

internal enum TokenKind
{
    Illegal,
    EndOfFile,
    Comment,
    Terminator,
    Identifier,
    Number,
    Float,
    String,
    Bool,
    Null,
    Or,
    And,
    Not,
    Assign,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
    LeftBrace,
    RightBrace,
    LeftParen,
    RightParen,
    LeftBracket,
    RightBracket,
    Comma,
    Dot,
}

/// <summary>One token; the text is <c>[Start, End)</c> of the source.</summary>
internal readonly record struct Token(TokenKind Kind, int Start, int End);

internal static class TokenKinds
{
    /// <summary>The token as messages name it.</summary>
    public static string Name(this TokenKind kind) => kind switch
    {
        TokenKind.Illegal => "ILLEGAL",
        TokenKind.EndOfFile => "EOF",
        TokenKind.Comment => "COMMENT",
        TokenKind.Terminator => "TERMINATOR",
        TokenKind.Identifier => "IDENT",
        TokenKind.Number => "NUMBER",
        TokenKind.Float => "FLOAT",
        TokenKind.String => "STRING",
        TokenKind.Bool => "BOOL",
        TokenKind.Null => "NULL",
        TokenKind.Or => "||",
        TokenKind.And => "&&",
        TokenKind.Not => "!",
        TokenKind.Assign => "=",
        TokenKind.Equal => "==",
        TokenKind.NotEqual => "!=",
        TokenKind.Less => "<",
        TokenKind.LessOrEqual => "<=",
        TokenKind.Greater => ">",
        TokenKind.GreaterOrEqual => ">=",
        TokenKind.Add => "+",
        TokenKind.Subtract => "-",
        TokenKind.Multiply => "*",
        TokenKind.Divide => "/",
        TokenKind.Modulo => "%",
        TokenKind.Power => "^",
        TokenKind.LeftBrace => "{",
        TokenKind.RightBrace => "}",
        TokenKind.LeftParen => "(",
        TokenKind.RightParen => ")",
        TokenKind.LeftBracket => "[",
        TokenKind.RightBracket => "]",
        TokenKind.Comma => ",",
        TokenKind.Dot => ".",
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    /// <summary>How tightly a binary operator binds; 0 for what is none.</summary>
    public static int Precedence(this TokenKind kind) => kind switch
    {
        TokenKind.Or => 1,
        TokenKind.And => 2,
        TokenKind.Equal or TokenKind.NotEqual or TokenKind.Less or TokenKind.LessOrEqual
            or TokenKind.Greater or TokenKind.GreaterOrEqual => 3,
        TokenKind.Add or TokenKind.Subtract => 4,
        TokenKind.Multiply or TokenKind.Divide or TokenKind.Modulo => 5,
        TokenKind.Power => 6,
        _ => 0,
    };
}
