using Pharos.Collector.Evaluation;
using Pharos.Collector.Syntax;

namespace Pharos.Collector.Runtime;

/// <summary>A block of a loaded configuration that has a value or does something.</summary>
internal abstract class Node(Module module, BlockStatement block)
{
    private volatile ComponentHealth evaluation = ComponentHealth.Unknown;

    public Module Module => module;

    public BlockStatement Block => block;

    public string Id => block.Id;

    /// <summary>Id with the path of the module before it.</summary>
    public string Path => module.Path.Length == 0 ? Id : $"{module.Path}/{Id}";

    /// <summary>Nodes whose values this one uses.</summary>
    public List<Node> Dependencies { get; } = [];

    /// <summary>Nodes that use this one's value.</summary>
    public List<Node> Dependants { get; } = [];

    /// <summary>What references to this node give; null where it has no value now.</summary>
    public virtual ObjectValue? Value => null;

    /// <summary>Modules inside this node.</summary>
    public virtual IEnumerable<Module> Children => [];

    public ComponentHealth EvaluationHealth => evaluation;

    /// <summary>The worst of evaluation, run and the component's own view.</summary>
    public virtual ComponentHealth Health => evaluation;

    /// <summary>Computes the node as part of a plan: nothing that runs is touched.</summary>
    /// <param name="previous">The node of the same id in the configuration that runs now.</param>
    /// <exception cref="SyntaxException">It cannot be.</exception>
    public abstract ValueTask EvaluateAsync(Plan plan, Node? previous);

    /// <summary>After evaluation failed: goes on as the previous node was. False where there is nothing to go on with.</summary>
    public virtual bool KeepPrevious(Node? previous) => false;

    /// <summary>Makes the plan real.</summary>
    public virtual void Commit(GraphRuntime graph) { }

    /// <summary>Computes the node again after something it uses has changed. True where its own value changed.</summary>
    public abstract ValueTask<bool> ReevaluateAsync(GraphRuntime graph);

    public void Succeeded() => Set(HealthState.Healthy, "component evaluated");

    public void Failed(string reason)
    {
        Set(HealthState.Unhealthy, $"component evaluation failed: {reason}");
        RuntimeLog.EvaluationFailed(module.Settings.Logger, Path, reason);
    }

    private void Set(HealthState state, string message)
    {
        if (evaluation.State != state || evaluation.Message != message) evaluation = new ComponentHealth(state, message, module.Settings.Time.GetUtcNow());
    }

    protected Evaluator Evaluator => new(module.Settings.Library, module);
}

/// <summary>A built-in component, or an import, which has one inside.</summary>
internal class ComponentNode(Module module, BlockStatement block, ComponentDescriptor descriptor) : Node(module, block)
{
    private object? pendingOptions;
    private ObjectValue? seen;

    public ComponentDescriptor Descriptor => descriptor;

    public Slot? Slot { get; private set; }

    /// <summary>The arguments that are in force.</summary>
    public Arguments? Arguments { get; private set; }

    public override ObjectValue? Value => Slot?.Instance.Exports;

    public override ComponentHealth Health => Slot is null
        ? EvaluationHealth
        : new[] { EvaluationHealth, Slot.RunHealth, Slot.Instance.Health }.MaxBy(h => (Rank(h.State), h.UpdatedAt))!;

    public override async ValueTask EvaluateAsync(Plan plan, Node? previous)
    {
        var arguments = ArgumentDecoder.Decode(Block, descriptor.Arguments, Evaluator);
        var before = (previous as ComponentNode)?.Slot is { } slot && slot.Descriptor.Name == descriptor.Name ? (ComponentNode)previous! : null;
        if (before is not null)
        {
            Slot = before.Slot;
            if (!arguments.Equals(before.Arguments)) pendingOptions = descriptor.Bind(arguments);
        }
        else
        {
            var options = descriptor.Bind(arguments);
            var instance = descriptor.Create(Module.Settings.ContextFor(Path), Module.Settings.Services, options);
            Slot = new Slot(Path, descriptor, instance);
            plan.Created(Slot);
            if (instance is IPrepare prepare)
            {
                try
                {
                    await prepare.PrepareAsync(plan.Cancel).ConfigureAwait(false);
                }
                catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or HttpRequestException)
                {
                    throw new EvaluationException(Block.HeaderSpan, failure.Message);
                }
            }
        }
        Arguments = arguments;
        seen = Slot!.Instance.Exports;
    }

    public override bool KeepPrevious(Node? previous)
    {
        if (previous is not ComponentNode { Slot: not null } before || before.Descriptor.Name != descriptor.Name) return false;
        Slot = before.Slot;
        Arguments = before.Arguments;
        pendingOptions = null;
        seen = Slot.Instance.Exports;
        return true;
    }

    public override void Commit(GraphRuntime graph)
    {
        if (Slot is null) return;
        Slot.Owner = this;
        Slot.Instance.ExportsChanged = () =>
        {
            if (Slot.Owner is { } owner) graph.Notify(owner);
        };
        if (pendingOptions is not null) TryApply(pendingOptions);
        pendingOptions = null;
        if (!Slot.Started) Slot.Start();
        if (!Slot.Instance.Exports.Equals(seen)) graph.Notify(this);
    }

    public override ValueTask<bool> ReevaluateAsync(GraphRuntime graph)
    {
        if (Slot is null) return ValueTask.FromResult(false);
        var arguments = ArgumentDecoder.Decode(Block, descriptor.Arguments, Evaluator);
        if (!arguments.Equals(Arguments))
        {
            var options = descriptor.Bind(arguments);
            Arguments = arguments;
            TryApply(options);
        }
        Succeeded();
        // The component itself says when an export changes.
        return ValueTask.FromResult(false);
    }

    private void TryApply(object options)
    {
        try
        {
            Slot!.Instance.Apply(options);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or InvalidOperationException or ArgumentException)
        {
            Failed(failure.Message);
        }
    }

    private static int Rank(HealthState state) => state switch
    {
        HealthState.Unhealthy => 3,
        HealthState.Exited => 2,
        HealthState.Healthy => 1,
        _ => 0,
    };
}

