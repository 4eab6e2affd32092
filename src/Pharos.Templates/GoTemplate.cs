using System.Text;
using Pharos.Templates.Execution;
using Pharos.Templates.Syntax;

namespace Pharos.Templates;

/// <summary>
/// A set of named templates in Go's text/template language (in HTML mode: html/template). Parsing changes the set and is for one thread;
/// executing does not and is for any number. Every execution is bounded by <see cref="TemplateOptions"/>.
/// </summary>
public sealed class GoTemplate
{
    private readonly Dictionary<string, Tree> trees;

    private GoTemplate(string name, TemplateFunctions functions, TemplateOptions options, Dictionary<string, Tree> trees)
    {
        Name = name;
        Functions = functions;
        Options = options;
        this.trees = trees;
    }

    /// <summary>Name of the main template.</summary>
    public string Name { get; }

    public TemplateFunctions Functions { get; }

    public TemplateOptions Options { get; }

    /// <summary>An empty set, for <see cref="AddParse"/>.</summary>
    public static GoTemplate Create(string name, TemplateFunctions functions, TemplateOptions? options = null) =>
        new(name, functions, options ?? TemplateOptions.Default, new Dictionary<string, Tree>(StringComparer.Ordinal));

    /// <param name="name">Stands in error messages and names the main template.</param>
    /// <exception cref="TemplateException">The text is no template.</exception>
    public static GoTemplate Parse(string name, string text, TemplateFunctions functions, TemplateOptions? options = null) =>
        Create(name, functions, options).AddParse(name, text);

    /// <summary>
    /// Parses a further text: it and what it defines join the set. A later definition replaces an earlier one,
    /// except that an empty text replaces nothing.
    /// </summary>
    /// <exception cref="TemplateException">The text is no template; the set is unchanged.</exception>
    public GoTemplate AddParse(string name, string text)
    {
        foreach (var tree in Parser.Parse(name, text, n => Builtins.Has(n) || Functions.TryGet(n, out _)))
        {
            if (tree.Root.IsBlank && trees.ContainsKey(tree.Name)) continue;
            trees[tree.Name] = tree;
        }
        return this;
    }

    /// <summary>A copy of the set whose later changes leave this one alone. Optionally with other functions or options.</summary>
    public GoTemplate Clone(TemplateFunctions? functions = null, TemplateOptions? options = null) =>
        new(Name, functions ?? Functions, options ?? Options, new Dictionary<string, Tree>(trees, StringComparer.Ordinal));

    public bool Has(string name) => trees.ContainsKey(name);

    /// <summary>Executes the main template.</summary>
    /// <exception cref="TemplateException">It failed; what was written until then has been written.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public void Execute(object? data, TextWriter output, CancellationToken cancel = default) => Execute(Name, data, output, cancel);

    /// <summary>Executes one template of the set.</summary>
    /// <inheritdoc cref="Execute(object?, TextWriter, CancellationToken)"/>
    public void Execute(string name, object? data, TextWriter output, CancellationToken cancel = default)
    {
        if (!trees.TryGetValue(name, out var tree))
            throw new TemplateException(name, 0, 0, "template is not defined", $"template: no template {Core.GoString.Quote(name)} associated with template {Core.GoString.Quote(Name)}");
        new Executor(this, data, output, cancel).Run(tree);
    }

    /// <summary>Executes the main template and returns its output.</summary>
    /// <inheritdoc cref="Execute(object?, TextWriter, CancellationToken)"/>
    public string Execute(object? data, CancellationToken cancel = default)
    {
        var text = new StringBuilder();
        using var writer = new StringWriter(text);
        Execute(data, writer, cancel);
        return text.ToString();
    }

    internal bool TryGetTree(string name, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Tree? tree) => trees.TryGetValue(name, out tree);
}
