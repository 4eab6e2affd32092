using Pharos.Collector.Evaluation;
using Pharos.Collector.Syntax;

namespace Pharos.Collector.Runtime;

/// <summary>
/// A body with its nodes: the root, a use of a declared module, one item of a foreach, an imported text.
/// Built whole by a plan; after that only its nodes' values change.
/// </summary>
internal sealed class Module(GraphSettings settings, string path, BodyKind kind, IReadOnlyList<Statement> body) : IScope
{
    private readonly Dictionary<string, Node> nodes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, BlockStatement> declares = new(StringComparer.Ordinal);
    private IReadOnlyList<Node> order = [];

    public GraphSettings Settings => settings;

    /// <summary>Empty for the root.</summary>
    public string Path => path;

    public IReadOnlyDictionary<string, Node> Nodes => nodes;

    /// <summary>Nodes, dependencies first.</summary>
    public IReadOnlyList<Node> Order => order;

    /// <summary>Where declarations are looked for next.</summary>
    public Module? Lexical { get; init; }

    /// <summary>Where values are looked for next; only a foreach has one.</summary>
    public Module? Outer { get; init; }

    /// <summary>The node that this module is inside of; null for the root.</summary>
    public Node? Owner { get; set; }

    public int Depth { get; init; }

    /// <summary>Metrics of its components are shown. A foreach hides them unless it is told otherwise.</summary>
    public bool ShowsMetrics { get; init; } = true;

    /// <summary>Arguments that the caller gave; null for what is no declared module.</summary>
    public ObjectValue? Given { get; init; }

    /// <summary>The name and the value of a foreach's item.</summary>
    public (string Name, Value Value)? Variable { get; init; }

    /// <summary>The folder of the text, which <c>module_path</c> gives; empty for none.</summary>
    public string SourceFolder { get; init; } = "";

    /// <summary>Makes, connects and evaluates all nodes.</summary>
    /// <exception cref="SyntaxException">Holds what is wrong; nothing that runs has been touched.</exception>
    public async ValueTask BuildAsync(Plan plan, Module? previous)
    {
        var findings = new List<SyntaxDiagnostic>();
        foreach (var block in body.OfType<BlockStatement>())
        {
            if (block.Name == "declare") declares.TryAdd(block.Label, block);
        }
        foreach (var block in body.OfType<BlockStatement>())
        {
            if (block.Name == "declare" || nodes.ContainsKey(block.Id)) continue;
            if (Make(block, out string? trouble) is { } node) nodes[node.Id] = node;
            else if (plan.Isolate && previous?.Nodes.GetValueOrDefault(block.Id) is CustomNode) nodes[block.Id] = new CustomNode(this, block);
            else if (plan.Isolate) plan.Findings.Add(SyntaxDiagnostic.Error(block.NameSpan, trouble!));
            else findings.Add(SyntaxDiagnostic.Error(block.NameSpan, trouble!));
        }
        if (findings.Count > 0) throw new SyntaxException(findings);
        foreach (var node in nodes.Values) Connect(node);
        order = Sort();
        var failed = new HashSet<Node>();
        foreach (var node in order)
        {
            if (node.Dependencies.Exists(failed.Contains) && !plan.Isolate)
            {
                failed.Add(node);
                continue;
            }
            var before = previous?.Nodes.GetValueOrDefault(node.Id);
            var part = plan.Part();
            IReadOnlyList<SyntaxDiagnostic> wrong;
            try
            {
                part.Count(node);
                await node.EvaluateAsync(part, before).ConfigureAwait(false);
                plan.Adopt(part);
                node.Succeeded();
                continue;
            }
            catch (SyntaxException many)
            {
                wrong = many.Findings;
            }
            catch (EvaluationException one)
            {
                wrong = [one.ToDiagnostic()];
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException or FormatException or Core.ConfigurationException)
            {
                wrong = [SyntaxDiagnostic.Error(node.Block.HeaderSpan, failure.Message)];
            }
            await part.AbandonAsync().ConfigureAwait(false);
            if (plan.Isolate)
            {
                node.KeepPrevious(before);
                node.Failed(string.Join("; ", wrong));
            }
            else
            {
                failed.Add(node);
            }
            findings.AddRange(wrong);
        }
        if (findings.Count == 0) return;
        if (!plan.Isolate) throw new SyntaxException(findings);
        plan.Findings.AddRange(findings);
    }

    public void Commit(GraphRuntime graph)
    {
        foreach (var node in order) node.Commit(graph);
    }

    /// <summary>All components of this module and the modules inside it, those before that others use.</summary>
    public IEnumerable<Slot> Slots() => order.SelectMany(SlotsOf);

    private static IEnumerable<Slot> SlotsOf(Node node)
    {
        var own = node switch
        {
            ComponentNode { Slot: { } slot } => [slot],
            ImportNode { Source.Slot: { } slot } => [slot],
            _ => Enumerable.Empty<Slot>(),
        };
        return own.Concat(node.Children.SelectMany(c => c.Slots()));
    }

    /// <summary>All nodes of this module and the modules inside it.</summary>
    public IEnumerable<Node> AllNodes() => nodes.Values.SelectMany(n => n.Children.SelectMany(c => c.AllNodes()).Prepend(n));

    /// <summary>The declared module of a name, in this body, its imports, or the bodies around it.</summary>
    public (BlockStatement Block, Module Module)? FindDeclare(string name)
    {
        for (var module = this; module is not null; module = module.Lexical)
        {
            if (module.declares.TryGetValue(name, out var block)) return (block, module);
            int dot = name.IndexOf('.', StringComparison.Ordinal);
            if (dot > 0 && module.ImportOf(name[..dot]) is { } import)
                return import.Children.FirstOrDefault()?.FindDeclare(name[(dot + 1)..]);
        }
        return null;
    }