/// <summary>A component that needs something from outside before it can have a first value.</summary>
internal interface IPrepare
{
    /// <exception cref="IOException">There is no first value; loading fails.</exception>
    ValueTask PrepareAsync(CancellationToken cancel);
}

/// <summary><c>argument "x"</c>: gives what the caller gave.</summary>
internal sealed class ArgumentNode(Module module, BlockStatement block) : Node(module, block)
{
    private ObjectValue? value;

    public override ObjectValue? Value => value;

    public override ValueTask EvaluateAsync(Plan plan, Node? previous)
    {
        var arguments = ArgumentDecoder.Decode(Block, LanguageBlocks.Argument, Evaluator);
        var given = Module.Given?[Block.Label] ?? arguments.Raw("default");
        value = new ObjectValue([KeyValuePair.Create("value", given)]);
        return ValueTask.CompletedTask;
    }

    public override ValueTask<bool> ReevaluateAsync(GraphRuntime graph) => ValueTask.FromResult(false);
}

/// <summary><c>export "x"</c>: gives its value to whoever uses the module.</summary>
internal sealed class ExportNode(Module module, BlockStatement block) : Node(module, block)
{
    public Value Given { get; private set; } = NullValue.Instance;

    public override ValueTask EvaluateAsync(Plan plan, Node? previous)
    {
        Given = ArgumentDecoder.Decode(Block, LanguageBlocks.Export, Evaluator).Raw("value");
        return ValueTask.CompletedTask;
    }

    public override ValueTask<bool> ReevaluateAsync(GraphRuntime graph)
    {
        var now = ArgumentDecoder.Decode(Block, LanguageBlocks.Export, Evaluator).Raw("value");
        Succeeded();
        if (now.Equals(Given)) return ValueTask.FromResult(false);
        Given = now;
        if (Module.Owner is { } owner) graph.Notify(owner);
        return ValueTask.FromResult(true);
    }
}

/// <summary>A setting of the whole collector: <c>logging</c>, <c>remotecfg</c> …</summary>
internal sealed class SettingNode(Module module, BlockStatement block, ArgumentBody schema) : Node(module, block)
{
    private bool pending;

    public Arguments? Arguments { get; private set; }

    public override ValueTask EvaluateAsync(Plan plan, Node? previous)
    {
        Arguments = ArgumentDecoder.Decode(Block, schema, Evaluator);
        Module.Settings.CheckSetting(Block.Name, Arguments);
        pending = (previous as SettingNode)?.Arguments is not { } before || !before.Equals(Arguments);
        return ValueTask.CompletedTask;
    }

    public override bool KeepPrevious(Node? previous)
    {
        Arguments = (previous as SettingNode)?.Arguments;
        return Arguments is not null;
    }

    public override void Commit(GraphRuntime graph)
    {
        if (pending) graph.SettingChanged(Block.Name, Arguments);
        pending = false;
    }

    public override ValueTask<bool> ReevaluateAsync(GraphRuntime graph)
    {
        var arguments = ArgumentDecoder.Decode(Block, schema, Evaluator);
        Module.Settings.CheckSetting(Block.Name, arguments);
        Succeeded();
        if (arguments.Equals(Arguments)) return ValueTask.FromResult(false);
        Arguments = arguments;
        graph.SettingChanged(Block.Name, arguments);
        return ValueTask.FromResult(false);
    }
}
