using Pharos.Collector.Evaluation;

namespace Pharos.Collector.Runtime;

/// <summary>
/// A component as the graph sees it: options come in by <see cref="Apply"/>, values go out by <see cref="Export"/>.
/// Derived classes bind a working class, which knows nothing of the language, to its arguments.
/// </summary>
internal abstract class ComponentInstance(ComponentContext context) : IComponent
{
    private readonly Lock gate = new();
    private volatile ObjectValue exports = ObjectValue.Empty;
    private volatile ComponentHealth? problem;

    /// <summary>Called after an export got another value.</summary>
    public Action? ExportsChanged { get; set; }

    public ComponentContext Context => context;

    public ObjectValue Exports => exports;

    public virtual ComponentHealth Health => problem ?? ComponentHealth.Unknown;

    public virtual object? DebugInfo => null;

    /// <summary>Takes new options, before it runs or while it runs. What did not change goes on undisturbed.</summary>
    public abstract void Apply(object options);

    public abstract Task RunAsync(CancellationToken cancel);

    /// <summary>Gives a value out. An equal value changes nothing.</summary>
    protected void Export(string name, Value value)
    {
        lock (gate)
        {
            if (exports[name] is { } before && before.Equals(value)) return;
            exports = new ObjectValue(exports.Fields.Append(KeyValuePair.Create(name, value)));
        }
        ExportsChanged?.Invoke();
    }

    /// <summary>Says how it is doing; a message makes it unhealthy, null healthy.</summary>
    protected void Report(string? trouble)
    {
        var state = trouble is null ? HealthState.Healthy : HealthState.Unhealthy;
        if (problem is { } now && now.State == state && now.Message == (trouble ?? "")) return;
        problem = new ComponentHealth(state, trouble ?? "", context.Time.GetUtcNow());
    }

    /// <summary>Waits for the end, for components that only pass things on.</summary>
    protected static async Task WaitAsync(CancellationToken cancel)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = cancel.Register(() => ended.TrySetResult());
        await ended.Task.ConfigureAwait(false);
    }
}

/// <summary>A component with typed options.</summary>
internal abstract class ComponentInstance<TOptions>(ComponentContext context) : ComponentInstance(context)
    where TOptions : notnull
{
    public sealed override void Apply(object options) => Apply((TOptions)options);

    protected abstract void Apply(TOptions options);
}
