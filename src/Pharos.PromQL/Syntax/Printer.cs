using System.Globalization;
using System.Text;
using Pharos.Core;

namespace Pharos.PromQL.Syntax;

/// <summary>Prints a tree in one line or, split where a line would be too long, in Prometheus's standard layout.</summary>
internal static class Printer
{
    private const int LineLengthMax = 100;

    public static string Print(Expr expr) => expr switch
    {
        NumberLiteral { IsDuration: true } duration => duration.Value < 0
            ? "-" + PromDuration.FormatMs((long)Math.Round(-duration.Value * 1000))
            : PromDuration.FormatMs((long)Math.Round(duration.Value * 1000)),
        NumberLiteral number => NumberText.FormatG(number.Value),
        StringLiteral text => text.InvalidUtf8 ?? GoString.Quote(text.Value),
        ParenExpr paren => $"({Print(paren.Inner)})",
        UnaryExpr unary => (unary.Negative ? "-" : "+") + Print(unary.Operand),
        VectorSelector selector => SelectorText(selector) + TimeSuffix(selector) + Borders(selector),
        MatrixSelector matrix => $"{SelectorText(matrix.Selector)}[{Bracketed(matrix.Range)}]{TimeSuffix(matrix.Selector)}{Borders(matrix.Selector)}",
        SubqueryExpr subquery => Print(subquery.Inner) + SubquerySuffix(subquery),
        CallExpr call => $"{call.Function.Name}({string.Join(", ", call.Arguments.Select(Print))})",
        AggregateExpr aggregate => $"{AggregateHead(aggregate)}({(aggregate.Parameter is null ? "" : Print(aggregate.Parameter) + ", ")}{Print(aggregate.Operand)})",
        BinaryExpr binary => $"{Print(binary.Left)} {BinaryExpr.Symbol(binary.Op)}{BinaryModifiers(binary)} {Print(binary.Right)}",
        _ => throw new InvalidOperationException(expr.GetType().Name),
    };

    public static string Pretty(Expr expr) => Pretty(expr, 0);

    /// <summary>Text of the matching modifiers with a space before each.</summary>
    public static string BinaryModifiers(BinaryExpr binary)
    {
        var text = new StringBuilder(binary.ReturnBool ? " bool" : "");
        if (binary.Matching is not { } matching) return text.ToString();
        if (matching.Labels.Count > 0 || matching.On) text.Append(matching.On ? " on (" : " ignoring (").Append(LabelList(matching.Labels)).Append(')');
        if (matching.Cardinality is MatchCardinality.ManyToOne or MatchCardinality.OneToMany)
        {
            text.Append(matching.Cardinality == MatchCardinality.ManyToOne ? " group_left (" : " group_right (").Append(LabelList(matching.Include)).Append(')');
        }
        if (matching.FillLeft is { } left && matching.FillRight is { } right && left.Equals(right)) text.Append($" fill ({NumberText.FormatG(left)})");
        else
        {
            if (matching.FillLeft is { } onlyLeft) text.Append($" fill_left ({NumberText.FormatG(onlyLeft)})");
            if (matching.FillRight is { } onlyRight) text.Append($" fill_right ({NumberText.FormatG(onlyRight)})");
        }
        return text.ToString();
    }

    private static string Pretty(Expr expr, int level)
    {
        string indent = new(' ', level * 2);
        if (expr is UnaryExpr unary) return $"{indent}{(unary.Negative ? "-" : "+")}{Pretty(unary.Operand, level).Trim()}";
        string line = Print(expr);
        if (line.Length <= LineLengthMax || expr is VectorSelector or MatrixSelector or NumberLiteral or StringLiteral) return indent + line;
        return expr switch
        {
            ParenExpr paren => $"{indent}(\n{Pretty(paren.Inner, level + 1)}\n{indent})",
            SubqueryExpr subquery => Pretty(subquery.Inner, level) + SubquerySuffix(subquery),
            CallExpr call => $"{indent}{call.Function.Name}(\n{string.Join(",\n", call.Arguments.Select(a => Pretty(a, level + 1)))}\n{indent})",
            AggregateExpr aggregate =>
                $"{indent}{AggregateHead(aggregate)}(\n{(aggregate.Parameter is null ? "" : Pretty(aggregate.Parameter, level + 1) + ",\n")}{Pretty(aggregate.Operand, level + 1)}\n{indent})",
            BinaryExpr binary => $"{Pretty(binary.Left, level + 1)}\n{indent}{BinaryExpr.Symbol(binary.Op)}{BinaryModifiers(binary)}\n{Pretty(binary.Right, level + 1)}",
            _ => indent + line,
        };
    }

    private static string AggregateHead(AggregateExpr aggregate)
    {
        string name = Aggregates.NameOf(aggregate.Op);
        if (aggregate.Without) return $"{name} without ({LabelList(aggregate.Grouping)}) ";
        return aggregate.Grouping.Count > 0 ? $"{name} by ({LabelList(aggregate.Grouping)}) " : name;
    }

    private static string LabelList(IEnumerable<string> labels) =>
        string.Join(", ", labels.Select(l => LabelNames.IsLegacy(l) ? l : GoString.Quote(l)));

    private static string SelectorText(VectorSelector selector)
    {
        bool bare = LabelNames.IsLegacyMetric(selector.Name);
        var parts = new List<string>();
        if (selector.Name.Length > 0 && !bare) parts.Add(GoString.Quote(selector.Name));
        bool nameSeen = selector.Name.Length == 0;
        foreach (var matcher in selector.Matchers)
        {
            // The first equality on the name is the name itself.
            if (!nameSeen && matcher is { Op: MatchOp.Equal, Name: Labels.MetricName } && matcher.Value == selector.Name)
            {
                nameSeen = true;
                continue;
            }
            parts.Add(matcher.ToString());
        }
        string name = bare ? selector.Name : "";
        return parts.Count == 0 && name.Length > 0 ? name : $"{name}{{{string.Join(",", parts)}}}";
    }

    private static string Bracketed(DurationExpr duration) => duration.Op == DurationOp.Paren && duration.Left is { } inner ? inner.ToString() : duration.ToString();

    private static string SubquerySuffix(SubqueryExpr subquery) =>
        $"[{Bracketed(subquery.Range)}:{(subquery.Step is null ? "" : Bracketed(subquery.Step))}]{TimeSuffix(subquery)}";

    private static string Borders(VectorSelector selector) => selector.Borders switch
    {
        BorderMode.Anchored => " anchored",
        BorderMode.Smoothed => " smoothed",
        _ => "",
    };

    private static string TimeSuffix(TimedExpr timed)
    {
        string at = timed.At switch
        {
            AtKind.Timestamp => string.Create(CultureInfo.InvariantCulture, $" @ {timed.AtMs / 1000.0:F3}"),
            AtKind.Start => " @ start()",
            AtKind.End => " @ end()",
            _ => "",
        };
        return timed.Offset is null ? at : $"{at} offset {timed.Offset}";
    }
}
