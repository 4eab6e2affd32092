using Pharos.Collector.Evaluation;
using Pharos.Collector.Syntax;
using Pharos.Core;

namespace Pharos.Collector.Runtime;

/// <summary>Checks the body of a block against its schema, and decodes it.</summary>
internal static class ArgumentDecoder
{
    /// <summary>
    /// What is wrong with a body without evaluating anything: unknown, doubled, missing and misplaced attributes and blocks.
    /// </summary>
    public static void CheckShape(BlockStatement block, ArgumentBody schema, List<SyntaxDiagnostic> findings) =>
        CheckShape(block.Span, block.Body, schema, findings);

    private static void CheckShape(TextSpan owner, IReadOnlyList<Statement> body, ArgumentBody schema, List<SyntaxDiagnostic> findings)
    {
        var given = new HashSet<string>(StringComparer.Ordinal);
        foreach (var statement in body)
        {
            switch (statement)
            {
                case AttributeStatement attribute:
                    if (schema.Attribute(attribute.Name) is { } known)
                    {
                        if (known.Refused is { } reason) findings.Add(SyntaxDiagnostic.Error(attribute.Span, $"attribute \"{attribute.Name}\" is not supported: {reason}"));
                        if (!given.Add(attribute.Name)) findings.Add(SyntaxDiagnostic.Error(attribute.Span, $"attribute \"{attribute.Name}\" may only be provided once"));
                    }
                    else if (schema.Block(attribute.Name) is not null)
                    {
                        findings.Add(SyntaxDiagnostic.Error(attribute.Span, $"\"{attribute.Name}\" must be a block, but is used as an attribute"));
                        given.Add(attribute.Name);
                    }
                    else if (!schema.Open)
                    {
                        findings.Add(SyntaxDiagnostic.Error(attribute.Span, $"unrecognized attribute name \"{attribute.Name}\"", DidYouMean(attribute.Name, schema)));
                    }
                    break;
                case BlockStatement nested:
                    if (schema.Block(nested.Name) is { } inner)
                    {
                        if (nested.Label.Length > 0) findings.Add(SyntaxDiagnostic.Error(nested.LabelSpan, $"block \"{nested.Name}\" does not support specifying labels"));
                        if (!given.Add(nested.Name) && !inner.Repeats) findings.Add(SyntaxDiagnostic.Error(nested.HeaderSpan, $"block \"{nested.Name}\" may only be provided once"));
                        if (inner.Refused is { } reason) findings.Add(SyntaxDiagnostic.Error(nested.HeaderSpan, $"block \"{nested.Name}\" is not supported: {reason}"));
                        else CheckShape(nested.Span, nested.Body, inner.Body, findings);
                    }
                    else if (schema.Attribute(nested.Name) is not null)
                    {
                        findings.Add(SyntaxDiagnostic.Error(nested.HeaderSpan, $"\"{nested.Name}\" must be an attribute, but is used as a block"));
                        given.Add(nested.Name);
                    }
                    else
                    {
                        findings.Add(SyntaxDiagnostic.Error(nested.HeaderSpan, $"unrecognized block name \"{nested.Name}\"", DidYouMean(nested.Name, schema)));
                    }
                    break;
            }
        }
        foreach (var attribute in schema.Attributes)
        {
            if (attribute.Required && !given.Contains(attribute.Name)) findings.Add(SyntaxDiagnostic.Error(owner, $"missing required attribute \"{attribute.Name}\""));
        }
    }

    /// <summary>Types of what can be known without the values of other components: literals, and calls on literals.</summary>
    public static void CheckConstants(IReadOnlyList<Statement> body, ArgumentBody schema, StandardLibrary library, List<SyntaxDiagnostic> findings)
    {
        foreach (var statement in body)
        {
            if (statement is AttributeStatement attribute && schema.Attribute(attribute.Name) is { Refused: null } known)
                CheckConstant(attribute.Value, known.Type, known.OneOf, library, findings);
            else if (statement is BlockStatement nested && schema.Block(nested.Name) is { Refused: null } inner)
                CheckConstants(nested.Body, inner.Body, library, findings);
        }
    }

