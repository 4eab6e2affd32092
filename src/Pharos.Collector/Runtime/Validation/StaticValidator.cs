using Pharos.Collector.Evaluation;
using Pharos.Collector.Syntax;

namespace Pharos.Collector.Runtime;

/// <summary>What a body belongs to; it decides which blocks it may hold.</summary>
internal enum BodyKind
{
    Root,
    Declare,
    Foreach,

    /// <summary>Only <c>declare</c> and <c>import</c> blocks.</summary>
    Import,
}

/// <summary>
/// Finds everything that is wrong with a configuration and can be known without running it: names, arguments, references, cycles,
/// types of constants, stability. Touches no file and no network.
/// </summary>
internal sealed class StaticValidator(ComponentRegistry registry, StandardLibrary library, Stability minimum)
{
    private readonly List<SyntaxDiagnostic> findings = [];

    public static IReadOnlyList<SyntaxDiagnostic> Validate(
        IReadOnlyList<SourceText> sources, ComponentRegistry registry, StandardLibrary library, Stability minimum, BodyKind kind = BodyKind.Root)
    {
        var parsed = sources.Select(Parser.ParseFile).ToList();
        var syntax = parsed.SelectMany(p => p.Findings).ToList();
        if (parsed.Any(p => p.HasErrors)) return syntax;
        return [.. syntax, .. Validate([.. parsed.SelectMany(p => p.Tree.Body)], registry, library, minimum, kind)];
    }

    public static IReadOnlyList<SyntaxDiagnostic> Validate(
        IReadOnlyList<Statement> body, ComponentRegistry registry, StandardLibrary library, Stability minimum, BodyKind kind)
    {
        var validator = new StaticValidator(registry, library, minimum);
        validator.Body(body, kind, new ValidationScope(null, null));
        return validator.findings;
    }

    private void Body(IReadOnlyList<Statement> body, BodyKind kind, ValidationScope scope)
    {
        foreach (var stray in body.OfType<AttributeStatement>())
            Error(stray.Span, $"unrecognized attribute name \"{stray.Name}\"", "only blocks may stand here");
        var blocks = body.OfType<BlockStatement>().ToList();
        Declarations(blocks, kind, scope);
        var nodes = new List<(BlockStatement Block, HashSet<string> DependsOn)>();
        foreach (var block in blocks)
        {
            if (!Block(block, kind, scope)) continue;
            var dependsOn = new HashSet<string>(StringComparer.Ordinal);
            if (block.Name != "declare") Reference(block, scope, dependsOn);
            nodes.Add((block, dependsOn));
        }
        Cycles(nodes);
    }

    /// <summary>Notes the names of a body, before anything refers to them.</summary>
    private void Declarations(List<BlockStatement> blocks, BodyKind kind, ValidationScope scope)
    {
        var first = new Dictionary<string, BlockStatement>(StringComparer.Ordinal);
        foreach (var block in blocks)
        {
            if (first.TryGetValue(block.Id, out var earlier))
            {
                bool misplaced = kind != BodyKind.Root && LanguageBlocks.Settings.ContainsKey(block.Name);
                if (!misplaced && (block.Label.Length > 0 || !NeedsLabel(block.Name)))
                    Error(block.HeaderSpan, $"block {block.Id} already declared at {earlier.Span.Position}");
                continue;
            }
            first[block.Id] = block;
            if (block.Name == "declare") scope.Declares[block.Label] = (block, scope);
            else if (block.Name.StartsWith("import.", StringComparison.Ordinal)) scope.Imports.Add(block.Label);
            else if (block.Name == "argument") scope.Arguments.Add(block.Label);
            else if (block.Name is not ("export" or "foreach") && !LanguageBlocks.Settings.ContainsKey(block.Name)) scope.Nodes[block.Id] = block;
        }
    }

    private static bool NeedsLabel(string name) => !LanguageBlocks.Settings.ContainsKey(name);

