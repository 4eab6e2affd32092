using Pharos.Core;

namespace Pharos.PromQL.Syntax;

/// <summary>A place in the query's text: character indexes, start inclusive, end exclusive.</summary>
public readonly record struct TextSpan(int Start, int End);

/// <summary>The type of an expression's value.</summary>
public enum ExprType
{
    Scalar,
    String,
    Vector,
    Matrix,
}

/// <summary>A node of a checked query.</summary>
public abstract class Expr
{
    public TextSpan Span { get; internal set; }

    public abstract ExprType Type { get; }

    /// <summary>The expressions right below this one, in the order of the text.</summary>
    public virtual IEnumerable<Expr> Children => [];

    /// <summary>The expression in one line, as Prometheus prints it.</summary>
    public override string ToString() => Printer.Print(this);

    /// <summary>The expression without the parentheses around it.</summary>
    public Expr Unwrapped
    {
        get
        {
            var inner = this;
            while (inner is ParenExpr paren) inner = paren.Inner;
            return inner;
        }
    }
}

public sealed class NumberLiteral(double value, bool isDuration = false) : Expr
{
    public double Value { get; internal set; } = value;

    /// <summary>Written as a duration (<c>5m</c>); <see cref="Value"/> is in seconds.</summary>
    public bool IsDuration { get; } = isDuration;

    public override ExprType Type => ExprType.Scalar;
}

public sealed class StringLiteral(string value, string? invalidUtf8 = null) : Expr
{
    public string Value { get; } = value;

    /// <summary>The literal as it was written, where its escapes make bytes that are not UTF-8; else null.</summary>
    public string? InvalidUtf8 { get; } = invalidUtf8;

    public override ExprType Type => ExprType.String;
}

public sealed class ParenExpr(Expr inner) : Expr
{
    public Expr Inner { get; } = inner;

    public override ExprType Type => Inner.Type;

    public override IEnumerable<Expr> Children => [Inner];
}

public sealed class UnaryExpr(bool negative, Expr operand) : Expr
{
    /// <summary>True for <c>-</c>, false for <c>+</c>.</summary>
    public bool Negative { get; } = negative;

    public Expr Operand { get; } = operand;

    public override ExprType Type => Operand.Type;

    public override IEnumerable<Expr> Children => [Operand];
}

/// <summary>What <c>@</c> names.</summary>
public enum AtKind
{
    /// <summary>No <c>@</c>.</summary>
    None,
    Timestamp,
    Start,
    End,
}

/// <summary>A selector or subquery, whose time <c>offset</c> and <c>@</c> may move.</summary>
public abstract class TimedExpr : Expr
{
    /// <summary>The offset; null for none.</summary>
    public DurationExpr? Offset { get; internal set; }

    public AtKind At { get; internal set; }

    /// <summary>Unix milliseconds, for <see cref="AtKind.Timestamp"/>.</summary>
    public long AtMs { get; internal set; }
}

/// <summary>How a range (or instant) selector treats its borders.</summary>
public enum BorderMode
{
    None,

    /// <summary>The samples at or before the borders stand for them.</summary>
    Anchored,

    /// <summary>Values at the borders are interpolated.</summary>
    Smoothed,
}

public sealed class VectorSelector(string name, IReadOnlyList<Matcher> matchers) : TimedExpr
{
    /// <summary>The metric's name where it was written before or inside the braces; empty where not.</summary>
    public string Name { get; } = name;

    /// <summary>All matchers, that of the name included.</summary>
    public IReadOnlyList<Matcher> Matchers { get; } = matchers;

    public BorderMode Borders { get; internal set; }

    public override ExprType Type => ExprType.Vector;
}

/// <summary>A range selector; offset and <c>@</c> are those of its <see cref="Selector"/>.</summary>
public sealed class MatrixSelector(VectorSelector selector, DurationExpr range) : Expr
{
    public VectorSelector Selector { get; } = selector;

    public DurationExpr Range { get; } = range;

    public override ExprType Type => ExprType.Matrix;

    public override IEnumerable<Expr> Children => [Selector];
}

public sealed class SubqueryExpr(Expr inner, DurationExpr range, DurationExpr? step) : TimedExpr
{
    public Expr Inner { get; } = inner;

