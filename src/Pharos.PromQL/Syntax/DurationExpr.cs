using Pharos.Core;

namespace Pharos.PromQL.Syntax;

public enum DurationOp
{
    Literal,
    Step,
    Range,
    Paren,
    Negate,
    Plus,
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    MinOf,
    MaxOf,
}

/// <summary>
/// A duration inside brackets or after <c>offset</c>: a literal, or arithmetic on literals, <c>step()</c> and <c>range()</c>.
/// Values are seconds.
/// </summary>
public sealed class DurationExpr
{
    internal DurationExpr(DurationOp op, DurationExpr? left = null, DurationExpr? right = null)
    {
        Op = op;
        Left = left;
        Right = right;
    }

    internal DurationExpr(double seconds, bool hasUnit)
    {
        Op = DurationOp.Literal;
        Seconds = seconds;
        HasUnit = hasUnit;
    }

    public DurationOp Op { get; }
    public DurationExpr? Left { get; }
    public DurationExpr? Right { get; }
    public double Seconds { get; }

    /// <summary>Written with units, as <c>5m</c>, and not as a plain number of seconds.</summary>
    public bool HasUnit { get; }

    public TextSpan Span { get; internal set; }

    /// <summary>True where neither the step nor the range of the query matters.</summary>
    public bool IsConstant => Op switch
    {
        DurationOp.Literal => true,
        DurationOp.Step or DurationOp.Range => false,
        _ => Left!.IsConstant && (Right?.IsConstant ?? true),
    };

    public static DurationExpr FromMs(long ms) => new(ms / 1000.0, hasUnit: true);

    /// <summary>The value in seconds for a query with that step and range.</summary>
    public double Evaluate(double stepSeconds, double rangeSeconds) => Op switch
    {
        DurationOp.Literal => Seconds,
        DurationOp.Step => stepSeconds,
        DurationOp.Range => rangeSeconds,
        DurationOp.Paren or DurationOp.Plus => Left!.Evaluate(stepSeconds, rangeSeconds),
        DurationOp.Negate => -Left!.Evaluate(stepSeconds, rangeSeconds),
        DurationOp.Add => Left!.Evaluate(stepSeconds, rangeSeconds) + Right!.Evaluate(stepSeconds, rangeSeconds),
        DurationOp.Sub => Left!.Evaluate(stepSeconds, rangeSeconds) - Right!.Evaluate(stepSeconds, rangeSeconds),
        DurationOp.Mul => Left!.Evaluate(stepSeconds, rangeSeconds) * Right!.Evaluate(stepSeconds, rangeSeconds),
        DurationOp.Div => Left!.Evaluate(stepSeconds, rangeSeconds) / NotZero(Right!.Evaluate(stepSeconds, rangeSeconds), "division"),
        DurationOp.Mod => Left!.Evaluate(stepSeconds, rangeSeconds) % NotZero(Right!.Evaluate(stepSeconds, rangeSeconds), "modulo"),
        DurationOp.Pow => Math.Pow(Left!.Evaluate(stepSeconds, rangeSeconds), Right!.Evaluate(stepSeconds, rangeSeconds)),
        DurationOp.MinOf => Math.Min(Left!.Evaluate(stepSeconds, rangeSeconds), Right!.Evaluate(stepSeconds, rangeSeconds)),
        _ => Math.Max(Left!.Evaluate(stepSeconds, rangeSeconds), Right!.Evaluate(stepSeconds, rangeSeconds)),
    };

    /// <summary>The value in whole milliseconds.</summary>
    /// <exception cref="QueryException">Division by zero, or out of range (±292 years).</exception>
    public long EvaluateMs(double stepSeconds, double rangeSeconds)
    {
        double seconds = Evaluate(stepSeconds, rangeSeconds);
        if (double.IsNaN(seconds) || Math.Abs(seconds) >= 9_223_372_036.0)
            throw new QueryException(QueryErrorKind.BadData, "duration out of range");
        return (long)Math.Round(seconds * 1000, MidpointRounding.AwayFromZero);
    }

    public override string ToString() => Op switch
    {
        DurationOp.Literal => PromDuration.FormatMs((long)Math.Round(Seconds * 1000)),
        DurationOp.Step => "step()",
        DurationOp.Range => "range()",
        DurationOp.Paren => $"({Left})",
        DurationOp.Plus => $"+{Left}",
        DurationOp.Negate => $"-{Left}",
        DurationOp.Add => $"{Left} + {Right}",
        DurationOp.Sub => $"{Left} - {Right}",
        DurationOp.Mul => $"{Left} * {Right}",
        DurationOp.Div => $"{Left} / {Right}",
        DurationOp.Mod => $"{Left} % {Right}",
        DurationOp.Pow => $"{Left} ^ {Right}",
        DurationOp.MinOf => $"min_of({Left}, {Right})",
        _ => $"max_of({Left}, {Right})",
    };

    private static double NotZero(double divisor, string what) =>
        divisor != 0 ? divisor : throw new QueryException(QueryErrorKind.BadData, $"{what} by zero in a duration expression");
}
