using System.Collections;

namespace Pharos.Templates;

/// <summary>What a running template offers to its functions.</summary>
public interface ITemplateContext
{
    /// <summary>Executes a named template of the same set and returns its output.</summary>
    /// <exception cref="TemplateFunctionException">There is no such template.</exception>
    string Render(string name, object? data);

    /// <summary>The value given to Execute.</summary>
    object? Root { get; }

    TemplateOptions Options { get; }

    CancellationToken Cancel { get; }
}

/// <summary>
/// A function that templates can call. Arguments are checked against the parameters' types before the call:
/// string, bool, long (Go's int), ulong, double, <see cref="GoTime"/>, <see cref="GoDuration"/>, IReadOnlyList&lt;string&gt; or object (any).
/// </summary>
public sealed class TemplateFunction
{
    private readonly Func<ITemplateContext, object?[], object?> body;
    private readonly Type[] parameters;

    private TemplateFunction(Type[] parameters, Type? rest, Func<ITemplateContext, object?[], object?> body)
    {
        this.parameters = parameters;
        Rest = rest;
        this.body = body;
    }

    /// <summary>Least number of arguments.</summary>
    public int Fixed => parameters.Length;

    /// <summary>Type of the further arguments; null where there may be none.</summary>
    public Type? Rest { get; }

    public static TemplateFunction Of<TResult>(Func<TResult> f) => new([], null, (_, _) => f());

    public static TemplateFunction Of<T, TResult>(Func<T, TResult> f) => new([typeof(T)], null, (_, a) => f((T)a[0]!));

    public static TemplateFunction Of<T1, T2, TResult>(Func<T1, T2, TResult> f) =>
        new([typeof(T1), typeof(T2)], null, (_, a) => f((T1)a[0]!, (T2)a[1]!));

    public static TemplateFunction Of<T1, T2, T3, TResult>(Func<T1, T2, T3, TResult> f) =>
        new([typeof(T1), typeof(T2), typeof(T3)], null, (_, a) => f((T1)a[0]!, (T2)a[1]!, (T3)a[2]!));

    public static TemplateFunction Of<T1, T2, T3, T4, TResult>(Func<T1, T2, T3, T4, TResult> f) =>
        new([typeof(T1), typeof(T2), typeof(T3), typeof(T4)], null, (_, a) => f((T1)a[0]!, (T2)a[1]!, (T3)a[2]!, (T4)a[3]!));

    /// <summary>Any number of arguments of one type, at least <paramref name="least"/>; the body gets them all.</summary>
    public static TemplateFunction Variadic<T>(int least, Func<object?[], object?> f) =>
        new([.. Enumerable.Repeat(typeof(T), least)], typeof(T), (_, a) => f(a));

    /// <summary>A function that uses the running template.</summary>
    public static TemplateFunction WithContext(Type[] parameters, Type? rest, Func<ITemplateContext, object?[], object?> body) =>
        new(parameters, rest, body);

    internal Type ParameterAt(int index) => index < parameters.Length ? parameters[index] : Rest ?? typeof(object);

    internal object? Call(ITemplateContext context, object?[] arguments) => TemplateValue.Normalize(body(context, arguments));

    /// <summary>Fits a value to a parameter's type.</summary>
    internal static bool TryConvert(object? value, Type type, out object? converted)
    {
        converted = value;
        if (type == typeof(object))
        {
            if (ReferenceEquals(value, TemplateValue.NoValue)) converted = null;
            return true;
        }
        if (value is null || ReferenceEquals(value, TemplateValue.NoValue))
        {
            converted = null;
            return !type.IsValueType && type != typeof(string);
        }
        if (type == typeof(string))
        {
            if (value is SafeText safe) converted = safe.Text;
            return converted is string;
        }
        if (type == typeof(int))
        {
            converted = value is long number and >= int.MinValue and <= int.MaxValue ? (int)number : null;
            return converted is not null;
        }
        if (type == typeof(IReadOnlyList<string>))
        {
            if (value is IReadOnlyList<string>) return true;
            if (value is not IList list) return false;
            var strings = new List<string>(list.Count);
            foreach (object? item in list)
            {
                if (item is not string text) return false;
                strings.Add(text);
            }
            converted = strings;
            return true;
        }
        return type.IsInstanceOfType(value);
    }

    internal static string NameOf(Type type) => type switch
    {
        _ when type == typeof(string) => "string",
        _ when type == typeof(long) || type == typeof(int) => "int",
        _ when type == typeof(double) => "float64",
        _ when type == typeof(ulong) => "uint64",
        _ when type == typeof(bool) => "bool",
        _ when type == typeof(GoTime) => "time.Time",
        _ when type == typeof(GoDuration) => "time.Duration",
        _ when type == typeof(IReadOnlyList<string>) => "[]string",
        _ => type.Name,
    };
}
