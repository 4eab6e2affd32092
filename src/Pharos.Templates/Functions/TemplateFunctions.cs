using System.Diagnostics.CodeAnalysis;

namespace Pharos.Templates;

/// <summary>
/// Functions by name, beside those that the language has itself. Filled once, then only read; a later set of the same name wins.
/// </summary>
public sealed class TemplateFunctions
{
    private readonly Dictionary<string, TemplateFunction> byName = new(StringComparer.Ordinal);

    public static TemplateFunctions None { get; } = new();

    public IEnumerable<string> Names => byName.Keys;

    public TemplateFunctions Set(string name, TemplateFunction function)
    {
        byName[name] = function;
        return this;
    }

    /// <summary>Takes over all functions of another set.</summary>
    public TemplateFunctions SetAll(TemplateFunctions others)
    {
        foreach (var (name, function) in others.byName) byName[name] = function;
        return this;
    }

    public TemplateFunctions Set<TResult>(string name, Func<TResult> f) => Set(name, TemplateFunction.Of(f));

    public TemplateFunctions Set<T, TResult>(string name, Func<T, TResult> f) => Set(name, TemplateFunction.Of(f));

    public TemplateFunctions Set<T1, T2, TResult>(string name, Func<T1, T2, TResult> f) => Set(name, TemplateFunction.Of(f));

    public TemplateFunctions Set<T1, T2, T3, TResult>(string name, Func<T1, T2, T3, TResult> f) => Set(name, TemplateFunction.Of(f));

    public TemplateFunctions Set<T1, T2, T3, T4, TResult>(string name, Func<T1, T2, T3, T4, TResult> f) => Set(name, TemplateFunction.Of(f));

    /// <inheritdoc cref="TemplateFunction.Variadic{T}"/>
    public TemplateFunctions SetVariadic<T>(string name, int least, Func<object?[], object?> f) => Set(name, TemplateFunction.Variadic<T>(least, f));

    public bool TryGet(string name, [NotNullWhen(true)] out TemplateFunction? function) => byName.TryGetValue(name, out function);
}
