using Pharos.Core;

namespace Pharos.PromQL.Syntax;

/// <summary>
/// Reads a query by recursive descent with precedence climbing. Precedence from high to low:
/// <c>^</c> (right), <c>* / % atan2</c> and unary signs, <c>+ -</c>, comparisons and trims, <c>and unless</c>, <c>or</c>.
/// </summary>
internal sealed partial class Parser
{
    private const int PowPrecedence = 6, DepthMax = 512, OperatorsMax = 2000;

    private readonly string query;
    private readonly List<Token> tokens;
    private int at;
    private int depth;
    private int operators;
    private bool inInfoSelector;

    private Parser(string query)
    {
        this.query = query;
        tokens = Lexer.Read(query);
    }

    /// <exception cref="QueryException">The text is no query; names line and column.</exception>
    public static Expr Parse(string query)
    {
        var parser = new Parser(query);
        if (parser.Peek.Kind == TokenKind.End) throw parser.Fail(0, "no expression found in input");
        var expr = parser.Expression(0);
        if (parser.Peek.Kind != TokenKind.End) throw parser.Unexpected("", parser.AfterOperandHint());
        TypeChecker.Check(query, expr);
        return expr;
    }

    /// <summary>Reads a selector alone, as <c>match[]</c> and series descriptions have it.</summary>
    /// <param name="mayBeEmpty">Descriptions of series may have no labels; a selector must exclude something.</param>
    public static VectorSelector ParseSelector(string text, bool mayBeEmpty = false)
    {
        var parser = new Parser(text);
        if (parser.Peek.Kind == TokenKind.End) throw parser.Fail(0, "no selector found in input");
        var token = parser.Peek;
        if (token.Kind is not (TokenKind.Identifier or TokenKind.LeftBrace)) throw parser.Unexpected("", "metric name or \"{\"");
        string name = "";
        if (token.Kind == TokenKind.Identifier)
        {
            name = token.Text;
            parser.at++;
        }
        var selector = parser.Selector(name, token.Start);
        if (parser.Peek.Kind != TokenKind.End) throw parser.Unexpected(" in a selector", "end of input");
        if (!mayBeEmpty) TypeChecker.Check(text, selector);
        return selector;
    }

    private Token Peek => tokens[at];

    private Token PeekAfter => tokens[Math.Min(at + 1, tokens.Count - 1)];

    private Token Next() => tokens[at++];

    private QueryException Fail(int index, string message) => Lexer.Fail(query, index, message);

    private QueryException Unexpected(string where, string expected)
    {
        var token = Peek;
        string found = Describe(token);
        string tail = expected.Length == 0 ? "" : $", expected {expected}";
        if (token.Kind == TokenKind.End)
        {
            int open = OpenParenthesis();
            if (open >= 0 && where.Length == 0) return Fail(query.Length, $"unclosed left parenthesis opened at {SourcePosition.At(query, open)}{(tail.Length > 0 ? ": unexpected end of input" + tail : "")}");
        }
        return Fail(token.Start, $"unexpected {found}{where}{tail}");
    }

    private int OpenParenthesis()
    {
        var open = new Stack<int>();
        foreach (var token in tokens)
        {
            if (token.Kind == TokenKind.LeftParen) open.Push(token.Start);
            else if (token.Kind == TokenKind.RightParen && open.Count > 0) open.Pop();
        }
        return open.Count > 0 ? open.Peek() : -1;
    }

    private string Describe(Token token) => token.Kind switch
    {
        TokenKind.End => "end of input",
        TokenKind.Identifier when IsKeyword(token.Text) => $"<{token.Text.ToLowerInvariant()}>",
        TokenKind.Identifier => $"identifier \"{token.Text}\"",
        TokenKind.Number => $"number \"{query.AsSpan(token.Start, token.End - token.Start)}\"",
        TokenKind.Duration => $"duration \"{query.AsSpan(token.Start, token.End - token.Start)}\"",
        TokenKind.String => $"string {query.AsSpan(token.Start, token.End - token.Start)}",
        TokenKind.LeftParen => "left parenthesis '('",
        TokenKind.RightParen => "right parenthesis ')'",
        TokenKind.Add or TokenKind.Sub or TokenKind.Mul or TokenKind.Div or TokenKind.Mod or TokenKind.Pow or TokenKind.At
            or (>= TokenKind.EqualEqual and <= TokenKind.TrimLower) => $"<op:{query.AsSpan(token.Start, token.End - token.Start)}>",
        _ => $"\"{query.AsSpan(token.Start, token.End - token.Start)}\"",
    };

