using System.Text.Json;
using Pharos.Core;
using Pharos.PromQL.Syntax;

namespace Pharos.Server.Prometheus;

/// <summary>A query's tree in the form of <c>/api/v1/parse_query</c>.</summary>
internal static class QueryTreeJson
{
    public static void Write(Utf8JsonWriter writer, Expr? expr)
    {
        if (expr is null)
        {
            writer.WriteNullValue();
            return;
        }
        writer.WriteStartObject();
        switch (expr)
        {
            case AggregateExpr aggregate:
                writer.WriteString("type", "aggregation");
                writer.WriteString("op", Aggregates.NameOf(aggregate.Op));
                Child(writer, "expr", aggregate.Operand);
                Child(writer, "param", aggregate.Parameter);
                Names(writer, "grouping", aggregate.Grouping);
                writer.WriteBoolean("without", aggregate.Without);
                break;
            case BinaryExpr binary:
                writer.WriteString("type", "binaryExpr");
                writer.WriteString("op", BinaryExpr.Symbol(binary.Op));
                Child(writer, "lhs", binary.Left);
                Child(writer, "rhs", binary.Right);
                Matching(writer, binary.Matching);
                writer.WriteBoolean("bool", binary.ReturnBool);
                break;
            case CallExpr call:
                writer.WriteString("type", "call");
                writer.WriteStartObject("func");
                writer.WriteString("name", call.Function.Name);
                writer.WriteStartArray("argTypes");
                foreach (var type in call.Function.Arguments) writer.WriteStringValue(TypeName(type));
                writer.WriteEndArray();
                writer.WriteNumber("variadic", call.Function.Variadic);
                writer.WriteString("returnType", TypeName(call.Function.Returns));
                writer.WriteEndObject();
                writer.WriteStartArray("args");
                foreach (var argument in call.Arguments) Write(writer, argument);
                writer.WriteEndArray();
                break;
            case MatrixSelector matrix:
                writer.WriteString("type", "matrixSelector");
                writer.WriteString("name", matrix.Selector.Name);
                writer.WriteNumber("range", Milliseconds(matrix.Range));
                Timing(writer, matrix.Selector);
                Matchers(writer, matrix.Selector);
                break;
            case SubqueryExpr subquery:
                writer.WriteString("type", "subquery");
                Child(writer, "expr", subquery.Inner);
                writer.WriteNumber("range", Milliseconds(subquery.Range));
                writer.WriteNumber("step", Milliseconds(subquery.Step));
                Timing(writer, subquery);
                break;
            case NumberLiteral number:
                writer.WriteString("type", "numberLiteral");
                writer.WriteString("val", NumberText.Format(number.Value));
                break;
            case ParenExpr paren:
                writer.WriteString("type", "parenExpr");
                Child(writer, "expr", paren.Inner);
                break;
            case StringLiteral text:
                writer.WriteString("type", "stringLiteral");
                writer.WriteString("val", text.Value);
                break;
            case UnaryExpr unary:
                writer.WriteString("type", "unaryExpr");
                writer.WriteString("op", unary.Negative ? "-" : "+");
                Child(writer, "expr", unary.Operand);
                break;
            case VectorSelector selector:
                writer.WriteString("type", "vectorSelector");
                writer.WriteString("name", selector.Name);
                Timing(writer, selector);
                Matchers(writer, selector);
                break;
        }
        writer.WriteEndObject();
    }

    private static void Child(Utf8JsonWriter writer, string name, Expr? child)
    {
        writer.WritePropertyName(name);
        Write(writer, child);
    }

    private static void Names(Utf8JsonWriter writer, string name, IReadOnlyList<string> values)
    {
        writer.WriteStartArray(name);
        foreach (string value in values) writer.WriteStringValue(value);
        writer.WriteEndArray();
    }

    private static void Matching(Utf8JsonWriter writer, VectorMatching? matching)
    {
        if (matching is null)
        {
            writer.WriteNull("matching");
            return;
        }
        writer.WriteStartObject("matching");
        writer.WriteString(
            "card",
            matching.Cardinality switch
            {
                MatchCardinality.OneToOne => "one-to-one",
                MatchCardinality.ManyToOne => "many-to-one",
                MatchCardinality.OneToMany => "one-to-many",
                _ => "many-to-many",
            });
        Names(writer, "labels", matching.Labels);
        writer.WriteBoolean("on", matching.On);
        Names(writer, "include", matching.Include);
        if (matching.FillLeft is not null || matching.FillRight is not null)
        {
            writer.WriteStartObject("fillValues");
            if (matching.FillLeft is { } left) writer.WriteString("lhs", NumberText.Format(left));
            if (matching.FillRight is { } right) writer.WriteString("rhs", NumberText.Format(right));
            writer.WriteEndObject();
        }
        writer.WriteEndObject();
    }

    private static void Timing(Utf8JsonWriter writer, TimedExpr timed)
    {
        writer.WriteNumber("offset", Milliseconds(timed.Offset));
        if (timed.At == AtKind.Timestamp) writer.WriteNumber("timestamp", timed.AtMs);
        else writer.WriteNull("timestamp");
        if (timed.At is AtKind.Start or AtKind.End) writer.WriteString("startOrEnd", timed.At == AtKind.Start ? "start" : "end");
        else writer.WriteNull("startOrEnd");
    }

    private static void Matchers(Utf8JsonWriter writer, VectorSelector selector)
    {
        writer.WriteStartArray("matchers");
        foreach (var matcher in selector.Matchers)
        {
            writer.WriteStartObject();
            writer.WriteString("name", matcher.Name);
            writer.WriteString("value", matcher.Value);
            writer.WriteString("type", Matcher.Symbol(matcher.Op));
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        if (selector.Borders != BorderMode.None) writer.WriteBoolean(selector.Borders == BorderMode.Anchored ? "anchored" : "smoothed", true);
    }

    // A duration that depends on the query's step or range has no value here.
    private static long Milliseconds(DurationExpr? duration) => duration is { IsConstant: true } ? duration.EvaluateMs(0, 0) : 0;

    private static string TypeName(ExprType type) => type switch
    {
        ExprType.Scalar => "scalar",
        ExprType.String => "string",
        ExprType.Vector => "vector",
        _ => "matrix",
    };
}
