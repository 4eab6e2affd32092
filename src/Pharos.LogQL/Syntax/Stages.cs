using Pharos.Core;

namespace Pharos.LogQL.Syntax;

/// <summary>A stage as it is written.</summary>
internal abstract record StageSyntax(int Start);

internal enum LineFilterOp
{
    Contains,
    NotContains,
    Matches,
    NotMatches,
    Pattern,
    NotPattern,
}

/// <summary>One alternative of a line filter.</summary>
internal readonly record struct LineFilterTerm(bool IsIp, string Text);

/// <summary>A line filter: it passes where any alternative is there, or, negated, where none is.</summary>
internal sealed record LineFilterSyntax(int Start, LineFilterOp Op, IReadOnlyList<LineFilterTerm> Terms) : StageSyntax(Start);

/// <summary>A label to extract and where from; <c>foo</c> alone stands for <c>foo="foo"</c>.</summary>
internal readonly record struct Extraction(string Label, string Expression, bool Short);

internal sealed record JsonSyntax(int Start, IReadOnlyList<Extraction> Extractions) : StageSyntax(Start);

internal sealed record LogfmtSyntax(int Start, bool Strict, bool KeepEmpty, IReadOnlyList<Extraction> Extractions) : StageSyntax(Start);

internal sealed record RegexpSyntax(int Start, string Pattern, LinearRegex Regex) : StageSyntax(Start);

internal sealed record PatternSyntax(int Start, string Text) : StageSyntax(Start);

internal sealed record UnpackSyntax(int Start) : StageSyntax(Start);

internal sealed record LabelFilterStage(int Start, LabelFilterSyntax Filter) : StageSyntax(Start);

internal sealed record LineFormatSyntax(int Start, string Template) : StageSyntax(Start);

/// <param name="Rename">True: <paramref name="Value"/> is the label that is renamed; false: a template.</param>
internal readonly record struct LabelAssignment(string Name, string Value, bool Rename);

internal sealed record LabelFormatSyntax(int Start, IReadOnlyList<LabelAssignment> Assignments) : StageSyntax(Start);

internal sealed record DecolorizeSyntax(int Start) : StageSyntax(Start);

/// <summary>A label, or a matcher that must hold for the label to be meant.</summary>
internal readonly record struct LabelChoice(string Name, Matcher? Matcher);

/// <summary><c>drop</c> or <c>keep</c>.</summary>
internal sealed record DropKeepSyntax(int Start, bool Keep, IReadOnlyList<LabelChoice> Labels) : StageSyntax(Start);

internal abstract record LabelFilterSyntax(int Start);

internal sealed record StringFilter(int Start, Matcher Matcher) : LabelFilterSyntax(Start);

internal sealed record IpFilter(int Start, string Label, bool Negated, string Pattern) : LabelFilterSyntax(Start);

internal enum QuantityKind
{
    Number,
    Duration,
    Bytes,
}

/// <summary>A comparison with a number, a duration (nanoseconds) or a size (bytes).</summary>
internal sealed record QuantityFilter(int Start, string Label, string Op, QuantityKind Kind, double Value, string Text) : LabelFilterSyntax(Start);

internal sealed record LogicFilter(int Start, bool And, LabelFilterSyntax Left, LabelFilterSyntax Right) : LabelFilterSyntax(Start);