    private static bool IsKeyword(string text) => text.ToLowerInvariant() is
        "and" or "or" or "unless" or "atan2" or "on" or "ignoring" or "group_left" or "group_right" or "bool" or "by" or "without" or "offset";

    private string AfterOperandHint() => Peek.Kind is TokenKind.RightParen or TokenKind.RightBrace or TokenKind.RightBracket ? "" : "an operator or end of input";

    private bool PeekIsWord(string word) => Peek.Kind == TokenKind.Identifier && Peek.Text.Equals(word, StringComparison.OrdinalIgnoreCase);

    private Token Expect(TokenKind kind, string where, string expected)
    {
        if (Peek.Kind != kind) throw Unexpected(where, expected);
        return Next();
    }

    private T Spanned<T>(T expr, int start)
        where T : Expr
    {
        expr.Span = new TextSpan(start, at > 0 ? tokens[at - 1].End : start);
        return expr;
    }

    private Expr Expression(int minPrecedence)
    {
        if (++depth > DepthMax) throw Fail(Peek.Start, $"expression is nested more than {DepthMax} levels deep");
        int start = Peek.Start;
        var left = Unary();
        while (TryBinaryOp(Peek, out var op, out int precedence) && precedence >= minPrecedence)
        {
            int opAt = Peek.Start;
            if (++operators > OperatorsMax) throw Fail(opAt, $"query holds more than {OperatorsMax} binary operators");
            at++;
            left = Binary(op, precedence, left, start, opAt);
        }
        depth--;
        return left;
    }

    private static bool TryBinaryOp(Token token, out BinaryOp op, out int precedence)
    {
        (op, precedence) = token.Kind switch
        {
            TokenKind.Pow => (BinaryOp.Pow, PowPrecedence),
            TokenKind.Mul => (BinaryOp.Mul, 5),
            TokenKind.Div => (BinaryOp.Div, 5),
            TokenKind.Mod => (BinaryOp.Mod, 5),
            TokenKind.Add => (BinaryOp.Add, 4),
            TokenKind.Sub => (BinaryOp.Sub, 4),
            TokenKind.EqualEqual => (BinaryOp.Equal, 3),
            TokenKind.NotEqual => (BinaryOp.NotEqual, 3),
            TokenKind.Less => (BinaryOp.Less, 3),
            TokenKind.LessOrEqual => (BinaryOp.LessOrEqual, 3),
            TokenKind.Greater => (BinaryOp.Greater, 3),
            TokenKind.GreaterOrEqual => (BinaryOp.GreaterOrEqual, 3),
            TokenKind.TrimUpper => (BinaryOp.TrimUpper, 3),
            TokenKind.TrimLower => (BinaryOp.TrimLower, 3),
            TokenKind.Identifier => token.Text.ToLowerInvariant() switch
            {
                "atan2" => (BinaryOp.Atan2, 5),
                "and" => (BinaryOp.And, 2),
                "unless" => (BinaryOp.Unless, 2),
                "or" => (BinaryOp.Or, 1),
                _ => (BinaryOp.Add, 0),
            },
            _ => (BinaryOp.Add, 0),
        };
        return precedence > 0;
    }

    private BinaryExpr Binary(BinaryOp op, int precedence, Expr left, int start, int opAt)
    {
        bool returnBool = false;
        if (PeekIsWord("bool"))
        {
            at++;
            returnBool = true;
        }
        bool on = false, grouped = false, matched = false;
        IReadOnlyList<string> labels = [], include = [];
        var cardinality = BinaryExpr.IsSet(op) ? MatchCardinality.ManyToMany : MatchCardinality.OneToOne;
        if (PeekIsWord("on") || PeekIsWord("ignoring"))
        {
            matched = true;
            on = Next().Text.Equals("on", StringComparison.OrdinalIgnoreCase);
            labels = LabelList();
            if (PeekIsWord("group_left") || PeekIsWord("group_right"))
            {
                int groupAt = Peek.Start;
                grouped = true;
                if (BinaryExpr.IsSet(op)) throw Fail(groupAt, $"no grouping allowed for \"{BinaryExpr.Symbol(op)}\" operation");
                cardinality = Next().Text.Equals("group_left", StringComparison.OrdinalIgnoreCase) ? MatchCardinality.ManyToOne : MatchCardinality.OneToMany;
                if (Peek.Kind == TokenKind.LeftParen) include = LabelList();
                foreach (string label in include)
                {
                    if (on && labels.Contains(label)) throw Fail(groupAt, $"label \"{label}\" must not occur in ON and GROUP clause at once");
                }
            }
        }
        double? fillLeft = null, fillRight = null;
        bool filled = false;
        while (Peek.Kind == TokenKind.Identifier && PeekAfter.Kind == TokenKind.LeftParen
               && Peek.Text.ToLowerInvariant() is "fill" or "fill_left" or "fill_right")
        {
            var word = Next();
            if (BinaryExpr.IsSet(op)) throw Fail(word.Start, $"fill modifiers are not allowed for \"{BinaryExpr.Symbol(op)}\" operation");
            at++;
            double value = FillValue();
            Expect(TokenKind.RightParen, " in fill modifier", "\")\"");
            string name = word.Text.ToLowerInvariant();
            if ((name != "fill_right" && fillLeft is not null) || (name != "fill_left" && fillRight is not null))
                throw Fail(word.Start, $"{name} sets a fill value that is already set");
            if (name != "fill_right") fillLeft = value;
            if (name != "fill_left") fillRight = value;
            filled = true;
        }
        // The power operator binds to the right, all others to the left.
        var right = Expression(op == BinaryOp.Pow ? precedence : precedence + 1);
        bool vectors = left.Type == ExprType.Vector && right.Type == ExprType.Vector;
        if (!vectors && (matched || grouped || filled))
            throw Fail(opAt, filled && !matched ? "fill modifiers are only allowed between instant vectors" : "vector matching only allowed between instant vectors");
        var matching = vectors ? new VectorMatching(cardinality, labels, on, include, fillLeft, fillRight) : null;
        return Spanned(new BinaryExpr(op, left, right, returnBool, matching), start);
    }

