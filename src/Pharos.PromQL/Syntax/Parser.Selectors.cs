using Pharos.Core;

namespace Pharos.PromQL.Syntax;

/// <content>Selectors, ranges, subqueries and what moves them in time.</content>
internal sealed partial class Parser
{
    private const string DurationExpected = "number, duration, step(), or range()";

    private VectorSelector Selector(string name, int start)
    {
        var matchers = new List<Matcher>();
        if (name.Length > 0) matchers.Add(new Matcher(MatchOp.Equal, Labels.MetricName, name));
        if (Peek.Kind == TokenKind.LeftBrace)
        {
            at++;
            name = Braces(name, matchers);
        }
        return Spanned(new VectorSelector(name, matchers), start);
    }

    private string Braces(string name, List<Matcher> matchers)
    {
        const string where = " in label matching";
        bool nameOutside = name.Length > 0;
        while (Peek.Kind != TokenKind.RightBrace)
        {
            if (Peek.Kind == TokenKind.End) throw Fail(Peek.Start, "unexpected end of input inside braces");
            if (Peek.Kind is not (TokenKind.Identifier or TokenKind.String)) throw Unexpected(where, "identifier or \"}\"");
            var label = Next();
            if (label.Kind == TokenKind.String && Peek.Kind is TokenKind.Comma or TokenKind.RightBrace)
            {
                if (name.Length > 0) throw Fail(label.Start, $"metric name must not be set twice: \"{name}\" or \"{label.Text}\"");
                if (label.Text.Length == 0) throw Fail(label.Start, "metric name must not be empty");
                name = label.Text;
                matchers.Add(new Matcher(MatchOp.Equal, Labels.MetricName, name));
            }
            else
            {
                matchers.Add(LabelMatcher(label));
                var added = matchers[^1];
                if (added.Name == Labels.MetricName && added.Op == MatchOp.Equal && nameOutside)
                    throw Fail(label.Start, $"metric name must not be set twice: \"{name}\" or \"{added.Value}\"");
            }
            if (Peek.Kind == TokenKind.Comma) at++;
            else if (Peek.Kind != TokenKind.RightBrace)
            {
                if (Peek.Kind == TokenKind.End) throw Fail(Peek.Start, "unexpected end of input inside braces");
                throw Unexpected(where, "\",\" or \"}\"");
            }
        }
        at++;
        return name;
    }

    private Matcher LabelMatcher(Token label)
    {
        const string where = " in label matching";
        if (label.Text.Length == 0) throw Fail(label.Start, "label name must not be empty");
        MatchOp op = Peek.Kind switch
        {
            TokenKind.Assign => MatchOp.Equal,
            TokenKind.NotEqual => MatchOp.NotEqual,
            TokenKind.RegexMatch => MatchOp.Regex,
            TokenKind.RegexNotMatch => MatchOp.NotRegex,
            TokenKind.End => throw Fail(Peek.Start, "unexpected end of input inside braces"),
            _ => throw Unexpected(where, "label matching operator (=, !=, =~ or !~)"),
        };
        at++;
        if (Peek.Kind == TokenKind.End) throw Fail(Peek.Start, "unexpected end of input inside braces");
        if (Peek.Kind != TokenKind.String) throw Unexpected(where, "string");
        var value = Next();
        try
        {
            return new Matcher(op, label.Text, value.Text);
        }
        catch (FormatException e)
        {
            throw Fail(value.Start, e.Message);
        }
    }

    private Expr Postfix(Expr operand)
    {
        int start = operand.Span.Start;
        while (true)
        {
            switch (Peek.Kind)
            {
                case TokenKind.LeftBracket:
                    operand = Spanned(Bracket(operand), start);
                    break;
                case TokenKind.At:
                    AtModifier(operand);
                    operand.Span = new TextSpan(start, tokens[at - 1].End);
                    break;
                case TokenKind.Identifier when PeekIsWord("offset"):
                    OffsetModifier(operand);
                    operand.Span = new TextSpan(start, tokens[at - 1].End);
                    break;
                case TokenKind.Identifier when PeekIsWord("anchored") || PeekIsWord("smoothed"):
                    Borders(operand);
                    operand.Span = new TextSpan(start, tokens[at - 1].End);
                    break;
                default:
                    return operand;
            }
        }
    }

