using System.Runtime.CompilerServices;
using Pharos.Core;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Execution;

/// <summary>
/// Runs a checked tree. Vectors stream series by series (<see cref="Column"/>), each over all steps of a grid;
/// scalars are one array over the steps.
/// </summary>
internal sealed partial class Evaluator(Evaluation run)
{
    private static readonly HashSet<string> DependsOnTime = new(StringComparer.Ordinal)
    {
        "days_in_month", "day_of_month", "day_of_week", "day_of_year", "hour", "minute", "month", "year",
        "predict_linear", "time", "timestamp", "start", "end", "step", "range",
    };

    private readonly Dictionary<Expr, bool> invariant = [];

    /// <summary>Selectors whose series may come in any order.</summary>
    private readonly HashSet<Expr> unordered = [];

    private readonly Dictionary<Expr, bool> uniqueWithoutName = [];

    /// <summary>The only labels that the reader of a binary operation's results looks at.</summary>
    private readonly Dictionary<Expr, IReadOnlyList<string>> lookedAt = [];

    /// <summary>The value of a vector expression: series with at least one sample each. The caller disposes every column.</summary>
    public IEnumerable<Column> Vector(Expr expr, Grid grid)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        return run.Trace is { } trace ? trace.Watch(expr, () => Shared(expr, grid)) : Shared(expr, grid);
    }

    private IEnumerable<Column> Shared(Expr expr, Grid grid) => run.Shared?.Columns(expr, grid, e => Evaluate(e, grid)) ?? Evaluate(expr, grid);

    private IEnumerable<Column> Evaluate(Expr expr, Grid grid) =>
        grid.Count > 1 && expr is not ParenExpr && IsInvariant(expr) ? Spread(Dispatch(expr, grid.First), grid.Count) : Dispatch(expr, grid);

    /// <summary>The value of a scalar expression at every step.</summary>
    public double[] Scalar(Expr expr, Grid grid)
    {
        var values = new double[grid.Count];
        switch (expr)
        {
            case ParenExpr paren:
                return Scalar(paren.Inner, grid);
            case NumberLiteral number:
                Array.Fill(values, number.Value);
                return values;
            case UnaryExpr unary:
                values = Scalar(unary.Operand, grid);
                if (unary.Negative)
                {
                    for (int i = 0; i < values.Length; i++) values[i] = -values[i];
                }
                return values;
            case BinaryExpr binary:
                var left = Scalar(binary.Left, grid);
                var right = Scalar(binary.Right, grid);
                for (int i = 0; i < values.Length; i++) values[i] = BinaryMath.Scalars(binary.Op, left[i], right[i]);
                return values;
            case CallExpr call:
                return ScalarCall(call, grid);
            default:
                throw run.Fail(expr, $"expression of type {TypeChecker.Name(expr.Type)} where a scalar is needed");
        }
    }

    public static string Text(Expr expr) => ((StringLiteral)expr.Unwrapped).Value;

    private IEnumerable<Column> Dispatch(Expr expr, Grid grid) => expr switch
    {
        ParenExpr paren => Vector(paren.Inner, grid),
        VectorSelector selector => Instant(selector, grid, "", timestamps: false),
        UnaryExpr unary => unary.Negative ? Negate(unary, grid) : Vector(unary.Operand, grid),
        CallExpr call => Call(call, grid),
        AggregateExpr aggregate => Aggregate(aggregate, grid),
        BinaryExpr binary => Binary(binary, grid),
        _ => throw run.Fail(expr, $"expression of type {TypeChecker.Name(expr.Type)} where an instant vector is needed"),
    };

    private double[] ScalarCall(CallExpr call, Grid grid)
    {
        var values = new double[grid.Count];
        switch (call.Function.Name)
        {
            case "time":
                for (int i = 0; i < values.Length; i++) values[i] = grid.At(i) / 1000.0;
                return values;
            case "pi":
                Array.Fill(values, Math.PI);
                return values;
            case "start":
                Array.Fill(values, run.Grid.StartMs / 1000.0);
                return values;
            case "end":
                Array.Fill(values, run.EndMs / 1000.0);
                return values;
            case "step":
                Array.Fill(values, run.StepSeconds);
                return values;
            case "range":
                Array.Fill(values, run.RangeSeconds);
                return values;
            case "min_of" or "max_of":
                var left = Scalar(call.Arguments[0], grid);
                var right = Scalar(call.Arguments[1], grid);
                bool least = call.Function.Name == "min_of";
                for (int i = 0; i < values.Length; i++) values[i] = least ? Math.Min(left[i], right[i]) : Math.Max(left[i], right[i]);
                return values;
            default:
                return ScalarOf(call.Arguments[0], grid);
        }
    }

    /// <summary>scalar(v): the only float of the vector, NaN where there is none or more than one.</summary>
    private double[] ScalarOf(Expr vector, Grid grid)
    {
        var values = new double[grid.Count];
        var found = new byte[grid.Count];
        foreach (var column in Vector(vector, grid))
        {
            using (column)
            {
                for (int i = 0; i < values.Length; i++)
                {
                    if (!column.Has(i) || column.HistogramAt(i) is not null) continue;
                    values[i] = column.Values[i];
                    if (found[i] < 2) found[i]++;
                }
            }
        }
        for (int i = 0; i < values.Length; i++)
        {
            if (found[i] != 1) values[i] = double.NaN;
        }
        return values;
    }

    private IEnumerable<Column> Spread(IEnumerable<Column> single, int count)
    {
        foreach (var one in single)
        {
            using (one)
            {
                var wide = new Column(one.Labels, one.DropName, count, run.Memory);
                wide.Values.Fill(one.Values[0]);
                if (one.HistogramAt(0) is { } histogram)
                {
                    wide.Histograms = new Histogram?[count];
                    Array.Fill(wide.Histograms, histogram);
                }
                yield return wide;
            }
        }
    }

    private IEnumerable<Column> Negate(UnaryExpr unary, Grid grid)
    {
        return DropNames(Negated(), unary.Operand, grid);

        IEnumerable<Column> Negated()
        {
            foreach (var column in Vector(unary.Operand, grid))
            {
                var values = column.Values;
                for (int i = 0; i < values.Length; i++)
                {
                    if (!Column.IsPresent(values[i])) continue;
                    if (column.HistogramAt(i) is { } histogram) column.Histograms![i] = HistogramMath.Scale(histogram, -1);
                    else values[i] = -values[i];
                }
                yield return column;
            }
        }
    }

    /// <summary>Takes the name off, now or (delayed) at the end; series that become equal are merged, at one step they are an error.</summary>
    private IEnumerable<Column> DropNames(IEnumerable<Column> columns, Expr source, Grid grid)
    {
        if (run.Options.DelayedNameRemoval) return MarkNames(columns);
        var dropped = RemoveNames(columns);
        return UniqueWithoutName(source) ? dropped : Merge(dropped, grid);
    }

    private static IEnumerable<Column> MarkNames(IEnumerable<Column> columns)
    {
        foreach (var column in columns)
        {
            column.DropName = true;
            yield return column;
        }
    }

    private static IEnumerable<Column> RemoveNames(IEnumerable<Column> columns)
    {
        foreach (var column in columns)
        {
            column.Labels = LabelEditing.WithoutName(column.Labels);
            yield return column;
        }
    }

    /// <summary>Joins series with equal labels. Two samples at one step are an error.</summary>
    internal static IEnumerable<Column> Merge(IEnumerable<Column> columns, Grid grid)
    {
        var byLabels = new Dictionary<Labels, Column>(LabelsComparer.Instance);
        var order = new List<Column>();
        foreach (var column in columns)
        {
            if (byLabels.TryAdd(column.Labels, column))
            {
                order.Add(column);
                continue;
            }
            using (column)
            {
                var into = byLabels[column.Labels];
                into.DropName |= column.DropName;
                for (int i = 0; i < grid.Count; i++)
                {
                    if (!column.Has(i)) continue;
                    if (into.Has(i)) throw SameLabels();
                    if (column.HistogramAt(i) is { } histogram) into.Set(i, histogram);
                    else into.Values[i] = column.Values[i];
                }
            }
        }
        return order;
    }

    internal static QueryException SameLabels() =>
        new(QueryErrorKind.Execution, "vector cannot contain metrics with the same labelset");

    /// <summary>True where no two series of a value differ in their name alone.</summary>
    private bool UniqueWithoutName(Expr expr)
    {
        if (uniqueWithoutName.TryGetValue(expr, out bool known)) return known;
        bool unique = expr switch
        {
            VectorSelector selector => selector.Matchers.Any(m => m is { Op: MatchOp.Equal, Name: Labels.MetricName }),
            MatrixSelector matrix => UniqueWithoutName(matrix.Selector),
            SubqueryExpr subquery => UniqueWithoutName(subquery.Inner),
            ParenExpr paren => UniqueWithoutName(paren.Inner),
            UnaryExpr unary => unary.Negative || UniqueWithoutName(unary.Operand),
            AggregateExpr aggregate => aggregate.Op is AggregateOp.TopK or AggregateOp.BottomK or AggregateOp.LimitK or AggregateOp.LimitRatio
                ? UniqueWithoutName(aggregate.Operand)
                : aggregate.Without || !aggregate.Grouping.Contains(Labels.MetricName),
            CallExpr { Function.Name: "last_over_time" or "first_over_time" or "sort" or "sort_desc" or "sort_by_label" or "sort_by_label_desc" } call =>
                UniqueWithoutName(call.Arguments[0]),
            CallExpr { Function.Name: "label_replace" or "label_join" or "info" } => false,
            CallExpr => true,
            BinaryExpr binary => !BinaryExpr.IsSet(binary.Op) && (!BinaryExpr.IsComparison(binary.Op) || binary.ReturnBool) && binary.Op is not (BinaryOp.TrimLower or BinaryOp.TrimUpper),
            _ => false,
        };
        uniqueWithoutName[expr] = unique;
        return unique;
    }

    /// <summary>True where the value is the same at every step, because every selector in it is pinned with <c>@</c>.</summary>
    private bool IsInvariant(Expr expr)
    {
        if (invariant.TryGetValue(expr, out bool known)) return known;
        bool same = expr switch
        {
            NumberLiteral or StringLiteral => true,
            VectorSelector selector => selector.At != AtKind.None,
            MatrixSelector matrix => matrix.Selector.At != AtKind.None,
            SubqueryExpr subquery => subquery.At != AtKind.None,
            CallExpr call => !DependsOnTime.Contains(call.Function.Name) && call.Arguments.All(IsInvariant),
            _ => expr.Children.All(IsInvariant),
        };
        invariant[expr] = same;
        return same;
    }
}
