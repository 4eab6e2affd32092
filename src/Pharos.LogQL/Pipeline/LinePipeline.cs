using System.Text;
using Pharos.Core;
using Pharos.LogQL.Pipeline.Parsers;
using Pharos.LogQL.Syntax;
using Pharos.LogQL.Templates;

namespace Pharos.LogQL.Pipeline;

/// <summary>The stages of a query, ready to run on one thread.</summary>
internal sealed class LinePipeline
{
    private readonly Stage[] stages;
    private readonly int leading;

    private LinePipeline(Stage[] stages, List<byte[]> requiredLiterals, FoldedNeedle? requiredFolded, string? requiredExpression)
    {
        this.stages = stages;
        RequiredFolded = requiredFolded;
        RequiredExpression = requiredExpression;
        RequiredLiterals = [.. requiredLiterals.Select(l => (ReadOnlyMemory<byte>)l)];
        leading = stages.TakeWhile(s => s.LineOnly).Count();
        ChangesLabels = stages.Any(s => s.ChangesLabels);
    }

    /// <summary>Byte strings that every line which passes must have held when it was stored.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> RequiredLiterals { get; }

    /// <summary>Text that every line which passes held when it was stored, whatever the case of its letters; null where none is known.</summary>
    public FoldedNeedle? RequiredFolded { get; }

    /// <summary>An expression that matched every line which passes when it was stored; null where none is known.</summary>
    public string? RequiredExpression { get; }

    /// <summary>False: a line that passes has the labels that it was stored with.</summary>
    public bool ChangesLabels { get; }

    /// <exception cref="QueryException">A stage cannot run: a template, pattern or expression is wrong.</exception>
    public static LinePipeline Build(IReadOnlyList<StageSyntax> syntax, NeededLabels needed, TimeProvider time)
    {
        var stages = new List<Stage>(syntax.Count);
        var literals = new List<byte[]>();
        FoldedNeedle? folded = null;
        string? expression = null;
        bool lineIsStored = true;
        foreach (var stage in syntax)
        {
            var built = Build(stage, needed, time);
            if (lineIsStored && stage is LineFilterSyntax filter) literals.AddRange(Required(filter));
            if (built is null) continue;
            if (lineIsStored && stage is LineFilterSyntax whole)
            {
                folded ??= whole is { Op: LineFilterOp.Matches, Terms: [{ IsIp: false } only] } ? FoldedMatcher.TryNeedle(only.Text) : null;
                expression ??= Expression(whole);
            }
            stages.Add(built);
            lineIsStored &= !built.ChangesLine;
        }
        return new LinePipeline([.. stages], literals, folded, expression);
    }

    public bool Process(ref LogLine line) => Run(ref line, 0, stages.Length);

    /// <summary>The stages at the start that look at the line alone, before its labels are set.</summary>
    public bool ProcessLine(ref LogLine line) => Run(ref line, 0, leading);

    /// <summary>All stages after those of <see cref="ProcessLine"/>.</summary>
    public bool ProcessRest(ref LogLine line) => Run(ref line, leading, stages.Length);

    private bool Run(ref LogLine line, int from, int to)
    {
        for (int i = from; i < to; i++)
        {
            if (!stages[i].Process(ref line)) return false;
        }
        return true;
    }

    private static Stage? Build(StageSyntax syntax, NeededLabels needed, TimeProvider time) => syntax switch
    {
        LineFilterSyntax filter => LineFilter(filter),
        JsonSyntax { Extractions.Count: 0 } => new JsonStage(needed),
        JsonSyntax json => new JsonExpressionStage(json.Extractions, needed),
        LogfmtSyntax logfmt => new LogfmtStage(logfmt, needed),
        RegexpSyntax regexp => new RegexpStage(regexp.Regex, needed),
        PatternSyntax pattern => new PatternStage(pattern.Text, needed),
        UnpackSyntax => new UnpackStage(),
        LabelFilterStage filter => new LabelPredicateStage(LabelPredicate.From(filter.Filter)),
        LineFormatSyntax format => new LineFormatStage(new LogTemplate(format.Template, time)),
        LabelFormatSyntax format => new LabelFormatStage(format, time),
        DecolorizeSyntax => new DecolorizeStage(),
        DropKeepSyntax { Keep: true } keep => new KeepStage(keep.Labels),
        DropKeepSyntax drop => new DropStage(drop.Labels),
        _ => throw new ArgumentException($"stage {syntax.GetType().Name} is unknown", nameof(syntax)),
    };

