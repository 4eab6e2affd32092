using Pharos.Core;

namespace Pharos.LogQL.Syntax;

/// <summary>Parses LogQL by recursive descent: metric expressions here, log expressions in <see cref="LogParser"/>.</summary>
internal sealed class Parser
{
    internal static readonly HashSet<string> RangeOps = new(StringComparer.Ordinal)
    {
        "count_over_time", "rate", "rate_counter", "bytes_over_time", "bytes_rate", "absent_over_time", "sum_over_time", "avg_over_time",
        "min_over_time", "max_over_time", "stdvar_over_time", "stddev_over_time", "quantile_over_time", "first_over_time", "last_over_time",
    };

    internal static readonly HashSet<string> VectorOps = new(StringComparer.Ordinal)
    {
        "sum", "avg", "min", "max", "count", "stddev", "stdvar", "topk", "bottomk", "sort", "sort_desc", "approx_topk",
    };

    private static readonly string[] FunctionNames = [.. RangeOps, .. VectorOps, "label_replace", "vector"];

    private static readonly HashSet<string> GroupableRangeOps = new(StringComparer.Ordinal)
    {
        "avg_over_time", "min_over_time", "max_over_time", "stdvar_over_time", "stddev_over_time", "quantile_over_time",
        "first_over_time", "last_over_time",
    };

    private readonly TokenCursor tokens;
    private readonly LogParser logs;

    private Parser(string query)
    {
        tokens = new TokenCursor(query, Lexer.Read(query));
        logs = new LogParser(tokens);
    }

    /// <summary>Parses and validates a whole query.</summary>
    /// <exception cref="QueryException">The query is wrong; the message shows where.</exception>
    public static Expr Parse(string query)
    {
        var parser = new Parser(query);
        if (parser.tokens.Current.Kind == TokenKind.End) throw parser.tokens.Unexpected();
        var expr = parser.Expression(0);
        if (parser.tokens.Current.Kind != TokenKind.End) throw parser.tokens.Unexpected();
        parser.RequireSelective(expr);
        return expr;
    }

    /// <summary>A selector alone, as the label and series APIs take it; <c>{}</c> is allowed.</summary>
    /// <exception cref="QueryException">The text is no selector.</exception>
    public static IReadOnlyList<Matcher> ParseSelector(string text)
    {
        var parser = new Parser(text);
        var matchers = parser.logs.Selector();
        if (parser.tokens.Current.Kind != TokenKind.End) throw parser.tokens.Unexpected();
        return matchers;
    }

    private Expr Expression(int precedenceMin)
    {
        tokens.Enter();
        var left = Primary();
        while (Operator(tokens.Current) is { } op && op.Precedence >= precedenceMin)
        {
            int at = tokens.Current.Start;
            tokens.CountOperator();
            tokens.Move();
            var (returnBool, matching) = Modifiers(op.Name);
            var right = Expression(op.Name == "^" ? op.Precedence : op.Precedence + 1);
            left = Binary(at, op.Name, returnBool, matching, left, right);
        }
        tokens.Leave();
        return left;
    }

    private static (string Name, int Precedence)? Operator(Token token) => token.Kind switch
    {
        TokenKind.Identifier when token.IsWord("or") => ("or", 1),
        TokenKind.Identifier when token.IsWord("and") => ("and", 2),
        TokenKind.Identifier when token.IsWord("unless") => ("unless", 2),
        TokenKind.DoubleEqual => ("==", 3),
        TokenKind.NotEqual => ("!=", 3),
        TokenKind.Greater => (">", 3),
        TokenKind.GreaterEqual => (">=", 3),
        TokenKind.Less => ("<", 3),
        TokenKind.LessEqual => ("<=", 3),
        TokenKind.Plus => ("+", 4),
        TokenKind.Minus => ("-", 4),
        TokenKind.Times => ("*", 5),
        TokenKind.Divide => ("/", 5),
        TokenKind.Modulo => ("%", 5),
        TokenKind.Power => ("^", 6),
        _ => null,
    };

    private Expr Primary()
    {
        var token = tokens.Current;
        switch (token.Kind)
        {
            case TokenKind.OpenBrace:
                return logs.LogExpression();
            case TokenKind.OpenParen:
                tokens.Move();
                var inner = Expression(0);
                tokens.Take(TokenKind.CloseParen, ")");
                return inner;
            case TokenKind.Number:
                tokens.Move();
                return new LiteralExpr(token.Start, token.Value);
            case TokenKind.Plus or TokenKind.Minus:
                tokens.Move();
                double value = tokens.Take(TokenKind.Number, "NUMBER").Value;
                return new LiteralExpr(token.Start, token.Kind == TokenKind.Minus ? -value : value);
            case TokenKind.Identifier:
                string name = token.Text.ToLowerInvariant();
                if (RangeOps.Contains(name) && tokens.Next.Kind == TokenKind.OpenParen) return RangeAggregate(name);
                if (VectorOps.Contains(name) && (tokens.Next.Kind == TokenKind.OpenParen || IsGrouping(tokens.Next))) return VectorAggregate(name);
                if (name == "label_replace" && tokens.Next.Kind == TokenKind.OpenParen) return LabelReplace();
                if (name == "vector" && tokens.Next.Kind == TokenKind.OpenParen) return Vector();
                if (RangeOps.Contains(name) || VectorOps.Contains(name))
                {
                    tokens.Move();
                    throw tokens.Unexpected("(");
                }
                if (NearestName.Of(name, FunctionNames) is { } near) throw tokens.Error($"syntax error: unexpected IDENTIFIER {token.Text}; did you mean \"{near}\"?");
                throw tokens.Error($"syntax error: unexpected IDENTIFIER {token.Text}; a query starts with a stream selector like {{app=\"shop\"}} or a function");
            default:
                throw tokens.Unexpected();
        }
    }

