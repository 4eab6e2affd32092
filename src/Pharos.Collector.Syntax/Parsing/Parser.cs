using Pharos.Core;

namespace Pharos.Collector.Syntax;

/// <summary>What became of a text: always a tree, and what is wrong with it.</summary>
public sealed record ParseResult(FileTree Tree, IReadOnlyList<SyntaxDiagnostic> Findings)
{
    public bool HasErrors => Findings.Any(f => f.Severity == Severity.Error);
}

/// <summary>
/// Reads the configuration language. Never fails and always ends, whatever the text: at most one parse error is reported
/// for a line, and parsing goes on at the next statement.
/// </summary>
public sealed class Parser
{
    /// <summary>Deeper nesting is refused, so that hostile text cannot exhaust the stack.</summary>
    private const int DepthMax = 400;

    private readonly SourceText source;
    private readonly Lexer lexer;
    private readonly List<SyntaxDiagnostic> findings = [];
    private readonly List<CommentGroup> comments = [];
    private Token token;
    private int lastErrorLine;
    private int depth;

    private Parser(SourceText source)
    {
        this.source = source;
        lexer = new Lexer(source, findings.Add);
        Next();
    }

    public static ParseResult ParseFile(SourceText source)
    {
        var parser = new Parser(source);
        var body = parser.Body(TokenKind.EndOfFile);
        return new ParseResult(new FileTree(source, body, parser.comments), parser.findings);
    }

    /// <summary>Reads one expression that fills the whole text.</summary>
    public static (Expression Expression, IReadOnlyList<SyntaxDiagnostic> Findings) ParseExpression(SourceText source)
    {
        var parser = new Parser(source);
        var expression = parser.ExpressionOf(1);
        if (parser.token.Kind == TokenKind.Terminator) parser.Next();
        if (parser.token.Kind != TokenKind.EndOfFile) parser.Error($"expected EOF, got {parser.token.Kind.Name()}");
        return (expression, parser.findings);
    }

    private List<Statement> Body(TokenKind until)
    {
        var body = new List<Statement>();
        while (token.Kind != until && token.Kind != TokenKind.EndOfFile)
        {
            if (Statement() is { } statement) body.Add(statement);
            if (token.Kind == until) break;
            if (token.Kind != TokenKind.Terminator)
            {
                Error($"expected {TokenKind.Terminator.Name()}, got {token.Kind.Name()}");
                SkipStatement();
            }
            Next();
        }
        return body;
    }

    private Statement? Statement()
    {
        if (token.Kind != TokenKind.Identifier)
        {
            Error($"expected identifier, got {token.Kind.Name()}");
            SkipTo(TokenKind.Identifier);
            return null;
        }
        var header = Header();
        switch (token.Kind)
        {
            case TokenKind.Assign:
                Next();
                if (header.Parts > 1) Report(header.Name, "attribute names may only consist of a single identifier with no \".\"");
                else if (header.HasLabel) Report(header.LabelSpan, "attribute names may not have labels");
                var value = ExpressionOf(1);
                return new AttributeStatement(header.Name.To(value.Span), header.Text, header.Name, value);
            case TokenKind.LeftBrace:
                var open = Here;
                if (++depth > DepthMax)
                {
                    Error("blocks are nested too deeply");
                    SkipStatement();
                    depth--;
                    return null;
                }
                Next();
                var body = Body(TokenKind.RightBrace);
                depth--;
                var close = Here;
                Expect(TokenKind.RightBrace);
                return new BlockStatement(header.Name.To(close), header.Text, header.Label, header.Name, header.LabelSpan, open, close, body);
            default:
                Error(header.Parts == 1 && !header.HasLabel
                    ? $"expected attribute assignment or block body, got {token.Kind.Name()}"
                    : $"expected block body, got {token.Kind.Name()}");
                SkipTo(TokenKind.Identifier);
                return null;
        }
    }

    private (string Text, int Parts, TextSpan Name, bool HasLabel, string Label, TextSpan LabelSpan) Header()
    {
        var names = new List<string> { Text };
        var name = Here;
        Next();
        while (token.Kind == TokenKind.Dot)
        {
            Next();
            if (token.Kind != TokenKind.Identifier) Error($"expected identifier, got {token.Kind.Name()}");
            names.Add(Text);
            name = name.To(Here);
            Next();
        }
        string label = "";
        bool hasLabel = false;
        var labelSpan = new TextSpan(source, name.End, name.End);
        if (token.Kind is not (TokenKind.Assign or TokenKind.LeftBrace))
        {
            if (token.Kind == TokenKind.String)
            {
                hasLabel = true;
                labelSpan = Here;
                string literal = Text;
                if (literal[0] != '"')
                {
                    Error($"expected block label to be a double quoted string, but got {GoString.Quote(literal)}");
                }
                else if (literal.Length > 2)
                {
                    label = literal[1..^1];
                    if (!Literals.IsIdentifier(label)) Error($"expected block label to be a valid identifier, but got {GoString.Quote(label)}");
                }
            }
            else
            {
                Error($"expected block label, got {token.Kind.Name()}");
            }
            Next();
        }
        return (string.Join('.', names), names.Count, name, hasLabel, label, labelSpan);
    }