    private static LineFilterStage? LineFilter(LineFilterSyntax filter)
    {
        bool negated = filter.Op is LineFilterOp.NotContains or LineFilterOp.NotMatches or LineFilterOp.NotPattern;
        // A positive filter that every line passes is no work at all.
        if (!negated && filter.Op is LineFilterOp.Contains or LineFilterOp.Matches && filter.Terms.Any(t => !t.IsIp && t.Text is "" or ".*" && (t.Text.Length == 0 || filter.Op == LineFilterOp.Matches))) return null;
        var matchers = filter.Terms.Select(t => Matcher(filter.Op, t)).ToArray();
        return new LineFilterStage(matchers.Length == 1 ? matchers[0] : new AnyMatcher(matchers), negated);
    }

    private static LineMatcher Matcher(LineFilterOp op, LineFilterTerm term)
    {
        if (term.IsIp)
        {
            if (op is not (LineFilterOp.Contains or LineFilterOp.NotContains))
                throw new QueryException(QueryErrorKind.BadData, "ip: invalid operation: ip() goes with |= and != only");
            return new IpLineMatcher(IpPattern.Parse(term.Text));
        }
        switch (op)
        {
            case LineFilterOp.Contains or LineFilterOp.NotContains:
                return new ContainsMatcher(Encoding.UTF8.GetBytes(term.Text));
            case LineFilterOp.Pattern or LineFilterOp.NotPattern:
                return new PatternLineMatcher(term.Text);
        }
        if (!LinearRegex.TryCreate(term.Text, anchored: false, dotMatchesNewline: false, out var regex, out string? error))
            throw new QueryException(QueryErrorKind.BadData, error);
        if (LinearRegex.TryLiteralAlternatives(term.Text, out var literals))
        {
            var contains = literals.Select(l => (LineMatcher)new ContainsMatcher(Encoding.UTF8.GetBytes(l))).ToArray();
            return contains.Length == 1 ? contains[0] : new AnyMatcher(contains);
        }
        if (FoldedMatcher.For(term.Text, regex) is { } folded) return folded;
        return new RegexLineMatcher(regex, LineAutomaton.For(term.Text), [.. RegexLiterals.Required(term.Text).Select(Encoding.UTF8.GetBytes)]);
    }

    /// <summary>Null where the filter is no expression, says no more than its literal, or needs care with text beyond ASCII.</summary>
    private static string? Expression(LineFilterSyntax filter)
    {
        if (filter.Terms.Any(t => t.IsIp || !Ascii.IsValid(t.Text))) return null;
        return filter.Op switch
        {
            LineFilterOp.Contains when filter.Terms.Count > 1 => string.Join('|', filter.Terms.Select(t => LinearRegex.Escape(t.Text))),
            LineFilterOp.Matches => string.Join('|', filter.Terms.Select(t => $"(?:{t.Text})")),
            _ => null,
        };
    }

    private static IEnumerable<byte[]> Required(LineFilterSyntax filter)
    {
        if (filter.Terms.Count != 1 || filter.Terms[0].IsIp) return [];
        string text = filter.Terms[0].Text;
        return filter.Op switch
        {
            LineFilterOp.Contains when text.Length > 0 => [Encoding.UTF8.GetBytes(text)],
            LineFilterOp.Matches => RegexLiterals.Required(text).Select(Encoding.UTF8.GetBytes),
            LineFilterOp.Pattern => PatternText.Parse(text).Where(p => !p.IsCapture).Select(p => Encoding.UTF8.GetBytes(p.Text)),
            _ => [],
        };
    }
}
