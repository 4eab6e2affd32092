using Pharos.Core;

namespace Pharos.LogQL.Syntax;

/// <summary>Parses selectors, stages and ranges.</summary>
internal sealed class LogParser(TokenCursor tokens)
{
    private static readonly HashSet<string> StageWords = new(StringComparer.OrdinalIgnoreCase)
    {
        "json", "logfmt", "regexp", "pattern", "unpack", "line_format", "label_format", "decolorize", "drop", "keep", "unwrap",
    };

    private static readonly string[] Conversions = ["bytes", "duration", "duration_seconds"];

    /// <summary>A selector with its stages, without a range.</summary>
    public LogExpr LogExpression()
    {
        int start = tokens.Current.Start;
        var matchers = Selector();
        var stages = new List<StageSyntax>();
        while (IsStage())
        {
            if (IsUnwrap()) throw tokens.Error("syntax error: unexpected unwrap: it is for range aggregations only, for example sum_over_time({app=\"a\"} | unwrap bytes [5m])");
            stages.Add(Stage());
        }
        if (tokens.Current.Kind == TokenKind.Range) throw tokens.Error("syntax error: unexpected RANGE: a range is for range aggregations only, for example rate({app=\"a\"}[5m])");
        return new LogExpr(start, matchers, stages);
    }

    public List<Matcher> Selector()
    {
        tokens.Take(TokenKind.OpenBrace, "{");
        var matchers = new List<Matcher>();
        while (tokens.Current.Kind != TokenKind.CloseBrace)
        {
            if (matchers.Count > 0)
            {
                tokens.Take(TokenKind.Comma, "} or ,");
                if (tokens.Current.Kind == TokenKind.CloseBrace) break;
            }
            matchers.Add(MatcherAfter(tokens.Take(TokenKind.Identifier, "IDENTIFIER or }")));
        }
        tokens.Move();
        return matchers;
    }

    /// <summary>The argument of a range aggregation: the range may stand after the selector, the stages, or a parenthesis.</summary>
    public RangeExpr Range()
    {
        var range = RangePart();
        if (range.RangeNs == 0) throw tokens.Unexpected("RANGE, as in [5m]");
        return range;
    }

    private RangeExpr RangePart()
    {
        if (tokens.TryTake(TokenKind.OpenParen))
        {
            tokens.Enter();
            var inner = RangePart();
            tokens.Leave();
            tokens.Take(TokenKind.CloseParen, ")");
            return inner.RangeNs == 0 && tokens.Current.Kind == TokenKind.Range ? WithRange(inner) : inner;
        }
        int start = tokens.Current.Start;
        var matchers = Selector();
        var stages = new List<StageSyntax>();
        var range = new RangeExpr(new LogExpr(start, matchers, stages), null, 0, 0);
        while (true)
        {
            if (tokens.Current.Kind == TokenKind.Range && range.RangeNs == 0) range = WithRange(range);
            else if (IsUnwrap() && range.Unwrap is null) range = range with { Unwrap = Unwrap() };
            else if (range.Unwrap is not null && tokens.Current.Kind == TokenKind.Pipe)
            {
                tokens.Move();
                ((List<LabelFilterSyntax>)range.Unwrap.Filters).Add(LabelFilter());
            }
            else if (range.Unwrap is null && IsStage()) stages.Add(Stage());
            else return range;
        }
    }

    private RangeExpr WithRange(RangeExpr range)
    {
        range = range with { RangeNs = (long)tokens.Take(TokenKind.Range, "RANGE").Value };
        if (!tokens.Current.IsWord("offset")) return range;
        tokens.Move();
        bool negative = tokens.TryTake(TokenKind.Minus);
        long offset = (long)tokens.Take(TokenKind.Duration, "DURATION").Value;
        return range with { OffsetNs = negative ? -offset : offset };
    }

    private bool IsUnwrap() => tokens.Current.Kind == TokenKind.Pipe && tokens.Next.IsWord("unwrap");

