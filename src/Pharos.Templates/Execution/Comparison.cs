namespace Pharos.Templates.Execution;

/// <summary>eq, ne, lt, le, gt, ge: basic kinds only, signed and unsigned numbers compare, other kinds must be the same.</summary>
internal static class Comparison
{
    private const string BadType = "invalid type for comparison";

    private enum Kind
    {
        Bool,
        Int,
        Uint,
        Float,
        String,
    }

    public static bool Equal(object?[] arguments)
    {
        if (arguments.Length < 2) throw new TemplateFunctionException("missing argument for comparison");
        for (int i = 1; i < arguments.Length; i++)
        {
            if (Equal(arguments[0], arguments[i])) return true;
        }
        return false;
    }

    public static bool Equal(object? a, object? b)
    {
        if (a is null || b is null) return a is null && b is null;
        if (a is GoTime left && b is GoTime right) return left == right;
        var (kindA, kindB) = (KindOf(a), KindOf(b));
        if (kindA is null || kindB is null)
        {
            if (kindA is null && kindB is null && !IsCollection(a) && !IsCollection(b)) return a.Equals(b);
            throw new TemplateFunctionException(IsCollection(a) || IsCollection(b) ? $"non-comparable type: {TemplateValue.TypeName(IsCollection(a) ? a : b)}" : Incompatible(a, b).Message);
        }
        if (kindA != kindB)
        {
            return (kindA, kindB) switch
            {
                (Kind.Int, Kind.Uint) => Int(a) >= 0 && (ulong)Int(a) == (ulong)b,
                (Kind.Uint, Kind.Int) => Int(b) >= 0 && (ulong)Int(b) == (ulong)a,
                _ => throw Incompatible(a, b),
            };
        }
        return kindA switch
        {
            Kind.Bool => (bool)a == (bool)b,
            Kind.Int => Int(a) == Int(b),
            Kind.Uint => (ulong)a == (ulong)b,
            Kind.Float => (double)a == (double)b,
            _ => TemplateValue.Text(a) == TemplateValue.Text(b),
        };
    }

    public static bool Less(object? a, object? b)
    {
        if (a is null || b is null) throw new TemplateFunctionException(BadType);
        var kindA = KindOf(a) ?? throw new TemplateFunctionException(BadType);
        var kindB = KindOf(b) ?? throw new TemplateFunctionException(BadType);
        if (kindA != kindB)
        {
            return (kindA, kindB) switch
            {
                (Kind.Int, Kind.Uint) => Int(a) < 0 || (ulong)Int(a) < (ulong)b,
                (Kind.Uint, Kind.Int) => Int(b) >= 0 && (ulong)a < (ulong)Int(b),
                _ => throw Incompatible(a, b),
            };
        }
        return kindA switch
        {
            Kind.Bool => throw new TemplateFunctionException(BadType),
            Kind.Int => Int(a) < Int(b),
            Kind.Uint => (ulong)a < (ulong)b,
            Kind.Float => (double)a < (double)b,
            _ => string.CompareOrdinal(TemplateValue.Text(a), TemplateValue.Text(b)) < 0,
        };
    }

    public static bool LessOrEqual(object? a, object? b) => Less(a, b) || Equal(a, b);

    public static bool Greater(object? a, object? b) => !LessOrEqual(a, b);

    public static bool GreaterOrEqual(object? a, object? b) => !Less(a, b);

    private static TemplateFunctionException Incompatible(object a, object b) =>
        new($"incompatible types for comparison: {TemplateValue.TypeName(a)} and {TemplateValue.TypeName(b)}");

    private static long Int(object value) => value is GoDuration duration ? duration.Nanoseconds : (long)value;

    private static bool IsCollection(object value) => TemplateValue.KindOf(value) is ValueKind.List or ValueKind.Map or ValueKind.Function;

    private static Kind? KindOf(object value) => TemplateValue.KindOf(value) switch
    {
        ValueKind.Bool => Kind.Bool,
        ValueKind.Int => Kind.Int,
        ValueKind.Uint => Kind.Uint,
        ValueKind.Float => Kind.Float,
        ValueKind.String => Kind.String,
        _ => null,
    };
}