    private Expression ExpressionOf(int precedence)
    {
        if (++depth > DepthMax)
        {
            Error("the expression is nested too deeply");
            SkipToExpressionEnd();
            depth--;
            return Null();
        }
        var left = Unary();
        while (true)
        {
            var kind = token.Kind;
            int binds = kind.Precedence();
            if (binds == 0 || binds < precedence) break;
            var at = Here;
            Next();
            var right = ExpressionOf(kind == TokenKind.Power ? binds : binds + 1);
            left = new BinaryExpression(left.Span.To(right.Span), (BinaryOperator)(Operators.IndexOf(kind)), at, left, right);
        }
        depth--;
        return left;
    }

    private static readonly List<TokenKind> Operators =
    [
        TokenKind.Or, TokenKind.And, TokenKind.Equal, TokenKind.NotEqual, TokenKind.Less, TokenKind.LessOrEqual, TokenKind.Greater,
        TokenKind.GreaterOrEqual, TokenKind.Add, TokenKind.Subtract, TokenKind.Multiply, TokenKind.Divide, TokenKind.Modulo, TokenKind.Power,
    ];

    private Expression Unary()
    {
        if (token.Kind is not (TokenKind.Not or TokenKind.Subtract)) return Postfix();
        var operation = token.Kind == TokenKind.Not ? UnaryOperator.Not : UnaryOperator.Negate;
        var at = Here;
        Next();
        if (++depth > DepthMax)
        {
            Error("the expression is nested too deeply");
            SkipToExpressionEnd();
            depth--;
            return Null();
        }
        var operand = Unary();
        depth--;
        return new UnaryExpression(at.To(operand.Span), operation, operand);
    }

    private Expression Postfix()
    {
        var value = Primary();
        // A long chain is as deep a tree as nesting is.
        for (int links = 0; ; links++)
        {
            if (links > DepthMax)
            {
                Error("the expression is nested too deeply");
                SkipToExpressionEnd();
                return value;
            }
            switch (token.Kind)
            {
                case TokenKind.Dot:
                    Next();
                    var name = Here;
                    Expect(TokenKind.Identifier);
                    value = new AccessExpression(value.Span.To(name), value, name.ToString(), name);
                    break;
                case TokenKind.LeftBracket:
                    Next();
                    var index = ExpressionOf(1);
                    var bracket = Here;
                    Expect(TokenKind.RightBracket);
                    value = new IndexExpression(value.Span.To(bracket), value, index);
                    break;
                case TokenKind.LeftParen:
                    int open = token.Start;
                    Next();
                    var arguments = token.Kind == TokenKind.RightParen ? [] : List(TokenKind.RightParen);
                    var paren = Here;
                    Expect(TokenKind.RightParen);
                    value = new CallExpression(value.Span.To(paren), value, arguments, open);
                    break;
                case TokenKind.String or TokenKind.LeftBrace:
                    // Somebody may be assigning a block to an attribute: read on as if it were one, to say so once.
                    if (token.Kind == TokenKind.String) Next();
                    if (!Expect(TokenKind.LeftBrace) || ++depth > DepthMax)
                    {
                        SkipStatement();
                        return value;
                    }
                    Body(TokenKind.RightBrace);
                    depth--;
                    var end = Here;
                    if (!Expect(TokenKind.RightBrace))
                    {
                        SkipStatement();
                        return value;
                    }
                    Report(value.Span.To(end), "cannot use a block as an expression");
                    break;
                default:
                    return value;
            }
        }
    }

