using System.Security.Cryptography;
using System.Text;
using Pharos.Collector.Evaluation;
using Pharos.Collector.Syntax;

namespace Pharos.Collector.Runtime;

/// <summary>A node with modules inside, which are built anew, running components kept, whenever what they depend on changes.</summary>
internal abstract class ModuleNode(Module module, BlockStatement block) : Node(module, block)
{
    private IReadOnlyList<Module> children = [];

    public override IEnumerable<Module> Children => children;

    public override ComponentHealth Health =>
        children.SelectMany(c => c.Nodes.Values).Select(n => n.Health).Append(EvaluationHealth).FirstOrDefault(h => h.State == HealthState.Unhealthy) ?? EvaluationHealth;

    public override ObjectValue? Value => children.Count == 0 ? null : ValueOf(children);

    protected virtual ObjectValue ValueOf(IReadOnlyList<Module> modules) => ObjectValue.Empty;

    /// <summary>The modules that should run.</summary>
    protected abstract ValueTask<IReadOnlyList<Module>> BuildAsync(Plan plan, IReadOnlyList<Module> previous);

    public override async ValueTask EvaluateAsync(Plan plan, Node? previous) =>
        children = await BuildAsync(plan, [.. (previous as ModuleNode)?.Children ?? []]).ConfigureAwait(false);

    public override bool KeepPrevious(Node? previous)
    {
        if (previous is not ModuleNode { children.Count: > 0 } before || before.GetType() != GetType()) return false;
        children = before.children;
        foreach (var child in children) child.Owner = this;
        return true;
    }

    public override void Commit(GraphRuntime graph)
    {
        foreach (var child in children) child.Commit(graph);
    }

    public override async ValueTask<bool> ReevaluateAsync(GraphRuntime graph)
    {
        var before = Value;
        var plan = new Plan(Module.Settings, CancellationToken.None);
        IReadOnlyList<Module> next;
        try
        {
            next = await BuildAsync(plan, children).ConfigureAwait(false);
        }
        catch
        {
            await plan.AbandonAsync().ConfigureAwait(false);
            throw;
        }
        var old = children;
        await GraphRuntime.StopMissingAsync(old, next).ConfigureAwait(false);
        children = next;
        foreach (var child in next) child.Commit(graph);
        Succeeded();
        return !(Value?.Equals(before) ?? before is null);
    }
}

/// <summary>A use of a declared module: <c>my_module "label" { … }</c>.</summary>
internal sealed class CustomNode(Module module, BlockStatement block) : ModuleNode(module, block)
{
    private BlockStatement? declared;

    public Arguments? Arguments { get; private set; }

    protected override ObjectValue ValueOf(IReadOnlyList<Module> modules) => new(
        modules[0].Nodes.Values.OfType<ExportNode>().Select(e => KeyValuePair.Create(e.Block.Label, e.Given)));

    protected override async ValueTask<IReadOnlyList<Module>> BuildAsync(Plan plan, IReadOnlyList<Module> previous)
    {
        var declare = Module.FindDeclare(Block.Name)
            ?? throw new EvaluationException(Block.NameSpan, $"cannot find the definition of component name \"{Block.Name}\"");
        var schema = new ArgumentBody(
        [
            .. declare.Block.Body.OfType<BlockStatement>().Where(b => b.Name == "argument").Select(b => new ArgumentAttribute(b.Label, ArgumentType.Any)
            {
                Required = !ArgumentDecoder.Decode(b, LanguageBlocks.Argument, new Evaluator(Module.Settings.Library, declare.Module)).Flag("optional"),
            }),
        ], []);
        for (var around = Module; around is not null; around = around.Owner?.Module)
        {
            if (around.Owner is CustomNode user && user.declared == declare.Block) throw new EvaluationException(Block.NameSpan, $"module \"{Block.Name}\" uses itself");
        }
        declared = declare.Block;
        var arguments = ArgumentDecoder.Decode(Block, schema, Evaluator);
        var child = new Module(Module.Settings, Path, BodyKind.Declare, declare.Block.Body)
        {
            Lexical = declare.Module,
            Owner = this,
            Depth = Module.Depth + 1,
            ShowsMetrics = Module.ShowsMetrics,
            Given = new ObjectValue(declare.Block.Body.OfType<BlockStatement>()
                .Where(b => b.Name == "argument" && Block.Body.OfType<AttributeStatement>().Any(a => a.Name == b.Label))
                .Select(b => KeyValuePair.Create(b.Label, arguments.Raw(b.Label)))),
        };
        await child.BuildAsync(plan, previous.Count > 0 ? previous[0] : null).ConfigureAwait(false);
        Arguments = arguments;
        return [child];
    }
}