    private void Borders(Expr operand)
    {
        var word = Next();
        var mode = word.Text.Equals("anchored", StringComparison.OrdinalIgnoreCase) ? BorderMode.Anchored : BorderMode.Smoothed;
        string name = word.Text.ToLowerInvariant();
        var selector = operand switch
        {
            MatrixSelector matrix => matrix.Selector,
            VectorSelector vector when mode == BorderMode.Smoothed => vector,
            VectorSelector => throw Fail(word.Start, "anchored modifier must be preceded by a range vector selector"),
            _ => throw Fail(word.Start, $"{name} modifier must be preceded by a{(mode == BorderMode.Smoothed ? "n instant or" : "")} range vector selector"),
        };
        if (selector.Borders != BorderMode.None)
            throw Fail(word.Start, selector.Borders == mode ? $"{name} may not be set multiple times" : "anchored and smoothed modifiers cannot be used together");
        selector.Borders = mode;
    }

    private Expr Bracket(Expr operand)
    {
        var open = Next();
        if (Peek.Kind == TokenKind.End) throw Fail(Peek.Start, "unexpected end of input in duration expression");
        var range = Duration(0, " in subquery or range selector");
        if (Peek.Kind == TokenKind.Colon)
        {
            at++;
            var step = Peek.Kind == TokenKind.RightBracket ? null : Duration(0, " in subquery selector");
            Expect(TokenKind.RightBracket, " in subquery selector", "\"]\"");
            if (operand.Type != ExprType.Vector)
                throw Fail(operand.Span.Start, $"subquery is only allowed on instant vector, got {TypeChecker.NameShort(operand.Type)} instead");
            if (range.Op == DurationOp.Literal && range.Seconds <= 0) throw Fail(range.Span.Start, "duration must be greater than 0");
            if (step is { Op: DurationOp.Literal, Seconds: <= 0 }) throw Fail(step.Span.Start, "duration must be greater than 0");
            return new SubqueryExpr(operand, range, step);
        }
        Expect(TokenKind.RightBracket, " in subquery or range selector", "an operator, \":\" or \"]\"");
        if (operand is not VectorSelector selector) throw Fail(operand.Span.Start, "ranges only allowed for vector selectors");
        if (selector.At != AtKind.None) throw Fail(open.Start, "no @ modifiers allowed before range");
        if (selector.Offset is not null) throw Fail(open.Start, "no offset modifiers allowed before range");
        if (selector.Borders != BorderMode.None) throw Fail(open.Start, "no anchored or smoothed modifiers allowed before range");
        if (range.Op == DurationOp.Literal && range.Seconds <= 0) throw Fail(range.Span.Start, "duration must be greater than 0");
        return new MatrixSelector(selector, range);
    }

    private TimedExpr Timed(Expr operand, Token modifier, string name) => operand switch
    {
        MatrixSelector matrix => matrix.Selector,
        TimedExpr timed => timed,
        _ => throw Fail(modifier.Start, $"{name} modifier must be preceded by an instant vector selector or range vector selector or a subquery"),
    };

    private void OffsetModifier(Expr operand)
    {
        var word = Next();
        var timed = Timed(operand, word, "offset");
        if (timed.Offset is not null) throw Fail(word.Start, "offset may not be set multiple times");
        timed.Offset = OffsetDuration();
    }

    private void AtModifier(Expr operand)
    {
        var symbol = Next();
        var timed = Timed(operand, symbol, "@");
        if (timed.At != AtKind.None) throw Fail(symbol.Start, "@ <timestamp> may not be set multiple times");
        if (Peek.Kind == TokenKind.Identifier && PeekAfter.Kind == TokenKind.LeftParen && Peek.Text.ToLowerInvariant() is "start" or "end")
        {
            timed.At = Next().Text.Equals("start", StringComparison.OrdinalIgnoreCase) ? AtKind.Start : AtKind.End;
            at++;
            Expect(TokenKind.RightParen, " in @", "\")\"");
            return;
        }
        double sign = 1;
        if (Peek.Kind is TokenKind.Add or TokenKind.Sub && Next().Kind == TokenKind.Sub) sign = -1;
        double seconds;
        var token = Peek;
        if (token.Kind is TokenKind.Number or TokenKind.Duration) seconds = sign * token.Number;
        else if (token.Kind == TokenKind.Identifier && NamedNumber(token.Text) is { } named) seconds = sign * named;
        else throw Unexpected(" in @", "timestamp");
        at++;
        if (!double.IsFinite(seconds) || Math.Abs(seconds) >= 9_223_372_036_854_775.0)
            throw Fail(token.Start, $"timestamp out of bounds for @ modifier: {NumberText.Format(seconds)}");
        timed.At = AtKind.Timestamp;
        timed.AtMs = (long)Math.Round(seconds * 1000, MidpointRounding.AwayFromZero);
    }