    /// <summary>Checks one block. False where it is no part of this body, so that its references do not matter.</summary>
    private bool Block(BlockStatement block, BodyKind kind, ValidationScope scope)
    {
        string place = kind == BodyKind.Foreach ? "foreach" : "module";
        if (LanguageBlocks.Settings.TryGetValue(block.Name, out var settings))
        {
            if (kind != BodyKind.Root)
            {
                Error(block.NameSpan, $"{block.Name} not allowed in {place}");
                return false;
            }
            if (block.Label.Length > 0) Error(block.LabelSpan, $"block {block.Name} does not take a label");
            Shape(block, settings);
            return true;
        }
        switch (block.Name)
        {
            case "declare":
                Label(block);
                if (kind == BodyKind.Foreach)
                {
                    Error(block.NameSpan, "declare not allowed in foreach");
                    return false;
                }
                // An import may hold modules that nobody uses and that would not run here; they are checked where they are used.
                if (kind != BodyKind.Import) Body(block.Body, BodyKind.Declare, new ValidationScope(scope, null));
                return true;
            case "argument" or "export":
                if (kind != BodyKind.Declare)
                {
                    Error(block.HeaderSpan, $"{block.Name} blocks only allowed inside a module");
                    return false;
                }
                Label(block);
                Shape(block, block.Name == "argument" ? LanguageBlocks.Argument : LanguageBlocks.Export);
                return true;
            case "foreach" when kind != BodyKind.Import:
                return Foreach(block, scope);
        }
        if (block.Name.StartsWith("import.", StringComparison.Ordinal) && LanguageBlocks.Imports.TryGetValue(block.Name, out var import))
        {
            Label(block);
            Shape(block, import);
            return true;
        }
        if (kind == BodyKind.Import)
        {
            Error(block.NameSpan, $"{block.Name} is not allowed in an imported module", "an imported module holds only declare and import blocks");
            return false;
        }
        if (scope.FindDeclare(block.Name) is { } declare)
        {
            Label(block);
            Instance(block, declare.Block);
            return true;
        }
        if (scope.IsImported(block.Name))
        {
            Label(block);
            return true;
        }
        return Component(block);
    }

    private bool Component(BlockStatement block)
    {
        if (registry.Find(block.Name) is not { } descriptor)
        {
            if (registry.RefusalOf(block.Name) is { } reason) Error(block.NameSpan, $"component \"{block.Name}\" is not supported: {reason}");
            else Error(block.NameSpan, $"cannot find the definition of component name \"{block.Name}\"", registry.Nearest(block.Name) is { } near ? $"did you mean {near}?" : null);
            // Its references are checked all the same: they are wrong whatever the component turns out to be.
            return true;
        }
        if (block.Label.Length == 0) Error(block.NameSpan, $"component \"{block.Name}\" must have a label");
        if (descriptor.Stability < minimum) Error(block.NameSpan, $"component \"{block.Name}\" {Unstable(descriptor.Stability)}");
        Shape(block, descriptor.Arguments);
        return true;
    }

    private bool Foreach(BlockStatement block, ValidationScope scope)
    {
        Label(block);
        if (Stability.Experimental < minimum)
        {
            Error(block.NameSpan, $"foreach block \"{block.Label}\" {Unstable(Stability.Experimental)}");
            return false;
        }
        var schema = LanguageBlocks.Foreach;
        var templates = block.Body.OfType<BlockStatement>().Where(b => b.Name == "template").ToList();
        if (templates.Count == 0) Error(block.Span, "missing required block \"template\"");
        for (int i = 1; i < templates.Count; i++) Error(templates[i].HeaderSpan, "block \"template\" may only be provided once");
        Shape(block with { Body = [.. block.Body.Except(templates)] }, schema);
        var inner = new ValidationScope(scope, scope);
        if (block.Body.OfType<AttributeStatement>().FirstOrDefault(a => a.Name == "var")?.Value is LiteralExpression { Kind: LiteralKind.String } name)
            inner.Variables.Add(Literals.Unquote(name.ToString()));
        if (templates.Count > 0) Body(templates[0].Body, BodyKind.Foreach, inner);
        return true;
    }

    /// <summary>A use of a declared module: its attributes must be the module's arguments.</summary>
    private void Instance(BlockStatement block, BlockStatement declare)
    {
        var arguments = declare.Body.OfType<BlockStatement>().Where(b => b.Name == "argument" && b.Label.Length > 0).DistinctBy(b => b.Label)
            .Select(b => new ArgumentAttribute(b.Label, ArgumentType.Any) { Required = !IsOptional(b) });
        ArgumentDecoder.CheckShape(block, new ArgumentBody([.. arguments], []), findings);
    }

    private static bool IsOptional(BlockStatement argument) => argument.Body.OfType<AttributeStatement>().Any(a =>
        (a.Name == "optional" && a.Value is not LiteralExpression { Kind: LiteralKind.Bool } constant) || (a.Name == "optional" && a.Value.ToString() == "true"));