/// <summary><c>foreach</c>: a copy of the template for each item of a collection.</summary>
internal sealed class ForeachNode(Module module, BlockStatement block) : ModuleNode(module, block)
{
    protected override async ValueTask<IReadOnlyList<Module>> BuildAsync(Plan plan, IReadOnlyList<Module> previous)
    {
        var template = Block.Body.OfType<BlockStatement>().First(b => b.Name == "template");
        var arguments = ArgumentDecoder.Decode(Block with { Body = [.. Block.Body.Where(s => s != template)] }, LanguageBlocks.Foreach, Evaluator);
        var modules = new List<Module>();
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var item in ((ArrayValue)arguments.Raw("collection")).Items)
        {
            string id = ItemId(item, arguments.Text("id"), arguments.Flag("hash_string_id"));
            int number = counts[id] = counts.GetValueOrDefault(id) + 1;
            string path = $"{Path}/foreach_{id}_{number}";
            var child = new Module(Module.Settings, path, BodyKind.Foreach, template.Body)
            {
                Lexical = Module,
                Outer = Module,
                Owner = this,
                Depth = Module.Depth + 1,
                ShowsMetrics = Module.ShowsMetrics && arguments.Flag("enable_metrics"),
                Variable = (arguments.Text("var"), item),
            };
            await child.BuildAsync(plan, previous.FirstOrDefault(p => p.Path == path)).ConfigureAwait(false);
            modules.Add(child);
        }
        return modules;
    }

    /// <summary>Names an item by its id field, or by its text with all but letters, digits and <c>_</c> replaced.</summary>
    private static string ItemId(Value item, string field, bool hash)
    {
        if (item is ObjectValue map && field.Length > 0 && map[field] is { } named) item = named;
        string text = item switch
        {
            StringValue s => s.Text,
            NumberValue or BoolValue => item.ToString(),
            _ => "default",
        };
        if (hash && item is StringValue) return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
        return string.Concat(text.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'));
    }
}

/// <summary><c>import.file</c> and its like: a namespace of declared modules that comes from outside.</summary>
internal sealed class ImportNode(Module module, BlockStatement block, ComponentDescriptor descriptor) : ModuleNode(module, block)
{
    private readonly ComponentNode source = new(module, block, descriptor);

    /// <summary>The component that fetches the text.</summary>
    public ComponentNode Source => source;

    public override ObjectValue? Value => null;

    public override async ValueTask EvaluateAsync(Plan plan, Node? previous)
    {
        await source.EvaluateAsync(plan, (previous as ImportNode)?.source).ConfigureAwait(false);
        await base.EvaluateAsync(plan, previous).ConfigureAwait(false);
    }

    public override bool KeepPrevious(Node? previous) => source.KeepPrevious((previous as ImportNode)?.source) && base.KeepPrevious(previous);

    public override void Commit(GraphRuntime graph)
    {
        graph.Represent(source, this);
        source.Commit(graph);
        base.Commit(graph);
    }

    public override async ValueTask<bool> ReevaluateAsync(GraphRuntime graph)
    {
        await source.ReevaluateAsync(graph).ConfigureAwait(false);
        await base.ReevaluateAsync(graph).ConfigureAwait(false);
        // Uses of the module must look at their definition again even though no value changed.
        return true;
    }

    protected override async ValueTask<IReadOnlyList<Module>> BuildAsync(Plan plan, IReadOnlyList<Module> previous)
    {
        if (Module.Depth > 32) throw new EvaluationException(Block.NameSpan, "imports are nested too deeply", "a module must not import itself");
        var module = (ImportedSources)((CapsuleValue)source.Value!["module"]!).Inner;
        var parsed = module.Sources.Select(Parser.ParseFile).ToList();
        var findings = parsed.SelectMany(p => p.Findings).Where(f => f.Severity == Core.Severity.Error).ToList();
        var body = parsed.SelectMany(p => p.Tree.Body).ToList();
        if (findings.Count == 0)
        {
            var settings = Module.Settings;
            findings.AddRange(StaticValidator.Validate(body, settings.Registry, settings.Library, settings.Minimum, BodyKind.Import).Where(f => f.Severity == Core.Severity.Error));
        }
        if (findings.Count > 0) throw new SyntaxException(findings);
        var child = new Module(Module.Settings, Path, BodyKind.Import, body) { Owner = this, Depth = Module.Depth + 1, SourceFolder = module.Folder.Length > 0 ? module.Folder : Module.FolderOfText() };
        await child.BuildAsync(plan, previous.Count > 0 ? previous[0] : null).ConfigureAwait(false);
        return [child];
    }
}

/// <summary>The texts of an imported module.</summary>
/// <param name="Folder">Where relative paths in it start; empty for none.</param>
internal sealed record ImportedSources(IReadOnlyList<SourceText> Sources, string Folder)
{
    public bool Equals(ImportedSources? other) =>
        other is not null && Folder == other.Folder && Sources.Select(s => (s.Name, s.Text)).SequenceEqual(other.Sources.Select(s => (s.Name, s.Text)));

    public override int GetHashCode() => Sources.Count;
}
