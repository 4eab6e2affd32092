namespace Pharos.Collector.Syntax;

/// <summary>A name with the accesses that follow it: <c>prometheus.relabel.a.receiver</c>.</summary>
/// <param name="Path">At least one name.</param>
/// <param name="Called">The whole path is called as a function.</param>
public sealed record Reference(TextSpan Span, IReadOnlyList<string> Path, bool Called, TextSpan RootSpan)
{
    public override string ToString() => string.Join('.', Path);
}

/// <summary>Finds what expressions refer to.</summary>
public static class References
{
    /// <summary>All references of all attributes of a body, nested blocks included, in the order in which they are written.</summary>
    public static IReadOnlyList<Reference> Of(IEnumerable<Statement> body)
    {
        var found = new List<Reference>();
        foreach (var statement in body) Collect(statement, found);
        return found;
    }

    public static IReadOnlyList<Reference> Of(Expression expression)
    {
        var found = new List<Reference>();
        Collect(expression, found);
        return found;
    }

    private static void Collect(Statement statement, List<Reference> found)
    {
        switch (statement)
        {
            case AttributeStatement attribute:
                Collect(attribute.Value, found);
                break;
            case BlockStatement block:
                foreach (var inner in block.Body) Collect(inner, found);
                break;
        }
    }

    private static void Collect(Expression expression, List<Reference> found, bool called = false)
    {
        switch (expression)
        {
            case IdentifierExpression name:
                found.Add(new Reference(name.Span, [name.Name], called, name.Span));
                break;
            case AccessExpression access:
                if (Path(access, out var root) is { } path) found.Add(new Reference(access.Span, path, called, root));
                else Collect(access.Value, found);
                break;
            case IndexExpression index:
                Collect(index.Value, found);
                Collect(index.Index, found);
                break;
            case CallExpression call:
                Collect(call.Function, found, called: true);
                foreach (var argument in call.Arguments) Collect(argument, found);
                break;
            case ArrayExpression array:
                foreach (var element in array.Elements) Collect(element, found);
                break;
            case ObjectExpression map:
                foreach (var field in map.Fields) Collect(field.Value, found);
                break;
            case UnaryExpression unary:
                Collect(unary.Operand, found);
                break;
            case BinaryExpression binary:
                Collect(binary.Left, found);
                Collect(binary.Right, found);
                break;
            case ParenExpression paren:
                Collect(paren.Inner, found);
                break;
        }
    }

    /// <summary>The names of a chain of accesses that starts at an identifier; null for any other expression.</summary>
    private static List<string>? Path(AccessExpression access, out TextSpan root)
    {
        var names = new List<string> { access.Name };
        var value = access.Value;
        while (value is AccessExpression next)
        {
            names.Add(next.Name);
            value = next.Value;
        }
        root = value.Span;
        if (value is not IdentifierExpression first) return null;
        names.Add(first.Name);
        names.Reverse();
        return names;
    }
}