    private static void CheckConstant(
        Expression expression, ArgumentType type, IReadOnlyList<string> oneOf, StandardLibrary library, List<SyntaxDiagnostic> findings)
    {
        switch (expression)
        {
            case ParenExpression paren:
                CheckConstant(paren.Inner, type, oneOf, library, findings);
                return;
            case ArrayExpression array when type.Kind == ArgumentKind.List:
                foreach (var element in array.Elements) CheckConstant(element, type.Element!, [], library, findings);
                return;
            case ObjectExpression map when type.Kind == ArgumentKind.Map:
                foreach (var field in map.Fields) CheckConstant(field.Value, type.Element!, [], library, findings);
                return;
        }
        if (expression is ArrayExpression or ObjectExpression && References.Of(expression).Count > 0)
        {
            bool fits = expression is ArrayExpression
                ? type.Kind is ArgumentKind.List or ArgumentKind.Any
                : type.Kind is ArgumentKind.Map or ArgumentKind.Target or ArgumentKind.Any;
            if (!fits) findings.Add(SyntaxDiagnostic.Error(expression.Span, $"expected {ValueConversion.Expected(type)}, got {(expression is ArrayExpression ? "array" : "object")}"));
            return;
        }
        // What depends on the environment is another value on the machine that runs it.
        if (References.Of(expression).Any(r => !StandardLibrary.Holds(r.Path) || r.Path[0] is "sys" or "env" or "constants")) return;
        try
        {
            var value = new Evaluator(library, EmptyScope.Instance).Evaluate(expression);
            if (!ValueConversion.TryConvert(value, type, out object converted, out string? error)) findings.Add(SyntaxDiagnostic.Error(expression.Span, error!));
            else if (Choice(converted, oneOf) is { } wrong) findings.Add(SyntaxDiagnostic.Error(expression.Span, wrong));
        }
        catch (EvaluationException failure)
        {
            findings.Add(failure.ToDiagnostic());
        }
    }

    /// <summary>Evaluates and converts everything.</summary>
    /// <exception cref="SyntaxException">Holds everything that is wrong.</exception>
    public static Arguments Decode(BlockStatement block, ArgumentBody schema, Evaluator evaluator)
    {
        var findings = new List<SyntaxDiagnostic>();
        CheckShape(block, schema, findings);
        if (findings.Count > 0) throw new SyntaxException(findings);
        var arguments = Decode(block.Name, block.HeaderSpan, block.Body, schema, evaluator, findings);
        return findings.Count == 0 ? arguments : throw new SyntaxException(findings);
    }

    private static Arguments Decode(
        string name, TextSpan span, IReadOnlyList<Statement> body, ArgumentBody schema, Evaluator evaluator, List<SyntaxDiagnostic> findings)
    {
        var arguments = new Arguments(name, span, schema);
        foreach (var statement in body)
        {
            if (statement is BlockStatement nested && schema.Block(nested.Name) is { } inner)
            {
                arguments.Add(Decode(nested.Name, nested.HeaderSpan, nested.Body, inner.Body, evaluator, findings));
            }
            else if (statement is AttributeStatement attribute)
            {
                try
                {
                    var known = schema.Attribute(attribute.Name);
                    var value = evaluator.Evaluate(attribute.Value);
                    if (known is null) arguments.Set(attribute.Name, value, value, attribute.Value.Span);
                    else if (!ValueConversion.TryConvert(value, known.Type, out object converted, out string? error)) findings.Add(SyntaxDiagnostic.Error(ElementSpan(attribute.Value, known.Type, evaluator), error!));
                    else if (Choice(converted, known.OneOf) is { } wrong) findings.Add(SyntaxDiagnostic.Error(attribute.Value.Span, wrong));
                    else arguments.Set(attribute.Name, value, converted, attribute.Value.Span);
                }
                catch (EvaluationException failure)
                {
                    findings.Add(failure.ToDiagnostic());
                }
            }
        }
        return arguments;
    }

    /// <summary>The first element that does not fit, where a list is written out; else the whole expression.</summary>
    private static TextSpan ElementSpan(Expression expression, ArgumentType type, Evaluator evaluator)
    {
        if (expression is ArrayExpression array && type.Kind == ArgumentKind.List)
        {
            foreach (var element in array.Elements)
            {
                if (!ValueConversion.TryConvert(evaluator.Evaluate(element), type.Element!, out _, out _)) return element.Span;
            }
        }
        return expression.Span;
    }

    private static string? Choice(object converted, IReadOnlyList<string> oneOf) =>
        oneOf.Count == 0 || (converted is string text && oneOf.Contains(text))
            ? null
            : $"{GoString.Quote(converted as string ?? "")} is not one of {string.Join(", ", oneOf)}";

    private static string? DidYouMean(string name, ArgumentBody schema) =>
        NearestName.Of(name, schema.Attributes.Select(a => a.Name).Concat(schema.Blocks.Select(b => b.Name))) is { } near ? $"did you mean \"{near}\"?" : null;
}
