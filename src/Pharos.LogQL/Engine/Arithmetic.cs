namespace Pharos.LogQL.Engine;

/// <summary>LogQL's arithmetic: as PromQL's, but anything divided by zero is NaN.</summary>
internal static class Arithmetic
{
    /// <summary>Two scalars; a comparison gives 1 or 0.</summary>
    public static double Scalars(string op, double left, double right) =>
        TryCompare(op, left, right, out bool holds) ? (holds ? 1 : 0) : Calculate(op, left, right);

    public static double Calculate(string op, double left, double right) => op switch
    {
        "+" => left + right,
        "-" => left - right,
        "*" => left * right,
        "/" => right == 0 ? double.NaN : left / right,
        "%" => right == 0 ? double.NaN : left % right,
        "^" => Math.Pow(left, right),
        _ => throw new ArgumentException($"{op} is no arithmetic operator", nameof(op)),
    };

    /// <summary>False where the operator compares nothing.</summary>
    public static bool TryCompare(string op, double left, double right, out bool holds)
    {
        holds = op switch
        {
            "==" => left == right,
            "!=" => left != right,
            ">" => left > right,
            ">=" => left >= right,
            "<" => left < right,
            "<=" => left <= right,
            _ => false,
        };
        return op is "==" or "!=" or ">" or ">=" or "<" or "<=";
    }
}
