using Pharos.Core;
using Pharos.PromQL.Syntax;

namespace Pharos.PromQL.Execution;

/// <summary>Binary operators on single values.</summary>
internal static class BinaryMath
{
    /// <summary>Arithmetic, or 1 and 0 for a comparison.</summary>
    public static double Scalars(BinaryOp op, double left, double right) =>
        BinaryExpr.IsComparison(op) ? (Compare(op, left, right) ? 1 : 0) : Arithmetic(op, left, right);

    public static double Arithmetic(BinaryOp op, double left, double right) => op switch
    {
        BinaryOp.Add => left + right,
        BinaryOp.Sub => left - right,
        BinaryOp.Mul => left * right,
        BinaryOp.Div => left / right,
        BinaryOp.Mod => left % right,
        BinaryOp.Pow => Math.Pow(left, right),
        _ => Math.Atan2(left, right),
    };

    public static bool Compare(BinaryOp op, double left, double right) => op switch
    {
        BinaryOp.Equal => left == right,
        BinaryOp.NotEqual => left != right,
        BinaryOp.Less => left < right,
        BinaryOp.LessOrEqual => left <= right,
        BinaryOp.Greater => left > right,
        _ => left >= right,
    };

    /// <summary>True where the operation makes a new value, so that the name no longer fits.</summary>
    public static bool DropsName(BinaryOp op) =>
        op is BinaryOp.Add or BinaryOp.Sub or BinaryOp.Mul or BinaryOp.Div or BinaryOp.Mod or BinaryOp.Pow or BinaryOp.Atan2;
}

/// <summary>One side's sample of an element-wise operation.</summary>
internal readonly record struct Element(double Value, Histogram? Histogram);

/// <summary>What became of an element.</summary>
internal enum Outcome
{
    /// <summary>The types do not go together: no result, whatever the modifiers.</summary>
    None,

    /// <summary>A comparison does not hold.</summary>
    Filtered,
    Kept,
}

/// <summary>Element-wise operations between floats and histograms.</summary>
internal sealed class ElementMath(Evaluation run, BinaryExpr expr, Grid grid)
{
    private readonly BinaryOp op = expr.Op;

    /// <summary>The step of the grid whose elements come next.</summary>
    public int Step { get; set; }

    public Outcome Apply(in Element left, in Element right, out Element result)
    {
        if (left.Histogram is null && right.Histogram is null)
        {
            if (BinaryExpr.IsComparison(op))
            {
                result = left;
                return BinaryMath.Compare(op, left.Value, right.Value) ? Outcome.Kept : Outcome.Filtered;
            }
            if (BinaryMath.DropsName(op))
            {
                result = new Element(BinaryMath.Arithmetic(op, left.Value, right.Value), null);
                return Outcome.Kept;
            }
            return Incompatible("float", "float", out result);
        }
        if (left.Histogram is null)
        {
            if (op != BinaryOp.Mul) return Incompatible("float", "histogram", out result);
            result = new Element(0, HistogramMath.Scale(right.Histogram!, left.Value));
            return Outcome.Kept;
        }
        if (right.Histogram is null)
        {
            switch (op)
            {
                case BinaryOp.Mul:
                    result = new Element(0, HistogramMath.Scale(left.Histogram, right.Value));
                    return Outcome.Kept;
                case BinaryOp.Div:
                    result = new Element(0, HistogramMath.Divide(left.Histogram, right.Value));
                    return Outcome.Kept;
                case BinaryOp.TrimUpper or BinaryOp.TrimLower:
                    result = new Element(0, HistogramTrim.Trim(left.Histogram, right.Value, upper: op == BinaryOp.TrimUpper));
                    return Outcome.Kept;
                default:
                    return Incompatible("histogram", "float", out result);
            }
        }
        switch (op)
        {
            case BinaryOp.Equal or BinaryOp.NotEqual:
                result = left;
                return HistogramMath.SameValue(left.Histogram, right.Histogram) == (op == BinaryOp.Equal) ? Outcome.Kept : Outcome.Filtered;
            case BinaryOp.Add or BinaryOp.Sub:
                bool subtract = op == BinaryOp.Sub;
                string what = subtract ? "subtraction" : "addition";
                if (!HistogramMath.TryAdd(left.Histogram, right.Histogram, subtract, out var sum, out bool conflict, out bool reconciled))
                {
                    run.Annotations.Warn(expr, "vector contains a mix of histograms with exponential and custom buckets schemas", run.StepOf(grid, Step));
                    result = default;
                    return Outcome.None;
                }
                if (conflict) run.Annotations.Warn(expr, $"conflicting counter resets during histogram {what}", run.StepOf(grid, Step));
                if (reconciled) run.Annotations.Info(expr, $"mismatched custom buckets were reconciled during {what}", run.StepOf(grid, Step));
                result = new Element(0, sum);
                return Outcome.Kept;
            default:
                return Incompatible("histogram", "histogram", out result);
        }
    }

    private Outcome Incompatible(string left, string right, out Element result)
    {
        run.Annotations.Info(expr, $"incompatible sample types encountered for binary operator \"{BinaryExpr.Symbol(op)}\": {left} {BinaryExpr.Symbol(op)} {right}", run.StepOf(grid, Step));
        result = default;
        return Outcome.None;
    }
}
