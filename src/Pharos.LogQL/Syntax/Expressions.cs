using Pharos.Core;

namespace Pharos.LogQL.Syntax;

/// <summary>A node of a query. <paramref name="Start"/> is the index of its first character.</summary>
internal abstract record Expr(int Start);

/// <summary>A stream selector with its stages.</summary>
internal sealed record LogExpr(int Start, IReadOnlyList<Matcher> Matchers, IReadOnlyList<StageSyntax> Stages) : Expr(Start);

internal abstract record MetricExpr(int Start) : Expr(Start);

/// <summary><c>by (…)</c> or <c>without (…)</c>.</summary>
internal sealed record Grouping(bool Without, IReadOnlyList<string> Labels);

/// <summary>A log expression with a range; times in nanoseconds.</summary>
internal sealed record RangeExpr(LogExpr Log, UnwrapSyntax? Unwrap, long RangeNs, long OffsetNs);

/// <summary><c>| unwrap conv(label) | filters</c></summary>
internal sealed record UnwrapSyntax(string Label, string Conversion, IReadOnlyList<LabelFilterSyntax> Filters);

internal sealed record RangeAggregation(int Start, string Op, double? Parameter, RangeExpr Range, Grouping? Grouping) : MetricExpr(Start);

internal sealed record VectorAggregation(int Start, string Op, double? Parameter, MetricExpr Inner, Grouping? Grouping) : MetricExpr(Start);

internal sealed record LiteralExpr(int Start, double Value) : MetricExpr(Start);

internal sealed record VectorExpr(int Start, double Value) : MetricExpr(Start);

internal sealed record LabelReplaceExpr(
    int Start, MetricExpr Inner, string Destination, string Replacement, string Source, string Pattern, LinearRegex Regex) : MetricExpr(Start);

internal enum MatchCardinality
{
    OneToOne,
    ManyToOne,
    OneToMany,
}

/// <param name="On">True for <c>on</c>, false for <c>ignoring</c>.</param>
internal sealed record VectorMatching(bool On, IReadOnlyList<string> Labels, MatchCardinality Cardinality, IReadOnlyList<string> Include);

internal sealed record BinaryExpr(
    int Start, string Op, bool ReturnBool, VectorMatching? Matching, MetricExpr Left, MetricExpr Right) : MetricExpr(Start)
{
    public bool IsComparison => Op is "==" or "!=" or ">" or ">=" or "<" or "<=";

    public bool IsSet => Op is "and" or "or" or "unless";
}
