using Pharos.LogQL.Syntax;

namespace Pharos.LogQL.Serving;

/// <summary>What stands inside a query.</summary>
internal static class ExprWalk
{
    /// <summary>Selectors with their stages, from left to right.</summary>
    public static IEnumerable<LogExpr> Selectors(Expr expr) => expr is LogExpr log ? [log] : Ranges(expr).Select(r => r.Log);

    /// <summary>Log expressions with a range, from left to right.</summary>
    public static IEnumerable<RangeExpr> Ranges(Expr expr) => expr switch
    {
        RangeAggregation range => [range.Range],
        VectorAggregation vector => Ranges(vector.Inner),
        LabelReplaceExpr replace => Ranges(replace.Inner),
        BinaryExpr binary => Ranges(binary.Left).Concat(Ranges(binary.Right)),
        _ => [],
    };

    /// <summary>Whether the same query over the same lines gives another answer at another time.</summary>
    public static bool DependsOnNow(LogExpr log) => log.Stages.Any(stage => stage switch
    {
        LineFormatSyntax line => MayCallNow(line.Template),
        LabelFormatSyntax label => label.Assignments.Any(a => !a.Rename && MayCallNow(a.Value)),
        _ => false,
    });

    private static bool MayCallNow(string template) => template.Contains("now", StringComparison.Ordinal);
}
