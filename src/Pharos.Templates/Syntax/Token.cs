namespace Pharos.Templates.Syntax;

internal enum TokenKind
{
    Error,
    Bool,
    Char,
    CharConstant,
    Assign,
    Declare,
    End,
    Field,
    Identifier,
    LeftDelimiter,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelimiter,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    Dot,
    Nil,
    KeywordBlock,
    KeywordBreak,
    KeywordContinue,
    KeywordDefine,
    KeywordElse,
    KeywordEnd,
    KeywordIf,
    KeywordRange,
    KeywordTemplate,
    KeywordWith,
}

/// <param name="Text">The token as written; for <see cref="TokenKind.Error"/> the message.</param>
/// <param name="At">Index of the token's first character in the template's text.</param>
internal readonly record struct Token(TokenKind Kind, string Text, int At)
{
    public bool IsKeyword => Kind >= TokenKind.KeywordBlock;

    public override string ToString() => Kind switch
    {
        TokenKind.End => "EOF",
        TokenKind.Error => Text,
        _ when IsKeyword => $"<{Text}>",
        _ when Text.Length > 10 => $"{Pharos.Core.GoString.Quote(Text[..10])}...",
        _ => Pharos.Core.GoString.Quote(Text),
    };
}
