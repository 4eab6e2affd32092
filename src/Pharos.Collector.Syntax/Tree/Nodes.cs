namespace Pharos.Collector.Syntax;

/// <summary>A part of a configuration's tree, with its place in the text.</summary>
public abstract record Node(TextSpan Span)
{
    /// <summary>The node as it is written.</summary>
    public sealed override string ToString() => Span.ToString();
}

/// <summary>Comments on lines that follow each other without a gap.</summary>
public sealed record CommentGroup(IReadOnlyList<TextSpan> Comments);

/// <summary>One whole text.</summary>
public sealed record FileTree(SourceText Source, IReadOnlyList<Statement> Body, IReadOnlyList<CommentGroup> Comments);

public abstract record Statement(TextSpan Span) : Node(Span);

/// <summary><c>name = value</c></summary>
public sealed record AttributeStatement(TextSpan Span, string Name, TextSpan NameSpan, Expression Value) : Statement(Span);

/// <summary><c>name.parts "label" { body }</c></summary>
/// <param name="Name">The parts joined by dots.</param>
/// <param name="Label">Empty for none.</param>
/// <param name="HeaderSpan">Name and label.</param>
/// <param name="LabelSpan">With its quotes; start equals end where there is none.</param>
public sealed record BlockStatement(
    TextSpan Span, string Name, string Label, TextSpan NameSpan, TextSpan LabelSpan, TextSpan OpenBrace, TextSpan CloseBrace, IReadOnlyList<Statement> Body)
    : Statement(Span)
{
    /// <summary>Name and label, as references spell it: <c>prometheus.scrape.default</c>.</summary>
    public string Id => Label.Length == 0 ? Name : $"{Name}.{Label}";

    public TextSpan HeaderSpan => LabelSpan.End > LabelSpan.Start ? NameSpan.To(LabelSpan) : NameSpan;
}

public abstract record Expression(TextSpan Span) : Node(Span);

public enum LiteralKind
{
    Number,
    Float,
    String,
    Bool,
    Null,
}

public sealed record LiteralExpression(TextSpan Span, LiteralKind Kind) : Expression(Span);

public sealed record IdentifierExpression(TextSpan Span, string Name) : Expression(Span);

public sealed record ArrayExpression(TextSpan Span, IReadOnlyList<Expression> Elements) : Expression(Span);

public sealed record ObjectExpression(TextSpan Span, IReadOnlyList<ObjectField> Fields) : Expression(Span);

/// <param name="Quoted">The name is written as a string.</param>
public sealed record ObjectField(TextSpan NameSpan, string Name, bool Quoted, Expression Value);

/// <summary><c>value.name</c></summary>
public sealed record AccessExpression(TextSpan Span, Expression Value, string Name, TextSpan NameSpan) : Expression(Span);

/// <summary><c>value[index]</c></summary>
public sealed record IndexExpression(TextSpan Span, Expression Value, Expression Index) : Expression(Span);

/// <summary><c>function(arguments)</c></summary>
/// <param name="OpenAt">Offset of the opening parenthesis.</param>
public sealed record CallExpression(TextSpan Span, Expression Function, IReadOnlyList<Expression> Arguments, int OpenAt) : Expression(Span);

public enum UnaryOperator
{
    Not,
    Negate,
}

public sealed record UnaryExpression(TextSpan Span, UnaryOperator Operator, Expression Operand) : Expression(Span);

public enum BinaryOperator
{
    Or,
    And,
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
}

/// <param name="OperatorSpan">Where the operator stands.</param>
public sealed record BinaryExpression(TextSpan Span, BinaryOperator Operator, TextSpan OperatorSpan, Expression Left, Expression Right) : Expression(Span);

public sealed record ParenExpression(TextSpan Span, Expression Inner) : Expression(Span);