    /// <summary>After <c>offset</c> stands one duration with signs; arithmetic needs parentheses.</summary>
    private DurationExpr OffsetDuration()
    {
        int start = Peek.Start;
        if (Peek.Kind is TokenKind.Add or TokenKind.Sub)
        {
            bool negative = Next().Kind == TokenKind.Sub;
            var inner = OffsetDuration();
            return new DurationExpr(negative ? DurationOp.Negate : DurationOp.Plus, inner) { Span = new TextSpan(start, tokens[at - 1].End) };
        }
        return DurationPrimary(" in offset");
    }

    private DurationExpr Duration(int minPrecedence, string where)
    {
        if (++depth > DepthMax) throw Fail(Peek.Start, $"duration is nested more than {DepthMax} levels deep");
        int start = Peek.Start;
        DurationExpr left;
        if (Peek.Kind is TokenKind.Add or TokenKind.Sub)
        {
            bool negative = Next().Kind == TokenKind.Sub;
            left = new DurationExpr(negative ? DurationOp.Negate : DurationOp.Plus, Duration(3, where)) { Span = new TextSpan(start, tokens[at - 1].End) };
        }
        else
        {
            left = DurationPrimary(where);
        }
        while (true)
        {
            (var op, int precedence) = Peek.Kind switch
            {
                TokenKind.Pow => (DurationOp.Pow, 3),
                TokenKind.Mul => (DurationOp.Mul, 2),
                TokenKind.Div => (DurationOp.Div, 2),
                TokenKind.Mod => (DurationOp.Mod, 2),
                TokenKind.Add => (DurationOp.Add, 1),
                TokenKind.Sub => (DurationOp.Sub, 1),
                _ => (DurationOp.Literal, -1),
            };
            if (precedence < minPrecedence || precedence < 0) break;
            int opAt = Next().Start;
            var right = Duration(op == DurationOp.Pow ? precedence : precedence + 1, where);
            if (op is DurationOp.Div or DurationOp.Mod && right.IsConstant && right.Evaluate(0, 0) == 0)
                throw Fail(opAt, op == DurationOp.Div ? "division by zero" : "modulo by zero");
            left = new DurationExpr(op, left, right) { Span = new TextSpan(start, tokens[at - 1].End) };
        }
        depth--;
        return left;
    }

    private DurationExpr DurationPrimary(string where)
    {
        var token = Peek;
        switch (token.Kind)
        {
            case TokenKind.Number or TokenKind.Duration:
                at++;
                if (Math.Abs(token.Number) >= 9_223_372_036.0) throw Fail(token.Start, "duration out of range");
                return new DurationExpr(token.Number, token.Kind == TokenKind.Duration) { Span = new TextSpan(token.Start, token.End) };
            case TokenKind.LeftParen:
                at++;
                var inner = Duration(0, where);
                Expect(TokenKind.RightParen, where, "\")\"");
                return new DurationExpr(DurationOp.Paren, inner) { Span = new TextSpan(token.Start, tokens[at - 1].End) };
            case TokenKind.Identifier when PeekAfter.Kind == TokenKind.LeftParen:
                string word = token.Text.ToLowerInvariant();
                if (word is not ("step" or "range" or "min_of" or "max_of")) throw Unexpected(where, DurationExpected);
                at += 2;
                DurationExpr result;
                if (word is "step" or "range")
                {
                    result = new DurationExpr(word == "step" ? DurationOp.Step : DurationOp.Range);
                }
                else
                {
                    var first = Duration(0, where);
                    Expect(TokenKind.Comma, where, "\",\"");
                    result = new DurationExpr(word == "min_of" ? DurationOp.MinOf : DurationOp.MaxOf, first, Duration(0, where));
                }
                Expect(TokenKind.RightParen, where, "\")\"");
                result.Span = new TextSpan(token.Start, tokens[at - 1].End);
                return result;
            default:
                throw Unexpected(where, DurationExpected);
        }
    }
}