    public bool TryResolve(IReadOnlyList<string> path, out Value value, out int used)
    {
        value = NullValue.Instance;
        used = 1;
        if (Variable is { } variable && variable.Name == path[0])
        {
            value = variable.Value;
            return true;
        }
        if (path[0] == "module_path" && !nodes.ContainsKey("module_path"))
        {
            value = Value.Of(FolderOfText());
            return true;
        }
        for (int length = path.Count; length > 0; length--)
        {
            if (!nodes.TryGetValue(string.Join('.', path.Take(length)), out var node) || node.Value is not { } found) continue;
            value = found;
            used = length;
            return true;
        }
        return Outer is not null && Outer.TryResolve(path, out value, out used);
    }

    /// <summary>Where relative paths of this module start.</summary>
    public string FolderOfText()
    {
        for (var module = this; module is not null; module = module.Lexical)
        {
            if (module.SourceFolder.Length > 0) return module.SourceFolder;
        }
        return "";
    }

    private ImportNode? ImportOf(string label) => nodes.Values.OfType<ImportNode>().FirstOrDefault(n => n.Block.Label == label);

    private Node? Make(BlockStatement block, out string? trouble)
    {
        trouble = null;
        if (kind == BodyKind.Root && LanguageBlocks.Settings.TryGetValue(block.Name, out var setting)) return new SettingNode(this, block, setting);
        if (block.Name.StartsWith("import.", StringComparison.Ordinal) && settings.Imports.TryGetValue(block.Name, out var import)) return new ImportNode(this, block, import);
        switch (block.Name)
        {
            case "argument" when kind == BodyKind.Declare: return new ArgumentNode(this, block);
            case "export" when kind == BodyKind.Declare: return new ExportNode(this, block);
            case "foreach": return new ForeachNode(this, block);
        }
        if (Knows(block.Name)) return new CustomNode(this, block);
        if (settings.Registry.Find(block.Name) is { } descriptor)
        {
            if (descriptor.Stability >= settings.Minimum) return new ComponentNode(this, block, descriptor);
            trouble = $"component \"{block.Name}\" {StaticValidator.Unstable(descriptor.Stability, settings.Minimum)}";
            return null;
        }
        trouble = settings.Registry.RefusalOf(block.Name) is { } reason
            ? $"component \"{block.Name}\" is not supported: {reason}"
            : $"cannot find the definition of component name \"{block.Name}\"";
        return null;
    }

    /// <summary>The name is of a declared module, or starts with the label of an import, whose text may not be here yet.</summary>
    private bool Knows(string name)
    {
        int dot = name.IndexOf('.', StringComparison.Ordinal);
        for (var module = this; module is not null; module = module.Lexical)
        {
            if (module.declares.ContainsKey(name)) return true;
            if (dot > 0 && module.HasImport(name[..dot])) return true;
        }
        return false;
    }

    private bool HasImport(string label) =>
        body.OfType<BlockStatement>().Any(b => b.Label == label && b.Name.StartsWith("import.", StringComparison.Ordinal));

    private void Connect(Node node)
    {
        foreach (var reference in References.Of(node.Block.Body)) Link(node, reference.Path);
        foreach (var import in nodes.Values.OfType<ImportNode>())
        {
            if (import != node && Uses(node.Block, import.Block.Label, [])) Link(node, import);
        }
    }

    private void Link(Node node, IReadOnlyList<string> path)
    {
        for (int length = path.Count; length > 0; length--)
        {
            if (!nodes.TryGetValue(string.Join('.', path.Take(length)), out var used)) continue;
            if (used != node) Link(node, used);
            return;
        }
    }

    private static void Link(Node node, Node used)
    {
        if (node.Dependencies.Contains(used)) return;
        node.Dependencies.Add(used);
        used.Dependants.Add(node);
    }

    /// <summary>A block, or a declared module that it uses, takes something from the import of that label.</summary>
    private bool Uses(BlockStatement block, string label, HashSet<string> visited)
    {
        if (block.Name.StartsWith(label + ".", StringComparison.Ordinal)) return true;
        if (FindDeclare(block.Name) is { } declare && declare.Module == this && visited.Add(block.Name) && declare.Block.Body.OfType<BlockStatement>().Any(b => Uses(b, label, visited)))
            return true;
        return block.Body.OfType<BlockStatement>().Any(b => Uses(b, label, visited));
    }

    private List<Node> Sort()
    {
        var sorted = new List<Node>();
        var waiting = nodes.Values.ToDictionary(n => n, n => n.Dependencies.Count);
        var ready = new Queue<Node>(nodes.Values.Where(n => n.Dependencies.Count == 0));
        while (ready.TryDequeue(out var node))
        {
            sorted.Add(node);
            foreach (var dependant in node.Dependants)
            {
                if (--waiting[dependant] == 0) ready.Enqueue(dependant);
            }
        }
        if (sorted.Count == nodes.Count) return sorted;
        var stuck = nodes.Values.Except(sorted).ToList();
        string members = string.Join(", ", stuck.Select(n => n.Id).Order(StringComparer.Ordinal));
        throw new SyntaxException([.. stuck.Select(n => SyntaxDiagnostic.Error(n.Block.HeaderSpan, $"cycle detected: {members}"))]);
    }
}