    private void Shape(BlockStatement block, ArgumentBody schema)
    {
        ArgumentDecoder.CheckShape(block, schema, findings);
        ArgumentDecoder.CheckConstants(block.Body, schema, library, findings);
    }

    private void Label(BlockStatement block)
    {
        if (block.Label.Length == 0) Error(block.NameSpan, $"{block.Name} block must have a label");
    }

    private void Reference(BlockStatement block, ValidationScope scope, HashSet<string> dependsOn)
    {
        var statements = block.Name == "foreach" ? block.Body.Where(s => s is not BlockStatement { Name: "template" }) : block.Body;
        foreach (var reference in References.Of(statements)) Resolve(reference, scope, dependsOn);
        if (block.Name != "foreach") return;
        // What the template takes from around it makes the foreach depend on it.
        var own = block.Body.OfType<BlockStatement>().Where(b => b.Name == "template").SelectMany(t => t.Body).OfType<BlockStatement>().Select(b => b.Id).ToHashSet();
        foreach (var reference in References.Of(block.Body))
        {
            if (scope.Find(reference.Path, out string id, out _) is not null && !own.Contains(id)) dependsOn.Add(id);
        }
    }

    private void Resolve(Reference reference, ValidationScope scope, HashSet<string> dependsOn)
    {
        var path = reference.Path;
        for (var s = scope; s is not null; s = s.Outer)
        {
            if (s.Variables.Contains(path[0])) return;
        }
        if (path[0] == "module_path") return;
        if (path[0] == "argument" && path.Count > 1 && scope.HasArgument(path[1])) return;
        if (scope.Find(path, out string id, out bool own) is { } node)
        {
            if (StandardLibrary.Holds(path)) findings.Add(SyntaxDiagnostic.Warning(reference.RootSpan, "a component is shadowing an existing stdlib name"));
            if (own) dependsOn.Add(id);
            Export(reference, node, id);
            return;
        }
        if (StandardLibrary.Holds(path))
        {
            Standard(reference);
            return;
        }
        Error(reference.Span, $"component \"{reference}\" does not exist or is out of scope");
    }

    private void Export(Reference reference, BlockStatement node, string id)
    {
        int used = id.Split('.').Length;
        if (reference.Path.Count <= used || registry.Find(node.Name) is not { } descriptor) return;
        string name = reference.Path[used];
        if (descriptor.Exports.Any(e => e.Name == name)) return;
        string has = descriptor.Exports.Count == 0 ? "it exports nothing" : $"it exports {string.Join(", ", descriptor.Exports.Select(e => e.Name))}";
        Error(reference.Span, $"component \"{id}\" does not export \"{name}\"", has);
    }

    private void Standard(Reference reference)
    {
        if (reference.Path[0] == "constants") return;
        if (StandardLibrary.Find(reference.Path) is not { } function)
        {
            string name = reference.ToString();
            Error(reference.Span, $"the standard library has no {name}", StandardLibrary.Nearest(name) is { } near ? $"did you mean {near}?" : null);
            return;
        }
        if (function.Successor is not null)
            findings.Add(SyntaxDiagnostic.Warning(reference.Span, "this stdlib function is deprecated; please refer to the documentation for updated usage and alternatives", $"use {function.Successor}"));
        if (function.Stability < minimum) Error(reference.Span, $"{function.Name} {Unstable(function.Stability)}");
    }

    private string Unstable(Stability level) => Unstable(level, minimum);

    internal static string Unstable(Stability level, Stability minimum) =>
        $"is at stability level \"{level.Name()}\", which is below the minimum allowed stability level \"{minimum.Name()}\". " +
        $"Use --stability.level command-line flag to enable \"{level.Name()}\" features";

    private void Cycles(List<(BlockStatement Block, HashSet<string> DependsOn)> nodes)
    {
        var edges = nodes.DistinctBy(n => n.Block.Id).ToDictionary(n => n.Block.Id, n => n.DependsOn, StringComparer.Ordinal);
        foreach (var group in Components.OfCycles(edges))
        {
            string members = string.Join(", ", group.Order(StringComparer.Ordinal));
            foreach (string id in group)
            {
                var block = nodes.First(n => n.Block.Id == id).Block;
                Error(block.HeaderSpan, group.Count == 1 ? "cannot reference self" : $"cycle detected: {members}");
            }
        }
    }

    private void Error(TextSpan span, string message, string? mend = null) => findings.Add(SyntaxDiagnostic.Error(span, message, mend));
}