    public DurationExpr Range { get; } = range;

    /// <summary>Null for the engine's default step.</summary>
    public DurationExpr? Step { get; } = step;

    public override ExprType Type => ExprType.Matrix;

    public override IEnumerable<Expr> Children => [Inner];
}

public sealed class CallExpr(FunctionSignature function, IReadOnlyList<Expr> arguments) : Expr
{
    public FunctionSignature Function { get; } = function;

    public IReadOnlyList<Expr> Arguments { get; } = arguments;

    public override ExprType Type => Function.Returns;

    public override IEnumerable<Expr> Children => Arguments;
}

public enum AggregateOp
{
    Sum,
    Avg,
    Min,
    Max,
    Count,
    Group,
    StdDev,
    StdVar,
    TopK,
    BottomK,
    Quantile,
    CountValues,
    LimitK,
    LimitRatio,
}

public sealed class AggregateExpr(AggregateOp op, Expr? parameter, Expr operand, IReadOnlyList<string> grouping, bool without) : Expr
{
    public AggregateOp Op { get; } = op;

    /// <summary>The first argument of topk, bottomk, quantile, count_values, limitk and limit_ratio; null for the others.</summary>
    public Expr? Parameter { get; } = parameter;

    public Expr Operand { get; } = operand;

    public IReadOnlyList<string> Grouping { get; } = grouping;

    public bool Without { get; } = without;

    public override ExprType Type => ExprType.Vector;

    public override IEnumerable<Expr> Children => Parameter is null ? [Operand] : [Parameter, Operand];
}

public enum BinaryOp
{
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Atan2,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,

    /// <summary><c>&lt;/</c>: cuts off what a histogram holds above a value.</summary>
    TrimUpper,

    /// <summary><c>&gt;/</c>: cuts off what a histogram holds below a value.</summary>
    TrimLower,
    And,
    Or,
    Unless,
}

public enum MatchCardinality
{
    OneToOne,

    /// <summary><c>group_left</c></summary>
    ManyToOne,

    /// <summary><c>group_right</c></summary>
    OneToMany,

    /// <summary>Set operators.</summary>
    ManyToMany,
}

/// <summary>How the two sides of a binary operation find each other.</summary>
public sealed record VectorMatching(
    MatchCardinality Cardinality, IReadOnlyList<string> Labels, bool On, IReadOnlyList<string> Include, double? FillLeft, double? FillRight);

public sealed class BinaryExpr(BinaryOp op, Expr left, Expr right, bool returnBool, VectorMatching? matching) : Expr
{
    public BinaryOp Op { get; } = op;
    public Expr Left { get; } = left;
    public Expr Right { get; } = right;

    /// <summary>The <c>bool</c> modifier.</summary>
    public bool ReturnBool { get; } = returnBool;

    /// <summary>Null unless both sides are vectors.</summary>
    public VectorMatching? Matching { get; } = matching;

    public override ExprType Type =>
        Left.Type == ExprType.Scalar && Right.Type == ExprType.Scalar ? ExprType.Scalar : ExprType.Vector;

    public override IEnumerable<Expr> Children => [Left, Right];

    public static bool IsComparison(BinaryOp op) => op is >= BinaryOp.Equal and <= BinaryOp.GreaterOrEqual;

    public static bool IsSet(BinaryOp op) => op is BinaryOp.And or BinaryOp.Or or BinaryOp.Unless;

    public static string Symbol(BinaryOp op) => op switch
    {
        BinaryOp.Add => "+",
        BinaryOp.Sub => "-",
        BinaryOp.Mul => "*",
        BinaryOp.Div => "/",
        BinaryOp.Mod => "%",
        BinaryOp.Pow => "^",
        BinaryOp.Atan2 => "atan2",
        BinaryOp.Equal => "==",
        BinaryOp.NotEqual => "!=",
        BinaryOp.Less => "<",
        BinaryOp.LessOrEqual => "<=",
        BinaryOp.Greater => ">",
        BinaryOp.GreaterOrEqual => ">=",
        BinaryOp.TrimUpper => "</",
        BinaryOp.TrimLower => ">/",
        BinaryOp.And => "and",
        BinaryOp.Or => "or",
        _ => "unless",
    };
}