    private double FillValue()
    {
        double sign = 1;
        while (Peek.Kind is TokenKind.Add or TokenKind.Sub)
        {
            if (Next().Kind == TokenKind.Sub) sign = -sign;
        }
        var token = Peek;
        if (token.Kind is TokenKind.Number or TokenKind.Duration)
        {
            at++;
            return sign * token.Number;
        }
        if (token.Kind == TokenKind.Identifier && NamedNumber(token.Text) is { } named)
        {
            at++;
            return sign * named;
        }
        throw Unexpected(" in fill modifier", "number");
    }

    private static double? NamedNumber(string text) =>
        text.Equals("inf", StringComparison.OrdinalIgnoreCase) ? double.PositiveInfinity
        : text.Equals("nan", StringComparison.OrdinalIgnoreCase) ? SampleValue.NormalNaN
        : null;

    private List<string> LabelList()
    {
        const string where = " in grouping opts";
        Expect(TokenKind.LeftParen, where, "\"(\"");
        var labels = new List<string>();
        while (Peek.Kind != TokenKind.RightParen)
        {
            if (Peek.Kind is not (TokenKind.Identifier or TokenKind.String)) throw Unexpected(where, "label");
            var token = Next();
            if (token.Text.Length == 0 || (token.Kind == TokenKind.Identifier && token.Text.Contains(':'))) throw Fail(token.Start, $"invalid label name \"{token.Text}\"{where}");
            labels.Add(token.Text);
            if (Peek.Kind == TokenKind.Comma) at++;
            else if (Peek.Kind != TokenKind.RightParen) throw Unexpected(where, "\",\" or \")\"");
        }
        at++;
        return labels;
    }

    private Expr Unary()
    {
        int start = Peek.Start;
        if (Peek.Kind is not (TokenKind.Add or TokenKind.Sub)) return Postfix(Primary());
        bool negative = Next().Kind == TokenKind.Sub;
        var operand = Expression(PowPrecedence);
        if (operand is NumberLiteral number)
        {
            if (negative) number.Value = -number.Value;
            return Spanned(number, start);
        }
        return Spanned(new UnaryExpr(negative, operand), start);
    }

    private Expr Primary()
    {
        var token = Peek;
        switch (token.Kind)
        {
            case TokenKind.Number:
                at++;
                return Spanned(new NumberLiteral(token.Number), token.Start);
            case TokenKind.Duration:
                at++;
                return Spanned(new NumberLiteral(token.Number, isDuration: true), token.Start);
            case TokenKind.String:
                at++;
                return Spanned(new StringLiteral(token.Text, InvalidUtf8(token)), token.Start);
            case TokenKind.LeftBrace:
                return Selector("", token.Start);
            case TokenKind.LeftParen:
                at++;
                if (Peek.Kind == TokenKind.RightParen) throw Unexpected("", "an expression");
                var inner = Expression(0);
                Expect(TokenKind.RightParen, "", AfterOperandHint().Length == 0 ? "\")\"" : "an operator or \")\"");
                return Spanned(new ParenExpr(inner), token.Start);
            case TokenKind.Identifier:
                return Word(token);
            default:
                throw Unexpected("", token.Kind == TokenKind.End ? "an expression" : "");
        }
    }

