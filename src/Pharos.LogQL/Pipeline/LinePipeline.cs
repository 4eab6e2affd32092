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

    private LinePipeline(Stage[] stages, StoredLines storedLines)
    {
        this.stages = stages;
        StoredLines = storedLines;
        leading = stages.TakeWhile(s => s.LineOnly).Count();
        ChangesLabels = stages.Any(s => s.ChangesLabels);
    }

    /// <summary>What is known of lines which pass, as they were stored.</summary>
    public StoredLines StoredLines { get; }

    /// <summary>False: a line that passes has the labels that it was stored with.</summary>
    public bool ChangesLabels { get; }

    /// <exception cref="QueryException">A stage cannot run: a template, pattern or expression is wrong.</exception>
    public static LinePipeline Build(IReadOnlyList<StageSyntax> syntax, NeededLabels needed, TimeProvider time)
    {
        var stages = new List<Stage>(syntax.Count);
        var stored = new StoredLines();
        bool lineIsStored = true;
        foreach (var stage in syntax)
        {
            bool told = lineIsStored && stage is LineFilterSyntax filter && stored.Add(filter);
            if (Build(stage, needed, time, told) is not { } built) continue;
            stages.Add(built);
            lineIsStored &= !built.ChangesLine;
        }
        return new LinePipeline([.. stages], stored);
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

    private static Stage? Build(StageSyntax syntax, NeededLabels needed, TimeProvider time, bool told) => syntax switch
    {
        LineFilterSyntax filter => LineFilter(filter, told),
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

    private static LineFilterStage? LineFilter(LineFilterSyntax filter, bool told)
    {
        bool negated = filter.Op is LineFilterOp.NotContains or LineFilterOp.NotMatches or LineFilterOp.NotPattern;
        // A positive filter that every line passes is no work at all.
        if (!negated && filter.Op is LineFilterOp.Contains or LineFilterOp.Matches && filter.Terms.Any(t => !t.IsIp && t.Text is "" or ".*" && (t.Text.Length == 0 || filter.Op == LineFilterOp.Matches))) return null;
        var matchers = filter.Terms.Select(t => Matcher(filter.Op, t)).ToArray();
        return new LineFilterStage(matchers.Length == 1 ? matchers[0] : new AnyMatcher(matchers), negated, told);
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
        if (LinearRegex.TryLiteralAlternatives(term.Text, out var literals))
        {
            var contains = literals.Select(l => (LineMatcher)new ContainsMatcher(Encoding.UTF8.GetBytes(l))).ToArray();
            return contains.Length == 1 ? contains[0] : new AnyMatcher(contains);
        }
        LineAutomaton? automaton;
        try
        {
            automaton = LineAutomaton.For(term.Text);
        }
        catch (FormatException e)
        {
            throw new QueryException(QueryErrorKind.BadData, e.Message, inner: e);
        }
        var needle = FoldedMatcher.TryNeedle(term.Text);
        if (needle is not null && automaton is not null) return new FoldedMatcher(needle, automaton);
        LinearRegex? regex = null;
        if (automaton is null && !LinearRegex.TryCreate(term.Text, anchored: false, dotMatchesNewline: false, out regex, out string? error))
            throw new QueryException(QueryErrorKind.BadData, error);
        return new RegexLineMatcher(regex, automaton, [.. RegexLiterals.Required(term.Text).Select(Encoding.UTF8.GetBytes)]);
    }
}
