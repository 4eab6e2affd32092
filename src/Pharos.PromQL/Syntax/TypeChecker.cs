using Pharos.Core;

namespace Pharos.PromQL.Syntax;

/// <summary>Checks the types of a whole tree, and what depends on a node's surroundings.</summary>
internal static class TypeChecker
{
    private static readonly string[] SmoothedFunctions = ["delta", "increase", "rate"];
    private static readonly string[] AnchoredFunctions = ["changes", "delta", "increase", "rate", "resets"];

    public static string Name(ExprType type) => type switch
    {
        ExprType.Scalar => "scalar",
        ExprType.String => "string",
        ExprType.Vector => "instant vector",
        _ => "range vector",
    };

    public static string NameShort(ExprType type) => type switch
    {
        ExprType.Scalar => "scalar",
        ExprType.String => "string",
        ExprType.Vector => "vector",
        _ => "matrix",
    };

    public static void Check(string query, Expr root) => Check(query, root, null);

    private static void Check(string query, Expr expr, Expr? parent)
    {
        switch (expr)
        {
            case VectorSelector selector:
                bool ofInfo = parent is CallExpr { Function.Name: "info" } call && call.Arguments.Count > 1 && ReferenceEquals(call.Arguments[1], selector);
                if (!ofInfo && selector.Matchers.All(m => m.MatchesEmpty))
                    throw Fail(query, expr, "vector selector must contain at least one non-empty matcher");
                break;
            case UnaryExpr unary when unary.Operand.Type is not (ExprType.Scalar or ExprType.Vector):
                throw Fail(query, unary, $"unary expression only allowed on expressions of type scalar or instant vector, got \"{Name(unary.Operand.Type)}\"");
            case BinaryExpr binary:
                CheckBinary(query, binary);
                break;
            case AggregateExpr aggregate:
                CheckAggregate(query, aggregate);
                break;
            case CallExpr callExpr:
                CheckCall(query, callExpr);
                break;
            case SubqueryExpr subquery when subquery.Inner.Type != ExprType.Vector:
                throw Fail(query, subquery, $"subquery is only allowed on instant vector, got {NameShort(subquery.Inner.Type)} instead");
        }
        foreach (var child in expr.Children) Check(query, child, expr);
    }

    private static void CheckBinary(string query, BinaryExpr binary)
    {
        foreach (var side in new[] { binary.Left, binary.Right })
        {
            if (side.Type is not (ExprType.Scalar or ExprType.Vector))
                throw Fail(query, side, "binary expression must contain only scalar and instant vector types");
        }
        bool scalars = binary.Left.Type == ExprType.Scalar && binary.Right.Type == ExprType.Scalar;
        string symbol = BinaryExpr.Symbol(binary.Op);
        if (binary.ReturnBool && !BinaryExpr.IsComparison(binary.Op)) throw Fail(query, binary, "bool modifier can only be used on comparison operators");
        if (BinaryExpr.IsComparison(binary.Op) && scalars && !binary.ReturnBool)
            throw Fail(query, binary, "comparisons between scalars must use BOOL modifier");
        if (BinaryExpr.IsSet(binary.Op) && binary.Matching is null)
            throw Fail(query, binary, $"set operator \"{symbol}\" not allowed in binary scalar expression");
        if (binary.Op is BinaryOp.TrimLower or BinaryOp.TrimUpper && scalars)
            throw Fail(query, binary, $"trim operator \"{symbol}\" not allowed between scalars; the left side must be an instant vector");
    }

    private static void CheckAggregate(string query, AggregateExpr aggregate)
    {
        string name = Aggregates.NameOf(aggregate.Op);
        if (aggregate.Operand.Type != ExprType.Vector)
            throw Fail(query, aggregate.Operand, $"expected type instant vector in aggregation expression, got {Name(aggregate.Operand.Type)}");
        if (aggregate.Parameter is null) return;
        var wanted = aggregate.Op == AggregateOp.CountValues ? ExprType.String : ExprType.Scalar;
        if (aggregate.Parameter.Type != wanted)
            throw Fail(query, aggregate.Parameter, $"expected type {Name(wanted)} in aggregation parameter, got {Name(aggregate.Parameter.Type)} in call to \"{name}\"");
    }

    private static void CheckCall(string query, CallExpr call)
    {
        var function = call.Function;
        int got = call.Arguments.Count, known = function.Arguments.Count;
        if (function.Variadic == 0)
        {
            if (got != known) throw Fail(query, call, $"expected {known} argument(s) in call to \"{function.Name}\", got {got}");
        }
        else
        {
            int least = function.Variadic > 0 ? known - function.Variadic : known - 1;
            if (function.Name == "histogram_quantiles") least = known;
            if (got < least) throw Fail(query, call, $"expected at least {least} argument(s) in call to \"{function.Name}\", got {got}");
            if (function.Variadic > 0 && got > known) throw Fail(query, call, $"expected at most {known} argument(s) in call to \"{function.Name}\", got {got}");
            if (function.Name == "histogram_quantiles" && got > 12) throw Fail(query, call, $"expected at most 12 argument(s) in call to \"{function.Name}\", got {got}");
        }
        for (int i = 0; i < got; i++)
        {
            var wanted = function.Arguments[Math.Min(i, known - 1)];
            if (call.Arguments[i].Type != wanted)
                throw Fail(query, call.Arguments[i], $"expected type {Name(wanted)} in call to function \"{function.Name}\", got {Name(call.Arguments[i].Type)}");
            if (call.Arguments[i].Unwrapped is MatrixSelector { Selector.Borders: not BorderMode.None } matrix) CheckBorders(query, matrix, function.Name);
        }
    }

    private static void CheckBorders(string query, MatrixSelector matrix, string function)
    {
        bool smoothed = matrix.Selector.Borders == BorderMode.Smoothed;
        var allowed = smoothed ? SmoothedFunctions : AnchoredFunctions;
        if (!allowed.Contains(function))
            throw Fail(query, matrix, $"{(smoothed ? "smoothed" : "anchored")} modifier can only be used with: {string.Join(", ", allowed)} - not with {function}");
    }

    private static QueryException Fail(string query, Expr at, string message) => Lexer.Fail(query, at.Span.Start, message);
}