    private Expression Primary()
    {
        var at = Here;
        switch (token.Kind)
        {
            case TokenKind.Identifier:
                string name = Text;
                Next();
                return new IdentifierExpression(at, name);
            case TokenKind.String or TokenKind.Number or TokenKind.Float or TokenKind.Bool or TokenKind.Null:
                var kind = token.Kind switch
                {
                    TokenKind.String => LiteralKind.String,
                    TokenKind.Number => LiteralKind.Number,
                    TokenKind.Float => LiteralKind.Float,
                    TokenKind.Bool => LiteralKind.Bool,
                    _ => LiteralKind.Null,
                };
                if (kind == LiteralKind.Number && !Literals.TryReadNumber(Text, out _))
                    Report(at, $"{Text} is not a valid number", "a leading zero makes a number octal");
                Next();
                return new LiteralExpression(at, kind);
            case TokenKind.LeftParen:
                Next();
                var inner = ExpressionOf(1);
                var paren = Here;
                Expect(TokenKind.RightParen);
                return new ParenExpression(at.To(paren), inner);
            case TokenKind.LeftBracket:
                Next();
                var elements = token.Kind == TokenKind.RightBracket ? [] : List(TokenKind.RightBracket);
                var bracket = Here;
                Expect(TokenKind.RightBracket);
                return new ArrayExpression(at.To(bracket), elements);
            case TokenKind.LeftBrace:
                Next();
                var fields = Fields();
                var brace = Here;
                Expect(TokenKind.RightBrace);
                return new ObjectExpression(at.To(brace), fields);
        }
        Error($"expected expression, got {token.Kind.Name()}");
        var missing = Null();
        SkipToExpressionEnd();
        return missing;
    }

    private List<Expression> List(TokenKind until)
    {
        var list = new List<Expression>();
        while (token.Kind != until && token.Kind != TokenKind.EndOfFile)
        {
            list.Add(ExpressionOf(1));
            if (!AtComma("expression list", until)) break;
            Next();
        }
        return list;
    }

    private List<ObjectField> Fields()
    {
        var fields = new List<ObjectField>();
        while (token.Kind != TokenKind.RightBrace && token.Kind != TokenKind.EndOfFile)
        {
            var at = Here;
            string name = "";
            bool quoted = token.Kind == TokenKind.String;
            if (token.Kind is TokenKind.String or TokenKind.Identifier)
            {
                name = quoted ? Literals.Unquote(Text) : Text;
                Next();
            }
            else
            {
                Error($"expected field name (string or identifier), got {token.Kind.Name()}");
                SkipTo(TokenKind.Assign);
            }
            Expect(TokenKind.Assign);
            fields.Add(new ObjectField(at, name, quoted, ExpressionOf(1)));
            if (!AtComma("field list", TokenKind.RightBrace)) break;
            Next();
        }
        return fields;
    }

    /// <summary>False where the list ends here. A missing comma is reported and taken as read.</summary>
    private bool AtComma(string context, TokenKind until)
    {
        if (token.Kind == TokenKind.Comma) return true;
        if (token.Kind == until) return false;
        Error($"missing ',' in {context}");
        return true;
    }

    private LiteralExpression Null() => new(new TextSpan(source, token.Start, token.Start), LiteralKind.Null);

    private TextSpan Here => new(source, token.Start, token.End);

    private string Text => source.Text[token.Start..token.End];

    /// <summary>Takes the token, reporting where it is not of that kind.</summary>
    private bool Expect(TokenKind kind)
    {
        bool fits = token.Kind == kind;
        if (!fits) Error($"expected {kind.Name()}, got {token.Kind.Name()}");
        Next();
        return fits;
    }

    private void Next()
    {
        token = lexer.Next();
        while (token.Kind == TokenKind.Comment)
        {
            var group = new List<TextSpan>();
            int lastLine = int.MaxValue;
            while (token.Kind == TokenKind.Comment && (group.Count == 0 || source.LineOf(token.Start) <= lastLine + 1))
            {
                group.Add(Here);
                lastLine = source.LineOf(Math.Max(token.Start, token.End - 1));
                token = lexer.Next();
            }
            comments.Add(new CommentGroup(group));
        }
    }

    /// <summary>Skips up to the terminator of this statement, brackets in pairs.</summary>
    private void SkipStatement()
    {
        int open = 0;
        while (token.Kind != TokenKind.EndOfFile)
        {
            if (token.Kind is TokenKind.LeftBrace or TokenKind.LeftBracket or TokenKind.LeftParen) open++;
            if (token.Kind is TokenKind.RightBrace or TokenKind.RightBracket or TokenKind.RightParen) open--;
            if (token.Kind == TokenKind.Terminator && open <= 0) return;
            Next();
        }
    }

    private void SkipTo(TokenKind kind)
    {
        while (token.Kind != kind && token.Kind != TokenKind.EndOfFile) Next();
    }

    private void SkipToExpressionEnd()
    {
        while (token.Kind is not (TokenKind.EndOfFile or TokenKind.Terminator or TokenKind.RightParen or TokenKind.RightBrace
            or TokenKind.RightBracket or TokenKind.Comma))
            Next();
    }

    private void Error(string message)
    {
        int line = source.LineOf(token.Start);
        if (line == lastErrorLine) return;
        lastErrorLine = line;
        Report(new TextSpan(source, token.Start, Math.Max(token.Start, token.Kind == TokenKind.Terminator ? token.Start : token.End)), message);
    }

    private void Report(TextSpan span, string message, string? mend = null) => findings.Add(SyntaxDiagnostic.Error(span, message, mend));
}