    private RangeAggregation RangeAggregate(string op)
    {
        int start = tokens.Move().Start;
        tokens.Take(TokenKind.OpenParen, "(");
        double? parameter = null;
        if (tokens.Current.Kind == TokenKind.Number)
        {
            parameter = tokens.Move().Value;
            tokens.Take(TokenKind.Comma, ",");
        }
        var range = logs.Range();
        tokens.Take(TokenKind.CloseParen, ")");
        var grouping = IsGrouping(tokens.Current) ? Group() : null;
        if (parameter is null && op == "quantile_over_time") throw tokens.ErrorAt(start, $"parameter required for operation {op}");
        if (parameter is not null && op != "quantile_over_time") throw tokens.ErrorAt(start, $"parameter {Numbers.Show(parameter.Value)} not supported for operation {op}");
        if (grouping is not null && !GroupableRangeOps.Contains(op)) throw tokens.ErrorAt(start, $"grouping not allowed for {op} aggregation");
        bool needs = op is "sum_over_time" or "rate_counter" || GroupableRangeOps.Contains(op);
        bool forbids = op is "count_over_time" or "bytes_over_time" or "bytes_rate";
        if (needs && range.Unwrap is null) throw tokens.ErrorAt(start, $"invalid aggregation {op} without unwrap");
        if (forbids && range.Unwrap is not null) throw tokens.ErrorAt(start, $"invalid aggregation {op} with unwrap");
        return new RangeAggregation(start, op, parameter, range, grouping);
    }

    private VectorAggregation VectorAggregate(string op)
    {
        int start = tokens.Move().Start;
        var grouping = IsGrouping(tokens.Current) ? Group() : null;
        tokens.Take(TokenKind.OpenParen, "(");
        double? parameter = null;
        if (tokens.Current.Kind == TokenKind.Number && tokens.Next.Kind == TokenKind.Comma)
        {
            parameter = tokens.Move().Value;
            tokens.Move();
        }
        int innerAt = tokens.Current.Start;
        var inner = Metric(Expression(0), innerAt, $"the argument of {op}");
        tokens.Take(TokenKind.CloseParen, ")");
        if (IsGrouping(tokens.Current))
        {
            if (grouping is not null) throw tokens.Unexpected();
            grouping = Group();
        }
        if (op is "topk" or "bottomk" or "approx_topk")
        {
            if (parameter is null) throw tokens.ErrorAt(start, $"parameter required for operation {op}");
            if (parameter != Math.Truncate(parameter.Value)) throw tokens.ErrorAt(start, $"invalid parameter {op}({Numbers.Show(parameter.Value)},");
            if (parameter <= 0) throw tokens.ErrorAt(start, $"invalid parameter (must be greater than 0) {op}({Numbers.Show(parameter.Value)}");
        }
        else if (parameter is not null)
        {
            throw tokens.ErrorAt(start, $"unsupported parameter for operation {op}({Numbers.Show(parameter.Value)},");
        }
        if (grouping is not null && op is "sort" or "sort_desc" or "approx_topk") throw tokens.ErrorAt(start, $"grouping not allowed for {op} aggregation");
        return new VectorAggregation(start, op, parameter, inner, grouping);
    }

    private LabelReplaceExpr LabelReplace()
    {
        int start = tokens.Move().Start;
        tokens.Take(TokenKind.OpenParen, "(");
        int innerAt = tokens.Current.Start;
        var inner = Metric(Expression(0), innerAt, "the first argument of label_replace");
        var words = new Token[4];
        for (int i = 0; i < words.Length; i++)
        {
            tokens.Take(TokenKind.Comma, ",");
            words[i] = tokens.Take(TokenKind.String, "STRING");
        }
        tokens.Take(TokenKind.CloseParen, ")");
        if (!LinearRegex.TryCreate(words[3].Text, anchored: true, dotMatchesNewline: false, out var regex, out string? error))
            throw tokens.ErrorAt(words[3].Start, $"invalid regex in label_replace: {error}");
        return new LabelReplaceExpr(start, inner, words[0].Text, words[1].Text, words[2].Text, words[3].Text, regex);
    }

