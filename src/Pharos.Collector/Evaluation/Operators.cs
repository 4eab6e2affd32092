using Pharos.Collector.Syntax;

namespace Pharos.Collector.Evaluation;

/// <summary>Binary operators on values. Integers stay integers; a float on either side makes both floats.</summary>
internal static class Operators
{
    public static Value Apply(BinaryExpression at, Value left, Value right)
    {
        switch (at.Operator)
        {
            case BinaryOperator.Equal: return Value.Of(left.Equals(right));
            case BinaryOperator.NotEqual: return Value.Of(!left.Equals(right));
            case BinaryOperator.Or: return Value.Of(Bool(at.Left, left) | Bool(at.Right, right));
            case BinaryOperator.And: return Value.Of(Bool(at.Left, left) & Bool(at.Right, right));
            case BinaryOperator.Add when Text(left) is { } a && Text(right) is { } b:
                return left is SecretValue || right is SecretValue ? new SecretValue(a + b) : Value.Of(a + b);
            case BinaryOperator.Less or BinaryOperator.LessOrEqual or BinaryOperator.Greater or BinaryOperator.GreaterOrEqual:
                int order = (left, right) switch
                {
                    (StringValue a, StringValue b) => CompareBytes(a.Text, b.Text),
                    (NumberValue a, NumberValue b) => double.IsNaN(a.AsDouble) || double.IsNaN(b.AsDouble) ? 2 : a.CompareTo(b),
                    _ => throw Mismatch(at, left, right, "two numbers or two strings"),
                };
                return Value.Of(order != 2 && at.Operator switch
                {
                    BinaryOperator.Less => order < 0,
                    BinaryOperator.LessOrEqual => order <= 0,
                    BinaryOperator.Greater => order > 0,
                    _ => order >= 0,
                });
        }
        if (left is not NumberValue x || right is not NumberValue y)
            throw Mismatch(at, left, right, at.Operator == BinaryOperator.Add ? "two numbers or two strings" : "two numbers");
        if (at.Operator is BinaryOperator.Divide or BinaryOperator.Modulo && y.AsDouble == 0)
            throw new EvaluationException(at.Right.Span, "division by zero");
        if (x.IsFloat || y.IsFloat) return Value.Of(Real(at.Operator, x.AsDouble, y.AsDouble));
        if (x.Number is long i && y.Number is long j) return Integer(at.Operator, i, j);
        return Unsigned(at, x, y);
    }

    private static Value Integer(BinaryOperator operation, long a, long b) => operation switch
    {
        BinaryOperator.Add => Value.Of(unchecked(a + b)),
        BinaryOperator.Subtract => Value.Of(unchecked(a - b)),
        BinaryOperator.Multiply => Value.Of(unchecked(a * b)),
        BinaryOperator.Divide => Value.Of(b == -1 ? unchecked(-a) : a / b),
        BinaryOperator.Modulo => Value.Of(b == -1 ? 0 : a % b),
        _ => Value.Of(unchecked((long)Math.Clamp(Math.Pow(a, b), long.MinValue, long.MaxValue))),
    };

    private static Value Unsigned(BinaryExpression at, NumberValue left, NumberValue right)
    {
        if (left.Number is long and < 0 || right.Number is long and < 0) return Value.Of(Real(at.Operator, left.AsDouble, right.AsDouble));
        ulong a = Convert.ToUInt64(left.Number), b = Convert.ToUInt64(right.Number);
        return new NumberValue(at.Operator switch
        {
            BinaryOperator.Add => unchecked(a + b),
            BinaryOperator.Subtract => unchecked(a - b),
            BinaryOperator.Multiply => unchecked(a * b),
            BinaryOperator.Divide => a / b,
            BinaryOperator.Modulo => a % b,
            _ => (object)Math.Pow(a, b),
        });
    }

    private static double Real(BinaryOperator operation, double a, double b) => operation switch
    {
        BinaryOperator.Add => a + b,
        BinaryOperator.Subtract => a - b,
        BinaryOperator.Multiply => a * b,
        BinaryOperator.Divide => a / b,
        BinaryOperator.Modulo => a % b,
        _ => Math.Pow(a, b),
    };

    private static bool Bool(Expression expression, Value value) =>
        value is BoolValue flag ? flag.Flag : throw new EvaluationException(expression.Span, $"expected bool, got {value.Type}");

    private static string? Text(Value value) => value switch { StringValue s => s.Text, SecretValue s => s.Text, _ => null };

    private static int CompareBytes(string a, string b) =>
        System.Text.Encoding.UTF8.GetBytes(a).AsSpan().SequenceCompareTo(System.Text.Encoding.UTF8.GetBytes(b));

    private static EvaluationException Mismatch(BinaryExpression at, Value left, Value right, string needs) =>
        new(at.Span, $"operator {at.OperatorSpan} needs {needs}, got {left.Type} and {right.Type}");
}
