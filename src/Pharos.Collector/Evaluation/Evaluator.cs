using Pharos.Collector.Syntax;

namespace Pharos.Collector.Evaluation;

/// <summary>An expression has no value. Says where and why.</summary>
internal sealed class EvaluationException(TextSpan span, string message, string? mend = null) : Exception(message)
{
    public TextSpan Span { get; } = span;

    public SyntaxDiagnostic ToDiagnostic() => SyntaxDiagnostic.Error(Span, Message, mend);
}

/// <summary>Names that an expression may use, beside the standard library.</summary>
internal interface IScope
{
    /// <summary>Finds the value that the longest possible start of a dotted path names.</summary>
    /// <param name="used">How many parts of the path the value takes.</param>
    bool TryResolve(IReadOnlyList<string> path, out Value value, out int used);
}

/// <summary>No names at all.</summary>
internal sealed class EmptyScope : IScope
{
    public static EmptyScope Instance { get; } = new();

    public bool TryResolve(IReadOnlyList<string> path, out Value value, out int used)
    {
        value = NullValue.Instance;
        used = 0;
        return false;
    }
}

/// <summary>Computes expressions.</summary>
internal sealed class Evaluator(StandardLibrary library, IScope scope)
{
    /// <exception cref="EvaluationException">The expression has no value.</exception>
    public Value Evaluate(Expression expression)
    {
        switch (expression)
        {
            case LiteralExpression literal:
                return Literal(literal);
            case ParenExpression paren:
                return Evaluate(paren.Inner);
            case ArrayExpression array:
                return new ArrayValue([.. array.Elements.Select(Evaluate)]);
            case ObjectExpression map:
                return new ObjectValue([.. map.Fields.Select(f => KeyValuePair.Create(f.Name, Evaluate(f.Value)))]);
            case IdentifierExpression or AccessExpression:
                return Path(expression);
            case IndexExpression index:
                return Index(index);
            case CallExpression call:
                return Call(call);
            case UnaryExpression unary:
                return Unary(unary);
            case BinaryExpression binary:
                // Both sides always have a value, also those of && and ||: upstream does so, and its errors depend on it.
                return Operators.Apply(binary, Evaluate(binary.Left), Evaluate(binary.Right));
            default:
                throw new EvaluationException(expression.Span, "this expression cannot be evaluated");
        }
    }

    private static Value Literal(LiteralExpression literal)
    {
        string text = literal.ToString();
        switch (literal.Kind)
        {
            case LiteralKind.String: return Value.Of(Literals.Unquote(text));
            case LiteralKind.Bool: return Value.Of(text == "true");
            case LiteralKind.Null: return NullValue.Instance;
            case LiteralKind.Float when double.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out double real) && !double.IsInfinity(real):
                return Value.Of(real);
            case LiteralKind.Number when Literals.TryReadNumber(text, out object number):
                return new NumberValue(number);
            default:
                throw new EvaluationException(literal.Span, $"{text} is not a valid number");
        }
    }

    private Value Path(Expression expression)
    {
        var accesses = new List<AccessExpression>();
        var root = expression;
        while (root is AccessExpression access)
        {
            accesses.Add(access);
            root = access.Value;
        }
        accesses.Reverse();
        Value value;
        int from;
        if (root is IdentifierExpression first)
        {
            var path = new List<string> { first.Name };
            path.AddRange(accesses.Select(a => a.Name));
            if (scope.TryResolve(path, out value, out int used) || library.TryResolve(path, out value, out used))
            {
                from = used - 1;
            }
            else
            {
                string name = string.Join('.', path);
                throw StandardLibrary.IsNamespace(path[0])
                    ? new EvaluationException(expression.Span, $"the standard library has no {name}", StandardLibrary.Nearest(name) is { } near ? $"did you mean {near}?" : null)
                    : new EvaluationException(expression.Span, $"component \"{name}\" does not exist or is out of scope");
            }
        }
        else
        {
            value = Evaluate(root);
            from = 0;
        }
        for (int i = from; i < accesses.Count; i++)
        {
            if (value is not ObjectValue map)
                throw new EvaluationException(accesses[i].NameSpan, $"cannot access field \"{accesses[i].Name}\" on value of type {value.Type}");
            value = map[accesses[i].Name] ?? throw new EvaluationException(accesses[i].NameSpan, $"field \"{accesses[i].Name}\" does not exist");
        }
        return value;
    }

    private Value Index(IndexExpression expression)
    {
        var value = Evaluate(expression.Value);
        var index = Evaluate(expression.Index);
        switch (value)
        {
            case ArrayValue array:
                if (index is not NumberValue { Number: long at })
                    throw new EvaluationException(expression.Index.Span, $"array index must be a whole number, got {index.Type}");
                if (at < 0 || at >= array.Items.Count)
                    throw new EvaluationException(expression.Index.Span, $"index {at} is out of range of array with length {array.Items.Count}");
                return array.Items[(int)at];
            case ObjectValue map:
                if (index is not StringValue key)
                    throw new EvaluationException(expression.Index.Span, $"object index must be a string, got {index.Type}");
                return map[key.Text] ?? NullValue.Instance;
            default:
                throw new EvaluationException(expression.Value.Span, $"expected object or array, got {value.Type}");
        }
    }

    private Value Call(CallExpression call)
    {
        var callee = Evaluate(call.Function);
        if (callee is not FunctionValue function) throw new EvaluationException(call.Function.Span, $"{call.Function} is not a function but a value of type {callee.Type}");
        var arguments = call.Arguments.Select(Evaluate).ToArray();
        try
        {
            return function.Function.Invoke(library.Facts, arguments);
        }
        catch (FunctionException wrong)
        {
            bool atArgument = wrong.Argument >= 0 && wrong.Argument < call.Arguments.Count;
            throw new EvaluationException(atArgument ? call.Arguments[wrong.Argument].Span : call.Span, wrong.Message);
        }
    }

    private Value Unary(UnaryExpression unary)
    {
        var value = Evaluate(unary.Operand);
        switch (unary.Operator, value)
        {
            case (UnaryOperator.Not, BoolValue flag): return Value.Of(!flag.Flag);
            case (UnaryOperator.Negate, NumberValue { Number: long l }): return l == long.MinValue ? Value.Of(-(double)l) : Value.Of(-l);
            case (UnaryOperator.Negate, NumberValue { Number: ulong u }): return u == 1UL << 63 ? Value.Of(long.MinValue) : Value.Of(-(double)u);
            case (UnaryOperator.Negate, NumberValue { Number: double d }): return Value.Of(-d);
            case (UnaryOperator.Not, _): throw new EvaluationException(unary.Operand.Span, $"expected bool, got {value.Type}");
            default: throw new EvaluationException(unary.Operand.Span, $"expected number, got {value.Type}");
        }
    }
}