    private VectorExpr Vector()
    {
        int start = tokens.Move().Start;
        tokens.Take(TokenKind.OpenParen, "(");
        double value = tokens.Take(TokenKind.Number, "NUMBER").Value;
        tokens.Take(TokenKind.CloseParen, ")");
        return new VectorExpr(start, value);
    }

    private static bool IsGrouping(Token token) => token.IsWord("by") || token.IsWord("without");

    private Grouping Group()
    {
        bool without = tokens.Move().IsWord("without");
        return new Grouping(without, Names());
    }

    private List<string> Names()
    {
        tokens.Take(TokenKind.OpenParen, "(");
        var names = new List<string>();
        while (tokens.Current.Kind != TokenKind.CloseParen)
        {
            if (names.Count > 0) tokens.Take(TokenKind.Comma, ", or )");
            names.Add(tokens.Take(TokenKind.Identifier, "IDENTIFIER").Text);
        }
        tokens.Move();
        return names;
    }

    private (bool ReturnBool, VectorMatching? Matching) Modifiers(string op)
    {
        bool returnBool = false;
        if (tokens.Current.IsWord("bool"))
        {
            if (op is not ("==" or "!=" or ">" or ">=" or "<" or "<=")) throw tokens.Error($"bool modifier can only be used on comparison operators, not {op}");
            tokens.Move();
            returnBool = true;
        }
        if (!tokens.Current.IsWord("on") && !tokens.Current.IsWord("ignoring")) return (returnBool, null);
        bool on = tokens.Move().IsWord("on");
        var labels = Names();
        var cardinality = MatchCardinality.OneToOne;
        IReadOnlyList<string> include = [];
        if (tokens.Current.IsWord("group_left") || tokens.Current.IsWord("group_right"))
        {
            if (op is "and" or "or" or "unless") throw tokens.Error($"no grouping allowed for {op} operation");
            cardinality = tokens.Move().IsWord("group_left") ? MatchCardinality.ManyToOne : MatchCardinality.OneToMany;
            // A parenthesis may hold labels to include or start the right side; labels are names only.
            if (tokens.Current.Kind == TokenKind.OpenParen && IsNameList()) include = Names();
        }
        return (returnBool, new VectorMatching(on, labels, cardinality, include));
    }

    private bool IsNameList()
    {
        for (int ahead = 1; ; ahead++)
        {
            var token = tokens.Ahead(ahead);
            if (token.Kind == TokenKind.CloseParen) return true;
            if (token.Kind is not (TokenKind.Identifier or TokenKind.Comma)) return false;
        }
    }

    private MetricExpr Binary(int at, string op, bool returnBool, VectorMatching? matching, Expr left, Expr right)
    {
        if (left is not MetricExpr leftMetric) throw tokens.ErrorAt(left.Start, $"unexpected type for left leg of binary operation ({op}): a log query; wrap it in a function such as count_over_time");
        if (right is not MetricExpr rightMetric) throw tokens.ErrorAt(right.Start, $"unexpected type for right leg of binary operation ({op}): a log query; wrap it in a function such as count_over_time");
        if (op is "and" or "or" or "unless")
        {
            if (leftMetric is LiteralExpr l) throw tokens.ErrorAt(left.Start, $"unexpected literal for left leg of logical/set binary operation ({op}): {l.Value:F6}");
            if (rightMetric is LiteralExpr r) throw tokens.ErrorAt(right.Start, $"unexpected literal for right leg of logical/set binary operation ({op}): {r.Value:F6}");
        }
        if (leftMetric is LiteralExpr a && rightMetric is LiteralExpr b)
            return new LiteralExpr(left.Start, Engine.Arithmetic.Scalars(op, a.Value, b.Value));
        return new BinaryExpr(at, op, returnBool, matching, leftMetric, rightMetric);
    }

    private MetricExpr Metric(Expr expr, int at, string what) =>
        expr as MetricExpr ?? throw tokens.ErrorAt(at, $"syntax error: {what} must be a metric query, not a log query; wrap it in a function such as count_over_time");

    /// <summary>Every selector must leave something out: else a query would read all of a tenant's logs by mistake.</summary>
    private void RequireSelective(Expr expr)
    {
        switch (expr)
        {
            case LogExpr log:
                if (log.Matchers.Any(m => !m.MatchesEmpty)) return;
                throw tokens.ErrorAt(log.Start, "queries require at least one regexp or equality matcher that does not have an empty-compatible value. For instance, app=~\".*\" does not meet this requirement, but app=~\".+\" will");
            case RangeAggregation range: RequireSelective(range.Range.Log); return;
            case VectorAggregation vector: RequireSelective(vector.Inner); return;
            case LabelReplaceExpr replace: RequireSelective(replace.Inner); return;
            case BinaryExpr binary:
                RequireSelective(binary.Left);
                RequireSelective(binary.Right);
                return;
            default: return;
        }
    }
}