    private UnwrapSyntax Unwrap()
    {
        tokens.Move();
        tokens.Move();
        int nameAt = tokens.Current.Start;
        string name = tokens.Take(TokenKind.Identifier, "IDENTIFIER").Text;
        if (tokens.Current.Kind != TokenKind.OpenParen) return new UnwrapSyntax(name, "", new List<LabelFilterSyntax>());
        string conversion = name.ToLowerInvariant();
        if (!Conversions.Contains(conversion, StringComparer.Ordinal)) throw tokens.ErrorAt(nameAt, $"unknown conversion {name}; {(NearestName.Of(name, Conversions) is { } near ? $"did you mean \"{near}\"?" : "use bytes, duration or duration_seconds")}");
        tokens.Move();
        string label = tokens.Take(TokenKind.Identifier, "IDENTIFIER").Text;
        tokens.Take(TokenKind.CloseParen, ")");
        return new UnwrapSyntax(label, conversion, new List<LabelFilterSyntax>());
    }

    private bool IsStage() => tokens.Current.Kind is TokenKind.Pipe or TokenKind.PipeExact or TokenKind.PipeMatch or TokenKind.PipePattern
        or TokenKind.NotPattern or TokenKind.NotMatches
        // != may also compare two metrics; a line filter is followed by a string or ip(…).
        || (tokens.Current.Kind == TokenKind.NotEqual && (tokens.Next.Kind == TokenKind.String || tokens.Next.IsWord("ip")));

    private StageSyntax Stage()
    {
        var token = tokens.Current;
        LineFilterOp? op = token.Kind switch
        {
            TokenKind.PipeExact => LineFilterOp.Contains,
            TokenKind.NotEqual => LineFilterOp.NotContains,
            TokenKind.PipeMatch => LineFilterOp.Matches,
            TokenKind.NotMatches => LineFilterOp.NotMatches,
            TokenKind.PipePattern => LineFilterOp.Pattern,
            TokenKind.NotPattern => LineFilterOp.NotPattern,
            _ => null,
        };
        if (op is not null) return LineFilter(op.Value);
        int start = tokens.Move().Start;
        var word = tokens.Current;
        if (word.Kind == TokenKind.Identifier && StageWords.Contains(word.Text) && !IsComparison(tokens.Next.Kind)) return Named(start, word);
        return new LabelFilterStage(start, LabelFilter());
    }

    private StageSyntax Named(int start, Token word)
    {
        tokens.Move();
        switch (word.Text.ToLowerInvariant())
        {
            case "json":
                return new JsonSyntax(start, Extractions());
            case "logfmt":
                bool strict = false, keepEmpty = false;
                while (tokens.Current.Kind == TokenKind.Flag)
                {
                    if (tokens.Current.Text == "--strict") strict = true;
                    else if (tokens.Current.Text == "--keep-empty") keepEmpty = true;
                    else throw tokens.Error($"unknown flag {tokens.Current.Text}; logfmt knows --strict and --keep-empty");
                    tokens.Move();
                }
                return new LogfmtSyntax(start, strict, keepEmpty, Extractions());
            case "regexp":
                return Regexp(start, tokens.Take(TokenKind.String, "STRING"));
            case "pattern":
                var pattern = tokens.Take(TokenKind.String, "STRING");
                var parts = PatternText.Parse(pattern.Text);
                if (PatternText.CheckParser(parts) is { } wrong) throw tokens.ErrorAt(pattern.Start, $"invalid pattern: {wrong}");
                return new PatternSyntax(start, pattern.Text);
            case "unpack":
                return new UnpackSyntax(start);
            case "line_format":
                return new LineFormatSyntax(start, tokens.Take(TokenKind.String, "STRING").Text);
            case "label_format":
                return LabelFormat(start);
            case "decolorize":
                return new DecolorizeSyntax(start);
            case "unwrap":
                throw tokens.Unexpected();
            default:
                return new DropKeepSyntax(start, word.IsWord("keep"), Choices());
        }
    }

    private LineFilterSyntax LineFilter(LineFilterOp op)
    {
        int start = tokens.Move().Start;
        var terms = new List<LineFilterTerm>();
        do
        {
            if (terms.Count > 0) tokens.Move();
            if (tokens.Current.IsWord("ip"))
            {
                tokens.Move();
                tokens.Take(TokenKind.OpenParen, "(");
                terms.Add(new LineFilterTerm(true, tokens.Take(TokenKind.String, "STRING").Text));
                tokens.Take(TokenKind.CloseParen, ")");
            }
            else
            {
                var text = tokens.Take(TokenKind.String, "STRING or ip");
                if (op is LineFilterOp.Pattern or LineFilterOp.NotPattern && PatternText.CheckFilter(PatternText.Parse(text.Text)) is { } wrong)
                    throw tokens.ErrorAt(text.Start, $"invalid pattern: {wrong}");
                terms.Add(new LineFilterTerm(false, text.Text));
            }
        }
        while (tokens.Current.IsWord("or") && (tokens.Next.Kind == TokenKind.String || tokens.Next.IsWord("ip")));
        return new LineFilterSyntax(start, op, terms);
    }

    private RegexpSyntax Regexp(int start, Token text)
    {
        if (!LinearRegex.TryCreate(text.Text, anchored: false, dotMatchesNewline: false, out var regex, out string? error))
            throw tokens.ErrorAt(text.Start, $"invalid regexp parser: {error}");
        var names = regex.GroupNames.OfType<string>().Where(n => n.Length > 0).ToList();
        if (names.Count == 0) throw tokens.ErrorAt(text.Start, "invalid regexp parser: at least one named capture must be supplied");
        foreach (string name in names)
        {
            if (!LabelNames.IsLegacy(name)) throw tokens.ErrorAt(text.Start, $"invalid regexp parser: invalid extracted label name '{name}'");
        }
        if (names.Distinct(StringComparer.Ordinal).Count() < names.Count) throw tokens.ErrorAt(text.Start, "invalid regexp parser: duplicate extracted label name");
        return new RegexpSyntax(start, text.Text, regex);
    }

    private List<Extraction> Extractions()
    {
        var list = new List<Extraction>();
        if (tokens.Current.Kind != TokenKind.Identifier) return list;
        while (true)
        {
            string label = tokens.Take(TokenKind.Identifier, "IDENTIFIER").Text;
            list.Add(tokens.TryTake(TokenKind.Equal)
                ? new Extraction(label, tokens.Take(TokenKind.String, "STRING").Text, false)
                : new Extraction(label, label, true));
            if (!tokens.TryTake(TokenKind.Comma)) return list;
        }
    }

    private LabelFormatSyntax LabelFormat(int start)
    {
        var assignments = new List<LabelAssignment>();
        do
        {
            var name = tokens.Take(TokenKind.Identifier, "IDENTIFIER");
            tokens.Take(TokenKind.Equal, "=");
            if (tokens.Current.Kind is not (TokenKind.Identifier or TokenKind.String)) throw tokens.Unexpected("IDENTIFIER or STRING");
            bool rename = tokens.Current.Kind == TokenKind.Identifier;
            if (name.Text == "__error__") throw tokens.ErrorAt(name.Start, "__error__ cannot be formatted");
            if (assignments.Any(a => a.Name == name.Text)) throw tokens.ErrorAt(name.Start, $"multiple label name '{name.Text}' not allowed in a single format operation");
            assignments.Add(new LabelAssignment(name.Text, tokens.Move().Text, rename));
        }
        while (tokens.TryTake(TokenKind.Comma));
        return new LabelFormatSyntax(start, assignments);
    }

    private List<LabelChoice> Choices()
    {
        var choices = new List<LabelChoice>();
        do
        {
            var name = tokens.Take(TokenKind.Identifier, "IDENTIFIER");
            bool matched = tokens.Current.Kind is TokenKind.Equal or TokenKind.NotEqual or TokenKind.Matches or TokenKind.NotMatches;
            choices.Add(new LabelChoice(name.Text, matched ? MatcherAfter(name) : null));
        }
        while (tokens.TryTake(TokenKind.Comma));
        return choices;
    }

    private Matcher MatcherAfter(Token name)
    {
        MatchOp? op = tokens.Current.Kind switch
        {
            TokenKind.Equal => MatchOp.Equal,
            TokenKind.NotEqual => MatchOp.NotEqual,
            TokenKind.Matches => MatchOp.Regex,
            TokenKind.NotMatches => MatchOp.NotRegex,
            _ => null,
        };
        if (op is null) throw tokens.Unexpected("=, !=, =~ or !~");
        tokens.Move();
        var value = tokens.Take(TokenKind.String, "STRING");
        return NewMatcher(op.Value, name.Text, value);
    }

    private Matcher NewMatcher(MatchOp op, string name, Token value)
    {
        try
        {
            return new Matcher(op, name, value.Text);
        }
        catch (FormatException e)
        {
            throw tokens.ErrorAt(value.Start, e.Message);
        }
    }

    // label filter := or-chain of and-chains; "and", a comma and mere juxtaposition all mean and.
    private LabelFilterSyntax LabelFilter()
    {
        var left = AndFilter();
        while (tokens.Current.IsWord("or"))
        {
            tokens.CountOperator();
            int at = tokens.Move().Start;
            left = new LogicFilter(at, false, left, AndFilter());
        }
        return left;
    }

    private LabelFilterSyntax AndFilter()
    {
        var left = OneFilter();
        while (true)
        {
            int at = tokens.Current.Start;
            if (tokens.Current.IsWord("and") || tokens.Current.Kind == TokenKind.Comma) tokens.Move();
            else if (!StartsFilter()) return left;
            tokens.CountOperator();
            left = new LogicFilter(at, true, left, OneFilter());
        }
    }

    private bool StartsFilter() => tokens.Current.Kind == TokenKind.OpenParen
        || (tokens.Current.Kind == TokenKind.Identifier && IsComparison(tokens.Next.Kind) && !tokens.Current.IsWord("or"));

    private LabelFilterSyntax OneFilter()
    {
        if (tokens.TryTake(TokenKind.OpenParen))
        {
            tokens.Enter();
            var inner = LabelFilter();
            tokens.Leave();
            tokens.Take(TokenKind.CloseParen, ")");
            return inner;
        }
        var name = tokens.Take(TokenKind.Identifier, "a stage or a label filter");
        if (name.IsWord("or") || name.IsWord("and")) throw tokens.ErrorAt(name.Start, $"syntax error: unexpected {name.Text}");
        var op = tokens.Current;
        if (!IsComparison(op.Kind))
        {
            if (NearestName.Of(name.Text, StageWords) is { } near) throw tokens.ErrorAt(name.Start, $"syntax error: unexpected IDENTIFIER {name.Text}; did you mean \"{near}\"?");
            throw tokens.Unexpected("a comparison");
        }
        tokens.Move();
        var value = tokens.Current;
        if (value.IsWord("ip") && tokens.Next.Kind == TokenKind.OpenParen)
        {
            if (op.Kind is not (TokenKind.Equal or TokenKind.NotEqual)) throw tokens.Unexpected();
            tokens.Move();
            tokens.Move();
            string pattern = tokens.Take(TokenKind.String, "STRING").Text;
            tokens.Take(TokenKind.CloseParen, ")");
            return new IpFilter(name.Start, name.Text, op.Kind == TokenKind.NotEqual, pattern);
        }
        if (value.Kind == TokenKind.String)
        {
            MatchOp? match = op.Kind switch
            {
                TokenKind.Equal => MatchOp.Equal,
                TokenKind.NotEqual => MatchOp.NotEqual,
                TokenKind.Matches => MatchOp.Regex,
                TokenKind.NotMatches => MatchOp.NotRegex,
                _ => null,
            };
            if (match is null) throw tokens.Unexpected("NUMBER, DURATION or BYTES");
            tokens.Move();
            return new StringFilter(name.Start, NewMatcher(match.Value, name.Text, value));
        }
        if (op.Kind is TokenKind.Matches or TokenKind.NotMatches) throw tokens.Unexpected("STRING");
        bool negative = tokens.TryTake(TokenKind.Minus);
        if (!negative) tokens.TryTake(TokenKind.Plus);
        value = tokens.Current;
        QuantityKind? kind = value.Kind switch
        {
            TokenKind.Number => QuantityKind.Number,
            TokenKind.Duration => QuantityKind.Duration,
            TokenKind.Bytes => QuantityKind.Bytes,
            _ => null,
        };
        if (kind is null) throw tokens.Unexpected("STRING, NUMBER, DURATION, BYTES or ip");
        tokens.Move();
        string sign = negative ? "-" : "";
        return new QuantityFilter(name.Start, name.Text, op.Kind == TokenKind.Equal ? "==" : op.Text, kind.Value, negative ? -value.Value : value.Value, sign + value.Text);
    }

    private static bool IsComparison(TokenKind kind) => kind is TokenKind.Equal or TokenKind.DoubleEqual or TokenKind.NotEqual or TokenKind.Matches
        or TokenKind.NotMatches or TokenKind.Greater or TokenKind.GreaterEqual or TokenKind.Less or TokenKind.LessEqual;
}