    private string? InvalidUtf8(Token token)
    {
        if (!token.Text.Contains('\uFFFD')) return null;
        var literal = query.AsSpan(token.Start, token.End - token.Start);
        return literal.Contains('\uFFFD') || literal[0] == '`' ? null : literal.ToString();
    }

    private Expr Word(Token token)
    {
        string word = token.Text.ToLowerInvariant();
        if (NamedNumber(word) is { } number)
        {
            at++;
            return Spanned(new NumberLiteral(number), token.Start);
        }
        if (Aggregates.Names.TryGetValue(word, out var op) && (PeekAfter.Kind == TokenKind.LeftParen || FollowedByGrouping()))
            return Aggregate(op, token);
        if (PeekAfter.Kind == TokenKind.LeftParen)
        {
            if (word is "bool" or "on" or "ignoring" or "group_left" or "group_right" or "by" or "without") throw Unexpected("", "");
            return Call(token);
        }
        if (word is "bool" or "on" or "ignoring" or "group_left" or "group_right" or "atan2")
            throw Unexpected("", $"an expression; a metric of that name is written {{__name__=\"{token.Text}\"}}");
        at++;
        return Selector(token.Text, token.Start);
    }

    private bool FollowedByGrouping() =>
        PeekAfter.Kind == TokenKind.Identifier
        && PeekAfter.Text.ToLowerInvariant() is "by" or "without"
        && tokens[Math.Min(at + 2, tokens.Count - 1)].Kind == TokenKind.LeftParen;

    private AggregateExpr Aggregate(AggregateOp op, Token token)
    {
        at++;
        bool without = false, grouped = false;
        IReadOnlyList<string> grouping = [];
        if (PeekIsWord("by") || PeekIsWord("without")) Grouping();
        var arguments = Arguments();
        if (!grouped && (PeekIsWord("by") || PeekIsWord("without"))) Grouping();
        string name = Aggregates.NameOf(op);
        int wanted = Aggregates.TakesParameter(op) ? 2 : 1;
        if (arguments.Count == 0) throw Fail(token.Start, "no arguments for aggregate expression provided");
        if (arguments.Count != wanted)
            throw Fail(token.Start, $"wrong number of arguments for aggregate expression provided, expected {wanted}, got {arguments.Count} in call to \"{name}\"");
        return Spanned(new AggregateExpr(op, wanted == 2 ? arguments[0] : null, arguments[^1], grouping, without), token.Start);

        void Grouping()
        {
            grouped = true;
            without = Next().Text.Equals("without", StringComparison.OrdinalIgnoreCase);
            grouping = LabelList();
        }
    }

    private CallExpr Call(Token token)
    {
        var function = Functions.Find(token.Text) ?? Functions.Find(token.Text.ToLowerInvariant() is "start" or "end" or "step" or "range" or "min_of" or "max_of" ? token.Text.ToLowerInvariant() : "");
        if (function is null)
        {
            string? near = Functions.Nearest(token.Text);
            throw Fail(token.Start, $"unknown function with name \"{token.Text}\"{(near is null ? "" : $"; did you mean \"{near}\"?")}");
        }
        at++;
        var arguments = function.Name == "info" ? InfoArguments() : Arguments();
        return Spanned(new CallExpr(function, arguments), token.Start);
    }

    private List<Expr> InfoArguments()
    {
        inInfoSelector = true;
        try
        {
            return Arguments();
        }
        finally
        {
            inInfoSelector = false;
        }
    }

    private List<Expr> Arguments()
    {
        bool info = inInfoSelector;
        inInfoSelector = false;
        Expect(TokenKind.LeftParen, "", "\"(\"");
        var arguments = new List<Expr>();
        if (Peek.Kind == TokenKind.RightParen)
        {
            at++;
            return arguments;
        }
        while (true)
        {
            if (arguments.Count > 0 && Peek.Kind == TokenKind.RightParen) throw Fail(Peek.Start, "trailing commas not allowed in function call args");
            arguments.Add(Expression(0));
            if (info && arguments.Count == 2 && arguments[1] is VectorSelector { Name.Length: > 0 } named && query[named.Span.Start] != '{')
                throw Fail(named.Span.Start, "expected label selectors only, got vector selector instead");
            if (info && arguments.Count == 2 && arguments[1] is not VectorSelector) throw Fail(arguments[1].Span.Start, "expected label selectors only");
            if (Peek.Kind == TokenKind.Comma)
            {
                at++;
                continue;
            }
            Expect(TokenKind.RightParen, "", "\",\" or \")\"");
            return arguments;
        }
    }
}
