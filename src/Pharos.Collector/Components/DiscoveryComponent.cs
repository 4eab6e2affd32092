using Pharos.Collector.Discovery;
using Pharos.Collector.Evaluation;
using Pharos.Collector.Runtime;

namespace Pharos.Collector.Components;

/// <summary>Runs a discovery and exports its targets. One that fails keeps the last targets and makes the component unhealthy.</summary>
internal sealed class DiscoveryComponent : ComponentInstance<DiscoveryOptions>
{
    private DiscoveryOptions options;
    private CancellationTokenSource changed = new();

    public DiscoveryComponent(ComponentContext context, DiscoveryOptions options)
        : base(context)
    {
        this.options = options;
        Export("targets", ArrayValue.Empty);
    }

    protected override void Apply(DiscoveryOptions options)
    {
        this.options = options;
        changed.Cancel();
    }

    public override async Task RunAsync(CancellationToken cancel)
    {
        while (!cancel.IsCancellationRequested)
        {
            using var change = new CancellationTokenSource();
            changed = change;
            using var end = CancellationTokenSource.CreateLinkedTokenSource(cancel, change.Token);
            var loop = new DiscoveryLoop(options, new DiscoveryContext(Context.Http, Context.Time, Context.Instruments, Context.Logger), Report);
            await loop.RunAsync(
                targets =>
                {
                    Export("targets", Value.Of(targets));
                    return Task.CompletedTask;
                },
                end.Token).ConfigureAwait(false);
            // Nobody cancels a source that is gone.
            changed = new CancellationTokenSource();
        }
    }
}
